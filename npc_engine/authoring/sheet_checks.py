"""What `npc check` finds in one sheet that is valid by itself: size, style, leaks, stray words."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from npc_engine.authoring.authored_text import Authored, authored_texts, public_texts
from npc_engine.authoring.giveaways import gives_away
from npc_engine.authoring.matching import Searched
from npc_engine.content.character import BARK_KINDS, CharacterSheet
from npc_engine.content.emotions import without_tag
from npc_engine.content.facts import Fact
from npc_engine.content.forbidden import find_forbidden
from npc_engine.content.marks import KeyPath, Source
from npc_engine.content.nearest import nearest
from npc_engine.content.world import World
from npc_engine.dialogue.spoken import words_of
from npc_engine.errors import BudgetError, Fault, Severity, TemplateError
from npc_engine.prompt.budget import Budget
from npc_engine.prompt.head import require_sheet_fits
from npc_engine.prompt.knowledge import is_entitled, is_for_everyone
from npc_engine.protocols import Tokenizer
from npc_engine.sentences import split_sentences

OVER_CAP = "E104"
OVER_STYLE = "W105"
STRAY_WORDS = "W107"
LEAK = "E108"
STRAY_SIGNS = "E109"
NEVER_TOLD = "W204"

MIN_BARKS = 3
"""Fewer of a kind are heard again too soon."""


_ASSISTANT = re.compile(
    r"\bas an? (?:ai|language model)\b|\blanguage model\b|\bcertainly!|\bof course!"
    r"|\bhow (?:can|may) i (?:help|assist) you\b|\bi(?:'m| am) here to (?:help|assist)\b"
    r"|\bi hope this helps\b|\bfeel free to\b|(?:^|[.!?]\s)(?:overall|in conclusion),",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"\b(?:TODO|FIXME|TBD|XXX|lorem ipsum)\b|\[(?:insert|your) [^\]]*\]")
_MARKUP = re.compile(r"(?<!\w)\*{1,2}[^*\n]+\*{1,2}|(?m:^#{1,6} )|(?m:^```)")
_MARKERS = re.compile(
    r"</?\s*extra_id_\d+\s*>|<\|[^|\n]{1,40}\|>|</?s>|\[/?INST\]"
    r"|</?(?:tool_?call|tool_?response|tool|context)>",
    re.IGNORECASE,
)
_ZERO_WIDTH = re.compile("[\u200b\u2060]")


@dataclass(frozen=True, slots=True)
class CheckedSheet:
    """A valid sheet with everything its checks need."""

    sheet: CharacterSheet
    source: Source
    world: World
    cast: Sequence[CharacterSheet]
    """Everybody of the world."""

    @property
    def names(self) -> dict[str, str]:
        """What to call everybody, by id."""
        return {other.id: other.nickname for other in self.cast}


def check_sheet_content(
    checked: CheckedSheet, tokenizer: Tokenizer, budget: Budget
) -> Iterator[Fault]:
    """All faults and warnings of one sheet."""
    yield from _over_cap(checked, tokenizer, budget)
    yield from _over_style(checked, tokenizer, budget)
    yield from _few_barks(checked)
    yield from _never_told(checked)
    yield from _leaks(checked)
    texts = authored_texts(checked.sheet)
    yield from stray_words(checked.source, texts, tokenizer)


def stray_words(source: Source, texts: Iterator[Authored], tokenizer: Tokenizer) -> Iterator[Fault]:
    """Signs that no text may hold, and words that no character would say."""
    for item in texts:
        for stray in find_forbidden(item.text):
            yield source.fault(item.where, stray.name, "visible text", "remove it", STRAY_SIGNS)
        if _ZERO_WIDTH.search(item.text):
            yield source.fault(
                item.where,
                "an invisible sign of no width",
                "visible text",
                "remove it",
                STRAY_SIGNS,
            )
        if item.use == "other":
            continue
        marker = _MARKERS.search(item.text)
        if marker or tokenizer.neutralise(item.text) != item.text:
            found = f'"{marker.group()}"' if marker else "a sign of the chat template"
            yield source.fault(
                item.where, found, "plain text", "remove it; it could pose as a role", STRAY_SIGNS
            )
        yield from _unlike_a_person(source, item)


def _unlike_a_person(source: Source, item: Authored) -> Iterator[Fault]:
    assistant = _ASSISTANT.search(item.text) if item.use == "spoken" else None
    if assistant:
        yield warning(
            source, item.where, f'"{assistant.group().strip()}", which an assistant would say',
            "the character's own words", "say it as the character would", STRAY_WORDS,
        )  # fmt: skip
    placeholder = _PLACEHOLDER.search(item.text)
    if placeholder:
        yield warning(
            source, item.where, f'the placeholder "{placeholder.group()}"', "finished text",
            "write it, or remove it", STRAY_WORDS,
        )  # fmt: skip
    markup = _MARKUP.search(item.text) if item.use == "spoken" else None
    if markup:
        yield warning(
            source, item.where, f'markup "{markup.group().strip()}"', "spoken words alone",
            "the model would copy it", STRAY_WORDS,
        )  # fmt: skip


def warning(
    source: Source, where: KeyPath, found: str, expected: str, advice: str, code: str
) -> Fault:
    """A fault that does not stop anything."""
    return with_severity(source.fault(where, found, expected, advice, code), "warning")


def with_severity(fault: Fault, severity: Severity) -> Fault:
    """The same fault, taken more or less seriously."""
    return Fault(
        fault.path, fault.line, fault.column, fault.key, fault.found, fault.expected, fault.advice,
        fault.code, severity,
    )  # fmt: skip


def _over_cap(checked: CheckedSheet, tokenizer: Tokenizer, budget: Budget) -> Iterator[Fault]:
    try:
        require_sheet_fits(checked.sheet, checked.world, checked.names, tokenizer, budget)
    except BudgetError as error:
        field, _ = error.largest[0] if error.largest else ("", 0)
        over = error.tokens - error.cap_tokens
        ranked = ", ".join(f"{name} {tokens:,}" for name, tokens in error.largest[:4])
        cuts = _smallest_cuts(error.largest, over)
        yield checked.source.fault(
            (field,) if field else (),
            f"a sheet of {error.tokens:,} tokens with the rules",
            f"at most {error.cap_tokens:,}",
            f"shorten {cuts} by {over:,} tokens; longest: {ranked}",
            OVER_CAP,
        )
    except TemplateError:
        return  # the references have told it already


def _smallest_cuts(largest: Sequence[tuple[str, int]], over_tokens: int) -> str:
    """The fewest fields, longest first, that together hold so many tokens."""
    names: list[str] = []
    held = 0
    for name, tokens in largest:
        names.append(name)
        held += tokens
        if held >= over_tokens:
            break
    return " and ".join(names)


def _over_style(checked: CheckedSheet, tokenizer: Tokenizer, budget: Budget) -> Iterator[Fault]:
    sheet, source = checked.sheet, checked.source
    spoken: list[tuple[KeyPath, str]] = [
        *((("examples", i, "reply"), example.reply) for i, example in enumerate(sheet.examples)),
        *((("greetings", i), greeting) for i, greeting in enumerate(sheet.greetings)),
    ]
    most = sheet.speech.max_sentences
    for where, text in spoken:
        count = len(split_sentences(text))
        if most is not None and count > most:
            yield warning(
                source, where, f"{count} sentences", f"at most {most} (speech.max_sentences)",
                "shorten it, or allow more", OVER_STYLE,
            )  # fmt: skip
        words = len(words_of(without_tag(text)[1]))
        most_words = sheet.speech.max_words
        if most_words is not None and words > most_words:
            yield warning(
                source, where, f"{words} words", f"at most {most_words} (speech.max_words)",
                "shorten it, or allow more", OVER_STYLE,
            )  # fmt: skip
        tokens = tokenizer.count(text)
        if tokens > budget.reply_tokens:
            yield warning(
                source, where, f"{tokens:,} tokens", f"at most {budget.reply_tokens}",
                "shorten it", OVER_STYLE,
            )  # fmt: skip
        searched = Searched.of(text)
        for phrase in sheet.speech.never_says:
            if searched.has(phrase):
                yield warning(
                    source, where, f'"{phrase}", which speech.never_says forbids',
                    "the character's own words", "change one of them", OVER_STYLE,
                )  # fmt: skip


def _few_barks(checked: CheckedSheet) -> Iterator[Fault]:
    barks = checked.sheet.barks
    others = barks.keys() - BARK_KINDS.keys()
    for kind in BARK_KINDS:
        have = len(barks.get(kind, ()))
        near = None if have else nearest(kind, others)
        if have < MIN_BARKS:
            yield warning(
                checked.source, ("barks", kind), f"{have or 'no'} {kind} barks"
                if have != 1 else f"one {kind} bark", f"at least {MIN_BARKS}",
                f'is "{near}" meant to be "{kind}"?' if near
                else "write more, so that none is heard again too soon", STRAY_WORDS,
            )  # fmt: skip


def _never_told(checked: CheckedSheet) -> Iterator[Fault]:
    for index, secret in enumerate(checked.sheet.secrets):
        if secret.reveal_when is None:
            yield warning(
                checked.source, ("secrets", index, "id"),
                f'the secret "{secret.id}" without reveal_when', "a condition",
                "without one it can never be told", NEVER_TOLD,
            )  # fmt: skip


def _leaks(checked: CheckedSheet) -> Iterator[Fault]:
    """Secrets, and facts this character does not know, in texts that anybody may read or hear."""
    sheet = checked.sheet
    known = [Searched.of(text, spoken=False) for text in _known_texts(checked)]
    hidden: list[tuple[str, str, Sequence[str]]] = [
        (f'the secret "{secret.id}"', secret.text, secret.keys) for secret in sheet.secrets
    ]
    hidden += [
        (f'the fact "{fact.id}", which {sheet.id} does not know', fact.text, fact.keys)
        for fact in checked.world.facts
        if not is_entitled(sheet, fact)
    ]
    for item in public_texts(sheet):
        for what, text, keys in hidden:
            words = gives_away(text, keys, item.text, known)
            if words:
                yield checked.source.fault(
                    item.where, f'"{words}", which gives away {what}',
                    "text that holds no secret", "move it into the secret or fact", LEAK,
                )  # fmt: skip


def _known_texts(checked: CheckedSheet) -> Iterator[str]:
    """What the character may speak of anyway: names, the world's own text, facts it knows."""
    world, sheet = checked.world, checked.sheet
    yield from (world.name, world.setting, world.player.about, *world.rules)
    yield from (text for other in checked.cast for text in (other.name, other.nickname))
    facts: list[Fact] = [fact for fact in world.facts if is_entitled(sheet, fact)]
    yield from (fact.text for fact in facts if is_for_everyone(fact) or fact.when is None)
    yield from (fact.text for fact in sheet.facts)
