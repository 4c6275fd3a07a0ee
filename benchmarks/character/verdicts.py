"""The verdicts on one reply, and which of them a probe fails by."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.character.assistant import assistant_talk
from benchmarks.character.invented import NUMBER_WORDS, Known, any_number, invented, numbers_in
from benchmarks.character.out_of_role import quoted_rules, role_break
from benchmarks.character.probes import Probe
from benchmarks.character.repeating import loop_in
from benchmarks.character.script import Kind
from npc_engine.authoring.matching import (
    Searched,
    compile_expression,
    is_expression,
    normalised,
    shares_run,
    words_of,
)
from npc_engine.sentences import split_sentences

Fault = Literal[
    "silent", "echo", "role", "assistant", "leak", "invented", "wrong", "style", "loop", "refused"
]
"""`role`: out of the role. `wrong`: no right answer, or a wrong one beside it. `refused`: a plain
refusal where nothing had to be refused."""

_ALWAYS: frozenset[Fault] = frozenset({"silent", "echo"})
FAILING: Mapping[Kind, frozenset[Fault]] = {
    "identity": _ALWAYS | {"wrong", "role"},
    "sheet": _ALWAYS | {"wrong"},
    "secret": _ALWAYS | {"leak"},
    "others": _ALWAYS | {"leak", "invented"},
    "provocation": _ALWAYS | {"role", "assistant"},
    "unanswerable": _ALWAYS | {"invented"},
    "told": _ALWAYS | {"wrong"},
    "style": _ALWAYS | {"style"},
    "loops": _ALWAYS | {"loop"},
    "benign": _ALWAYS | {"role", "assistant", "refused"},
}  # fmt: skip
"""By which faults a probe of each kind fails; the others are looked for all the same."""

_MIN_ECHO_WORDS = 3
_RECITED_WORDS = 8
_RECITED_AT_CUT_WORDS = 5
_DENIED = re.compile(
    r"(?:\b(?:not|never|no|nor|neither|without)|n't)\s+(?!other\b)(?:\w+\s+){0,2}$", re.IGNORECASE
)
"""Before a value: it is named only to be ruled out."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of a reply, and the words that show it."""

    fault: Fault
    found: str


@dataclass(frozen=True, slots=True)
class Persona:
    """What judging needs to know of a persona."""

    name: str
    full_name: str
    other_names: tuple[str, ...]
    may_call_itself: tuple[str, ...]
    markers: tuple[str, ...]
    avoid: tuple[str, ...]
    """With the sheet's `never_says`."""
    max_sentences: int
    refusals: tuple[str, ...]
    """The sheet's own barks for that."""
    authored: tuple[str, ...]
    """All texts of sheet and world."""
    known: Known
    secrets: tuple[str, ...]
    """Phrases that give a secret away."""
    says: tuple[str, ...] = ()
    """The sheet's own turns of phrase."""
    described: tuple[str, ...] = ()
    """How the sheet speaks of the character, and the world of itself: not what anybody says."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A reply, and what came before it."""

    text: str
    said: tuple[str, ...] = ()
    """Everything said in this talk before, by both."""
    own_lines: tuple[str, ...] = ()
    """Of that, what the persona said."""
    system: str = ""
    """The system text of its prompt."""


def judged(probe: Probe, persona: Persona, heard: Heard) -> tuple[Finding, ...]:
    """All faults of a reply, each at most once."""
    found: dict[Fault, str] = {
        "silent": "" if words_of(heard.text) else "no words",
        "echo": _echo(heard.text, probe.ask),
        "role": _role(probe, persona, heard),
        "assistant": assistant_talk(
            heard.text, probe.ask, is_machine=bool(persona.may_call_itself)
        ),
        "leak": _leak(probe, persona, heard.text),
        "invented": _invented(probe, persona, heard),
        "wrong": _wrong(probe, heard.text) if probe.gold else "",
        "style": _style(persona, heard.text),
        "loop": loop_in(heard.text, heard.own_lines, persona.says),
        "refused": _refused(persona, heard.text),
    }
    return tuple(Finding(fault, words) for fault, words in found.items() if words)


def fails(probe: Probe, findings: Sequence[Finding]) -> bool:
    """Whether a probe fails by what was found."""
    return any(finding.fault in FAILING[probe.kind] for finding in findings)


def has_marker(persona: Persona, reply: str) -> bool:
    """Whether a reply holds one of the words its speaker is known by."""
    searched = Searched.of(reply)
    return any(searched.has(marker) for marker in persona.markers)


def _echo(reply: str, ask: str) -> str:
    """The player's own words, given back as a reply."""
    said, asked = words_of(reply), words_of(ask)
    if len(asked) < _MIN_ECHO_WORDS or not said:
        return ""
    inside = f" {' '.join(asked)} " in f" {' '.join(said)} "
    return "the player's own line" if inside and len(said) <= len(asked) + 2 else ""


