"""Several replies at once: the best is heard, and nothing else changes for the player."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npc_engine.errors import CommandError
from npc_engine.events import LineEnded, TextDelta, TextReset
from npc_engine.model.scripted import Reply, ScriptedSession
from npc_engine.protocols import GenerationEnd
from tests.stage import write_project
from tests.stage_engine import Heard, open_engine

APOLOGY = "I'm sorry, but I can't assist with that."
GOOD = "The river is too high today."
BARKS = ("Not now.", "Later.", "Ask again.")
LIMIT_S = 20


def candidate_of(request):
    """0 for the first candidate, and so on."""
    return int(([*request.request_id.split("."), "0"])[2])


def by_candidate(*replies):
    """A script that answers by the number of the candidate; the last one for all others."""
    return lambda request: replies[min(candidate_of(request), len(replies) - 1)]


@pytest.fixture
def stage(tmp_path):
    engines = []

    def make(script, sheet="", session=None, **options):
        write_project(tmp_path)
        path = tmp_path / "characters" / "ann.yaml"
        path.write_text(path.read_text(encoding="utf-8") + sheet, encoding="utf-8")
        options.setdefault("choose_within_s", LIMIT_S)
        session = session or ScriptedSession(script)
        engine = open_engine(tmp_path, session, prewarm=False, **options)
        engines.append(engine)
        return engine, engine.new_chat("ann"), Heard(engine)

    yield make
    for engine in engines:
        engine.close()


def last(npc):
    return npc.talk.path()[-1].payload


def test_one_candidate_is_the_default_and_nothing_is_considered(stage):
    engine, ann, _ = stage(by_candidate(GOOD))
    ann.ask("Can I cross?")
    assert len(engine.session.requests) == 1
    assert last(ann).considered == ()


def test_a_reply_in_character_is_taken_over_one_that_breaks(stage):
    engine, ann, heard = stage(by_candidate(APOLOGY, APOLOGY, GOOD), candidates=3)
    line = ann.ask("Can I cross?")
    assert (line.text, line.reason, line.rung) == (GOOD, "done", "full")
    assert "candidate 3 of 3" in line.detail
    assert not heard.of(TextReset)
    assert len(engine.session.requests) == 3


def test_all_candidates_are_in_the_record_with_their_scores(stage):
    _, ann, _ = stage(by_candidate(APOLOGY, GOOD), candidates=2)
    ann.ask("Can I cross?")
    kept = last(ann)
    assert [one.text for one in kept.considered] == ["", GOOD]
    assert kept.considered[1].seed == kept.seed
    assert kept.considered[1].score > kept.considered[0].score
    assert "verdict -1" in kept.considered[0].why


def test_the_candidates_share_a_prompt_and_differ_in_seed(stage):
    engine, ann, _ = stage(by_candidate(GOOD), candidates=4)
    ann.ask("Can I cross?")
    requests = engine.session.requests
    assert len({request.prompt_ids for request in requests}) == 1
    assert len({request.seed for request in requests}) == 4
    assert [bool(request.conversation) for request in requests] == [True, False, False, False]


def test_one_candidate_has_the_seed_it_would_have_alone(stage):
    engine, ann, _ = stage(by_candidate(GOOD), candidates=2)
    ann.ask("Can I cross?", candidates=1)
    ann.undo()
    ann.ask("Can I cross?")
    assert engine.session.requests[0].seed == engine.session.requests[1].seed


def test_what_is_not_chosen_is_cancelled(stage):
    session = ScriptedSession(by_candidate(GOOD, Reply("Can I cross? ", fault="endless")))
    engine, ann, _ = stage(None, session=session, candidates=2)
    line = ann.ask("Can I cross?")
    assert line.text == GOOD
    engine.close()
    assert session.stats()["reply_tokens"] < 300


def test_if_all_break_there_is_a_second_try_with_as_many(stage):
    def script(request):
        return GOOD if request.request_id.split(".")[1] == "1" else APOLOGY

    engine, ann, _ = stage(script, candidates=2)
    line = ann.ask("Can I cross?")
    assert line.text == GOOD
    assert len(engine.session.requests) == 4
    assert len(last(ann).considered) == 4
    assert "attempt 1 broke off at assistant talk" in line.detail


def test_if_all_break_twice_the_character_still_answers(stage):
    _, ann, _ = stage(by_candidate(APOLOGY), candidates=4)
    line = ann.ask("Can I cross?")
    assert (line.rung, line.reason) == ("bark", "bad_output")
    assert line.text in BARKS


def test_who_waits_long_enough_hears_the_best_there_is(stage):
    slow = Reply("Slow and long words that take their time to come.", delay_s=0.2)
    _, ann, _ = stage(by_candidate(GOOD, slow), candidates=2, choose_within_s=0.0)
    line = ann.ask("Can I cross?")
    assert line.text == GOOD


def test_a_first_candidate_that_hangs_does_not_hold_up_the_others(stage):
    hanging = Reply("The", fault="hang")
    _, ann, _ = stage(by_candidate(hanging, GOOD), candidates=2, choose_within_s=0.05)
    assert ann.ask("Can I cross?").text == GOOD


def test_a_model_that_fails_at_once_is_asked_no_more(stage):
    failing = Reply("", fault="raise", fault_after_tokens=0)
    engine, ann, _ = stage(by_candidate(failing), candidates=3)
    line = ann.ask("Can I cross?")
    assert (line.reason, line.rung) == ("failed", "bark")
    assert line.text in BARKS
    assert len(engine.session.requests) == 1


def test_one_that_fails_is_not_taken(stage):
    failing = Reply("The river", fault="raise")
    _, ann, _ = stage(by_candidate(GOOD, failing), candidates=2)
    assert ann.ask("Can I cross?").text == GOOD


class Breaking(ScriptedSession):
    """Streams that stop in the middle, against the contract."""

    def stream(self, request):
        for event in super().stream(request):
            if isinstance(event, GenerationEnd):
                return
            yield event


@pytest.mark.parametrize("candidates", [1, 3])
def test_a_session_that_gives_no_end_is_a_fault_and_nobody_waits(stage, candidates):
    _, ann, _ = stage(None, session=Breaking([GOOD]), candidates=candidates)
    line = ann.ask("Can I cross?")
    assert (line.reason, line.rung) == ("failed", "bark")
    assert "ended without an end" in line.detail


class Raising(ScriptedSession):
    """Streams that raise after a token, against the contract."""

    def stream(self, request):
        yield next(super().stream(request))
        raise RuntimeError("the wire was cut")


def test_a_session_that_raises_ends_the_line(stage):
    _, ann, _ = stage(None, session=Raising([GOOD]), candidates=3)
    line = ann.ask("Can I cross?")
    assert line.reason == "failed"
    assert "the wire was cut" in line.detail


def test_what_is_begun_is_heard_when_the_time_is_over(stage):
    slow = Reply(
        "A very long and slow sentence that does not come to its end for long", delay_s=0.05
    )
    _, ann, heard = stage(by_candidate(slow), candidates=2, choose_within_s=0.2)
    line = ann.ask("Can I cross?")
    assert line.text
    # Not held back until the sentence was whole: it came in more than one piece.
    assert len(heard.of(TextDelta)) > 2


def test_a_line_cancelled_before_the_choice_keeps_nothing_and_ends_all(stage):
    hanging = Reply("The", fault="hang")
    session = ScriptedSession(by_candidate(hanging))
    engine, ann, heard = stage(None, session=session, candidates=3)
    line = ann.say("Can I cross?")
    begun = threading.Event()
    while not begun.wait(0.005):
        engine.tick(None)
        if len(session.requests) == 3:
            begun.set()
    line.cancel()
    ann.wait(line)
    assert line.reason == "cancelled"
    assert len(heard.of(LineEnded)) == 1


def test_a_deadline_ends_all_candidates(stage):
    hanging = Reply("The", fault="hang", fault_after_tokens=0)
    _, ann, _ = stage(by_candidate(hanging), candidates=3)
    line = ann.ask("Can I cross?", deadline_s=0.2)
    assert (line.text, line.rung) == ("Hm.", "bark")
    assert line.reason in ("late_first", "late_total")


@pytest.mark.parametrize("where", ["line", "sheet", "engine", "priority"])
def test_the_nearest_number_counts(stage, where):
    options = {"candidates": {"ambient": 2} if where == "priority" else 2}
    sheet = "candidates: 3\n" if where in ("sheet", "line") else ""
    engine, ann, _ = stage(by_candidate(GOOD), sheet, **options)
    said = {"candidates": 4} if where == "line" else {}
    ann.ask("Can I cross?", **said)
    expected = {"line": 4, "sheet": 3, "engine": 2, "priority": 1}[where]
    assert len(engine.session.requests) == expected
    if where == "priority":
        ann.undo()
        ann.ask("And now?", priority="ambient")
        assert len(engine.session.requests) == 3


@pytest.mark.parametrize("number", [0, 5, True, 2.0, "2"])
def test_other_numbers_are_refused(stage, number):
    _, ann, _ = stage(by_candidate(GOOD))
    with pytest.raises(CommandError, match="expected 1 to 4"):
        ann.say("Hello.", candidates=number)
    assert len(ann.talk.path()) == 0


def test_wrong_options_of_the_engine_are_refused(tmp_path):
    write_project(tmp_path)
    for options in ({"candidates": 7}, {"candidates": {"player": 0}}, {"choose_within_s": -1}):
        with pytest.raises(CommandError):
            open_engine(tmp_path, ScriptedSession([GOOD]), **options)


PIECES = st.sampled_from(
    [GOOD, APOLOGY, "As an AI, I know no rivers.", "Hm.", "Aye.", "", "Ask Henrik at the inn.",
     "Cross at dawn.", "Bo: I say no.", "<|im_end|>", "It is deep"]
)  # fmt: skip
TEXTS = st.lists(PIECES, min_size=1, max_size=4).map(" ".join)


@pytest.mark.slow
def test_whatever_is_written_what_was_shown_is_what_is_kept(tmp_path):
    texts = {}
    session = ScriptedSession(lambda request: texts["all"][candidate_of(request)])
    write_project(tmp_path)
    with (tmp_path / "characters" / "ann.yaml").open("a", encoding="utf-8") as file:
        file.write("guard: {invented: check}\n")
    engine = open_engine(tmp_path, session, prewarm=False, candidates=3, choose_within_s=LIMIT_S)
    heard = Heard(engine)

    @settings(max_examples=80, deadline=None)
    @given(st.lists(TEXTS, min_size=3, max_size=3))
    def check(three):
        texts["all"] = three
        ann = engine.new_chat("ann")
        heard.events.clear()
        line = ann.ask("Can I cross?")
        shown = ""
        for event in heard.events:
            if isinstance(event, TextReset):
                shown = ""
            elif isinstance(event, TextDelta):
                shown += event.text
        assert shown.strip() == line.text
        assert APOLOGY not in line.text
        assert "Henrik" not in line.text
        assert line.text or line.rung == "silence"
        again = engine.new_chat("ann")
        assert again.ask("Can I cross?").text == line.text

    with engine:
        check()
