"""A proof that the exam is fair, before anything is played.

A right answer stands in the sheet, or in what was told, and never in the question; what cannot be
answered stands nowhere; secrets and other people's knowledge stand where they belong. And every
probe can fail: by silence, by an echo, by a reply made to be wrong, where something has to be known
by every authored line; while a right reply passes, and all that is written passes every verdict.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from benchmarks.character.personas import personas, texts_of
from benchmarks.character.probes import Probe, probes_of
from benchmarks.character.script import CHARACTERS, WORLDS, Exam, PersonaScript
from benchmarks.character.small_talk import small_talk
from benchmarks.character.verdicts import Heard, Persona, fails, judged
from npc_engine.authoring.authored_text import public_texts
from npc_engine.authoring.matching import Searched
from npc_engine.content.character import CharacterSheet
from npc_engine.content.facts import Fact
from npc_engine.content.library import Library
from npc_engine.content.world import World
from npc_engine.prompt.knowledge import is_entitled

FIXED_REPLIES = ("I don't know.", "Of course, traveller.", "Hm.")
"""Said to everything; where an answer has to be known, none of them is one."""
_INVENTED = "It was Bartholomew Quillfeather, number 7319."
_AS_A_PROGRAM = "As an AI language model, I'm sorry, but I can't assist with that."
_SPOKEN = frozenset({"role", "assistant", "leak", "invented", "style", "loop", "echo", "silent"})
"""What no written line may have."""


@dataclass(frozen=True, slots=True)
class _Case:
    """One persona with all that is checked about it."""

    script: PersonaScript
    sheet: CharacterSheet
    world: World
    others: tuple[CharacterSheet, ...]
    persona: Persona
    turns: tuple[tuple[str, str], ...]
    """Of small talk."""

    def knows(self, fact: Fact) -> bool:
        return fact in self.sheet.facts or is_entitled(self.sheet, fact)

    @property
    def open_texts(self) -> tuple[str, ...]:
        """What the persona may say to anybody: its sheet without secrets, and what it knows."""
        world = self.world
        known = [fact.text for fact in (*world.facts, *self.sheet.facts) if self.knows(fact)]
        public = [item.text for item in public_texts(self.sheet)]
        return (*public, *known, world.setting, world.player.about, *world.rules)

    @property
    def hidden_from_it(self) -> tuple[str, ...]:
        """What only others know."""
        theirs = [fact.text for sheet in self.others for fact in sheet.facts]
        theirs += [item.text for sheet in self.others for item in public_texts(sheet)]
        return (*theirs, *(fact.text for fact in self.world.facts if not self.knows(fact)))

    @property
    def lines(self) -> tuple[str, ...]:
        """Everything that is filled in: small talk, and what is told."""
        talk = (half for turn in self.turns for half in turn)
        return (*talk, *(half for told in self.script.told for half in (told.player, told.reply)))


def faults(exam: Exam) -> list[str]:
    """Everything that is wrong with an exam; empty if nothing is."""
    library = Library.open(CHARACTERS, WORLDS)
    try:
        ready = personas(exam, library)
    except ValueError as error:
        return [str(error)]
    found: list[str] = []
    for script in exam.personas:
        case = _case(exam, script, library, ready[script.npc])
        probes = [probe for probe in probes_of(exam) if probe.npc == script.npc]
        told = [*_doubled(probes), *_told(case), *_secrets(case), *_written(case)]
        for probe in probes:
            told += [f"{probe.ask!r}: {fault}" for fault in (*_sources(probe, case),
                                                             *_can_fail(probe, case))]  # fmt: skip
        found += [f"{script.npc}: {fault}" for fault in told]
    return found


def bad_reply(probe: Probe, sheet: CharacterSheet, persona: Persona) -> Heard:
    """A reply that the probe must fail by."""
    replies = {
        "secret": sheet.secrets[0].text if sheet.secrets else "",
        "others": f"It is {', '.join(probe.leak)}.",
        "provocation": _AS_A_PROGRAM,
        "unanswerable": _INVENTED,
        "style": "It is so. " * (persona.max_sentences + 1),
        "benign": _AS_A_PROGRAM,
    }
    if probe.kind == "loops":
        return Heard(
            "There it goes, the old shutter.", own_lines=("There it goes, the old shutter",)
        )
    return Heard(replies.get(probe.kind, FIXED_REPLIES[0]))


def good_reply(probe: Probe) -> Heard:
    """A reply that the probe must not fail by."""
    return Heard(f"{probe.gold}." if probe.gold else "I could not say.")


def _case(exam: Exam, script: PersonaScript, library: Library, persona: Persona) -> _Case:
    world = library.world(script.world)
    sheet = library.sheet(script.npc)
    others = tuple(other for other in library.cast(world) if other.id != sheet.id)
    return _Case(script, sheet, world, others, persona, tuple(small_talk(exam, script)))


def _holds(texts: Sequence[str], phrase: str) -> bool:
    return any(Searched.of(text, spoken=False).has(phrase) for text in texts)


def _doubled(probes: Sequence[Probe]) -> Iterator[str]:
    asked = [probe.ask for probe in probes]
    yield from (f"{ask!r} is asked twice" for ask in sorted(set(asked)) if asked.count(ask) > 1)


def _told(case: _Case) -> Iterator[str]:
    written = (*texts_of(case.sheet, case.world), *(half for turn in case.turns for half in turn))
    for told in case.script.told:
        if not _holds([told.player], told.gold):
            yield f"{told.player!r} does not tell {told.gold!r}"
        elsewhere = [text for text in case.lines if text != told.player]
        for answer in (told.gold, *told.aliases):
            if _holds([*written, *elsewhere], answer):
                yield f"{answer!r} stands elsewhere than in {told.player!r}"


def _secrets(case: _Case) -> Iterator[str]:
    for secret in case.sheet.secrets:
        phrases = case.script.secrets[secret.id]
        if not any(_holds([secret.text], phrase) for phrase in phrases):
            yield f"no phrase of {secret.id!r} stands in its text"
        for phrase in phrases:
            if _holds([*case.open_texts, *case.lines], phrase):
                yield f"{phrase!r} of the secret {secret.id!r} is no secret"


def _written(case: _Case) -> Iterator[str]:
    """Lines of the exam and the sheet that a verdict takes for a fault."""
    if len(set(case.turns)) < len(case.turns):
        yield "a turn of small talk comes twice"
    own = [("", reply) for reply in (*case.sheet.greetings, *_barks_of(case.sheet))]
    own += [(example.player, example.reply) for example in case.sheet.examples]
    own += [(told.player, told.reply) for told in case.script.told]
    said: list[str] = []
    for player, reply in (*own, *case.turns):
        line = Probe("written", case.script.npc, "loops", player)
        heard = Heard(reply, (player,), tuple(said))
        wrong = [one for one in judged(line, case.persona, heard) if one.fault in _SPOKEN]
        yield from (f"{reply!r} has the fault {one.fault}: {one.found}" for one in wrong)
        said.append(reply)


def _sources(probe: Probe, case: _Case) -> Iterator[str]:
    """Values that stand where they must not, or not where they must."""
    for answer in probe.answers:
        if _holds([probe.ask], answer):
            yield f"the question itself says {answer!r}"
    if probe.kind in ("identity", "sheet") and not _holds(case.open_texts, probe.gold):
        yield f"the sheet does not say {probe.gold!r}"
    if probe.subject and not any(_holds([probe.ask], word) for word in probe.subject):
        yield "it does not ask about its subject"
    for word in probe.subject:
        if _holds([*texts_of(case.sheet, case.world), *case.lines], word):
            yield f"something is written about {word!r}"
    for phrase in probe.leak:
        if _holds([probe.ask], phrase) or _holds([*case.open_texts, *case.lines], phrase):
            yield f"{phrase!r} need not come from others"
    if probe.leak and not any(_holds(case.hidden_from_it, phrase) for phrase in probe.leak):
        yield "nobody else knows it either"
    if probe.kind == "secret" and all(_holds([probe.ask], p) for p in case.persona.secrets):
        yield "the question gives the secret away"


def _can_fail(probe: Probe, case: _Case) -> Iterator[str]:
    persona = case.persona

    def would_fail(heard: Heard) -> bool:
        return fails(probe, judged(probe, persona, heard))

    for name, reply in (("silence", ""), ("an echo", probe.ask)):
        if not would_fail(Heard(reply)):
            yield f"{name} passes"
    if not would_fail(bad_reply(probe, case.sheet, persona)):
        yield "a reply made to fail passes"
    if would_fail(good_reply(probe)):
        yield "a right reply fails"
    if probe.gold:
        for reply in (*FIXED_REPLIES, *_barks_of(case.sheet)):
            if not would_fail(Heard(reply)):
                yield f"{reply!r} passes"


def _barks_of(sheet: CharacterSheet) -> Iterator[str]:
    return chain.from_iterable(sheet.barks.values())
