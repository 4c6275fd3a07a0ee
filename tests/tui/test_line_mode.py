import io
import json

import pytest

from npc_engine.content.library import Library
from npc_engine.dialogue.commands import COMMANDS
from npc_engine.model.scripted import Reply, ScriptedSession
from npc_engine.tui.line_mode import LineModeOptions, choose_by_line, run_lines
from tests.stage_engine import open_engine


@pytest.fixture
def talk(tmp_path):
    """Runs a talk of Ann's from input lines; returns exit code, stdout and stderr."""

    def run(lines, replies, *, save=False, **options):
        out, notes = io.StringIO(), io.StringIO()
        with open_engine(tmp_path, ScriptedSession(replies), save=save) as engine:
            npc = engine.resume_chat("ann")
            code = run_lines(engine, npc, iter(lines), out, notes, LineModeOptions(**options))
        return code, out.getvalue(), notes.getvalue()

    return run


def test_replies_go_to_stdout_and_everything_else_to_stderr(talk):
    code, out, notes = talk(["Hello\n", "\n", "Any work?\n"], ["Good day. You.", "None."])
    assert code == 0
    assert out == "Mind the step.\n\nGood day. You.\n\nNone.\n\n"
    assert notes.startswith("model: scripted")


def test_a_person_sees_names_and_whole_replies(talk):
    _, out, _ = talk(["Hello\n"], ["Good day."], is_terminal=True)
    assert out == "Ann: Mind the step.\n\nAnn: Good day.\n\n"


def test_a_talk_goes_on_where_it_was_left(talk):
    talk(["Hello\n"], ["Good day."], save=True)
    _, out, notes = talk(["Again\n"], ["Yes."], save=True)
    assert out == "Yes.\n\n"
    assert "resuming the chat with Ann, 3 lines so far" in notes
    assert "Ann, last: Good day." in notes


def test_regenerate_swipe_and_undo_work_by_line(talk):
    lines = ["Hello\n", "/regen\n", "/swipe 1\n", "/undo\n", "/lines\n"]
    code, out, _ = talk(lines, ["One.", "Two."])
    assert out.split("\n\n") == [
        "Mind the step.",
        "One.",
        "Two.",
        "reply 1 of 2",
        "One.",
        "taken back: Hello",
        "    1  Ann: Mind the step.",
        "",
    ]


def test_prompt_memory_and_world_are_shown(talk):
    lines = [
        "/prompt Is the gate shut\n",
        "/memory\n",
        "/world\n",
        "/world gate=open\n",
        "/world\n",
    ]
    _, out, _ = talk(lines, ["x"])
    assert "total" in out
    assert "fact gate" in out
    assert "1 turns word for word, 0 folds" in out
    assert "gate = shut" in out
    assert "gate is now open" in out
    assert "gate = open" in out


def test_a_wrong_command_is_explained_and_the_talk_goes_on(talk):
    code, out, notes = talk(["/swip\n", "/swipe 9\n", "/world gate=ajar\n", "Hello\n"], ["Yes."])
    assert code == 0
    assert "there is no command /swip; did you mean /swipe?" in notes
    assert "error:" in notes
    assert "open, shut" in notes
    assert out.endswith("Yes.\n\n")


def test_quit_ends_before_the_rest_is_read(talk):
    _, out, _ = talk(["/quit\n", "Hello\n"], ["Yes."])
    assert out == "Mind the step.\n\n"


def test_help_lists_every_command(talk):
    _, out, _ = talk(["/help\n"], ["x"])
    names = [command.name for command in COMMANDS]
    assert len(names) >= 12
    assert all(f"/{name}" in out for name in names)


def test_two_slashes_say_a_line_that_begins_with_one(talk):
    _, out, _ = talk(["//shrugs\n", "/lines\n"], ["So."])
    assert "the stranger: /shrugs" in out


def test_a_new_chat_begins_with_another_greeting(talk):
    _, out, _ = talk(["/new\n", "/lines\n"], ["x"])
    assert "You again." in out


def test_json_mode_writes_one_event_a_line(talk):
    _, out, _ = talk(["Hello\n"], ["Good day."], as_json=True)
    events = [json.loads(line) for line in out.splitlines()]
    ended = [event for event in events if event["event"] == "LineEnded"]
    assert [event["text"] for event in ended] == ["Mind the step.", "Good day."]
    assert ended[1]["usage"]["prompt_tokens"] > 0


def test_a_bark_is_spoken_and_its_reason_noted(talk):
    _, out, notes = talk(["Hello\n"], [Reply("", fault="raise")])
    assert "Not now." in out
    assert "[bark · failed: " in notes


def test_a_reader_that_goes_away_ends_the_talk_quietly(tmp_path):
    class Closed(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    with open_engine(tmp_path, ScriptedSession(["x"])) as engine:
        npc = engine.new_chat("bo")
        code = run_lines(engine, npc, iter(["Hi\n"]), Closed(), io.StringIO(), LineModeOptions())
        assert code == 0


def test_without_a_name_the_characters_are_listed_and_the_first_line_may_choose(tmp_path):
    open_engine(tmp_path).close()
    library = Library.open(tmp_path / "characters", tmp_path / "worlds")
    notes = io.StringIO()
    assert choose_by_line(library, iter(["Bo\n", "Hi\n"]), notes)[0] == "bo"
    assert "Ann Reed. The miller of Ford." in notes.getvalue()
    name, rest = choose_by_line(library, iter(["Good day\n", "Hi\n"]), io.StringIO())
    assert (name, list(rest)) == ("ann", ["Good day\n", "Hi\n"])
    assert choose_by_line(library, iter([]), io.StringIO())[0] == "ann"
