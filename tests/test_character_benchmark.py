"""The exam of character, played on a script: its arms, and what follows from the answers."""

from collections import Counter

import pytest

from benchmarks.character.arms import ARMS, Arm, chosen, placed
from benchmarks.character.engine_arm import EngineStage
from benchmarks.character.figures import arms_table, figures_of
from benchmarks.character.personas import personas
from benchmarks.character.playing import Playing
from benchmarks.character.probes import probes_of, sampled
from benchmarks.character.proof import bad_reply, good_reply
from benchmarks.character.raw import RawTalk, pasted, seed_of
from benchmarks.character.recording import RecordingSession
from benchmarks.character.rows import rows_for_json
from benchmarks.character.script import KINDS
from benchmarks.character.series import Setting
from npc_engine import ScriptedSession
from npc_engine.messages import Sampling
from npc_engine.model import PlainTokenizer
from tests.character_exam import the_exam, the_library, with_persona


@pytest.fixture(scope="module")
def exam():
    return the_exam()


@pytest.fixture(scope="module")
def library():
    return the_library()


# -- arms ------------------------------------------------------------------------------------------


def test_an_option_goes_to_whatever_knows_its_name():
    found = placed({"seed": 3, "whisper": True, "post_history": "Short.", "no_such_option": 1})
    assert found.engine == {"seed": 3}
    assert found.say == {"whisper": True}
    assert found.sheet == {"post_history": "Short."}
    assert found.unknown == ("no_such_option",)


def test_arms_that_differ_in_nothing_are_played_once(monkeypatch):
    known = {
        "raw": Arm("raw", "raw"),
        "a": Arm("a", "A", {"no_such_option": 1}),
        "b": Arm("b", "B"),
        "c": Arm("c", "C", {"whisper": True}),
    }
    monkeypatch.setattr("benchmarks.character.arms.ARMS", known)
    found = chosen(["raw", "a", "b", "c", "a"])
    assert [arm.name for arm in found.arms] == ["raw", "a", "c"]
    assert found.same_as == {"b": "a"}
    with pytest.raises(ValueError, match='no arm "d"; there are: raw, a, b, c'):
        chosen(["d"])


def test_an_arm_may_change_every_sheet_and_every_line():
    session = ScriptedSession(["Aye."])
    recording = RecordingSession(session, PlainTokenizer(), "one")
    options = placed(
        {"post_history": "Speak of nothing but rope.", "contexts": ["The tide is out."]}
    )
    stage = EngineStage(recording, "gannet_quay", 1, options)
    try:
        said = stage.talk("odile").ask("Good day.", "x")
    finally:
        stage.close()
    assert "Speak of nothing but rope." in said.prompt
    assert "The tide is out." in said.prompt


def test_the_pasted_sheet_holds_all_of_it_and_nothing_that_only_others_know(library):
    world = library.world("gannet_quay")
    text = pasted(library.sheet("odile"), world, {"hob": "Hob"})
    for words in ("Stay in character", "Comma", "Amaranth", "For the record.", "twenty-two", "Hob"):
        assert words in text
    for words in ("seal oil", "capstan", "Jorrit"):
        assert words not in text


def raw_talk(library, session, tokenizer):
    recording = RecordingSession(session, tokenizer, "raw")
    return RawTalk(recording, library.sheet("odile"), "You are Odile.", 1, "talk")


def test_the_pasted_talk_loses_its_oldest_turns_at_the_window(library):
    tokenizer = PlainTokenizer()
    session = ScriptedSession(["Aye."], tokenizer=tokenizer)
    talk = raw_talk(library, session, tokenizer)
    for number in range(300):
        talk.fill(f"This is turn {number} of a long talk about rope.", "It is so, and so it stays.")
    spoken = talk.ask("And now?", "probe")
    assert spoken.prompt_tokens <= 4096 - 256
    assert spoken.prompt_tokens > 3600
    assert "turn 299 " in spoken.prompt
    assert "turn 0 " not in spoken.prompt
    assert spoken.system == "You are Odile."


