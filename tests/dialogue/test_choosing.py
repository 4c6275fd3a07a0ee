"""Multiple choice picks what the chat makes likelier, whatever the model likes to say anyway."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npc_engine.dialogue.choosing import NO, YES, Question, choose, is_so
from npc_engine.errors import ScoringError
from npc_engine.messages import Message
from npc_engine.model import PlainTokenizer, ScriptedSession
from npc_engine.protocols import ScoreRequest

CHAT = (Message("system", "You are Mira."), Message("user", "Open the gate!"))
FACTS = ("The bridge fell.", "The ferry takes one cart.", "Thirty silver", "Iron and ash", "Snow")
TOKENIZER = PlainTokenizer()

means = st.floats(-12, 0).map(lambda value: round(value, 3))


def scripted(after_chat: dict[str, float], alone: dict[str, float]) -> ScriptedSession:
    """Scores by the text of an option: a mean for each token, after the chat and without it."""

    def scorer(request: ScoreRequest) -> list[float]:
        table = after_chat if "Mira" in TOKENIZER.decode(request.prompt_ids) else alone
        return [table[TOKENIZER.decode(ids)] * len(ids) for ids in request.continuations]

    return ScriptedSession(["Aye."], scorer=scorer)


def ask(session, options=FACTS[:2], **fields):
    question = Question("Which of these is it?", tuple(options), CHAT, **fields)
    return choose(session, question, request_id="q")


@given(st.permutations(FACTS), st.data())
def test_it_picks_the_largest_gain_over_the_question_alone_in_any_order(options, data):
    tables = [{option: data.draw(means) for option in FACTS} for _ in range(2)]
    chosen = ask(scripted(*tables), options)
    gains = {option: tables[0][option] - tables[1][option] for option in FACTS}
    assert gains[chosen.option] == pytest.approx(max(gains.values()))
    assert options[chosen.index] == chosen.option
    assert chosen.gains == pytest.approx([gains[option] for option in options])
    first, second = sorted(gains.values())[:-3:-1]
    assert chosen.lead == pytest.approx(first - second)


@given(st.permutations(FACTS), st.lists(st.integers(-9, -1), min_size=5, max_size=5, unique=True))
def test_a_permutation_of_the_options_permutes_the_choice(options, gains):
    session = scripted(dict(zip(FACTS, map(float, gains), strict=True)), dict.fromkeys(FACTS, 0.0))
    before, after = ask(session, FACTS), ask(session, options)
    assert after.option == before.option
    assert options.index(before.option) == after.index


def test_yes_and_no_are_two_options():
    question = Question("Is something to be done?", (YES, NO), CHAT)
    likes_yes = {YES: -0.5, NO: -3.0}
    for after_chat, wanted in (({YES: -0.1, NO: -4.0}, True), ({YES: -1.0, NO: -2.0}, False)):
        assert is_so(scripted(after_chat, likes_yes), question, request_id="q") is wanted
    assert is_so(ScriptedSession(["Aye."]), question, request_id="q") is None
    with pytest.raises(ValueError, match="3 options"):
        is_so(ScriptedSession(["Aye."]), Question("?", FACTS[:3]), request_id="q")


def test_a_session_that_cannot_score_is_not_asked():
    session = ScriptedSession(["Aye."])
    assert ask(session) is None
    assert session.scored == []


def test_a_cancelled_score_gives_no_choice():
    session = scripted({}, {})
    session.close()
    assert ask(session) is None


def test_a_score_that_fails_is_told():
    with pytest.raises(ScoringError, match="The bridge fell"):
        ask(scripted({}, {}))


def test_the_prompt_is_the_chat_the_question_and_an_opened_reply():
    session = scripted(dict.fromkeys(FACTS, -1.0), dict.fromkeys(FACTS, -1.0))
    ask(session, contexts=("It snows.",))
    asked = Message("user", "Which of these is it?")
    prompts = [TOKENIZER.render([*CHAT, asked], contexts=("It snows.",)), TOKENIZER.render([asked])]
    assert [one.prompt_ids for one in session.scored] == [one.token_ids for one in prompts]
    assert [one.request_id for one in session.scored] == ["q-chat", "q-alone"]
    assert all(
        [TOKENIZER.decode(ids) for ids in one.continuations] == list(FACTS[:2])
        for one in session.scored
    )


@pytest.mark.parametrize("options", [(), ("Yes",), ("Yes", " Yes "), ("Yes", " ")])
def test_options_that_are_no_choice_are_refused(options):
    with pytest.raises(ValueError, match="expected two or more different texts"):
        ask(scripted({}, {}), options)
