"""Statements: everything an NPC may say of itself and its world, sentence by sentence.

From the sheet, the world's setting and rules, and the facts it knows now. What is secret and not
revealed is not among them, whatever is asked.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from npc_engine.content.character import CharacterSheet
from npc_engine.content.conditions import fill
from npc_engine.content.facts import Fact
from npc_engine.content.world import World
from npc_engine.prompt import wording
from npc_engine.prompt.pieces import relation_lines
from npc_engine.sentences import split_sentences

_OWN_PRONOUNS: Mapping[str, tuple[str, str]] = {
    "she": ("She", "Her"),
    "he": ("He", "His"),
    "it": ("It", "Its"),
}
"""By the first pronoun of a sheet: how its sentences may begin. `They` would need other verbs."""

_POINTING = "She He It They Her His Its Their This That These Those"
_PRONOUNS = frozenset(_POINTING.split())


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence with where it stands."""

    id: str
    """Such as `background[1]` or `fact bridge`."""
    field: str
    """`summary`, `persona`, `traits`, `background`, `goals`, `relationships`, `boundaries`,
    `world`, `rules` or `fact`."""
    text: str
    """Understood without the sentences around it."""
    keys: tuple[str, ...] = ()
    """More words that mean it."""


def statements(
    sheet: CharacterSheet,
    world: World,
    names: Mapping[str, str],
    facts: Sequence[Fact],
    values: Mapping[str, Any],
) -> tuple[Statement, ...]:
    """What may be said, in the order of the prompt.

    Args:
        sheet: Who speaks.
        world: Where.
        names: What to call the others, by id.
        facts: Those this NPC knows and may say now, `when:` checked.
        values: For `{{ }}` texts.
    """

    def filled(text: str) -> str:
        return " ".join(fill(text, values).split())

    shared = {name: value for name, value in values.items() if name != "relationships"}
    setting = " ".join(fill(world.setting, shared).split())
    told = [f"{world.name}: {each}" for each in split_sentences(setting)]
    found = [*_numbered("world", told)]
    found += _numbered("rules", [" ".join(fill(rule, shared).split()) for rule in world.rules])
    found += _numbered("summary", _of_summary(sheet, filled(sheet.summary)))
    for field, text in (("persona", sheet.persona), ("background", sheet.background)):
        found += _numbered(field, _on_their_own(sheet, split_sentences(filled(text))))
    if sheet.traits:
        traits = ", ".join(sheet.traits)
        found += _numbered("traits", [filled(f"{sheet.nickname}'s character: {traits}.")])
    goals = [f"{sheet.nickname} wants: {filled(goal)}" for goal in sheet.goals]
    found += _numbered("goals", goals)
    for other, text in relation_lines(sheet, names):
        found.append(Statement(f"relationships.{other}", "relationships", filled(text)))
    found += _numbered("boundaries", [_boundary(sheet, filled(each)) for each in sheet.boundaries])
    found += (Statement(f"fact {fact.id}", "fact", filled(fact.text), fact.keys) for fact in facts)
    return tuple(_ended(statement) for statement in found if statement.text)


def _numbered(field: str, texts: Sequence[str]) -> Iterator[Statement]:
    return (Statement(f"{field}[{n}]", field, text) for n, text in enumerate(texts))


def _ended(statement: Statement) -> Statement:
    text = wording.sentence(statement.text)
    return Statement(statement.id, statement.field, text, statement.keys)


def _of_summary(sheet: CharacterSheet, summary: str) -> list[str]:
    called = wording.nickname_beside(sheet)
    return [f"{sheet.name}{called}: {summary}"] if summary or called else []


def _boundary(sheet: CharacterSheet, text: str) -> str:
    return f"{sheet.nickname} never {text[6:]}" if text.startswith("Never ") else text


def _on_their_own(sheet: CharacterSheet, sentences: Sequence[str]) -> list[str]:
    """Each sentence so that it can stand alone: a pronoun at its beginning becomes the name.

    Only where the sentence before speaks of the character; elsewhere the pronoun may mean somebody
    else, and the sentence before comes along.
    """
    pronouns = _OWN_PRONOUNS.get(re.split(r"\W+", sheet.pronouns.casefold(), maxsplit=1)[0])
    name = f"(?:{re.escape(sheet.name)}|{re.escape(sheet.nickname)})"
    done: list[str] = []
    is_own = True
    for number, sentence in enumerate(sentences):
        text = sentence
        first = re.match(r"\w+", sentence)
        begins = first.group() if first else ""
        if pronouns is not None and begins in pronouns and is_own:
            own = sheet.nickname if begins == pronouns[0] else f"{sheet.nickname}'s"
            text = own + sentence[len(begins) :]
            is_own = begins == pronouns[0]
        elif begins in _PRONOUNS and number:
            text = f"{sentences[number - 1]} {sentence}"
        else:
            # "Ann's sister sings. She ..." may speak of either.
            is_own = re.match(rf"{name}(?!['’]s)\b", sentence) is not None
        done.append(text)
    return done
