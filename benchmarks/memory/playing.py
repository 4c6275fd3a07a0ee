"""One playthrough of a world: every round is played on the engine, every question is planned."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.memory.asking import Memory, asked, asked_other
from benchmarks.memory.evidence import kept, rows_of
from benchmarks.memory.hand_written import MADE_UP, HandWritten
from benchmarks.memory.results import AfterFolds, Played, Sample, TimedTurn
from benchmarks.memory.schedule import Exchange, Happening, Probe, Round, rounds
from benchmarks.memory.script import Question, Script
from npc_engine import Engine, ScriptedSession
from npc_engine.dialogue.cast import Cast
from npc_engine.engine import Npc
from npc_engine.events import Event, LineEnded, LineRecorded
from npc_engine.model.scripted import EncodingTokenizer

ROOT = Path(__file__).parents[2]
DEPTHS = (1, 2, 4, 8)
"""Folds, counted from the one that took the last line of an answer out of the recent turns."""
_PAUSE_S = 0.02
"""Before a turn that is timed alone: what follows the turn before it is over by then."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How a playthrough is played."""

    scripts: tuple[Script, ...]
    """Of one world."""
    distances: tuple[int, ...]
    seed: int = 0
    """Of the small talk."""
    quiet_rounds: int = 0
    """In so many of the last rounds every turn is timed alone."""
    sample_distance: int | None = None
    """Keep the prompts of all questions at this distance."""

    def rounds(self) -> list[Round]:
        """What is played."""
        return list(rounds(self.scripts, self.distances, seed=self.seed))


@dataclass(slots=True)
class _Covered:
    """When a question's lines left the recent turns."""

    at_folds: int
    depths: list[int]
    """Still to be asked at."""


def _speaking_freely(cast: Cast) -> Cast:
    """The same cast, whose written lines may hold names that no prompt tells, and come again."""
    guard = cast.world.guard.model_copy(update={"invented": "allow", "repeats": "allow"})
    return replace(cast, world=cast.world.model_copy(update={"guard": guard}))


