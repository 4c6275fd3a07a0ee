"""What was recorded comes out again without a model; what changed is found where it counts."""

import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from npc_engine.engine.recording import Recorder
from npc_engine.engine.replay_report import replay_json, replay_text
from npc_engine.errors import CommandError, RecordingError
from npc_engine.model.scripted import Reply, ScriptedSession
from tests.engine.crowd import HeldSession, MeetingSession, finish, wait_until
from tests.engine.recorded_runs import WHO, Script, open_stage, replay, rows, words_for
from tests.stage import ROOT


def assert_equal(report):
    assert report.is_equal, replay_text(report)


def change_sheet(folder, who, before, after):
    path = folder / "characters" / f"{who}.yaml"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


# -- runs that come out again ---------------------------------------------------------------------


def test_several_npcs_that_speak_at_once_come_out_in_the_same_order(tmp_path):
    with open_stage(tmp_path, MeetingSession(words_for, len(WHO))) as engine:
        for _ in range(3):
            finish(engine, [engine.npc(who).say("Say it all at once.") for who in WHO])
    report = replay(tmp_path)
    assert_equal(report)
    assert (report.turns, report.replayed, report.is_whole) == (12, 12, True)
    assert len(rows(tmp_path, "entry")) == 24


def test_barks_that_the_game_asked_for_come_out_again(tmp_path):
    with open_stage(tmp_path, seed=5) as engine:
        cid = engine.npc("cid")
        lines = [cid.bark("fail", record=number == 1) for number in range(4)]
        finish(engine, [*lines, cid.say("What was that?")])
    report = replay(tmp_path)
    assert_equal(report)
    assert (report.turns, report.replayed, report.is_whole) == (5, 5, True)
    change_sheet(tmp_path, "cid", "Later.", "Tomorrow.")
    assert not replay(tmp_path).is_equal


def test_what_was_cut_off_by_a_cancel_or_a_newer_line_is_cut_off_again(tmp_path):
    session = HeldSession(["Fresher than you, and cheaper."])
    with open_stage(tmp_path, session) as engine:
        first = engine.npc("ann").say("Is it fresh?")
        session.wait_for(1)
        second = engine.npc("ann").say("I asked you something.")
        session.wait_for(1)
        other = engine.npc("bo").say("And you?")
        session.wait_for(1)
        second.cancel()
        finish(engine, [first, second])
        session.let_go.set()
        finish(engine, [other])
        assert [line.reason for line in (first, second, other)] == [
            "cancelled",
            "cancelled",
            "done",
        ]
    assert len(rows(tmp_path, "told")) == 2
    assert_equal(replay(tmp_path))


def test_changes_of_the_world_fall_between_the_same_entries(tmp_path):
    session = HeldSession(words_for)
    with open_stage(tmp_path, session) as engine:
        line = engine.npc("ann").say("Is the gate shut?")
        session.wait_for(1)
        engine.world.set("gate", "open")
        engine.world.event("A bell rang.", place="mill")
        engine.world.arrive("bo", "mill")
        engine.world.fact("player", "debt", 4, known_by=["ann"])
        wait_until(lambda: len(rows(tmp_path, "entry")) >= 5)
        session.let_go.set()
        finish(engine, [line])
        engine.npc("ann").ask("And now?")
    assert_equal(replay(tmp_path))


def test_setting_what_holds_already_leaves_no_row(tmp_path):
    with open_stage(tmp_path) as engine:
        engine.world.set("gate", "open")
        for _ in range(50):
            engine.world.set("gate", "open")
        assert len([row for row in rows(tmp_path, "input") if row["do"] == "change"]) <= 1
    assert len([row for row in rows(tmp_path, "input") if row["do"] == "change"]) == 1


def test_a_restore_in_the_middle_of_a_reply_is_made_again(tmp_path):
    session = HeldSession(words_for)
    with open_stage(tmp_path, session) as engine:
        session.let_go.set()
        engine.npc("ann").ask("Good day.")
        engine.snapshot("then")
        session.let_go.clear()
        while session.begun.acquire(blocking=False):
            pass
        line = engine.npc("ann").say("Are you there?")
        session.wait_for(1)
        engine.restore("then")
        session.let_go.set()
        finish(engine, [line])
        engine.npc("bo").ask("And you?")
        engine.npc("ann").undo()
        engine.npc("ann").ask("Good evening.")
    report = replay(tmp_path)
    assert_equal(report)
    assert report.turns == 4


