"""Who is there: the shipped Oakhollow with its five, and as many more as are asked for."""

import shutil
from pathlib import Path

from npc_engine.content.project import shipped_project

WORLD = "oakhollow"
TRADES = ("carter", "potter", "shepherd", "cooper", "weaver", "thatcher", "tinker", "miller")
ACTIONS = "offer_item, open_door"

SMALL_TALK = (
    "What happened to the north bridge, and who is to blame for it?",
    "I was promised nineteen silver for a week of work. Is that a fair price around here?",
    "How long have you lived in Oakhollow?",
    "Did you see anything on the flood night?",
    "Tell me about the reeve. Can he be trusted?",
    "What will you do when the first snow comes?",
    "My horse went lame on the hill road. Who could look at it?",
    "They say a mage burned the old forge. Is that true?",
)
ERRANDS = (
    "Sell me a horseshoe for two silver, please.",
    "Would you open the door of the forge for me?",
    "I want to buy a lantern from you, what is your price?",
    "Take me over the river on the ferry, without a cart.",
)
LINES = (*SMALL_TALK, *ERRANDS)


def write_stage(folder: Path, number: int) -> tuple[Path, Path]:
    """Write a project with so many NPCs.

    Args:
        folder: An empty folder.
        number: The first five are those that are shipped.

    Returns:
        The world file, and the folder of the sheets.
    """
    shipped = shipped_project()
    worlds, characters = folder / "worlds", folder / "characters"
    shutil.copytree(shipped.worlds, worlds)
    characters.mkdir()
    own = [
        path
        for path in sorted(shipped.characters.glob("*.yaml"))
        if f"\nworld: {WORLD}\n" in path.read_text(encoding="utf-8")
    ]
    for path in own[:number]:
        shutil.copy(path, characters / path.name)
    for index in range(len(own), number):
        path = characters / f"villager{index}.yaml"
        path.write_text(_sheet(index), encoding="utf-8")
    return worlds / f"{WORLD}.yaml", characters


def _sheet(index: int) -> str:
    trade = TRADES[index % len(TRADES)]
    return (
        f"name: Villager {index}\nworld: {WORLD}\n"
        f"summary: A {trade} of Oakhollow who has time for a talk.\n"
        f"persona: Works as a {trade}, worries about the snow and likes strangers well enough.\n"
        "speech: {style: Short plain sentences., max_sentences: 3}\n"
        "goals: [Get through the winter.]\n"
        "knows: [oakhollow, bridge]\n"
        f"actions: [{ACTIONS}]\n"
        "barks: {thinking: [Hm., Well.], fail: [Not now., Another time., I have no time.]}\n"
    )