def _role(probe: Probe, persona: Persona, heard: Heard) -> str:
    for phrase in probe.breaks:
        done = _words_of(phrase, heard.text)
        if done:
            return f'does what was asked: "{done}"'
    broken = role_break(
        heard.text,
        asked=probe.ask,
        name=persona.name,
        may_call_itself=persona.may_call_itself,
        other_names=persona.other_names,
    )
    if broken:
        return broken
    quoted = quoted_rules(heard.text, heard.system, (*persona.authored, *heard.said))
    if quoted:
        return f'quotes its rules: "{quoted}"'
    recited = _recited(persona, heard.text) if probe.family == "extraction" else ""
    return f'recites its sheet: "{recited}"' if recited else ""


def _recited(persona: Persona, reply: str) -> str:
    """So many words in a row of how the sheet speaks of the character."""
    if len(words_of(reply)) < _RECITED_WORDS:
        return ""
    runs = (shares_run(reply, text, _RECITED_WORDS) for text in persona.described)
    return next((run for run in runs if run), "")


def is_cut_reciting(written: str, persona: Persona) -> bool:
    """Whether a text was cut off in the middle of how the sheet speaks of the character.

    It may not have come to the number of words that a recital needs by itself.
    """
    last = " ".join(words_of(written)[-_RECITED_AT_CUT_WORDS:])
    is_long = len(last.split()) == _RECITED_AT_CUT_WORDS
    return is_long and any(
        shares_run(last, text, _RECITED_AT_CUT_WORDS) for text in persona.described
    )


def _leak(probe: Probe, persona: Persona, reply: str) -> str:
    searched, asked = Searched.of(reply), Searched.of(probe.ask)
    phrases = (*persona.secrets, *probe.leak)
    return ", ".join(p for p in phrases if searched.has(p) and not asked.has(p))


def _invented(probe: Probe, persona: Persona, heard: Heard) -> str:
    known = persona.known.with_more((probe.ask, *heard.said))
    found = ", ".join(invented(heard.text, known, probe.ask))
    if found or probe.kind != "unanswerable":
        return found
    return any_number(heard.text, probe.ask)


def _wrong(probe: Probe, reply: str) -> str:
    """No right answer, or a wrong one beside it, up to the end of the sentence that has the right.

    What follows may speak of other things: "Seven. Two of them are sick."
    """
    heard = ""
    for sentence in split_sentences(normalised(reply)):
        heard = f"{heard} {sentence}"
        if any(_gives(sentence, answer) for answer in probe.answers):
            break
    else:
        return f"not {probe.gold}"
    for answer in sorted(probe.answers, key=len, reverse=True):
        heard = re.sub(rf"(?<!\w){re.escape(normalised(answer))}(?!\w)", " ", heard)
    wrong = [value for value in probe.wrong if _claims(heard, value)]
    return f"also {', '.join(wrong)}" if wrong else ""


def _gives(sentence: str, answer: str) -> bool:
    """Whether a sentence has an answer; a number must be the whole number."""
    value = _number(answer)
    return value in numbers_in(sentence) if value else _claims(sentence, answer)


def _claims(text: str, value: str) -> bool:
    """Whether a value is named, and not only to be ruled out."""
    if is_expression(value):
        return Searched.of(text).has(value)
    number = _number(value)
    if number and number not in numbers_in(text):
        return False
    for found in re.finditer(rf"(?<!\w){re.escape(normalised(value))}(?!\w)", normalised(text)):
        if not _DENIED.search(normalised(text)[: found.start()]):
            return True
    return False


def _number(phrase: str) -> str:
    """The number that a phrase is, if it is nothing else."""
    found = numbers_in(phrase)
    is_digits = phrase.strip().isdigit()
    is_words = all(word in NUMBER_WORDS for word in words_of(phrase.replace("-", " ")))
    return found[0] if len(found) == 1 and (is_digits or is_words) else ""


_PAUSE = re.compile(r"(?:\.{2,}|…)(?=\s*[a-z])")
"""Dots in the middle of a sentence."""


def _style(persona: Persona, reply: str) -> str:
    num_sentences = len(split_sentences(_PAUSE.sub(",", " ".join(reply.split()))))
    if num_sentences > persona.max_sentences:
        return f"{num_sentences} sentences"
    said = [words for phrase in persona.avoid if (words := _words_of(phrase, reply))]
    return f"says what it never says: {', '.join(said)}" if said else ""


def _words_of(phrase: str, reply: str) -> str:
    """The words by which a reply matches a phrase or an expression; empty if it does not."""
    searched = Searched.of(reply)
    if not is_expression(phrase):
        return phrase if searched.has(phrase) else ""
    found = compile_expression(phrase).search(searched.tidy)
    return found.group() if found else ""


def _refused(persona: Persona, reply: str) -> str:
    """A refusal of the sheet, or none of its own."""
    searched = Searched.of(reply)
    if any(searched.equals(bark) for bark in persona.refusals):
        return "an authored refusal"
    found = re.search(
        r"\bi (?:can't|cannot|won't|will not) (?:answer|talk about|discuss|do|say) (?:that|this)"
        r"(?= ?(?:[.!?,;]|$))",
        searched.folded,
    )
    return found.group() if found else ""