def test_candidates_are_chosen_again_as_they_came(tmp_path):
    def words(request):
        return Reply(f"{request.seed % 97} carts came. It rained.", delay_s=0.0003)

    with open_stage(
        tmp_path, ScriptedSession(words), candidates=3, choose_within_s=0.001
    ) as engine:
        for _ in range(4):
            finish(engine, [engine.npc(who).say("How many?") for who in WHO])
    assert_equal(replay(tmp_path))


def test_folds_come_out_again(tmp_path):
    with open_stage(tmp_path) as engine:
        for number in range(14):
            engine.npc("cid").ask(f"Tell me of cart {number}. " * 6)
        path = engine._store.path(engine.timeline)
        assert any(entry.payload.type == "fold" for entry in path)
    assert_equal(replay(tmp_path))


def test_a_deadline_strikes_where_it_struck(tmp_path):
    with open_stage(
        tmp_path, ScriptedSession([Reply("Fresher than you.", delay_s=0.05)])
    ) as engine:
        line = engine.npc("ann").ask("Is it fresh?", deadline_s=0.02)
        assert (line.reason, line.rung) == ("late_first", "bark")
    assert_equal(replay(tmp_path))


def test_a_model_that_comes_late_is_missed_by_the_same_lines(tmp_path):
    go_on = threading.Event()
    with open_stage(tmp_path) as warm:
        warm.npc("ann").ask("Hello.")
    (tmp_path / "run.jsonl").unlink()
    from npc_engine.engine import engine as module

    def slow(*_args, **_options):
        assert go_on.wait(30)
        return ScriptedSession(words_for)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "open_session", slow)
        with open_stage(tmp_path, "scripted") as engine:
            greeting = engine.npc("ann").wait(engine.npc("ann").greet())
            late = engine.npc("bo").say("Hello?")
            late.cancel()
            finish(engine, [late])
            go_on.set()
            engine.npc("ann").ask("Still there?")
    assert (greeting.reason, late.reason) == ("done", "cancelled")
    assert_equal(replay(tmp_path))


def test_a_run_that_goes_on_with_a_save_begins_from_its_copy(tmp_path):
    with open_stage(tmp_path, save=True) as engine:
        engine.npc("ann").ask("Good day.")
        engine.world.set("gate", "open")
    (tmp_path / "run.jsonl").unlink()
    with open_stage(tmp_path, save=True) as engine:
        engine.npc("ann").ask("Good evening.")
        engine.new_chat("bo").ask("Alone at last.")
    assert (tmp_path / "run.start.db").is_file()
    (tmp_path / "slot.db").unlink()
    assert_equal(replay(tmp_path))
    (tmp_path / "run.start.db").unlink()
    with pytest.raises(RecordingError, match=r"found no run\.start\.db beside it"):
        replay(tmp_path)


def test_inputs_of_several_threads_come_in_their_order(tmp_path):
    with open_stage(tmp_path) as engine:
        lines = []

        def speak(who):
            for number in range(5):
                lines.append(engine.npc(who).say(f"Number {number}, please."))
                engine.world.set("crowns", number + 2)

        threads = [threading.Thread(target=speak, args=(who,)) for who in WHO]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        finish(engine, lines)
    assert_equal(replay(tmp_path))


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10**9), steps=st.integers(5, 60))
def test_whatever_a_game_does_comes_out_again(seed, steps):
    with tempfile.TemporaryDirectory() as folder:
        with open_stage(Path(folder)) as engine:
            Script(engine, seed).play(steps)
        assert_equal(replay(Path(folder)))


# -- what differs ---------------------------------------------------------------------------------


def test_a_changed_word_of_a_sheet_is_found_at_the_first_turn_it_touches(tmp_path):
    with open_stage(tmp_path) as engine:
        for who in ("bo", "cid", "ann", "bo", "ann"):
            engine.npc(who).ask("What news?")
    change_sheet(tmp_path, "ann", "counts everything twice", "counts everything once")
    report = replay(tmp_path)
    assert report.exit_code == 1
    assert report.replayed == 5
    assert report.changed_files == ("characters/ann.yaml",)
    first = report.differences[0]
    assert (first.kind, first.line_id, first.npc, first.sections) == (
        "prompt",
        3,
        "ann",
        ("sheet",),
    )
    assert [one.line_id for one in report.differences] == [3, 5]
    assert "characters/ann.yaml" in first.what
    assert "line 3, ann, prompt" in replay_text(report)
    assert json.loads(replay_json(report))["differences"][0]["npc"] == "ann"


