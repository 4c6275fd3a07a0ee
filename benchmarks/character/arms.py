"""The arms of the exam: the pasted sheet, and the engine with its options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from npc_engine.content.character import CharacterSheet
from npc_engine.engine.engine_options import EngineOptions
from npc_engine.engine.say_options import SayOptions
from npc_engine.prompt.profile import PromptProfile

RAW = "raw"


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to make the same model speak as a persona."""

    name: str
    label: str
    options: Mapping[str, object] = field(default_factory=dict)
    """Of the engine; each goes to whatever takes an option of that name, see `placed`."""


_ALL_READY = {"choose_within_s": 30.0}
"""Long enough for all candidates on any machine, so that their number alone decides."""

ARMS: Mapping[str, Arm] = {
    arm.name: arm
    for arm in (
        Arm(RAW, "raw"),
        Arm("one", "engine, one candidate", {"candidates": 1}),
        Arm("two", "engine, two candidates", {"candidates": 2, **_ALL_READY}),
        Arm("three", "engine, three candidates", {"candidates": 3, **_ALL_READY}),
        Arm("four", "engine, four candidates", {"candidates": 4, **_ALL_READY}),
        Arm("default", "engine, default"),
        Arm(
            "bearing-three",
            "engine, what bears on the line, three candidates",
            {"profile": PromptProfile(bearing=True), "candidates": 3, **_ALL_READY},
        ),
        *(
            Arm(name, f"engine, {label}", {"profile": profile})
            for name, label, profile in (
                ("plain", "no choice made", PromptProfile()),
                ("third", "third person", PromptProfile(person="third")),
                ("sheet-first", "sheet before world", PromptProfile(order="sheet")),
                ("examples-text", "examples as text", PromptProfile(examples="text")),
                ("examples-none", "no examples", PromptProfile(examples="none")),
                ("reminder", "reminder", PromptProfile(reminder=True)),
                ("bearing", "what bears on the line", PromptProfile(bearing=True)),
                ("opening", "name before the reply", PromptProfile(opening=True)),
                ("context-system", "lore as contexts", PromptProfile(contexts="system")),
                (
                    "bearing+reminder",
                    "what bears on the line, reminder",
                    PromptProfile(bearing=True, reminder=True),
                ),
            )
        ),
    )
}
BEFORE = Arm("before", "engine, before the guard")
"""Made up from the plainest engine's first texts; see `before_guard`. Never played."""
DEFAULT_ARMS = (RAW, "one", "default")


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the options of an arm go."""

    engine: Mapping[str, object]
    """To `Engine.open`."""
    say: Mapping[str, object]
    """To every line that is said."""
    sheet: Mapping[str, object]
    """Into every sheet."""
    unknown: tuple[str, ...]
    """Nowhere: this engine has no such option."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The arms that are played, and those that would be played twice."""

    arms: tuple[Arm, ...]
    same_as: Mapping[str, str]
    """Names of arms that differ from another one in nothing, and that other one's."""


def plainest(arms: Sequence[Arm]) -> Arm | None:
    """The engine that the others are compared with: one candidate, else the first there is."""
    engines = [arm for arm in arms if arm.name not in (RAW, BEFORE.name)]
    return next((arm for arm in engines if arm.name == "one"), next(iter(engines), None))


def placed(options: Mapping[str, object]) -> Placed:
    """Each option where its name is known: `EngineOptions`, then `SayOptions`, then the sheet."""
    known = (
        frozenset(EngineOptions.__annotations__),
        frozenset(SayOptions.__annotations__),
        frozenset(CharacterSheet.model_fields),
    )
    found: list[dict[str, object]] = [{}, {}, {}]
    unknown = []
    for name, value in options.items():
        place = next((index for index, names in enumerate(known) if name in names), None)
        if place is None:
            unknown.append(name)
        else:
            found[place][name] = value
    return Placed(found[0], found[1], found[2], tuple(unknown))


def chosen(names: Sequence[str]) -> Chosen:
    """The arms of these names, each played once.

    Raises:
        ValueError: There is no such arm.
    """
    arms: dict[str, tuple[Arm, object]] = {}
    same_as: dict[str, str] = {}
    for name in dict.fromkeys(names):
        if name not in ARMS:
            raise ValueError(f'no arm "{name}"; there are: {", ".join(ARMS)}')
        arm = ARMS[name]
        where = placed(arm.options)
        what = RAW if name == RAW else (where.engine, where.say, where.sheet)
        same = next((other for other, (_, its) in arms.items() if its == what), None)
        if same is None:
            arms[name] = (arm, what)
        else:
            same_as[name] = same
    return Chosen(tuple(arm for arm, _ in arms.values()), same_as)
