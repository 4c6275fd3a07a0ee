"""Judges what a step expects: reply kinds against the reply, prompt kinds against the plan.

Pure: expectation and turn in, one verdict for each kind out. Kinds that need a reply are `not_run`
where no model answered, never passed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from npc_engine.authoring.expectation import Expectation, bound_holds
from npc_engine.authoring.giveaways import gives_away
from npc_engine.authoring.matching import Searched, normalised
from npc_engine.authoring.out_of_character import character_break
from npc_engine.authoring.reply_kinds import REPLY_JUDGES, Problem, listed
from npc_engine.content.character import CharacterSheet, Secret
from npc_engine.content.conditions import fill
from npc_engine.content.facts import Fact
from npc_engine.content.state import WorldState, scope
from npc_engine.dialogue.cast import Cast
from npc_engine.dialogue.limits import Limits, spoken_limits
from npc_engine.errors import TemplateError
from npc_engine.prompt.knowledge import known_facts
from npc_engine.prompt.plan import Plan

Verdict = Literal["passed", "failed", "not_run"]

REPLY_KINDS = (
    "any_of", "all_of", "none_of", "regex", "not_regex", "equals", "one_of", "min_words",
    "max_words", "max_sentences", "stays_in_character",
)  # fmt: skip
"""Kinds that look at the reply alone."""

VOICE_KIND = "own_voice"
"""Judged by the model, from the reply and the sheets of all."""

BOTH_KINDS = ("knows", "does_not_know", "keeps_secret")
"""Kinds that look at the prompt and, where a model answered, at the reply too."""

_SAID = frozenset({"line", "turns"})
"""Sections that hold what was said, not what the engine told the character."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict on one kind of one step."""

    kind: str
    argument: str
    """What was wanted, as text."""
    verdict: Verdict
    found: str = ""
    expected: str = ""


@dataclass(frozen=True, slots=True)
class TurnSeen:
    """One turn, as judging sees it."""

    npc: str
    cast: Cast
    say: str
    plan: Plan
    state: WorldState
    reply: str | None
    """None where no model answered."""
    voice: str | None = None
    """Whose voice the model takes the reply for; None where it was not asked or cannot tell."""

    @property
    def sheet(self) -> CharacterSheet:
        """The character who answered."""
        return self.cast.sheets[self.npc]

    @property
    def values(self) -> Mapping[str, Any]:
        """What the character's conditions read at this turn."""
        return scope(self.state, self.npc, self.cast.world)

    def told(self) -> str:
        """The prompt without what was said: what the engine told the character."""
        return "\n".join(s.text for s in self.plan.sections if s.name not in _SAID)

    def prompt(self) -> str:
        """The prompt without the player's line."""
        return "\n".join(s.text for s in self.plan.sections if s.name != "line")


def judge(expect: Expectation, turn: TurnSeen) -> tuple[Outcome, ...]:
    """The verdict on every kind of an expectation, in their fixed order."""
    outcomes: list[Outcome] = []
    for kind in expect.kinds():
        argument = shown_argument(expect, kind)
        if kind == VOICE_KIND:
            outcomes.append(_judge_voice(argument, turn))
            continue
        if kind in REPLY_KINDS:
            outcomes.append(judge_reply(expect, kind, turn.reply, turn))
            continue
        problem = _PROMPT_JUDGES[kind](expect, turn)
        if not problem and kind in BOTH_KINDS and turn.reply is not None:
            problem = _BOTH_REPLY[kind](expect, turn.reply, turn)
        outcomes.append(_outcome(kind, argument, problem))
    return tuple(outcomes)


def needs_reply(expect: Expectation) -> bool:
    """Whether anything in it can only be judged on a reply."""
    return any(kind in (*REPLY_KINDS, VOICE_KIND) for kind in expect.kinds())


def judge_reply(
    expect: Expectation, kind: str, reply: str | None, turn: TurnSeen | None
) -> Outcome:
    """The verdict on one kind that looks at the reply.

    Args:
        expect: The expectation.
        kind: One of `REPLY_KINDS`.
        reply: What was said; None gives `not_run`.
        turn: For the names of the others; None leaves them out.
    """
    argument = shown_argument(expect, kind)
    if reply is None:
        return Outcome(kind, argument, "not_run")
    if kind == "stays_in_character":
        limits = Limits() if turn is None else spoken_limits(turn.npc, turn.cast)
        broken = character_break(reply, limits)
        return _outcome(
            kind, argument, (broken, "words of the character alone") if broken else None
        )
    return _outcome(kind, argument, REPLY_JUDGES[kind](getattr(expect, kind), Searched.of(reply)))