def test_a_greeting_that_reads_otherwise_is_found_as_a_reply(tmp_path):
    with open_stage(tmp_path) as engine:
        engine.npc("ann").wait(engine.npc("ann").greet())
        engine.npc("bo").ask("What news?")
    change_sheet(tmp_path, "ann", "Mind the step.", "Mind the stairs.")
    first = replay(tmp_path).differences[0]
    assert (first.line_id, first.npc) == (1, "ann")
    assert first.kind in ("entry", "reply")


def test_a_character_that_is_gone_is_named(tmp_path):
    with open_stage(tmp_path) as engine:
        engine.npc("cid").ask("What news?")
    (tmp_path / "characters" / "cid.yaml").unlink()
    report = replay(tmp_path)
    assert not report.is_equal
    assert report.changed_files == ("characters/cid.yaml",)
    assert any('no character "cid"' in one.what for one in report.differences)


def changed_rows(folder, kind, change):
    """The recording with the first row of a kind changed."""
    found = rows(folder)
    change(next(row for row in found if row["k"] == kind))
    text = "".join(f"{json.dumps(row)}\n" for row in found)
    (folder / "run.jsonl").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("kind", "change", "found"),
    [
        ("ended", {"text": "Something else."}, "reply"),
        ("ended", {"rung": "short"}, "reply"),
        ("entry", {"digest": "0"}, "entry"),
        ("plan", {"digest": "0"}, "prompt"),
        ("reply", {"prompt": "0"}, "prompt"),
        ("reply", {"seed": 1}, "reply"),
        ("end", {"chats": []}, "save"),
    ],
)
def test_every_kind_of_difference_is_seen(tmp_path, kind, change, found):
    with open_stage(tmp_path) as engine:
        engine.npc("ann").ask("What news?")
    changed_rows(tmp_path, kind, lambda row: row.update(change))
    report = replay(tmp_path)
    assert [one.kind for one in report.differences] == [found], replay_text(report)


def test_another_order_of_two_inputs_is_seen(tmp_path):
    with open_stage(tmp_path) as engine:
        engine.npc("ann").ask("What news?")
        engine.npc("ann").ask("And the mill?")
    found = rows(tmp_path)
    first, second = [row for row in found if row["k"] == "input" and row["do"] == "say"]
    first["with"], second["with"] = second["with"], first["with"]
    text = "".join(f"{json.dumps(row)}\n" for row in found)
    (tmp_path / "run.jsonl").write_text(text, encoding="utf-8")
    assert replay(tmp_path).differences[0].line_id == 1


def test_a_model_that_writes_again_is_compared_token_by_token(tmp_path):
    def first_words(_request):
        return "Fresher than you."

    with open_stage(tmp_path, ScriptedSession(first_words)) as engine:
        engine.npc("ann").ask("Is it fresh?")
        engine.npc("ann").ask("Is it dear?")
    same = replay(tmp_path, again=lambda: ScriptedSession(first_words))
    assert_equal(same)
    assert same.again == "scripted"

    def other_words(request):
        asked = request.messages[-1].text
        return "Fresher than him." if "dear" in asked.rpartition("\n")[2] else "Fresher than you."

    other = replay(tmp_path, again=lambda: ScriptedSession(other_words))
    assert [(one.kind, one.line_id) for one in other.differences] == [("tokens", 2)]
    assert 'recorded "Fresher than you.", now "Fresher than him."' in other.differences[0].what


# -- files that are not as they should be ---------------------------------------------------------


def test_a_recording_is_never_written_over(tmp_path):
    with open_stage(tmp_path) as engine:
        engine.npc("ann").ask("Hello.")
    before = (tmp_path / "run.jsonl").read_bytes()
    with pytest.raises(RecordingError, match="found a file already"):
        open_stage(tmp_path)
    assert (tmp_path / "run.jsonl").read_bytes() == before


def test_a_place_that_cannot_be_written_is_named_before_anything_begins(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(RecordingError, match="cannot be written"):
        Recorder(tmp_path / "file" / "run.jsonl")


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9, 0.99])
def test_a_torn_recording_is_replayed_as_far_as_it_goes(tmp_path, kept):
    with open_stage(tmp_path) as engine:
        for _ in range(4):
            finish(engine, [engine.npc(who).say("What news of carts?") for who in WHO])
    path = tmp_path / "run.jsonl"
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    report = replay(tmp_path)
    assert_equal(report)
    assert not report.is_whole
    assert "no end" in replay_text(report)
    assert report.turns < 16


