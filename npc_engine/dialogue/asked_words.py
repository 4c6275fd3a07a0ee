"""Words of questions about a person, and the words such questions are answered with.

In English. Beside `memory.everyday_words`, which holds what people ask about the world.
"""

from collections.abc import Iterable, Mapping
from functools import cache

from npc_engine.everyday_words import SMALL_TALK, said_instead
from npc_engine.memory.words import STOP_WORDS, stem, words

_IRREGULAR = """
begin began begun; bite bit bitten; break broke broken; bring brought; build built; burn burnt;
buy bought; catch caught; choose chose chosen; cost costs; drink drank drunk; drive drove driven;
eat ate eaten; fall fell fallen; fight fought; fly flew flown; freeze froze frozen; grow grew grown;
hide hid hidden; hold held; hurt hurts; keep kept; lead led; learn learnt; leave left; lend lent;
lose lost; meet met; own owned; pay paid; ride rode ridden; ring rang rung; run ran; sell sold;
send sent; sew sewn; shake shook shaken; sing sang sung; sink sank sunk; sit sat; sleep slept;
spend spent; stand stood; steal stole stolen; strike struck; swear swore sworn; sweep swept;
swim swam; teach taught; tear torn; throw threw thrown; wake woke woken; wear wore worn; weep wept;
win won; write wrote written; man men; woman women; child children; foot feet; tooth teeth;
frighten frightened scare scared scary; wife wives; life lives; knife knives; loaf loaves;
mouse mice; goose geese
"""

_ANSWERED_WITH = """
afraid fear frightened dread terrified
fear afraid frightened dread terrified
frighten afraid fear dread terrified
worry afraid fear dread sleeps badly
childhood grow raised born child boy girl young school
raised grow born childhood
born grow raised built made childhood
grow raised born childhood
young grow raised childhood boy girl
native grow raised born
study school university apprenticed train learn teach
learn teach apprenticed school study train
train apprenticed learn teach study school
teach learn school apprenticed study
education school apprenticed study learn
apprentice master learn teach
family mother father parents brother sister uncle aunt cousin wife husband son daughter niece
relative mother father brother sister uncle aunt cousin grandfather grandmother daughter son
parents mother father
grandparents grandfather grandmother
children son daughter child granddaughter grandson
sibling brother sister
spouse wife husband married
married wife husband widow
pet dog cat terrier hound bird parrot horse
animal dog cat terrier bird parrot horse
dog terrier hound puppy
instrument lute fiddle violin flute harp drum pipe
wear coat jacket hat fleece jumper dress cloak boots socks badge
clothes coat jacket hat fleece jumper dress cloak boots socks
tall metres feet thin broad
hobby collect play grow sing
collection collect own keep
collect own sort keep
owe debt lend borrow
debt owe lend
lend owe borrow
borrow owe lend
income earn pay
earn pay money
injury burn scar lose wound hurt
scar burn mark
damage scrape crash burn broken
vehicle lorry truck coach car van bus
lorry truck trailer
truck lorry
cargo load carry
carry load cargo
load cargo carry
haul cargo load carry
drink tea ale plum
illness ill sick diabetic
medicine insulin
electricity power generator mains
light lamp
lamp light
heat warm cold
cold freeze degrees temperature
temperature degrees
guest strangers
sleep bed
reside live home
dwell live home
home live house
previous before once
earlier before once
former before once
owner own
buyer buy
neighbour village
vote election
"""

_ASKED_WITH = """
age job name old person work yourself profession trade only getting quite rather late lately early
mind care feel stop keeps
"""
_OF_ANYTHING = """
year month week hour night time first last next before people man woman person one word part end
number half whole another always never still side set stay walk pass wait stand sit hurt feet use
"""

_NOT_ASKED_FOR = SMALL_TALK | frozenset(map(stem, _ASKED_WITH.split()))
"""Stems of small talk, and of words that say how something is asked, not what."""
LIGHT = frozenset(map(stem, _OF_ANYTHING.split()))
"""Stems that stand in texts about anything."""


@cache
def _bases() -> Mapping[str, str]:
    rows = (row.split() for row in _IRREGULAR.replace("\n", " ").split(";"))
    return {form: base for base, *forms in rows for form in forms}


@cache
def _answers() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for row in _ANSWERED_WITH.strip().split("\n"):
        asked, *instead = map(root, row.split())
        found[asked] = (*found.get(asked, ()), *instead)
    return found


def root(word: str) -> str:
    """The stem of a casefolded word; of an irregular form that of its base: `grew` gives `grow`."""
    return stem(_bases().get(word, word))


def roots(text: str) -> tuple[str, ...]:
    """Roots of the words that carry meaning, in order, repetitions kept."""
    return tuple(root(word) for word in words(text) if word not in STOP_WORDS)


def asked_roots(text: str) -> tuple[str, ...]:
    """Of these, each once, those that a question may be about; words of small talk are not."""
    return tuple(
        dict.fromkeys(
            root(word)
            for word in words(text)
            if word not in STOP_WORDS and stem(word) not in _NOT_ASKED_FOR
        )
    )


def answering(asked: str) -> Iterable[str]:
    """Roots that an answer may hold in place of this one."""
    return dict.fromkeys((*_answers().get(asked, ()), *said_instead(asked)))