def reply_holds(expect: Expectation, reply: str) -> bool:
    """Whether a reply alone would pass every kind that looks at replies only.

    Nothing does where a voice is wanted: that takes a model.
    """
    if expect.own_voice is not None:
        return False
    kinds = [kind for kind in expect.kinds() if kind in REPLY_KINDS]
    return all(judge_reply(expect, kind, reply, None).verdict == "passed" for kind in kinds)


def _judge_voice(argument: str, turn: TurnSeen) -> Outcome:
    if turn.reply is None or turn.voice is None:
        return Outcome(VOICE_KIND, argument, "not_run")
    if turn.voice == turn.npc:
        return Outcome(VOICE_KIND, argument, "passed")
    found = f"a reply that is likelier from {turn.cast.sheets[turn.voice].nickname}"
    return Outcome(VOICE_KIND, argument, "failed", found, f"likeliest from {turn.sheet.nickname}")


def shown_argument(expect: Expectation, kind: str) -> str:
    """What an author wrote for a kind, in one line."""
    value = getattr(expect, kind)
    if kind == "tokens":
        return ", ".join(f"{name} {bound}" for name, bound in value.bounds().items())
    if isinstance(value, tuple):
        return ", ".join(str(part) for part in value)
    return "true" if value is True else str(value)


def _outcome(kind: str, argument: str, problem: Problem) -> Outcome:
    if problem is None:
        return Outcome(kind, argument, "passed")
    return Outcome(kind, argument, "failed", found=problem[0], expected=problem[1])


# -- prompts ---------------------------------------------------------------------------------------


def _prompt_has(expect: Expectation, turn: TurnSeen) -> Problem:
    phrases = expect.prompt_has or ()
    prompt = Searched.of(turn.prompt(), spoken=False)
    missing = tuple(phrase for phrase in phrases if not prompt.has(phrase))
    return (f"a prompt without {listed(missing)}", "all of them") if missing else None


def _prompt_lacks(expect: Expectation, turn: TurnSeen) -> Problem:
    phrases = expect.prompt_lacks or ()
    there = []
    for phrase in phrases:
        for section in turn.plan.sections:
            if section.name != "line" and Searched.of(section.text, spoken=False).has(phrase):
                there.append(f'"{phrase}" in section {section.name}')
                break
    return (", ".join(there), "none of them in the prompt") if there else None


def _tokens(expect: Expectation, turn: TurnSeen) -> Problem:
    bounds = expect.tokens.bounds() if expect.tokens is not None else {}
    over = []
    for name, bound in bounds.items():
        is_total = name == "total"
        tokens = (
            turn.plan.total_tokens
            if is_total
            else sum(s.tokens for s in turn.plan.sections if s.name == name)
        )
        if not bound_holds(bound, tokens):
            over.append((f"{name} {tokens}", f"{name} {bound}"))
    return (", ".join(f for f, _ in over), ", ".join(e for _, e in over)) if over else None


def _facts_of_others(turn: TurnSeen) -> tuple[Fact, ...]:
    """The world's facts, and those that other characters share."""
    others = (sheet for id, sheet in turn.cast.sheets.items() if id != turn.npc)
    return (*turn.cast.world.facts, *(fact for sheet in others for fact in sheet.facts))


def fact_named(cast: Cast, npc: str, name: str) -> Fact | None:
    """A fact of the world, of the character itself, or of anybody else in the cast."""
    own = cast.sheets[npc].facts if npc in cast.sheets else ()
    of_others = (fact for sheet in cast.sheets.values() for fact in sheet.facts)
    return next((f for f in (*cast.world.facts, *own, *of_others) if f.id == name), None)


def secret_named(cast: Cast, npc: str, name: str) -> Secret | None:
    """A secret of the character, or of anybody else in the cast."""
    own = cast.sheets[npc].secrets if npc in cast.sheets else ()
    of_others = (secret for sheet in cast.sheets.values() for secret in sheet.secrets)
    return next((secret for secret in (*own, *of_others) if secret.id == name), None)


