"""A game's own content policy: what it forbids no model reads, and nobody hears."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npc_engine import CommandError, Finding, KeywordPolicy
from npc_engine.content.policy import DEFAULT_POLICY
from npc_engine.dialogue.content_policy import PolicyGate
from npc_engine.dialogue.guard import OutputGuard
from npc_engine.dialogue.limits import Limits
from npc_engine.events import Notice, ReplyStarted, SentenceSpoken, TextDelta
from npc_engine.model.scripted import ScriptedSession
from tests.stage import ANN_YAML, WORLD_YAML, write_project
from tests.stage_engine import Heard, open_engine

REFUSE = ANN_YAML.replace("barks: {", "barks: {refuse: [None of that.], ")
WORDS = KeywordPolicy({"Sexual": ["kiss"], "Violence": ["stab"], "Profanity": ["damn"]})


class Hook:
    """Finds what it is told to, and remembers what it was asked."""

    def __init__(self, find=lambda text: None):
        self.find = find
        self.asked = []

    def check(self, text, stage, npc):
        self.asked.append((text, stage, npc, threading.current_thread()))
        return self.find(text)


@pytest.fixture
def stage(tmp_path):
    engines = []

    def make(*replies, session=None, sheet=REFUSE, world=WORLD_YAML, **options):
        write_project(tmp_path)
        (tmp_path / "characters" / "ann.yaml").write_text(sheet, encoding="utf-8")
        (tmp_path / "worlds" / "ford.yaml").write_text(world, encoding="utf-8")
        engine = open_engine(tmp_path, session or ScriptedSession(list(replies)), **options)
        engines.append(engine)
        return engine, engine.new_chat("ann"), Heard(engine)

    yield make
    for engine in engines:
        engine.close()


def prompts(engine):
    return "\n".join(message.text for each in engine.session.requests for message in each.messages)


# -- the player's line ------------------------------------------------------------------------


def test_a_forbidden_line_is_answered_with_a_refusal_and_never_read_by_the_model(stage):
    engine, ann, heard = stage("Fine.", "Good.", policy=WORDS)
    line = ann.ask("Give me a kiss.")
    assert (line.text, line.reason, line.rung) == ("None of that.", "blocked", "bark")
    assert line.detail == "the player's words: Sexual"
    assert engine.session.requests == []
    assert not heard.of(ReplyStarted)
    ann.ask("Is the flour fresh?")
    assert "kiss" not in prompts(engine)
    assert "Is the flour fresh?" in prompts(engine)
    assert [each.text for each in ann.history()][:2] == ["Give me a kiss.", "None of that."]


def test_a_forbidden_line_stays_unread_after_regenerate_and_reopening(stage, tmp_path):
    engine, ann, _ = stage("Fine.", policy=WORDS, save=True)
    ann.ask("Kiss me.")
    assert ann.wait(ann.regenerate()).reason == "blocked"
    assert engine.session.requests == []
    engine.close()
    with open_engine(tmp_path, ScriptedSession(["Well."]), save=True) as again:
        again.resume_chat("ann").ask("Hello.")
        assert "Kiss" not in prompts(again)
        assert "Hello." in prompts(again)


def test_a_bystander_does_not_remember_a_forbidden_line_either(stage):
    engine, _, _ = stage("Fine.", "Fine.", policy=WORDS)
    ann, bo = engine.npc("ann"), engine.npc("bo")
    ann.ask("Kiss me.", hearers=("bo",))
    bo.ask("What did I say?")
    assert "Kiss" not in prompts(engine)
    assert all("Kiss" not in each.text for each in bo.memory().lines)


def test_without_barks_a_forbidden_line_meets_silence(stage):
    bare = ANN_YAML.replace("barks: {thinking: [Hm., Let me count.], fail: [Not now., Later., ", "")
    bare = bare.replace("Ask again.]}\n", "")
    _, ann, _ = stage("Fine.", sheet=bare, policy=WORDS)
    line = ann.ask("Kiss me.")
    assert (line.text, line.reason, line.rung) == ("", "blocked", "silence")


# -- how strictly ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("category", "fictional", "blocked"),
    [
        ("Sexual", False, True),
        ("Sexual", True, True),
        ("Violence", False, True),
        ("Violence", True, False),
        ("Profanity", False, False),
    ],
)
def test_world_and_sheet_decide_what_becomes_of_a_finding(stage, category, fictional, blocked):
    hook = Hook(lambda text: Finding(category, fictional) if "bad" in text else None)
    _, ann, _ = stage("Fine.", policy=hook)
    assert (ann.ask("A bad word.").reason == "blocked") is blocked


def test_a_sheets_own_policy_stands_over_the_worlds(stage):
    strict = REFUSE + "policy: {Profanity: never}\n"
    _, ann, _ = stage("Fine.", sheet=strict, policy=WORDS)
    assert ann.ask("Damn.").reason == "blocked"


def test_a_world_may_loosen_a_category(stage):
    _, ann, _ = stage("Fine.", world=WORLD_YAML + "policy: {Violence: allow}\n", policy=WORDS)
    assert ann.ask("Stab him.").reason == "done"


# -- the reply -------------------------------------------------------------------------------


def test_a_forbidden_sentence_ends_the_reply_before_it(stage):
    engine, ann, heard = stage("The mill is closed today. Stab the miller. Bye.", policy=WORDS)
    line = ann.ask("Hello.")
    assert (line.text, line.reason, line.rung) == ("The mill is closed today.", "blocked", "short")
    assert not any("Stab" in event.text for event in heard.of(TextDelta | SentenceSpoken))
    assert len(engine.session.requests) == 1
    assert "Violence" in line.detail


def test_a_forbidden_reply_is_tried_once_more_then_refused(stage):
    engine, ann, heard = stage("Stab him.", "The mill is open.", "Stab.", "Stab him.", policy=WORDS)
    assert ann.ask("Hello.").text == "The mill is open."
    line = ann.ask("Hello?")
    assert (line.text, line.reason, line.rung) == ("None of that.", "blocked", "bark")
    assert len(engine.session.requests) == 4
    assert not any("Stab" in event.text for event in heard.of(TextDelta))


def test_every_sentence_is_asked_once_on_a_thread_of_the_engine(stage):
    hook = Hook()
    _, ann, _ = stage("One is here. Two is there. And three", policy=hook)
    ann.ask("Hello.")
    assert [asked[:3] for asked in hook.asked] == [
        ("Hello.", "line", "ann"),
        ("One is here.", "reply", "ann"),
        ("Two is there.", "reply", "ann"),
        ("And three", "reply", "ann"),
    ]
    assert all(asked[3] is not threading.current_thread() for asked in hook.asked)


def test_of_several_candidates_a_forbidden_one_is_not_heard(stage):
    replies = ["Stab him now.", "The mill is open."]
    session = ScriptedSession(lambda request: replies[request.request_id.count(".") - 1])
    engine, ann, heard = stage(session=session, policy=WORDS)
    line = ann.ask("Hello.", candidates=2)
    assert line.text == "The mill is open."
    assert not any("Stab" in event.text for event in heard.of(TextDelta))


# -- hooks that do not work ------------------------------------------------------------------


def raise_error(text):
    raise ValueError("no such file")


def leave(text):
    raise SystemExit


class Unprintable:
    def __repr__(self):
        raise ValueError


RUBBISH = {
    "true": True,
    "unknown": "Rudeness",
    "number": 42,
    "unknown finding": Finding("Rudeness"),
    "no truth value": Finding("Violence", "yes"),
    "unprintable": Unprintable(),
}


@pytest.mark.parametrize("find", [raise_error, leave, *RUBBISH])
def test_a_policy_that_fails_blocks_and_says_so_once(stage, find):
    find = find if callable(find) else lambda text, name=find: RUBBISH[name]
    engine, ann, heard = stage("Fine.", policy=Hook(find))
    lines = [ann.ask("Hello."), ann.ask("Hello?")]
    assert {line.reason for line in lines} == {"blocked"}
    assert engine.session.requests == []
    assert len(heard.of(Notice)) == 1
    assert "the content policy failed" in heard.of(Notice)[0].text


def test_a_policy_that_fails_on_the_reply_blocks_the_reply(stage):
    hook = Hook(lambda text: None if text == "Hello." else 42)
    engine, ann, heard = stage("Fine words.", "Fine words again.", policy=hook)
    line = ann.ask("Hello.")
    assert (line.text, line.reason) == ("None of that.", "blocked")
    assert len(heard.of(Notice)) == 1


def test_an_object_that_is_no_policy_blocks(stage):
    _, ann, heard = stage("Fine.", policy=object())
    assert ann.ask("Hello.").reason == "blocked"
    assert len(heard.of(Notice)) == 1


def test_a_policy_may_be_changed_and_taken_away(stage):
    engine, ann, heard = stage("Fine.", "Good.", policy=Hook(raise_error))
    assert ann.ask("Kiss me.").reason == "blocked"
    engine.set_policy(Hook(raise_error))
    assert ann.ask("Kiss me.").reason == "blocked"
    assert len(heard.of(Notice)) == 2
    engine.set_policy(WORDS)
    assert ann.ask("Kiss me.").reason == "blocked"
    engine.set_policy(None)
    assert ann.ask("Kiss me.").reason == "done"


def test_where_all_categories_are_allowed_findings_pass():
    gate = PolicyGate(WORDS)
    assert gate.why_blocked("Kiss.", "line", "ann", DEFAULT_POLICY) == "Sexual"
    assert gate.why_blocked("Kiss.", "line", "ann", dict.fromkeys(DEFAULT_POLICY, "allow")) == ""


def test_a_policy_that_takes_its_time_holds_up_its_own_line_alone(stage):
    asked, may_go = threading.Event(), threading.Event()

    def wait(text):
        if text == "Hello, Ann.":
            asked.set()
            assert may_go.wait(30)

    engine, _, _ = stage("Fine.", "Good.", policy=Hook(wait))
    slow = engine.npc("ann").say("Hello, Ann.")
    assert asked.wait(30)
    assert engine.npc("bo").ask("Hello, Bo.").reason == "done"
    engine.tick()
    assert not slow.done
    may_go.set()
    engine.npc("ann").wait(slow)
    assert slow.reason == "done"


def test_a_policy_may_speak_to_somebody_else(stage):
    lines = []

    def speak(text):
        if text == "Hello, Ann.":
            lines.append(engine.npc("bo").say("Ann is spoken to."))

    engine, _, _ = stage("Fine.", "Good.", policy=Hook(speak))
    assert engine.npc("ann").ask("Hello, Ann.").reason == "done"
    assert engine.npc("bo").wait(lines[0]).reason == "done"


def test_a_line_that_was_cancelled_meanwhile_is_neither_read_nor_refused(stage):
    lines = []

    said = threading.Event()

    def cancel(text):
        assert said.wait(30)
        lines[0].cancel()
        return "Sexual"

    engine, ann, _ = stage("Fine.", policy=Hook(cancel))
    lines.append(ann.say("Kiss me."))
    said.set()
    ann.wait(lines[0])
    assert (lines[0].text, lines[0].reason, lines[0].rung) == ("", "cancelled", "silence")
    assert engine.session.requests == []


PIECES = st.lists(
    st.sampled_from(
        ["One", " two", " stab", ". ", "! ", ".", "\n", "*nods* ", "Ann: ", " Mr. R", '"']
    ),
    max_size=25,
)


@given(PIECES, st.booleans())
def test_nothing_is_heard_that_was_not_asked_about_however_the_text_comes(pieces, unfinished):
    def heard(parts):
        asked = []

        def screen(sentence):
            asked.append(sentence)
            return "Violence" if "stab" in sentence else ""

        guard = OutputGuard(Limits(("Ann",), screen=screen))
        shown = ""
        for part in parts:
            shown += guard.feed(part)
            assert shown.split() == " ".join(asked).split()[: len(shown.split())]
            assert "stab" not in shown
        return guard.finish(unfinished=unfinished), asked, guard.ended_by

    final, asked, ended_by = heard(pieces)
    assert "stab" not in final
    assert (
        final.replace('"', "").split()
        == [word for each in asked if "stab" not in each for word in each.replace('"', "").split()][
            : len(final.replace('"', "").split())
        ]
    )
    assert (final, ended_by) == (heard(["".join(pieces)])[0], heard(["".join(pieces)])[2])


# -- words -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("KISS me!", "Sexual"),
        ("Kissing booth.", None),
        ("Where is the pipe bomb?", "Guns /Illegal Weapons"),
        ("A pipe. A bomb shelter.", None),
        ("A pipe-bomb.", "Guns /Illegal Weapons"),
        ("Kiss the pipe bomb.", "Sexual"),
        ("", None),
    ],
)
def test_listed_words_are_found_whole_in_any_case(text, category):
    policy = KeywordPolicy({"Sexual": ["kiss"], "Guns /Illegal Weapons": ["pipe bomb"]})
    found = policy.check(text, "line", "ann")
    assert found == (None if category is None else Finding(category))


def test_a_word_policy_refuses_unknown_categories_and_empty_phrases():
    with pytest.raises(CommandError, match="Violence"):
        KeywordPolicy({"Violance": ["stab"]})
    with pytest.raises(CommandError, match="holds no word"):
        KeywordPolicy({"Violence": ["!"]})
