import asyncio

from examples import async_loop, textual_free_cli
from examples.ten_lines import play
from npc_engine import Engine, ScriptedSession
from tests.stage import CHARACTERS, WORLDS


def open_oakhollow(*replies):
    session = ScriptedSession(replies)
    return Engine.open(WORLDS / "oakhollow.yaml", CHARACTERS, model=session)


def test_the_game_loop_of_the_readme_runs(capsys):
    with open_oakhollow("Depends. Can you keep a secret?") as engine:
        assert play(engine, frame_s=0.001) == "Depends. Can you keep a secret?"
    assert "[full, done]" in capsys.readouterr().out


def test_the_asyncio_example_runs(capsys):
    with open_oakhollow("Ask Bett.") as engine:
        said = asyncio.run(async_loop.play(engine))
    assert said == {"mira": "Ask Bett.", "wick": "Ask Bett.", "tansy": "Ask Bett."}
    assert "Ask Bett." in capsys.readouterr().out


def test_the_plain_terminal_example_runs(capsys):
    offer = '<toolcall> {"name": "offer_item", "arguments": {"item": "sword", "price": 30}} '
    typed = iter(["/save", "I want to buy a sword.", "/load", "/lad", "Anything left?"])

    def read(prompt):
        try:
            return next(typed)
        except StopIteration:
            raise EOFError from None

    purse = textual_free_cli.Purse(40)
    with open_oakhollow(f"Thirty silver. {offer}</toolcall>", "Not for you.", "No.") as engine:
        textual_free_cli.play(engine, purse, read)
    out = capsys.readouterr().out
    assert "Mira: Thirty silver." in out
    assert "offer_item {'item': 'sword', 'price': 30}: done" in out
    assert (purse.silver, purse.goods) == (10, ["sword"])
