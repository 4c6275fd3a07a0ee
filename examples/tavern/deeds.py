"""What the guests' actions do to the tavern: each a pure function that says when it cannot be."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from examples.tavern.tavern import Tavern, noted

PRICES = {"ale": 1, "cider": 1, "brandy": 2}
ITEMS = {"whistle": "dunstan", "ledger": "tobias"}
"""What can change hands, and who has it at first."""
DEEDS_OF_LINES: dict[tuple[str, str], tuple[str, dict[str, str]]] = {
    ("osla", "cellar"): ("open_door", {"door": "cellar"}),
    ("osla", "ale"): ("pour_drink", {"drink": "ale"}),
    ("osla", "brandy"): ("pour_drink", {"drink": "brandy"}),
    ("dunstan", "whistle"): ("give_item", {"item": "whistle"}),
    ("tobias", "ledger"): ("give_item", {"item": "ledger"}),
    ("tobias", "book"): ("give_item", {"item": "ledger"}),
}
"""What happens with an authored line: by who says it, and a word of the phrase it answers to.

The story must go on with a model too small to call actions, so the sheets have lines for that.
"""
NAMES = {"whistle": "the bone whistle", "ledger": "the harbour ledger"}


@dataclass(frozen=True, slots=True)
class Deed:
    """What came of an action."""

    tavern: Tavern
    refused: str = ""
    """Why nothing happened; empty: it did."""
    world: tuple[tuple[str, str | int], ...] = ()
    """Values of the engine's world that follow from it."""


def open_door(tavern: Tavern) -> Deed:
    """The cellar door swings open for good."""
    if tavern.cellar_open:
        return Deed(tavern, "it stands open already")
    opened = noted(replace(tavern, cellar_open=True), "The cellar door swings open.")
    return Deed(opened, world=(("cellar", "open"),))


def pour_drink(tavern: Tavern, drink: str) -> Deed:
    """The player pays and drinks."""
    price = PRICES[drink]
    if tavern.gold < price:
        return Deed(noted(tavern, f"You cannot pay for {drink}."), "the traveller cannot pay")
    gold = tavern.gold - price
    poured = replace(tavern, gold=gold, drinks=(*tavern.drinks, drink))
    return Deed(noted(poured, f"A cup of {drink}: {price} gold."), world=(("gold", gold),))


def give_item(tavern: Tavern, npc: str, item: str) -> Deed:
    """An item goes from a guest to the player."""
    if ITEMS.get(item) != npc or item in tavern.items:
        return Deed(tavern, f"{npc} has no {item}")
    given = replace(tavern, items=(*tavern.items, item))
    return Deed(noted(given, f"You have {NAMES[item]}."), world=((item, "player"),))


def pay(tavern: Tavern, npc: str, trust: int) -> Deed:
    """The player slips a guest one gold; trust is cheap at an inn, but only up to a point."""
    if tavern.gold < 1:
        return Deed(noted(tavern, "Your purse is empty."), "no gold left")
    gold = tavern.gold - 1
    world: tuple[tuple[str, str | int], ...] = (("gold", gold),)
    if trust < 2:
        world += ((f"relationships.{npc}.player.trust", trust + 1),)
        world += ((f"relationships.{npc}.player.feels", "gratitude for a coin"),)
    return Deed(noted(replace(tavern, gold=gold), "You slip a coin across."), world=world)


def done(tavern: Tavern, npc: str, action: str, arguments: Mapping[str, str]) -> Deed:
    """What comes of an action that the engine proposes.

    Raises:
        KeyError: The tavern knows no such action.
    """
    match action:
        case "open_door":
            return open_door(tavern)
        case "pour_drink":
            return pour_drink(tavern, arguments["drink"])
        case "give_item":
            return give_item(tavern, npc, arguments["item"])
    raise KeyError(action)
