"""A run on the embedded model comes out again without it, and with it."""

import pytest

from npc_engine.engine import Engine
from npc_engine.engine.replay import replay_file
from npc_engine.engine.replay_report import replay_text
from npc_engine.errors import LoadError
from npc_engine.model import open_session
from npc_engine.model.known_tokenizer import known_tokenizer
from tests.engine.crowd import finish, wait_until
from tests.engine.recorded_runs import write_stage

pytestmark = pytest.mark.model


def open_recorded(folder, **options):
    write_stage(folder)
    world, characters = folder / "worlds" / "ford.yaml", folder / "characters"
    record = folder / "run.jsonl"
    return Engine.open(world, characters, None, "smollm2", record=record, **options)


def test_several_npcs_and_a_model_that_loads_meanwhile_come_out_again(tmp_path):
    with open_recorded(tmp_path) as engine:
        npcs = [engine.npc(who) for who in ("ann", "bo")]
        lines = [npc.greet() for npc in npcs] + [npcs[0].say("Is the gate shut?")]
        finish(engine, lines)
        engine.world.set("gate", "open")
        lines = [npc.say("And now? Tell me all you know.") for npc in npcs]
        wait_until(lambda: lines[0].recorded, lambda: engine.tick(2))
        lines[0].cancel()
        finish(engine, lines)
        assert lines[0].reason == "cancelled"
        assert lines[1].usage.reply_tokens > 0
    report = replay_file(tmp_path / "run.jsonl")
    assert report.is_equal, replay_text(report)
    assert report.turns == 5


def test_replies_that_were_written_one_at_a_time_are_written_again_token_for_token(tmp_path):
    with open_recorded(tmp_path, prewarm=False) as engine:
        engine.wait_ready()
        for text in ("Is the gate shut?", "Who are you?"):
            engine.npc("ann").ask(text)
    report = replay_file(tmp_path / "run.jsonl", again=lambda: open_session("smollm2"))
    assert report.is_equal, replay_text(report)
    assert report.again == "smollm2"


def test_a_tokenizer_that_is_not_here_is_named_with_the_command_that_gets_it(tmp_path):
    with pytest.raises(LoadError, match="npc models get nemotron-mini"):
        known_tokenizer("nemotron-mini", "unknown", cache_dir=tmp_path)
    (tmp_path / "model").mkdir()
    with pytest.raises(LoadError, match="is not on this machine"):
        known_tokenizer("smollm2", "unknown", folder=str(tmp_path / "model"), cache_dir=tmp_path)
