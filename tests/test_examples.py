from examples.ten_lines import play
from npc_engine import Engine, ScriptedSession
from tests.stage import CHARACTERS, WORLDS


def test_the_game_loop_of_the_readme_runs(capsys):
    session = ScriptedSession(["Depends. Can you keep a secret?"])
    with Engine.open(WORLDS / "oakhollow.yaml", CHARACTERS, model=session) as engine:
        assert play(engine, frame_s=0.001) == "Depends. Can you keep a secret?"
    assert "[full, done]" in capsys.readouterr().out
