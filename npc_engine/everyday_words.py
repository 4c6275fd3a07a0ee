"""Everyday English words: those that say nothing of a subject, and those said for one another.

A search over texts finds words, not meanings: somebody asks for lodgings where the text says inn.
The groups hold what people in stories ask for; the names of a world are its author's `keys`.
"""

from collections.abc import Mapping
from functools import cache

from npc_engine.stems import stem

_SMALL_TALK = """
hello hi hey greetings greeting welcome thank thanks please sorry excuse pardon bye goodbye farewell
good evening morning afternoon day days today tomorrow yesterday tonight friend sir madam
tell telling told say saying said speak talk talking ask asking answer know knows knew known think
thought believe mean guess suppose wonder remember forget want wanted wish need like liked look
looking see seeing saw hear heard find finding found come coming came go going goes gone went give
gave take taking took make making made let try help happen happened happening show call called
thing things anything stuff way ways lot lots bit kind sort sure really maybe perhaps okay ok right
fine nice great idea ideas fact actually course new news matter problem chance moment minute place
here there somewhere anywhere just still back around away long little big old
"""

_SAID_FOR_ONE_ANOTHER = """
lodging lodge accommodation inn tavern hostel hotel guesthouse room bed sleep overnight
pub tavern inn taproom bar alehouse tankard
drink ale beer wine mead tavern
food meal eat hungry supper dinner breakfast bread bakery baker kitchen feast
shop store market merchant trader stall goods
buy purchase sell trade price cost market
money coin gold silver copper wage pay
price cost toll fee fare charge
expensive costly price
weapon sword blade axe bow dagger spear armour
armour armor shield mail
smith blacksmith forge anvil
doctor healer physician medicine herb apothecary
ill sick illness sickness disease plague fever
medicine remedy cure potion herb
magic spell sorcery enchantment mage wizard sorcerer witch
mage wizard sorcerer witch
king queen ruler monarch crown throne reign
lord noble duke baron count
boss leader chief chieftain head
guard guardsman watch watchman soldier
soldier warrior fighter knight troops army
army troops forces soldiers
navy fleet ship sailor
boat ship vessel ferry
war battle conflict fight fighting siege
fight battle duel
enemy foe rival adversary
thief thieves stolen steal robber robbery theft heist
crime theft murder criminal
murder killed killing death
die died death dead killed
dead died death grave buried
born birth childhood raised
marry married wedding wife husband spouse
wife husband spouse married
parents mother father family
children child son daughter
brother sister sibling
job work task quest employment hire
quest task mission
road path way route track
map route location
city town capital
town village settlement
country kingdom realm land
forest wood woods trees
mountain hill peak
sea ocean coast
river stream water
church temple shrine chapel
god goddess deity religion faith
book library scroll manuscript text
school academy university
party festival feast celebration fair
holiday festival feast
song music ballad bard
rumour rumor gossip whispers tale
story tale legend
secret hidden concealed
monster beast creature dragon
horse mount riding rider
treasure riches gold artifact
danger dangerous peril threat
fire burned burnt blaze flames
flood flooded washed
cause reason
start began begin founded founding
founded founding established
end ended ending
build built construct constructed
law rule rules decree
taxes tax toll
travel journey voyage
clothes clothing garment tailor weaver
shoes boots cobbler
jail prison dungeon cell
dock harbour harbor port quay landing
poor beggar poverty
rich wealthy wealth
"""


@cache
def _groups() -> Mapping[str, tuple[str, ...]]:
    related: dict[str, dict[str, None]] = {}
    for row in _SAID_FOR_ONE_ANOTHER.split("\n"):
        stems = [stem(word) for word in row.split()]
        for one in stems[:]:
            others = (other for other in stems if other != one)
            related.setdefault(one, {}).update(dict.fromkeys(others))
    return {one: tuple(others) for one, others in related.items()}


SMALL_TALK = frozenset(stem(word) for word in _SMALL_TALK.split())
"""Stems that nobody asks for a text with."""


def said_instead(word: str) -> tuple[str, ...]:
    """Stems that may stand in a text where somebody says this one; the nearest first."""
    groups = _groups()
    # `lodgings` loses its s alone, `lodging` its ing.
    return groups.get(word) or groups.get(stem(word), ())