def test_a_killed_game_leaves_a_recording_that_can_be_replayed(tmp_path):
    code = (
        "import sys, time; from pathlib import Path\n"
        "from tests.engine.recorded_runs import open_stage\n"
        "engine = open_stage(Path(sys.argv[1]))\n"
        "engine.npc('ann').ask('What news?'); engine.npc('bo').ask('What news?')\n"
        "time.sleep(0.3); print('said', flush=True); time.sleep(60)\n"
    )
    game = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT
    )
    try:
        assert game.stdout.readline().strip() == b"said"
    finally:
        game.kill()
        game.wait()
        game.stdout.close()
    report = replay(tmp_path)
    assert_equal(report)
    assert (report.turns, report.is_whole) == (2, False)


@pytest.mark.parametrize(
    ("line", "text", "message"),
    [
        (1, '{"k":"recording","format":99,"version":"9.9"}', r"run\.jsonl:1: found format 99"),
        (1, '{"k":"something"}', r"run\.jsonl:1: found another kind of file"),
        (3, "{", r"run\.jsonl:3: found a line that cannot be read"),
        (3, '{"k":"entry"}', r"run\.jsonl:3: found a row \"entry\" that lacks something"),
        (3, '{"k":"input","n":1}', r"run\.jsonl:3: found a row \"input\" that lacks"),
        (
            3,
            '{"k":"input","n":1,"thread":0,"to":["engine"],"do":"close","with":[[],{}]}',
            r'run\.jsonl:3: found an input "close" for "engine"',
        ),
    ],
)
def test_a_damaged_or_newer_recording_is_refused_with_its_line(tmp_path, line, text, message):
    with open_stage(tmp_path) as engine:
        engine.npc("ann").ask("Hello.")
    path = tmp_path / "run.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[line - 1] = text
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(RecordingError, match=message):
        replay(tmp_path)


def test_an_empty_or_missing_recording_is_refused(tmp_path):
    with pytest.raises(RecordingError, match="cannot be read"):
        replay(tmp_path)
    (tmp_path / "run.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(RecordingError, match="an empty file"):
        replay(tmp_path)


def test_a_project_that_moved_is_found_by_its_options(tmp_path):
    with open_stage(tmp_path) as engine:
        engine.npc("ann").ask("Hello.")
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for name in ("characters", "worlds"):
        (tmp_path / name).rename(moved / name)
    with pytest.raises(CommandError, match="--world"):
        replay(tmp_path)
    world, characters = moved / "worlds" / "ford.yaml", moved / "characters"
    assert_equal(replay(tmp_path, world=world, characters=characters))


def test_without_a_recording_nothing_is_kept(tmp_path):
    with open_stage(tmp_path) as engine:
        pass
    (tmp_path / "run.jsonl").unlink()
    from tests.stage_engine import open_engine

    with open_engine(tmp_path) as engine:
        engine.npc("ann").ask("Hello.")
    assert not list(tmp_path.glob("run*"))


@pytest.mark.parametrize("words", [1, 60])
def test_a_reply_is_one_row_however_long_it_is(tmp_path, words):
    told = f"I saw {', '.join(f'cart {n * 37}' for n in range(words))} and a mule."
    with open_stage(tmp_path, ScriptedSession([told])) as engine:
        engine.npc("bo").ask("Hello.")
    (reply,) = rows(tmp_path, "reply")
    assert len(reply["ids"]) > words
    assert len(rows(tmp_path)) < 40


# -- the command ----------------------------------------------------------------------------------


def run_command(*arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "npc_engine", "replay", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


def test_the_command_says_what_was_equal_and_what_was_not(tmp_path):
    with open_stage(tmp_path) as engine:
        engine.npc("ann").ask("What news?")
    done = run_command(tmp_path / "run.jsonl", "--json", tmp_path / "out.json")
    assert (done.returncode, "everything was equal" in done.stdout) == (0, True), done.stderr
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["is_equal"] is True
    change_sheet(tmp_path, "ann", "counts everything twice", "counts everything once")
    done = run_command(tmp_path / "run.jsonl")
    assert (done.returncode, "line 1, ann, prompt" in done.stdout) == (1, True)
    done = run_command(tmp_path / "nothing.jsonl")
    assert (done.returncode, "cannot be read" in done.stderr) == (2, True)