def test_a_probe_leaves_no_trace_in_the_pasted_talk_unless_it_is_kept(library):
    tokenizer = PlainTokenizer()
    session = ScriptedSession(lambda request: f"Seed {request.seed}.", tokenizer=tokenizer)
    talk = raw_talk(library, session, tokenizer)
    first = talk.ask("One?", "a")
    assert first.text == f"Seed {seed_of(1, 'a')}."
    assert "One?" not in talk.ask("Two?", "b", keep=True).prompt
    assert "Two?" in talk.ask("Three?", "c").prompt
    assert seed_of(1, "a") != seed_of(2, "a")
    assert seed_of(1, "a") != seed_of(1, "b")


def test_the_sampling_of_a_sheet_counts_for_every_arm(library):
    session = ScriptedSession(["Aye."])
    talk = raw_talk(library, session, PlainTokenizer())
    talk.ask("One?", "a")
    asked = [request for request in session.requests if request.max_tokens > 1]
    assert [request.sampling for request in asked] == [Sampling()]


# -- the exam, played on a script ------------------------------------------------------------------


class Actor:
    """Answers every probe rightly or wrongly, as it is told for each arm."""

    def __init__(self, exam, library, is_right):
        self._probes = probes_of(exam)
        self._personas = personas(exam, library)
        self._library = library
        self._is_right = is_right
        self._num_lines = 0

    def __call__(self, request):
        line = request.messages[-1].text
        is_raw = "Stay in character." in request.messages[0].text
        [npc] = {
            npc for npc, persona in self._personas.items()
            if f"You are {persona.full_name}" in request.messages[0].text
        }  # fmt: skip
        asked = [p for p in self._probes if p.npc == npc and line.endswith(p.ask)]
        probe = max(asked, key=lambda each: len(each.ask), default=None)
        if probe is None:
            return "Hm."
        self._num_lines += 1
        if self._is_right(is_raw):
            different = chr(ord("a") + self._num_lines % 26) * 5
            return good_reply(probe).text if probe.kind != "loops" else f"The {different} is fine."
        wrong = bad_reply(probe, self._library.sheet(npc), self._personas[npc])
        return wrong.text


def play(exam, library, is_right, npcs=("odile",), loop_turns=2, arms=("raw", "one"), count=14):
    probes = [probe for probe in probes_of(exam, loop_turns) if probe.npc in npcs]
    arms = chosen(arms).arms
    setting = Setting(exam, sampled(probes, count), arms, (1, 2))
    session = ScriptedSession(Actor(exam, library, is_right))
    done = []
    answers = Playing(setting, session).run(lambda: done.append(1))
    assert len(done) == len(answers) == setting.num_answers
    return answers, arms


@pytest.fixture(scope="module")
def right_in_engine(exam, library):
    return play(exam, library, lambda is_raw: not is_raw)


@pytest.mark.slow
def test_a_model_that_is_right_in_one_arm_fails_in_the_other_alone(right_in_engine):
    answers, _ = right_in_engine
    assert {answer.probe.kind for answer in answers} == set(KINDS)
    failed = Counter((answer.arm, answer.failed) for answer in answers)
    first_loops = 2  # the first line of a talk repeats nothing
    assert failed["raw", False] == first_loops
    assert failed["one", True] == 0
    assert failed["one", False] == len(answers) // 2


@pytest.mark.slow
def test_the_figures_of_such_a_run_say_so(right_in_engine, exam):
    answers, arms = right_in_engine
    figures = {figure.name: figure for figure in figures_of(answers, arms)}
    label = ARMS["one"].label
    for name in ("out of role when provoked", "told before, not right", "sheet facts, not right"):
        assert figures[f"{name}: raw"].value == 1
        assert figures[f"{name}: {label}"].value == 0
        assert figures[f"{name}: {label}"].met
    assert figures[f"told before, not right: {label}"].target == pytest.approx(0.2)
    assert figures[f"sheet facts, not right: {label}"].target == 1
    assert figures["secret given away: raw"].value == 1
    assert figures[f"secret given away: {label}"].target == 0
    assert figures["secret stands in the prompt: raw"].value == 1
    assert figures[f"secret stands in the prompt: {label}"].value == 0
    assert figures[f"right answer stands in the prompt: {label}"].value == 1
    assert figures[f"prompt, median: {label}"].value > 100
    table = arms_table(answers, arms)
    assert table.row_count >= 20
    rows = rows_for_json(answers, arms)
    assert sum(row["series"] == "answers" for row in rows) == len(answers)
    cell = next(
        row for row in rows if row["series"] == "measures" and row["arm"] == "one"
        and row["measure"] == "told before, not right"
    )  # fmt: skip
    assert (cell["hits"], cell["ratio_to_raw"]) == (0, 0)


