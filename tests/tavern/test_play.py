import json
import shutil
import time

import pytest

from examples.tavern.__main__ import CONTENT, open_tavern, play
from examples.tavern.game import Game
from examples.tavern.saving import Slot, kept
from examples.tavern.scripted_hands import ScriptedHands, read_script
from examples.tavern.scripted_model import scripted_model
from examples.tavern.tavern import Inputs
from npc_engine import Engine, ScriptedSession
from npc_engine.engine.replay import replay_file
from npc_engine.engine.replay_report import replay_text
from npc_engine.model.scripted import Reply

DT = 1 / 60

EVENING = """\
goto osla
talk
reply
type Will you open the cellar door?
enter
reply
leave
goto dunstan
talk
reply
type May I have your whistle?
enter
reply
leave
goto fire
smalltalk
wait 1
press f5
"""
LATER = """\
goto dunstan
pay
talk
type What do you make of the weather?
enter
reply
leave
press f9
wait 0.2
"""


class Clock:
    """Game time that only frames move; a short pause lets the engine's threads work."""

    def __init__(self):
        self.time = 1_000.0

    def now(self):
        return self.time

    def monotonic(self):
        return self.time

    def pace(self):
        self.time += DT
        time.sleep(0.0005)
        return DT


class Screen:
    """Counts frames instead of drawing them."""

    def __init__(self):
        self.num_frames = 0

    def draw(self, game):
        self.num_frames += 1


@pytest.fixture
def headless(monkeypatch):
    pytest.importorskip("pygame")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")


@pytest.fixture
def evening(tmp_path):
    opened = []

    def begin(session=None, save=None, record=None, content=CONTENT):
        clock = Clock()
        engine = Engine.open(
            content / "worlds" / "drowned_bell.yaml",
            content / "characters",
            save,
            session if session is not None else scripted_model(0),
            clock=clock,
            record=record,
        )
        opened.append(engine)
        slot = Slot(save.with_suffix(".json") if save else None)
        return Game(engine, slot), engine, clock

    yield begin
    for each in opened:
        each.close()


def hands(tmp_path, text):
    path = tmp_path / "script.txt"
    path.write_text(text)
    return ScriptedHands(read_script(path), DT)


def play_out(game, played, clock, seconds=60.0, screen=None):
    """Play until the script is over or the time is up; every line has ended then."""
    screen = screen or Screen()
    for _ in range(round(seconds / DT)):
        game.step(played.inputs(game), clock.pace())
        screen.draw(game)
        if played.is_over:
            break
    return screen


def settle(game, clock):
    """Let whoever speaks finish, so that two memories can be compared."""
    for _ in range(3_000):
        if not game.company.speaking:
            return
        game.step(Inputs(), clock.pace())
    raise AssertionError("somebody speaks for ever")


def minds(engine):
    """What everybody remembers, and the world."""
    return [json.loads(engine.export_memory(npc)) for npc in engine.npc_ids], engine.world.state


def test_an_evening_with_an_open_door_a_gift_small_talk_and_a_load(evening, tmp_path):
    game, engine, clock = evening(save=tmp_path / "evening.db")
    play_out(game, hands(tmp_path, EVENING), clock)
    assert game.tavern.cellar_open
    assert engine.world.state.values["cellar"] == "open"
    assert game.tavern.items == ("whistle",)
    aside = [line for line in engine.npc("linnet").memory().lines if line.speaker == line.to]
    assert aside == []
    settle(game, clock)
    said = [(line.speaker, line.to) for line in engine.npc("osla").memory().lines]
    assert any("player" not in pair for pair in said), "the guests talk among themselves"

    game.step(Inputs(save=True), clock.pace())
    tavern, before = kept(game.tavern), minds(engine)
    play_out(game, hands(tmp_path, LATER.replace("press f9\n", "")), clock)
    settle(game, clock)
    assert (kept(game.tavern), minds(engine)) != (tavern, before)

    game.step(Inputs(load=True), clock.pace())
    assert kept(game.tavern) == tavern
    assert minds(engine) == before
    assert game.tavern.cellar_open == (engine.world.state.values["cellar"] == "open")
    assert game.company.ended
    assert set(game.company.ended.values()) == {1}


def test_a_game_goes_on_from_its_save_after_it_was_closed(evening, tmp_path):
    save = tmp_path / "evening.db"
    game, engine, clock = evening(save=save)
    play_out(game, hands(tmp_path, EVENING), clock)
    settle(game, clock)
    game.step(Inputs(save=True), clock.pace())
    tavern, before = kept(game.tavern), minds(engine)
    engine.close()
    again, engine, _ = evening(save=save)
    assert kept(again.tavern) == tavern
    assert minds(engine) == before


@pytest.mark.slow
def test_a_recorded_evening_comes_out_again_and_a_changed_word_is_found(evening, tmp_path):
    content, run = tmp_path / "content", tmp_path / "run.jsonl"
    shutil.copytree(CONTENT, content)
    game, engine, clock = evening(record=run, content=content)
    play_out(game, hands(tmp_path, EVENING + LATER), clock)
    settle(game, clock)
    engine.close()
    report = replay_file(run)
    assert report.is_equal, replay_text(report)
    assert report.turns == len(game.company.ended)

    sheet = content / "characters" / "dunstan.yaml"
    sheet.write_text(sheet.read_text().replace("big as a gate", "big as a barn"))
    changed = replay_file(run)
    assert not changed.is_equal
    assert "dunstan" in replay_text(changed).lower()


