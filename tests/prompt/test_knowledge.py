"""The knowledge rule as a property: what an NPC does not know is in none of its prompts."""

from hypothesis import event, given, settings
from hypothesis import strategies as st

from npc_engine.content.character import Secret
from npc_engine.content.conditions import compile_condition
from npc_engine.content.facts import Fact
from npc_engine.content.state import WorldEvent, add_event, initial_state, set_value
from npc_engine.content.world import StateDeclaration
from npc_engine.prompt.compiler import compile_plan
from tests.stage import FLAT_TOKENIZER, TOKENIZER, request, said, sheet, world

WHO = ("ann", "bo", "crafters", "guests", "everyone")
TAGS = ("church", "river", "gossip")
CONDITIONS = (
    None,
    'state.gate == "shut"',
    'state.gate == "open"',
    "relationships.player.trust > 1",
)


@st.composite
def facts(draw):
    number = draw(st.integers(1, 8))
    return tuple(
        Fact(
            id=f"f{index}",
            text=f"The canary{index}x sings.",
            keys=draw(st.sampled_from(((), ("bird",), (f"key{index}",)))),
            tags=tuple(draw(st.sets(st.sampled_from(TAGS), max_size=2))),
            known_by=tuple(draw(st.sets(st.sampled_from(WHO), max_size=2))),
            when=condition(draw(st.sampled_from(CONDITIONS))),
        )
        for index in range(number)
    )


def condition(text):
    return None if text is None else compile_condition(text)


@settings(max_examples=150, deadline=None)
@given(
    world_facts=facts(),
    others_facts=facts(),
    knows=st.sets(st.sampled_from((*TAGS, "f0", "f1", "f2")), max_size=3),
    tags=st.sets(st.sampled_from(("crafters", "guests")), max_size=2),
    trust=st.integers(-2, 4),
    gate=st.sampled_from(("open", "shut")),
    line=st.sampled_from(("Hello.", "What bird is that?", "Tell me of key0, key1, key2 and key3.")),
    witnesses=st.sampled_from((None, ("ann",), ("bo",))),
    seen_by=st.sampled_from((("everyone",), ("bo",), ("crafters",))),
    contexts=st.booleans(),
)
def test_a_prompt_holds_only_what_the_npc_knows(
    world_facts, others_facts, knows, tags, trust, gate, line, witnesses, seen_by, contexts
):
    shared = tuple(
        item.model_copy(update={"id": f"o{item.id}", "text": item.text.replace("canary", "parrot")})
        for item in others_facts
        if item.known_by
    )
    secret = Secret(
        id="s",
        text="The magpie0x stole it.",
        keys=("bird",),
        reveal_when=compile_condition("relationships.player.trust >= 3"),
    )
    ann = sheet(knows=tuple(knows), tags=tuple(tags), secrets=(secret,))
    state_declarations = {
        "gate": StateDeclaration(one_of=("open", "shut"), value="shut"),
        "egg": StateDeclaration(
            text={}, value="whole", say="The egg0x is {{ value }}.", known_by=seen_by
        ),
    }
    here = world(facts=world_facts, state=state_declarations)
    state = set_value(initial_state(here, [ann]), here, "gate", gate)
    state = set_value(state, here, "relationships.ann.player.trust", trust)
    state = add_event(state, WorldEvent("A heron0x landed.", witnesses, 1, 720))
    plan = compile_plan(
        request(
            sheet=ann,
            world=here,
            state=state,
            line=line,
            shared_facts=shared,
            turns=(said("A bird?", "Which one."),),
        ),
        TOKENIZER if contexts else FLAT_TOKENIZER,
    )

    def known(item, own_ids):
        holds = {
            None: True,
            CONDITIONS[1]: gate == "shut",
            CONDITIONS[2]: gate == "open",
            CONDITIONS[3]: trust > 1,
        }[item.when.text if item.when else None]
        named = item.id in own_ids or own_ids & set(item.tags)
        return holds and bool({"ann", "everyone", *tags} & set(item.known_by) or named)

    present = 0
    for item in (*world_facts, *shared):
        canary = item.text.split()[1]
        if canary in plan.text:
            present += 1
            assert known(item, set(knows)), f"{item.id} is in the prompt"
    event(f"canaries in the prompt: {min(present, 3)}")
    assert ("magpie0x" in plan.text) == (trust >= 3)
    assert ("heron0x" in plan.text) == (witnesses is None or "ann" in witnesses)
    assert ("egg0x" in plan.text) == (bool({"everyone", "ann", *tags} & set(seen_by)))


def test_everything_known_and_lasting_is_in_the_prompt():
    known = tuple(
        Fact(id=f"f{n}", text=f"The canary{n}x sings.", known_by=("ann",)) for n in range(5)
    )
    plan = compile_plan(request(world=world(facts=known)), TOKENIZER)
    assert all(f"canary{n}x" in plan.text for n in range(5))
