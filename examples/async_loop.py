"""The same engine in an asyncio program: three NPCs answer at once, one of them as it speaks."""

import asyncio

from npc_engine import Engine
from npc_engine.events import TextDelta


async def play(engine: Engine) -> dict[str, str]:
    """Ask three people of Oakhollow the same; returns what each said."""
    question = "Who is to blame for the bridge?"

    async def listen(npc_id: str) -> str:
        line = await engine.npc(npc_id).reply(question)
        return line.text

    async def watch(npc_id: str) -> str:
        words = ""
        async for event in engine.npc(npc_id).stream(question):
            if isinstance(event, TextDelta):
                words += event.text
                print(event.text, end="", flush=True)
        print()
        return words

    said = await asyncio.gather(watch("mira"), listen("wick"), listen("tansy"))
    return dict(zip(("mira", "wick", "tansy"), said, strict=True))


if __name__ == "__main__":
    with Engine.open(world="worlds/oakhollow.yaml", characters="characters/") as opened:
        for who, words in asyncio.run(play(opened)).items():
            print(f"{who}: {words}")