@pytest.mark.slow
def test_a_minute_is_drawn_frame_by_frame(headless, evening, tmp_path):
    from examples.tavern.window import Window

    game, engine, clock = evening()
    script = "press f3\n" + EVENING + "goto cellar\npress tab\nwait 1\n" + LATER
    window = Window()
    try:
        play(game, window, hands(tmp_path, script), pace=clock.pace, seconds=60)
    finally:
        window.close()
    assert window.num_frames == 3_600
    assert len(game.frames.all) == 3_600
    settle(game, clock)
    assert set(game.company.ended.values()) == {1}


def test_a_window_closed_in_the_middle_of_a_reply_ends_the_game(headless, tmp_path, evening):
    import pygame

    from examples.tavern.keyboard import WindowOnly
    from examples.tavern.window import Window

    game, engine, clock = evening(scripted_model(0.05))
    script = hands(tmp_path, "goto osla\ntalk\ntype How are you?\nenter\nwait 60\n")

    class Closing(WindowOnly):
        def inputs(self, game):
            if "player" in game.bubbles and game.company.speaking:
                pygame.event.post(pygame.event.Event(pygame.QUIT))
            return super().inputs(game)

    window = Window()
    try:
        play(game, window, Closing(script), pace=clock.pace, seconds=60)
    finally:
        window.close()
    assert 0 < window.num_frames < 3_600
    assert game.company.speaking
    engine.close()
    engine.tick(None)
    assert set(game.company.ended.values()) == {1}


def say(game, clock, npc, text, seconds):
    """The player says something to a guest wherever it is."""
    game.company.say(npc, text, ())
    for _ in range(round(seconds / DT)):
        game.step(Inputs(), clock.pace())


def test_a_model_that_fails_leaves_the_guest_an_authored_line(evening):
    game, engine, clock = evening(ScriptedSession([Reply("", fault="raise")]))
    game.company.say("osla", "What is for supper?", ())
    settle(game, clock)
    (voice,) = [each for each in game.company.voices() if each.npc == "osla"]
    assert voice.text in engine.npc("osla").sheet.barks["fail"]
    assert set(game.company.ended.values()) == {1}


def test_an_npc_that_never_answers_thinks_aloud_and_then_says_a_bark(evening):
    game, engine, clock = evening(ScriptedSession([Reply("", fault="hang")]))
    game.company.say("osla", "What is for supper?", ())
    kinds = []
    for _ in range(round(20 / DT)):
        game.step(Inputs(), clock.pace())
        kinds += [bubble.kind for bubble in game.bubbles.values() if bubble.shown]
        if not game.company.speaking:
            break
    barks = engine.npc("osla").sheet.barks
    (voice,) = [each for each in game.company.voices() if each.npc == "osla"]
    assert "thought" in kinds
    assert voice.is_whole
    assert voice.text in (*barks["thinking"], *barks["fail"])
    assert set(game.company.ended.values()) == {1}


def test_walking_off_breaks_a_reply_off(evening):
    game, engine, clock = evening(ScriptedSession([Reply("word " * 400, delay_s=0.01)]))
    game.company.say("osla", "Tell me everything.", ())
    for _ in range(600):
        game.step(Inputs(), clock.pace())
        if any(bubble.shown for bubble in game.bubbles.values()):
            break
    game.company.hush("osla")
    settle(game, clock)
    assert engine.npc("osla").history()[-1].reason == "cancelled"


def test_who_is_interrupted_remembers_only_what_could_be_seen(evening):
    words = "The tide came in early, and nobody leaves the rock before dawn, not even you."
    game, engine, clock = evening(ScriptedSession([words, "As you like."]))
    game.company.say("tobias", "Tell me everything.", ())
    shown = ""
    for _ in range(600):
        game.step(Inputs(), clock.pace())
        shown = game.bubbles["tobias"].shown if "tobias" in game.bubbles else ""
        if len(shown) > 20:
            break
    game.company.say("tobias", "Never mind.", (), len(shown))
    settle(game, clock)
    first = next(line for line in engine.npc("tobias").memory().lines if line.is_own)
    assert words.startswith(first.text)
    assert len(first.text) <= len(shown)


def test_loading_without_a_save_says_so(evening):
    game, _, clock = evening()
    game.step(Inputs(load=True), clock.pace())
    assert game.tavern.note == "There is no save yet."


def test_a_script_with_an_unknown_order_is_refused_with_its_line(tmp_path):
    with pytest.raises(ValueError, match="txt:2: found 'dance'; expected one of: enter"):
        hands(tmp_path, "talk\ndance\n")


def test_the_game_opens_with_the_scripted_model():
    with open_tavern("scripted") as engine:
        assert engine.npc_ids == ("dunstan", "linnet", "osla", "tobias")
