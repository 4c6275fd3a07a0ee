"""A game loop in ten lines: the model speaks, the frame never waits."""

import time

from npc_engine import Engine


def play(engine: Engine, frame_s: float = 1 / 60) -> str:
    """Ask Mira for work and show her words as they come; returns what she said."""
    mira = engine.npc("mira")
    line = mira.say("Any work for a sword arm?")  # returns at once
    while not line.done:  # 60 times a second
        engine.tick(budget_ms=2)  # delivers events on this thread
        print(f"\r{line.text[-76:]:<76}", end="", flush=True)  # a speech bubble that grows
        time.sleep(frame_s)
    print(f"\n[{line.rung}, {line.reason}]")
    return line.text


if __name__ == "__main__":
    with Engine.open(world="worlds/oakhollow.yaml", characters="characters/") as opened:
        play(opened)
