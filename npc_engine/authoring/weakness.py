"""Refuses tests that cannot fail: before any run, without a model.

A test without assertions, one that a silent or echoing character would pass, a phrase that no
prompt could ever hold: each is an error, because a green report would say nothing.
"""

from collections.abc import Iterable, Iterator, Sequence

from npc_engine.authoring.expectation import Expectation
from npc_engine.authoring.judging import REPLY_KINDS, fact_named, reply_holds, secret_named
from npc_engine.authoring.matching import Searched, is_expression
from npc_engine.authoring.persona_files import Case
from npc_engine.content.library import Library
from npc_engine.content.marks import KeyPath
from npc_engine.content.validation import suggest
from npc_engine.errors import Fault
from npc_engine.prompt import wording

EMPTY = "E301"
UNKNOWN = "E302"
COUNTS = "E303"
WEAK = "W304"
"""A seed or phrase that proves less than it seems to."""

FIXED_REPLIES = ("I don't know.", "Of course, traveller.")
"""What a character without any character could always say."""


def weak_tests(cases: Sequence[Case], library: Library) -> tuple[Fault, ...]:
    """Faults of tests that could not fail, or that name what does not exist."""
    corpus = _corpus(cases, library)
    faults: dict[Fault, None] = {}
    for case in cases:
        for fault in (*_empty(case), *_counts(case), *_unknown_ids(case), *_never(case, corpus)):
            faults[fault] = None
    if not any(fault.code == EMPTY for fault in faults):
        for path in dict.fromkeys(case.path for case in cases):
            for fault in _same_reply([case for case in cases if case.path == path]):
                faults[fault] = None
    return tuple(faults)


def _expectations(case: Case) -> Iterator[tuple[int, str, Expectation]]:
    """Index, the player's line and the expectation of every step that has one."""
    for index, step in enumerate(case.test.script):
        if step.expect is not None and step.say is not None:
            yield index, step.say, step.expect


def _empty(case: Case) -> Iterator[Fault]:
    expected = list(_expectations(case))
    if not any(expect.kinds() for _, _, expect in expected):
        yield case.fault(
            ("script",), f'the test "{case.name}", which asserts nothing',
            "an expect: with at least one kind", "say what must hold", EMPTY,
        )  # fmt: skip
        return
    for index, _, expect in expected:
        if not expect.kinds():
            yield case.fault(
                ("script", index, "expect"), "an expect: without any kind", "at least one",
                "say what must hold, or remove it", EMPTY,
            )  # fmt: skip
    if case.test.allow_weak or not _judges_replies(case):
        return
    for name, echoes in (("a silent", False), ("an echoing", True)):
        if all(_would_pass(expect, line if echoes else "") for _, line, expect in expected):
            yield case.fault(
                ("script",), f'the test "{case.name}", which {name} character would pass',
                "an assertion that only the right reply meets", "add any_of, all_of or regex",
                EMPTY,
            )  # fmt: skip
            return


def _would_pass(expect: Expectation, reply: str) -> bool:
    """Whether a reply made without any knowledge would do; `knows` asks for some."""
    return expect.knows is None and reply_holds(expect, reply)


def _judges_replies(case: Case) -> bool:
    return any(
        kind in REPLY_KINDS for _, _, expect in _expectations(case) for kind in expect.kinds()
    )


def _counts(case: Case) -> Iterator[Fault]:
    test = case.test
    if test.repeat.needed > test.repeat.runs:
        yield case.fault(
            ("repeat", "need"), f"need {test.repeat.needed} of {test.repeat.runs} runs",
            "need at or below runs", f"write need: {test.repeat.runs}", COUNTS,
        )  # fmt: skip
    if test.seeds is not None and len(test.seeds) < test.repeat.runs:
        yield case.fault(
            ("seeds",), f"{len(test.seeds)} seeds for {test.repeat.runs} runs",
            "a seed for each run", "add seeds, or leave the key out", COUNTS,
        )  # fmt: skip
    elif len(set(test.seeds_used)) < len(test.seeds_used):
        yield case.fault(
            ("seeds",), "a seed twice", "each seed once",
            "equal seeds give equal replies and prove nothing more", COUNTS,
        )  # fmt: skip
    if case.cast is None or len(test.seeds_used) < 2 or not _judges_replies(case):
        return
    own = case.cast.sheets[case.persona].sampling.temperature
    if (own if test.sampling.temperature is None else test.sampling.temperature) == 0:
        fault = case.fault(
            ("seeds",), f"{len(test.seeds_used)} seeds at temperature 0", "one run",
            "at temperature 0 all seeds give the same reply", WEAK,
        )  # fmt: skip
        yield as_warning(fault)