class Playing:
    """One playthrough; the model is scripted."""

    def __init__(
        self, setting: Setting, tokenizer: EncodingTokenizer, save: Path | None = None
    ) -> None:
        """Open the engine.

        Args:
            setting: What to play.
            tokenizer: Of the model that is planned for.
            save: The save file; None keeps everything in memory.
        """
        self._setting = setting
        self._tokenizer = tokenizer
        self._model = HandWritten()
        self._engine = Engine.open(
            ROOT / "worlds" / f"{setting.scripts[0].world}.yaml",
            ROOT / "characters",
            save,
            ScriptedSession(self._model, tokenizer=tokenizer),
            seed=setting.seed,
        )
        self._engine.cast = _speaking_freely(self._engine.cast)
        self._engine.subscribe(self._note)
        self._memories = {script.npc: Memory(script) for script in setting.scripts}
        self._entry_ids: list[int] = []
        self._num_folds: dict[str, int] = {}
        self._covered: dict[tuple[str, str], _Covered] = {}
        self._num_lines = 0
        self._played = Played()

    def run(self, on_round: Callable[[], None] = lambda: None) -> Played:
        """Play all rounds and close the engine.

        Args:
            on_round: Called after each round.

        Raises:
            RuntimeError: An NPC said something else than its script.
        """
        with self._engine:
            first_day = self._engine.world.state.day + 1
            all_rounds = self._setting.rounds()
            quiet_from = len(all_rounds) - self._setting.quiet_rounds
            for each in all_rounds:
                self._set_clock(each, first_day)
                for step in each.steps:
                    self._take(step, is_quiet=each.number >= quiet_from)
                for probe in each.probes:
                    self._ask(probe)
                self._ask_after_folds()
                on_round()
            self._look_at_stores()
        return self._played

    # -- a round ------------------------------------------------------------------------------

    def _set_clock(self, now: Round, first_day: int) -> None:
        if now.time is not None:
            self._engine.world.set("clock.day", first_day + now.days_passed)
            self._engine.world.set("clock.time", now.time)

    def _take(self, step: Exchange | Happening, *, is_quiet: bool) -> None:
        if isinstance(step, Happening):
            self._engine.world.event(step.plant.event, step.plant.witnesses)
            day = self._engine.world.state.day
            self._memories[step.npc].note(step.plant, (), day)
            return
        npc = self._engine.npc(step.npc)
        if is_quiet:
            time.sleep(_PAUSE_S)
        self._model.next(step.reply)
        self._entry_ids = []
        said_at, processor_s = time.perf_counter(), time.process_time()
        line = npc.ask(step.player)
        if line.text != step.reply:
            raise RuntimeError(f"{step.npc} was to say {step.reply!r} and said {line.text!r}")
        self._num_lines += 2
        self._played.turns.append(
            TimedTurn(
                lines_in_save=self._num_lines,
                memory_ms=(self._model.asked_at - said_at) * 1000,
                processor_ms=(self._model.processor_s - processor_s) * 1000,
                model_calls=self._model.num_calls,
                is_quiet=is_quiet,
            )
        )
        if step.plant is not None:
            day = npc.state().day
            self._memories[step.npc].note(step.plant, tuple(self._entry_ids), day)

    def _note(self, event: Event) -> None:
        if isinstance(event, LineRecorded | LineEnded) and event.entry_id is not None:
            self._entry_ids.append(event.entry_id)

    # -- questions ----------------------------------------------------------------------------

    def _ask(self, probe: Probe) -> None:
        told = probe.script.npc
        npc = self._engine.npc(told)
        found, prompts = asked(
            npc, self._memories[told], probe.question, probe.distance, self._tokenizer
        )
        self._played.asked.append(found)
        if probe.distance == self._setting.sample_distance:
            self._played.samples.append(Sample(probe.question, probe.distance, prompts))
        other = self._other(probe)
        if other and probe.question.kind != "abstain":
            self._played.asked_others.append(
                asked_other(
                    self._engine.npc(other), self._memories[told], probe.question, probe.distance
                )
            )

    def _other(self, probe: Probe) -> str:
        """Somebody else of the playthrough, another one at another distance."""
        others = [script.npc for script in self._setting.scripts if script is not probe.script]
        if not others:
            return ""
        return others[self._setting.distances.index(probe.distance) % len(others)]

    def _ask_after_folds(self) -> None:
        for npc_id, memory in self._memories.items():
            npc = self._engine.npc(npc_id)
            folds = npc.memory().folds
            if len(folds) == self._num_folds.get(npc_id, 0):
                continue
            self._num_folds[npc_id] = len(folds)
            folded = {entry_id for fold in folds for entry_id in fold.fold.entry_ids}
            for question in memory.script.questions:
                if question.kind not in ("temporal", "abstain"):
                    self._ask_at_depth(npc, memory, question, folded, len(folds))

    def _ask_at_depth(
        self, npc: Npc, memory: Memory, question: Question, folded: set[int], num_folds: int
    ) -> None:
        entry_ids = memory.entry_ids(question)
        if not entry_ids or not folded.issuperset(entry_ids):
            return
        key = (npc.id, question.ask)
        covered = self._covered.setdefault(key, _Covered(num_folds, list(DEPTHS)))
        depth = num_folds - covered.at_folds + 1
        if depth not in covered.depths:
            return
        covered.depths.remove(depth)
        store = [row for text in _stored(npc) for row in text.splitlines()]
        prompt = [row.text for row in rows_of(npc.plan(question.ask))]
        self._played.after_folds.append(
            AfterFolds(
                question,
                npc.id,
                depth,
                in_store=any(kept(question, row) for row in store),
                in_prompt=any(kept(question, row) for row in prompt),
            )
        )

    def _look_at_stores(self) -> None:
        """What stands for folded lines in the end."""
        played = self._played
        for npc_id in self._memories:
            npc = self._engine.npc(npc_id)
            npc.plan("")
            view = npc.memory()
            folded = {entry_id for fold in view.folds for entry_id in fold.fold.entry_ids}
            texts = _stored(npc)
            played.num_made_up += sum(any(word in text for word in MADE_UP) for text in texts)
            played.words_stored += sum(len(text.split()) for text in texts)
            played.words_folded += sum(
                len(line.text.split()) for line in view.lines if line.entry_id in folded
            )
            for fold in view.folds:
                played.num_folds[fold.fold.kind] += 1


def _stored(npc: Npc) -> set[str]:
    """Texts of the summaries and facts of an NPC."""
    folds = [fold.fold for fold in npc.memory().folds]
    facts = [fact.text for fold in folds for fact in fold.facts]
    return {*(fold.text for fold in folds), *facts, *(fact.text for fact in npc.talk.learned())}
