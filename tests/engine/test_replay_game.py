"""What a game does with actions, scenes, a policy and bounds comes out again without the game."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from npc_engine.dialogue.content_policy import Finding
from npc_engine.engine import LATER, Deadlines
from npc_engine.engine.replay_report import replay_text
from npc_engine.errors import CommandError
from npc_engine.messages import Usage
from npc_engine.model.scripted import Reply, ScriptedSession
from tests.engine.crowd import HeldSession, finish, wait_until
from tests.engine.recorded_games import CALLS, GAME, GameScript, open_game
from tests.engine.recorded_runs import replay, rows
from tests.stage_engine import LONG_WORDS

FLOUR = f"Two sacks, then. {CALLS['flour']}"
BOOK = f"Let me see. {CALLS['book']}"


def assert_equal(folder):
    report = replay(folder)
    assert report.is_equal, replay_text(report)
    return report


def acts(folder):
    return [(row["what"], row["action"], row.get("outcome", "")) for row in rows(folder, "act")]


# -- actions --------------------------------------------------------------------------------------


def test_actions_come_out_again_without_handlers(tmp_path):
    with open_game(tmp_path, ScriptedSession([FLOUR, BOOK, "Page four.", "As you say."])) as engine:
        engine.on_action("sell_flour", lambda call: engine.world.set("gate", "open"))
        engine.on_action("look_up", lambda call: {"page": 4})
        ann = engine.npc("ann")
        ann.ask("I want to buy flour.")
        line = ann.ask("Look in the book.")
        assert line.text == "Let me see.\nPage four."
        ann.ask("Thanks.")
    assert acts(tmp_path) == [
        ("ActionProposed", "sell_flour", ""),
        ("ActionEnded", "sell_flour", "done"),
        ("ActionProposed", "look_up", ""),
        ("ActionEnded", "look_up", "done"),
    ]
    assert [row["action"] for row in rows(tmp_path, "handler")] == ["sell_flour", "look_up"]
    assert_equal(tmp_path)


def test_a_handler_that_fails_or_refuses_does_so_again(tmp_path):
    def broken(call):
        raise RuntimeError("the book is gone")

    with open_game(tmp_path, ScriptedSession([BOOK, "It is gone.", FLOUR, "Pity."])) as engine:
        engine.on_action("look_up", broken)
        engine.on_action("sell_flour", lambda call: None, veto=lambda call: False)
        engine.npc("ann").ask("Look in the book.")
        engine.npc("ann").ask("I want to buy flour.")
    assert [outcome for *_, outcome in acts(tmp_path) if outcome] == ["failed", "refused"]
    assert_equal(tmp_path)


def test_what_is_settled_after_the_turn_is_stored_at_the_same_place(tmp_path):
    calls = []
    with open_game(tmp_path, ScriptedSession([FLOUR, "As you say."])) as engine:
        engine.on_action("sell_flour", lambda call: calls.append(call) or LATER)
        engine.npc("ann").ask("I want to buy flour.")
        engine.npc("bo").ask("Good day.")
        calls[0].done()
        wait_until(lambda: len(rows(tmp_path, "act")) == 2)
        engine.npc("ann").ask("Thanks.")
    assert_equal(tmp_path)


def test_an_action_that_nobody_took_lapses_again(tmp_path):
    with open_game(tmp_path, ScriptedSession([FLOUR, "As you say."])) as engine:
        engine.on_action("sell_flour", lambda call: None)
        line = engine.npc("ann").say("I want to buy flour.")
        wait_until(lambda: rows(tmp_path, "ended"))
        finish(engine, [line])
    assert acts(tmp_path)[-1] == ("ActionEnded", "sell_flour", "lapsed")
    assert_equal(tmp_path)


@pytest.mark.parametrize("is_allowed", [True, False])
def test_what_is_taken_back_is_taken_back_again(tmp_path, is_allowed):
    with open_game(tmp_path, ScriptedSession([f"So. {CALLS['bell']}", "As you say."])) as engine:
        engine.on_action("ring_bell", lambda call: None, retract=lambda call: is_allowed)
        ann = engine.npc("ann")
        ann.ask("Ring the bell.")
        try:
            ann.undo()
        except CommandError:
            assert not is_allowed
        ann.ask("Thanks.")
    assert_equal(tmp_path)


def test_a_game_that_changes_the_world_while_it_takes_something_back_is_followed(tmp_path):
    with open_game(tmp_path, ScriptedSession([f"So. {CALLS['bell']}", "As you say."])) as engine:

        def take_back(call):
            engine.world.set("gate", "open")
            engine.world.settle()
            return True

        engine.on_action("ring_bell", lambda call: None, retract=take_back)
        engine.npc("ann").ask("Ring the bell.")
        engine.npc("ann").undo()
        engine.npc("ann").ask("Thanks.")
    assert_equal(tmp_path)


@pytest.mark.parametrize(
    ("before", "after"),
    [('"sacks":2', '"sacks":3'), ('"outcome":"done"', '"outcome":"failed"')],
)
def test_an_action_that_comes_out_otherwise_is_named(tmp_path, before, after):
    with open_game(tmp_path, ScriptedSession([FLOUR])) as engine:
        engine.on_action("sell_flour", lambda call: None)
        engine.npc("ann").ask("I want to buy flour.")
    path = tmp_path / "run.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines = [line.replace(before, after) if '"k":"act"' in line else line for line in lines]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (first, *_) = replay(tmp_path).differences
    assert (first.kind, first.line_id, first.npc) == ("action", 1, "ann")
    assert "sell_flour" in first.what


# -- scenes ---------------------------------------------------------------------------------------


def test_a_scene_comes_out_again(tmp_path):
    with open_game(tmp_path) as engine:
        engine.name_player("guest", "Ser Holt")
        scene = engine.scene("mill", members=("ann", "bo", "player"))
        scene.wait(scene.say("Good day, all of you."))
        scene.wait(scene.say("Keep it quiet.", whisper_to="bo"))
        scene.narrate("A shelf falls down.")
        scene.wait(scene.say("Ann, what was that?", speaker="guest"))
        scene.leave("bo")
        engine.world.arrive("cid", "mill")
        scene.wait(scene.talk_among("the shelf", max_lines=4))
        scene.wait(scene.say("I talk to myself."))
    assert {"speak", "say", "change", "name_player"} <= {
        row["do"] for row in rows(tmp_path, "input")
    }
    assert_equal(tmp_path)


def test_a_scene_that_is_broken_off_comes_out_again(tmp_path):
    session = HeldSession(["Two carts came over the hill."])
    with open_game(tmp_path, session) as engine:
        scene = engine.scene("mill", members=("ann", "bo", "player"))
        first = scene.say("Good day, all of you.")
        session.wait_for(1)
        second = scene.say("Stop it, Bo.")
        session.let_go.set()
        scene.wait(first)
        scene.wait(second)
    assert_equal(tmp_path)


# -- the policy of a game -------------------------------------------------------------------------


class Moody:
    """Forbids every second text."""

    def __init__(self):
        self.asked = 0

    def check(self, text, stage, npc):
        self.asked += 1
        return Finding("Violence") if self.asked % 3 == 0 else None


def test_verdicts_of_a_policy_are_met_again(tmp_path):
    session = ScriptedSession(["Fresher than you. And cheaper. And better."])
    with open_game(tmp_path, session, policy=Moody()) as engine:
        reasons = [engine.npc("ann").ask(f"Number {n}?").reason for n in range(4)]
        engine.set_policy(None)
        reasons.append(engine.npc("ann").ask("And now?").reason)
    assert "blocked" in reasons
    assert_equal(tmp_path)


# -- bounds and barge-in --------------------------------------------------------------------------


@pytest.mark.parametrize("heard", [0, 9])
def test_what_was_heard_of_a_cancelled_reply_is_cut_again(tmp_path, heard):
    slow = Reply(LONG_WORDS, delay_s=0.002)
    with open_game(tmp_path, ScriptedSession([slow, "Next."])) as engine:
        line = engine.npc("bo").say("Talk.")
        wait_until(lambda: len(line.text) > 20, lambda: engine.tick(2))
        line.cancel(heard=heard)
        finish(engine, [line])
        engine.npc("bo").ask("And?")
    assert_equal(tmp_path)


def test_a_done_reply_is_cut_again(tmp_path):
    session = ScriptedSession([BOOK, "Page four.", "Next."])
    with open_game(tmp_path, session) as engine:
        engine.on_action("look_up", lambda call: 4)
        engine.npc("ann").ask("Look in the book.").cancel(heard=14)
        engine.npc("ann").ask("And?")
        assert [one.text for one in engine.npc("ann").memory().lines if one.is_own] == [
            "Let me see.",
            "Pa",
            "Next.",
        ]
    assert [row["do"] for row in rows(tmp_path, "input")].count("cut_reply") == 1
    assert_equal(tmp_path)


def test_refused_lines_are_refused_again(tmp_path):
    session = HeldSession(["One two three."])
    with open_game(tmp_path, session, max_lines=3) as engine:
        engine.set_focus({"ann": 1.0, "bo": 1.0, "cid": 1.0, "dot": 90.0})
        lines = [engine.npc("dot").say("A?"), engine.npc("ann").say("A?", priority="ambient")]
        session.wait_for(1)
        ann = engine.npc("ann")
        lines.append(ann.say("B?", while_speaking="refuse"))
        lines.append(ann.say("C?", while_speaking="queue", priority="ambient"))
        lines.append(ann.say("D?", while_speaking="queue", priority="background"))
        lines.append(ann.say("E?", while_speaking="queue", priority="background"))
        lines.append(engine.npc("bo").say("F?", priority="ambient"))
        lines.append(engine.npc("cid").say("G?", priority="ambient"))
        session.let_go.set()
        finish(engine, lines)
        reasons = {line.reason for line in lines}
    assert {"too_far", "busy", "superseded", "queue_full", "done"} <= reasons
    report = assert_equal(tmp_path)
    assert report.turns == len(lines)


def test_deadlines_by_class_strike_where_they_struck(tmp_path):
    session = ScriptedSession([Reply("Fresher than you, and cheaper too.", delay_s=0.05)])
    deadlines = {"player": Deadlines(0.02, None), "ambient": Deadlines(None, 0.2)}
    with open_game(tmp_path, session, deadlines=deadlines) as engine:
        first = engine.npc("ann").ask("Is it fresh?")
        second = engine.npc("bo").ask("And yours?", priority="ambient")
        assert (first.reason, second.reason) == ("late_first", "late_total")
    assert_equal(tmp_path)


def test_a_reply_that_was_to_be_short_is_to_be_short_again(tmp_path):
    with open_game(tmp_path) as engine:
        engine.npc("ann").ask("Talk.", deadline_s=9.0)
        usage = Usage(reply_tokens=101, first_token_ms=500.0, decode_ms=90_000.0)
        for _ in range(9):
            engine._loop.pace.note(usage)
        engine.npc("ann").ask("Talk.", deadline_s=9.0)
    sizes = [row["max_tokens"] for row in rows(tmp_path, "reply")]
    assert sizes[-1] < sizes[0]
    assert_equal(tmp_path)


# -- files that are read again while the game runs ------------------------------------------------

HABIT = "counts everything twice"


def change_sheet(folder, before, after):
    path = folder / "characters" / "ann.yaml"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


@pytest.fixture
def reloaded(tmp_path):
    """A run in which a sheet changed twice and another character came."""
    with open_game(tmp_path, ScriptedSession(["So it is."])) as engine:
        engine.npc("ann").ask("What news?")
        change_sheet(tmp_path, HABIT, "counts nothing")
        engine.reload()
        engine.npc("ann").ask("And now?")
        change_sheet(tmp_path, "counts nothing", "counts sheep")
        (tmp_path / "characters" / "eve.yaml").write_text(
            "name: Eve Reed\nworld: ford\nsummary: Stands about in Ford.\n", encoding="utf-8"
        )
        engine.reload()
        engine.npc("ann").ask("And now?")
        engine.npc("eve").ask("And you?")
    return tmp_path


def test_files_that_were_read_again_are_as_they_were_at_each_time(reloaded):
    assert assert_equal(reloaded).changed_files == ()
    assert "counts sheep" in (reloaded / "characters" / "ann.yaml").read_text(encoding="utf-8")


def test_a_file_that_was_put_back_since_counts_as_known(reloaded):
    change_sheet(reloaded, "counts sheep", HABIT)
    assert_equal(reloaded)


def test_a_file_that_was_changed_since_is_named(reloaded):
    change_sheet(reloaded, "counts sheep", "counts carts")
    report = replay(reloaded)
    assert report.changed_files == ("characters/ann.yaml",)
    assert (report.differences[0].line_id, report.differences[0].kind) == (1, "prompt")


# -- everything -----------------------------------------------------------------------------------


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10**9), steps=st.integers(5, 60))
def test_whatever_a_game_does_with_all_of_it_comes_out_again(seed, steps):
    with tempfile.TemporaryDirectory() as folder:
        with open_game(Path(folder), **GAME) as engine:
            GameScript(engine, seed).play(steps)
        assert_equal(Path(folder))


@pytest.mark.slow
@settings(max_examples=7, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10**9), kept=st.floats(0.1, 0.99))
def test_a_killed_game_with_all_of_it_is_replayed_as_far_as_it_went(seed, kept):
    with tempfile.TemporaryDirectory() as folder:
        with open_game(Path(folder), **GAME) as engine:
            GameScript(engine, seed).play(40)
        path = Path(folder) / "run.jsonl"
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * kept)])
        assert_equal(Path(folder))
