"""The benchmark of the game loop: its figures, and that a short run keeps everybody talking."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.game_loop.costs import Cost, Meter
from benchmarks.game_loop.crowds import Asked, ask_all, asked_figures, talking, talking_figures
from benchmarks.game_loop.figures import (
    blamed_frames,
    call_figures,
    frame_figures,
    late_frames,
    percentile,
    reasons_in_words,
    silence_figure,
    tick_figures,
)
from benchmarks.game_loop.game import Game, Silences
from benchmarks.game_loop.stage import write_stage
from npc_engine.engine import Engine
from npc_engine.events import LineEnded, TextDelta
from npc_engine.messages import Usage
from npc_engine.model.scripted import ScriptedSession

IN_TIME = Cost(8.0, 8.0)
LATE = Cost(20.0, 20.0)
KEPT_WAITING = Cost(30.0, 6.0, 20.0)
"""Late by the clock, but only because other programs had the core."""


def by_name(figures):
    return {figure.name: figure for figure in figures}


def ended(line_id):
    return LineEnded(line_id, "ann", "Aye.", "done", "full", None, Usage(), "")


def test_time_off_the_core_is_not_the_callers_doing():
    assert KEPT_WAITING.own_ms == 10.0
    assert KEPT_WAITING.locked_ms == 4.0
    assert late_frames([LATE, KEPT_WAITING, IN_TIME]) == 1


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0, 100))
def test_a_percentile_is_one_of_the_values(values, percent):
    assert percentile(values, percent) in values
    assert percentile(values, 100) == max(values)


def test_nothing_has_no_percentile():
    assert percentile([], 99) == 0.0


def test_frames_that_are_late_without_the_engine_too_are_not_its_doing():
    half_late = [LATE, IN_TIME] * 500
    assert blamed_frames(half_late, half_late) == 0
    assert blamed_frames(half_late, [IN_TIME] * 1000) == 499


def test_one_late_frame_in_a_thousand_is_allowed():
    assert blamed_frames([LATE, *[IN_TIME] * 999], [IN_TIME]) == 0
    assert blamed_frames([LATE, LATE, *[IN_TIME] * 998], [IN_TIME]) == 1


def test_frames_are_told_by_the_clock_too():
    figures = by_name(frame_figures([LATE, KEPT_WAITING, IN_TIME], [IN_TIME]))
    assert figures["frames over 16.7 ms, whoever's doing"].value == 2
    assert figures["the same without the engine"].value == 0


def test_a_tick_is_judged_by_the_clock_and_by_the_core():
    figures = by_name(tick_figures([Cost(2.9, 2.9), Cost(9.0, 0.1, 8.5), Cost(4.0, 3.5)]))
    assert figures["ticks over budget + 1 ms, by the clock"].value == 2
    assert figures["ticks over budget + 1 ms, by the clock, less time off the core"].value == 1
    assert figures["ticks over budget + 1 ms, on the core"].met is False
    assert figures["longest tick"].value == 9.0


def test_calls_that_were_not_made_have_no_figure():
    figures = by_name(call_figures({"say": [Cost(5.2, 0.2, 5.0)], "world.set": []}))
    assert all(name.startswith("say") for name in figures)
    assert not figures["say, p99"].met
    assert figures["say, p99, less time off the core"].met


def test_text_after_a_barge_in_is_counted_in_ticks():
    silences = Silences()
    silences.broke_in(1)
    silences.tick_begins()
    silences.hear(TextDelta(1, "and so"))
    silences.hear(TextDelta(2, "of another line"))
    silences.tick_begins()
    silences.hear(ended(1))
    assert silences.found == [1]
    assert silence_figure(silences.found).met


def test_a_reply_that_goes_on_breaks_the_target():
    silences = Silences()
    silences.broke_in(1)
    for _ in range(3):
        silences.tick_begins()
        silences.hear(TextDelta(1, "and "))
    silences.hear(ended(1))
    assert silences.found == [3]
    assert not silence_figure(silences.found).met


def test_reasons_are_told_with_the_most_frequent_first():
    assert reasons_in_words(Counter(done=2, cancelled=5)) == "cancelled 5, done 2"
    assert reasons_in_words(Counter()) == "none"


def test_a_meter_notes_a_call_that_raises():
    meter = Meter()
    with pytest.raises(ZeroDivisionError):
        meter.call("say", lambda: 1 // 0)
    meter.close()
    assert len(meter.costs["say"]) == 1


def test_the_stage_has_as_many_as_were_asked_for(tmp_path):
    world, characters = write_stage(tmp_path, 9)
    with Engine.open(world, characters, None, ScriptedSession(["Aye."])) as engine:
        assert len(engine.npc_ids) == 9
        assert {"mira", "villager8"} <= set(engine.npc_ids)


@pytest.mark.slow
def test_a_game_talks_with_everybody_changes_the_world_and_saves(tmp_path):
    world, characters = write_stage(tmp_path, 8)
    meter = Meter()
    with Engine.open(world, characters, None, ScriptedSession(["The bridge fell."])) as engine:
        game = Game(engine, meter, random.Random(1))
        for _ in range(700):
            game.frame()
        game.restore()
        while game.num_open:
            game.tick()
    meter.close()
    assert len(meter.costs["world.set"]) == 700
    assert len(meter.costs["say"]) == sum(game.reasons.values())
    assert {"snapshot", "restore", "world.event"} <= set(meter.costs)


@pytest.mark.slow
def test_everybody_of_a_crowd_that_is_asked_at_once_answers(tmp_path):
    asked = ask_all(tmp_path / "asked", 20)
    assert asked.ends == asked.num_lines == 20
    assert by_name(asked_figures(asked))["lines ended, 20 asked at once"].met


@pytest.mark.slow
def test_a_crowd_speaks_for_so_many_frames(tmp_path):
    ticks = talking(tmp_path / "talking", 30, 5)
    assert len(ticks) == 30
    assert talking_figures(ticks, 5)[0].runs == 30


def test_a_line_that_did_not_end_breaks_the_target():
    asked = Asked(3, Counter(done=2), 2, 1.0, (IN_TIME,))
    assert by_name(asked_figures(asked))["lines ended, 3 asked at once"].met is False