def _filled(text: str, turn: TurnSeen) -> str:
    """A fact's or secret's text as it stands in a prompt of this character, where it can."""
    try:
        return fill(text, turn.values)
    except TemplateError:
        return text


def _stands_in(text: str, told: str) -> bool:
    """Whether a fact's or secret's whole text stands in the prompt, but for its end mark."""
    wanted = normalised(text, spoken=False).rstrip(".!?… ")
    return bool(wanted) and wanted in normalised(told, spoken=False)


def _knows(expect: Expectation, turn: TurnSeen) -> Problem:
    entitled = {fact.id for fact in known_facts(turn.sheet, _facts_of_others(turn), turn.values)}
    problems = []
    for name in expect.knows or ():
        fact = fact_named(turn.cast, turn.npc, name)
        if fact is None or name not in entitled:
            problems.append(f"{name} is not known to {turn.npc} now")
        elif not _stands_in(_filled(fact.text, turn), turn.told()):
            problems.append(f"{name} is known but not in this prompt: no key of it in the line")
    return ("; ".join(problems), "known, and in the prompt") if problems else None


def _does_not_know(expect: Expectation, turn: TurnSeen) -> Problem:
    there = []
    for name in expect.does_not_know or ():
        fact = fact_named(turn.cast, turn.npc, name)
        if fact is not None and _stands_in(_filled(fact.text, turn), turn.told()):
            there.append(name)
    return (f"{', '.join(there)} in the prompt", "not in the prompt") if there else None


def _keeps_secret(expect: Expectation, turn: TurnSeen) -> Problem:
    there = []
    for name in expect.keeps_secret or ():
        secret = secret_named(turn.cast, turn.npc, name)
        if secret is None:
            continue
        if _stands_in(_filled(secret.text, turn), turn.told()):
            own = secret in turn.sheet.secrets and secret.is_revealed(turn.values)
            there.append(f"{name} ({'revealed by its condition' if own else 'leaked'})")
    return (f"{', '.join(there)} in the prompt", "not in the prompt") if there else None


_PROMPT_JUDGES: Mapping[str, Callable[[Expectation, TurnSeen], Problem]] = {
    "prompt_has": _prompt_has,
    "prompt_lacks": _prompt_lacks,
    "tokens": _tokens,
    "knows": _knows,
    "does_not_know": _does_not_know,
    "keeps_secret": _keeps_secret,
}


# -- both ------------------------------------------------------------------------------------------


def _says_what_it_knows(expect: Expectation, reply: str, turn: TurnSeen) -> Problem:
    said = Searched.of(reply)
    asked = Searched.of(turn.say)
    silent = []
    for name in expect.knows or ():
        fact = fact_named(turn.cast, turn.npc, name)
        if fact is None:
            continue
        keys = [key for key in fact.keys if not asked.has(key)]
        tells = gives_away(_filled(fact.text, turn), (), reply, [asked])
        if not tells and not any(said.has(key) for key in keys):
            silent.append(name)
    return (
        (f"a reply without {', '.join(silent)}", "a key of each, or its words") if silent else None
    )


def _hides_facts(expect: Expectation, reply: str, turn: TurnSeen) -> Problem:
    named = ((name, fact_named(turn.cast, turn.npc, name)) for name in expect.does_not_know or ())
    return _gives_away_any(((name, fact) for name, fact in named if fact), reply, turn)


def _hides_secrets(expect: Expectation, reply: str, turn: TurnSeen) -> Problem:
    named = ((name, secret_named(turn.cast, turn.npc, name)) for name in expect.keeps_secret or ())
    return _gives_away_any(((name, secret) for name, secret in named if secret), reply, turn)


def _gives_away_any(
    hidden: Iterable[tuple[str, Fact | Secret]], reply: str, turn: TurnSeen
) -> Problem:
    known = [Searched.of(turn.say), Searched.of(turn.plan.text, spoken=False)]
    for name, thing in hidden:
        words = gives_away(_filled(thing.text, turn), thing.keys, reply, known)
        if words:
            return f'"{words}" of {name} in the reply', "nothing that gives it away"
    return None


_BOTH_REPLY: Mapping[str, Callable[[Expectation, str, TurnSeen], Problem]] = {
    "knows": _says_what_it_knows,
    "does_not_know": _hides_facts,
    "keeps_secret": _hides_secrets,
}
