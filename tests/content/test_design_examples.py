"""The sheet and the world of the design, as they stand there."""

from pathlib import Path

from npc_engine.content.character import AuthoredLine, CharacterSheet, Example, Secret
from npc_engine.content.conditions import compile_condition
from npc_engine.content.library import Library
from npc_engine.content.world import World


def test_the_sheet_loads_with_every_field(project: Path):
    mira = Library.open(project / "characters").sheet("mira")

    assert (mira.id, mira.name, mira.nickname) == ("mira", "Mira Voss", "Mira")
    assert mira.pronouns == "she/her"
    assert mira.persona.startswith("Forty, broad-shouldered")
    assert mira.traits == ("blunt", "proud of her work", "loyal", "slow to forgive")
    assert mira.speech.says == ("By iron and ash.",)
    assert mira.speech.never_says == ("thou", "magic is wonderful")
    assert mira.speech.max_sentences == 3
    assert mira.relationships["aldric"].trust == 2
    assert mira.relationships["aldric"].feels == "respect"
    assert mira.knows == ("oakhollow", "bridge", "forge_fire")
    assert mira.secrets == (
        Secret(
            id="hidden_blade",
            text="Under the floor of the forge lies a blade of star-iron.",
            keys=("star-iron", "floor", "blade"),
            reveal_when=compile_condition("relationships.player.trust >= 3"),
        ),
    )
    assert mira.boundaries[1] == "Never sells on credit."
    assert mira.greetings == ("Mind the sparks. What do you need?", "You again.")
    assert mira.examples == (
        Example(
            player="Can you enchant this?",
            reply="No magic in my forge. I'll put a better edge on it, though.",
        ),
    )
    assert mira.barks["refuse"] == ("That's none of your business.",)
    assert mira.lines == (
        AuthoredLine(
            when_asked=("how much for a sword", "sword price"),
            say="Thirty silver. Not a copper less.",
            when=compile_condition('state.bridge == "broken"'),
        ),
    )
    assert mira.actions == ("offer_item", "open_door")
    assert mira.remember[0].compiled().search("my name is Tolan")["value"] == "Tolan"
    assert mira.remember[0].from_ == "player"
    assert mira.post_history == "Keep it short; the forge is hot."
    assert (mira.sampling.temperature, mira.sampling.min_p) == (0.7, 0.05)
    assert mira.extensions == {}


def test_the_world_loads_with_every_field(project: Path):
    world = Library.open(project / "characters").world("oakhollow")

    assert (world.id, world.name) == ("oakhollow", "Oakhollow")
    assert world.rules == ("No firearms. No gods answer prayers.", "Magic exists and is feared.")
    assert (world.clock.day, world.clock.minute) == (41, 18 * 60 + 30)
    assert world.player.name == "the traveller"
    assert world.state["bridge"].expected == "one of broken, repaired"
    assert world.state["gold"].value == 20
    assert world.facts[0].known_by == ("everyone",)
    assert world.facts[0].when == compile_condition('state.bridge == "broken"')
    assert world.lore[0].known_by == ("aldric", "scholars")
    offer = world.actions["offer_item"]
    assert offer.parameters["item"].enum == ("sword", "horseshoe", "chain")
    assert offer.parameters["price"].minimum == 1
    assert (offer.required, offer.cooldown_s) == (("item", "price"), 20.0)


def test_sheet_and_world_survive_the_way_to_json_and_back(project: Path):
    library = Library.open(project / "characters")
    mira, world = library.sheet("mira"), library.world("oakhollow")

    assert CharacterSheet.model_validate_json(mira.model_dump_json(by_alias=True)) == mira
    assert World.model_validate_json(world.model_dump_json(by_alias=True)) == world


def test_only_the_references_of_the_example_lead_nowhere(project: Path):
    faults = Library.open(project / "characters").faults()

    assert [(fault.key, fault.found) for fault in faults] == [
        ("knows[0]", '"oakhollow"'),
        ("knows[2]", '"forge_fire"'),
        ("actions[1]", '"open_door"'),
    ]
    assert str(faults[0]).endswith(
        "characters/mira.yaml:18:9 knows[0]: "
        'found "oakhollow"; expected a fact id or tag of worlds/oakhollow.yaml; '
        "known: bridge [E103]"
    )
