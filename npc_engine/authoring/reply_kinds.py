"""Kinds of a persona test that look at the reply alone: each says what it found instead."""

from collections.abc import Callable, Mapping
from typing import Any

from npc_engine.authoring.matching import Searched, words_of
from npc_engine.sentences import split_sentences

Problem = tuple[str, str] | None
"""Found and expected; None when it holds."""


def listed(phrases: tuple[str, ...]) -> str:
    """Phrases in quotation marks."""
    return ", ".join(f'"{phrase}"' for phrase in phrases)


def _any_of(phrases: tuple[str, ...], reply: Searched) -> Problem:
    if any(reply.has(phrase) for phrase in phrases):
        return None
    return "none of them", f"one of {listed(phrases)}"


def _all_of(phrases: tuple[str, ...], reply: Searched) -> Problem:
    missing = tuple(phrase for phrase in phrases if not reply.has(phrase))
    return (f"a reply without {listed(missing)}", f"all of {listed(phrases)}") if missing else None


def _none_of(phrases: tuple[str, ...], reply: Searched) -> Problem:
    there = tuple(phrase for phrase in phrases if reply.has(phrase))
    return (listed(there), f"none of {listed(phrases)}") if there else None


def _regex(expressions: tuple[str, ...], reply: Searched) -> Problem:
    missing = tuple(one for one in expressions if not reply.matches(one))
    return ("no match", f"a match of {listed(missing)}") if missing else None


def _not_regex(expressions: tuple[str, ...], reply: Searched) -> Problem:
    there = tuple(one for one in expressions if reply.matches(one))
    return (f"a match of {listed(there)}", "no match") if there else None


def _equals(text: str, reply: Searched) -> Problem:
    return None if reply.equals(text) else (f'"{reply.tidy}"', f'exactly "{text}"')


def _one_of(texts: tuple[str, ...], reply: Searched) -> Problem:
    if any(reply.equals(text) for text in texts):
        return None
    return f'"{reply.tidy}"', f"exactly one of {listed(texts)}"


def _min_words(least: int, reply: Searched) -> Problem:
    count = len(words_of(reply.tidy))
    return None if count >= least else (f"{count} words", f"at least {least}")


def _max_words(most: int, reply: Searched) -> Problem:
    count = len(words_of(reply.tidy))
    return None if count <= most else (f"{count} words", f"at most {most}")


def _max_sentences(most: int, reply: Searched) -> Problem:
    count = len(split_sentences(reply.tidy))
    return None if count <= most else (f"{count} sentences", f"at most {most}")


REPLY_JUDGES: Mapping[str, Callable[[Any, Searched], Problem]] = {
    "any_of": _any_of,
    "all_of": _all_of,
    "none_of": _none_of,
    "regex": _regex,
    "not_regex": _not_regex,
    "equals": _equals,
    "one_of": _one_of,
    "min_words": _min_words,
    "max_words": _max_words,
    "max_sentences": _max_sentences,
}