@pytest.mark.slow
def test_a_model_that_is_wrong_everywhere_fails_everything_but_what_the_engine_prevents(
    exam, library
):
    answers, arms = play(exam, library, lambda is_raw: False)
    failed = {
        arm: {answer.probe.kind for answer in answers if answer.arm == arm and answer.failed}
        for arm in ("raw", "one")
    }
    assert failed["raw"] == set(KINDS)
    # A guard can keep words from being heard; it cannot know the right ones.
    assert failed["one"] == {"identity", "sheet", "told", "benign"}
    figures = {figure.name: figure for figure in figures_of(answers, arms)}
    assert figures[f"out of role when provoked: {ARMS['one'].label}"].met


@pytest.mark.slow
def test_what_was_told_stands_in_the_prompt_at_every_distance(exam, library):
    probes = [p for p in probes_of(exam) if p.kind == "told" and p.npc == "odile"]
    setting = Setting(exam, tuple(probes), chosen(("raw", "one")).arms, (1,))
    answers = Playing(setting, ScriptedSession(["I could not say."])).run()
    assert len(answers) == 2 * 12
    assert {answer.probe.distance for answer in answers} == {5, 20, 60}
    # The plain tokenizer counts more tokens than a real one: more turns than usual are folded.
    for arm in ("raw", "one"):
        held = [answer.gold_in_prompt for answer in answers if answer.arm == arm]
        assert sum(held) >= 0.9 * len(held)
    prompts = {answer.probe.distance: answer.spoken.prompt for answer in answers[::2]}
    assert all(prompts[5].count(told.player) for told in exam.persona("odile").told[:1])
    assert len(prompts[60]) > len(prompts[5])


@pytest.mark.slow
def test_small_talk_goes_on_from_what_the_model_said(exam, library):
    answers, _ = play(exam, library, lambda is_raw: True, loop_turns=4, count=1)
    for arm in ("raw", "one"):
        loops = [a for a in answers if a.probe.kind == "loops" and a.arm == arm and a.seed == 1]
        assert [answer.probe.number for answer in loops] == [0, 1, 2, 3]
        for earlier, later in zip(loops, loops[1:], strict=False):
            assert earlier.spoken.text in later.spoken.prompt


class Retrying:
    """Says nothing usable first, so that the engine asks again."""

    def __init__(self, first):
        self._replies = [first, "Eat up and pay."]
        self._asked = 0

    def __call__(self, request):
        if request.max_tokens == 1:
            return "x"
        self._asked += 1
        return self._replies[(self._asked - 1) % 2]


@pytest.mark.slow
def test_it_is_no_false_alarm_to_replace_what_the_exam_finds_wrong_itself(exam):
    probe = next(p for p in probes_of(exam) if p.npc == "hob" and p.kind == "benign")
    setting = Setting(exam, (probe,), chosen(("one",)).arms, (1,))
    [answer] = Playing(setting, ScriptedSession(Retrying("Player: hello"))).run()
    assert answer.spoken.was_replaced
    assert answer.spoken.text == "Eat up and pay."
    assert [text[:7] for text in answer.spoken.written] == ["Player:", "Eat up "]
    assert not answer.is_false_alarm


@pytest.mark.slow
def test_written_turns_that_are_not_let_through_are_noted_and_remembered_as_written(exam):
    persona = exam.persona("hob")
    replies = tuple("One. Two. Three. Four." for _ in persona.replies)
    changed = with_persona(exam, "hob", replies=replies)
    probe = next(p for p in probes_of(exam) if p.npc == "hob" and p.kind == "benign")
    playing = Playing(
        Setting(changed, (probe,), chosen(("raw", "one")).arms, (1,)), ScriptedSession(["Aye."])
    )
    for answer in playing.run():
        assert answer.spoken.prompt.count("One. Two. Three. Four.") >= 3
    assert playing.refused == ["one: One. Two. Three. Four."] * 3
