"""Calls with faults: what small models, cut replies and players with ideas make of them."""

import random
import string
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.actions.forms import FORMS

_MARKS: tuple[str, ...] = (
    *"{}[]()<>\"'`,:=*\\/|_.“”‘’",
    *("```", "<toolcall>", "</toolcall>", "<tool_call>", "<function=", "[TOOL_CALLS]", "//", "/*"),
    *(
        "\n",
        "null",
        "True",
        "\\u00",
        '"name":',
        '"arguments": {',
        "{{",
        "}}",
        "é",
        "\u202e",
        "\x00",
    ),
)
Mutation = Callable[[str, random.Random], str]


def _cut(text: str, chance: random.Random) -> str:
    return text[: chance.randrange(len(text) + 1)]


def _lose(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + text[at + chance.randint(1, 6) :]


def _double(text: str, chance: random.Random) -> str:
    start = chance.randrange(len(text) + 1)
    end = start + chance.randint(1, 30)
    return text[:end] + text[start:end] + text[end:]


def _put_in(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(_MARKS) + text[at:]


def _replace(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(string.printable) + text[at + 1 :]


def _requote(text: str, chance: random.Random) -> str:
    return text.replace('"', chance.choice("'“”`"), chance.randint(1, 8))


def _swap(text: str, chance: random.Random) -> str:
    first, second = sorted(chance.randrange(len(text) + 1) for _ in range(2))
    return text[second:] + text[first:second] + text[:first]


def _talk(text: str, chance: random.Random) -> str:
    at = chance.choice((0, len(text), chance.randrange(len(text) + 1)))
    return text[:at] + " As you wish, my friend (or so I hope). " + text[at:]


MUTATIONS: tuple[Mutation, ...] = (
    *(_cut, _lose, _double, _put_in, _replace, _requote, _swap, _talk),
)


def mutated(name: str, arguments: Mapping[str, Any], chance: random.Random) -> str:
    """A call in any form, with one to four faults."""
    text = FORMS[chance.choice(tuple(FORMS))](name, arguments)
    for _ in range(chance.randint(1, 4)):
        text = chance.choice(MUTATIONS)(text, chance)
    return text