def _unknown_ids(case: Case) -> Iterator[Fault]:
    if case.cast is None:
        return
    sheets = case.cast.sheets.values()
    facts = {f.id for f in case.cast.world.facts} | {f.id for s in sheets for f in s.facts}
    secrets = {secret.id for sheet in sheets for secret in sheet.secrets}
    for index, _, expect in _expectations(case):
        for kind in ("knows", "does_not_know"):
            for position, name in enumerate(getattr(expect, kind) or ()):
                if fact_named(case.cast, case.persona, name) is None:
                    where = ("script", index, "expect", kind, position)
                    yield _unknown(
                        case, where, name, "a fact of the world or its characters", facts
                    )
        for position, name in enumerate(expect.keeps_secret or ()):
            if secret_named(case.cast, case.persona, name) is None:
                where = ("script", index, "expect", "keeps_secret", position)
                yield _unknown(case, where, name, "a secret of the character", secrets)
    for index, step in enumerate(case.test.script):
        for position, name in enumerate((step.event.witnesses or ()) if step.event else ()):
            if name not in case.cast.sheets:
                where = ("script", index, "event", "witnesses", position)
                yield _unknown(case, where, name, "the id of a character", case.cast.sheets)


def _unknown(case: Case, where: KeyPath, name: str, expected: str, known: Iterable[str]) -> Fault:
    return case.fault(where, f'"{name}"', expected, suggest(name, known), UNKNOWN)


def _never(case: Case, corpus: Searched) -> Iterator[Fault]:
    """Phrases that no prompt can hold, and phrases that the question itself holds."""
    for index, line, expect in _expectations(case):
        for position, phrase in enumerate(expect.prompt_lacks or ()):
            if not corpus.has(phrase):
                yield case.fault(
                    ("script", index, "expect", "prompt_lacks", position), f'"{phrase}"',
                    "words that stand in some sheet, world or script",
                    "no prompt can hold them, so this can never fail; check the spelling", EMPTY,
                )  # fmt: skip
        asked = Searched.of(line)
        for position, phrase in enumerate(expect.any_of or ()):
            if not is_expression(phrase) and asked.has(phrase):
                fault = case.fault(
                    ("script", index, "expect", "any_of", position),
                    f'"{phrase}", which the player says too', "words of the character's own",
                    "an echo of the question would pass", WEAK,
                )  # fmt: skip
                yield as_warning(fault)


def _same_reply(cases: Sequence[Case]) -> Iterator[Fault]:
    """One fixed sentence that passes every test of a file that judges replies."""
    judged = [case for case in cases if _judges_replies(case) and not case.test.allow_weak]
    if not judged:
        return
    barks = [
        bark
        for case in judged
        if case.cast is not None
        for barks in case.cast.sheets[case.persona].barks.values()
        for bark in barks
    ]
    for reply in dict.fromkeys((*FIXED_REPLIES, *barks)):
        if all(_would_pass(e, reply) for case in judged for _, _, e in _expectations(case)):
            yield judged[0].fault(
                ("script",), f'tests that "{reply}" would pass, all of the file',
                "an assertion that only the right reply meets", "add any_of, all_of or regex",
                EMPTY,
            )  # fmt: skip
            return


def as_warning(fault: Fault) -> Fault:
    """The same fault as a warning."""
    return Fault(
        fault.path, fault.line, fault.column, fault.key, fault.found, fault.expected,
        fault.advice, fault.code, "warning",
    )  # fmt: skip


def _corpus(cases: Iterable[Case], library: Library) -> Searched:
    """Everything that could come into a prompt: sheets, worlds, scripts, the engine's words."""
    texts = [wording.RULES, *(words for _, words in wording.TRUST_WORDS), wording.DEEP_TRUST]
    for world_id in library.world_ids():
        texts += _texts(library.world_source(world_id).data)
    for sheet_id in library.sheet_ids():
        texts += _texts(library.sheet_source(sheet_id).data)
    for case in cases:
        for step in case.test.script:
            texts += _texts(step.model_dump(exclude={"expect", "why"}, exclude_none=True))
        texts += _texts(case.test.scene.model_dump(exclude_none=True))
    return Searched.of("\n".join(texts), spoken=False)


def _texts(data: object) -> list[str]:
    if isinstance(data, dict):
        return [text for value in data.values() for text in _texts(value)]
    if isinstance(data, (tuple, list)):
        return [text for value in data for text in _texts(value)]
    return [str(data)] if isinstance(data, str) else []
