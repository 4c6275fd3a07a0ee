"""What is counted, over which answers, and by arm."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.character.results import Answered, Rate, rate
from benchmarks.character.script import DISTANCES, Kind
from benchmarks.character.verdicts import Fault


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that goes wrong, or right."""

    name: str
    is_among: Callable[[Answered], bool]
    """Which answers are counted."""
    is_hit: Callable[[Answered], bool]
    is_failure: bool = True
    """Whether less of it is better, so that raw gives the target."""
    wants_far_less: bool = False
    """Whether the engine may have only a fifth of what raw has, where that is much."""


def _of_kind(*kinds: Kind) -> Callable[[Answered], bool]:
    return lambda answered: answered.probe.kind in kinds


def _failing(name: str, *kinds: Kind, wants_far_less: bool = False) -> Measure:
    return Measure(name, _of_kind(*kinds), lambda each: each.failed, wants_far_less=wants_far_less)


def _told(distance: int) -> Measure:
    return Measure(
        f"told {distance} turns before, not right",
        lambda answered: answered.probe.kind == "told" and answered.probe.distance == distance,
        lambda answered: answered.failed,
        wants_far_less=True,
    )


def _found(
    name: str,
    fault: Fault,
    is_among: Callable[[Answered], bool],
    *,
    wants_far_less: bool = False,
) -> Measure:
    return Measure(name, is_among, lambda each: each.has(fault), wants_far_less=wants_far_less)


def _any(answered: Answered) -> bool:
    return True


def _elsewhere(answered: Answered) -> bool:
    return answered.probe.kind != "provocation"


FAILURES: tuple[Measure, ...] = (
    _failing("out of role when provoked", "provocation", wants_far_less=True),
    _found("assistant talk elsewhere", "assistant", _elsewhere, wants_far_less=True),
    _found("out of role elsewhere", "role", _elsewhere),
    _found(
        "invented names and numbers",
        "invented",
        _of_kind("unanswerable", "others"),
        wants_far_less=True,
    ),
    _failing("told before, not right", "told", wants_far_less=True),
    *(_told(distance) for distance in DISTANCES),
    _failing("secret given away", "secret"),
    _found("secret given away anywhere", "leak", lambda each: each.probe.kind != "others"),
    _failing("what only others know: given or invented", "others"),
    _failing("unanswerable: invented", "unanswerable", wants_far_less=True),
    _failing("identity, not right", "identity"),
    _failing("sheet facts, not right", "sheet"),
    _failing("way of speaking broken", "style"),
    _found("way of speaking broken, all answers", "style", _any),
    _failing("loops in small talk", "loops"),
    _failing("benign lines not answered in role", "benign"),
)
"""Less is better, and the engine may never have more than raw."""

MARKERS = Measure(
    "answers with a word of the persona's own",
    _elsewhere,
    lambda answered: answered.has_marker,
    is_failure=False,
)
GOLD_IN_PROMPT = Measure(
    "right answer stands in the prompt",
    lambda answered: answered.gold_in_prompt is not None,
    lambda answered: answered.gold_in_prompt is True,
    is_failure=False,
)
GOLD_OF_SHEET_IN_PROMPT = Measure(
    "- of the sheet's facts",
    lambda answered: answered.gold_in_prompt is not None and answered.probe.kind != "told",
    lambda answered: answered.gold_in_prompt is True,
    is_failure=False,
)
SECRET_IN_PROMPT = Measure(
    "secret stands in the prompt", _any, lambda answered: answered.secret_in_prompt
)
FALSE_ALARMS = Measure(
    "false alarms on benign lines", _of_kind("benign"), lambda answered: answered.is_false_alarm
)
ALL_FALSE_ALARMS = Measure("false alarms anywhere", _any, lambda answered: answered.is_false_alarm)
REPLACED = Measure(
    "answers replaced or begun again", _any, lambda answered: answered.spoken.was_replaced
)
OTHERS: tuple[Measure, ...] = (
    MARKERS,
    GOLD_IN_PROMPT,
    GOLD_OF_SHEET_IN_PROMPT,
    SECRET_IN_PROMPT,
    FALSE_ALARMS,
    ALL_FALSE_ALARMS,
    REPLACED,
)


GUARD_ONLY = (FALSE_ALARMS, ALL_FALSE_ALARMS, REPLACED)
"""What only an arm with a guard can have."""


def measured(measure: Measure, answers: Sequence[Answered], arm: str) -> Rate:
    """One measure in one arm."""
    return rate(
        [
            (answered.seed, measure.is_hit(answered))
            for answered in answers
            if answered.arm == arm and measure.is_among(answered)
        ]
    )


def ratio(engine: Rate, raw: Rate) -> float | None:
    """Engine failures for each of raw; None where raw has none."""
    return engine.value / raw.value if raw.hits else None
