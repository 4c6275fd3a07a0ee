"""A talk in a plain terminal, with an action of the game's own and a save that can be gone back to.

Try: "I want to buy a sword." - then `/save`, talk on, `/load`, and ask what was said.
"""

from collections.abc import Callable

from npc_engine import ActionCall, Engine, NpcEngineError


class Purse:
    """What the player owns; the whole game of this example."""

    def __init__(self, silver: int = 40) -> None:
        """Begin with some silver."""
        self.silver = silver
        self.goods: list[str] = []

    def buy(self, call: ActionCall) -> None:
        """Take an offer of an NPC, if there is enough silver."""
        price = int(call.arguments["price"])
        if price > self.silver:
            call.refused("the traveller has not enough silver")
            return
        self.silver -= price
        self.goods.append(str(call.arguments["item"]))


def play(
    engine: Engine, purse: Purse, read: Callable[[str], str] = input, npc_id: str = "mira"
) -> None:
    """Talk until the input ends."""
    engine.on_action("offer_item", purse.buy)
    npc = engine.npc(npc_id)
    while True:
        try:
            text = read(f"[{purse.silver} silver] you: ").strip()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            if text == "/save":
                engine.snapshot("here")
            elif text == "/load":
                engine.restore("here")
            elif text:
                line = npc.ask(text)
                print(f"{npc.sheet.nickname}: {line.text}")
                for call in line.actions:
                    print(f"  ({call.name} {call.arguments}: {call.outcome})")
        except NpcEngineError as error:
            print(f"  {error}")


if __name__ == "__main__":
    with Engine.open("worlds/oakhollow.yaml", "characters/", save="saves/purse.db") as opened:
        play(opened, Purse())
