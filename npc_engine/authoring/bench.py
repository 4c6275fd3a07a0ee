"""A user's own measurement: how soon and how fast a model speaks here, alone and in a crowd.

Works on any `ModelSession`. What fails is noted and the rest goes on; an interrupt ends the run
with what was found until then.
"""

import os
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from npc_engine.authoring.bench_memory import resident_bytes
from npc_engine.authoring.bench_plan import FULL, BenchPlan
from npc_engine.authoring.bench_prompts import BenchStage
from npc_engine.authoring.bench_results import BenchReport, Crowd, Figure, Problem
from npc_engine.authoring.bench_speaking import Spoken, speak, tokens_per_s
from npc_engine.errors import CommandError, NpcEngineError
from npc_engine.protocols import GenerationRequest, ModelSession

Progress = Callable[[str, float | None], None]

_STEP = "measuring"
_MB = 1e6


def run_bench(
    open_session: Callable[[], ModelSession],
    plan: BenchPlan = FULL,
    *,
    on_progress: Progress | None = None,
) -> BenchReport:
    """Open a model and measure it; the session is closed at the end.

    Args:
        open_session: Opens the model; the time it takes is the start-up.
        plan: What to measure.
        on_progress: Told before each measurement.

    Raises:
        ModelError: The model cannot be opened.
        CommandError: It is a server's, which cannot be handed token ids.
    """
    report = BenchReport()
    session: ModelSession | None = None
    try:
        began = time.perf_counter()
        session = open_session()
        ready_s = time.perf_counter() - began
        if session.info.device == "remote":
            raise CommandError(
                f"model {session.info.name}: found a server; expected a model of this machine, "
                "because what is read and reused can only be told here; use the server's own tools"
            )
        report.figures.append(Figure("start-up until ready", ready_s, "s"))
        _Bench(session, plan, report, began).run(on_progress)
    except KeyboardInterrupt:
        report.was_interrupted = True
    finally:
        if session is not None:
            session.close()
    return report


class _Bench:
    """One run: the measurements one after the other, each on conversations of its own."""

    def __init__(
        self, session: ModelSession, plan: BenchPlan, report: BenchReport, began: float
    ) -> None:
        self._session = session
        self._plan = plan
        self._report = report
        self._stage = BenchStage.shipped(session.tokenizer)
        self._late_at = None if plan.time_limit_s is None else began + plan.time_limit_s
        self._num_requests = 0

    def run(self, on_progress: Progress | None) -> None:
        self._report.settings |= self._settings()
        steps = self._steps()
        for index, (what, step) in enumerate(steps):
            if on_progress is not None:
                on_progress(_STEP, index / len(steps))
            if self._late_at is not None and time.perf_counter() >= self._late_at:
                self._note(what, f"left out after {self._plan.time_limit_s:g} s")
                continue
            try:
                step()
            except NpcEngineError as error:
                self._note(what, str(error))
        if on_progress is not None:
            on_progress(_STEP, 1.0)

    def _steps(self) -> list[tuple[str, Callable[[], None]]]:
        steps: list[tuple[str, Callable[[], None]]] = [
            ("first token, cold", self._cold),
            ("first token, new NPC of a warm world", self._new_npc),
        ]
        for tokens in self._plan.warm_tokens:
            steps.append((_warm_name(tokens), partial(self._warm_turn, tokens)))
        for size in self._plan.crowds:
            steps.append((f"speed, {_npcs(size)}", partial(self._crowd, size)))
        return [*steps, ("memory", self._memory)]

    # -- measurements -------------------------------------------------------------------------

    def _cold(self) -> None:
        """Every round leaves out one more id at the beginning, so that nothing was read before."""
        what = "first token, cold"
        prompt = self._stage.first_prompt(0)
        rounds = [(f"cold {index}", prompt[index:]) for index in range(self._plan.rounds)]
        spoken = [self._ask(key, ids, seed) for seed, (key, ids) in enumerate(rounds)]
        good = self._good(what, spoken)
        if good:
            size = f"{what}, {len(prompt):,} tokens"
            self._figure(size, (one.first_token_ms for one in good), "ms")
        self._forget(key for key, _ in rounds)

    def _new_npc(self) -> None:
        """The others of the world, after one of them was read."""
        what = "first token, new NPC of a warm world"
        num_npcs = min(self._plan.rounds, len(self._stage.cast) - 1)
        self._good(what, [self._ask("npc 0", self._stage.first_prompt(0), 0)])
        numbers = range(1, num_npcs + 1)
        spoken = [self._ask(f"npc {n}", self._stage.first_prompt(n), n) for n in numbers]
        good = self._good(what, spoken)
        if good:
            self._figure(what, (one.first_token_ms for one in good), "ms")
            self._figure("reused share, new NPC", map(_reused_share, good), "")
        self._forget(f"npc {number}" for number in range(num_npcs + 1))

    def _warm_turn(self, tokens: int) -> None:
        """Turns of one talk, each `new_tokens` longer than what was read before."""
        what, key = _warm_name(tokens), f"warm {tokens}"
        plan = self._plan
        prompts = self._stage.warm_turns(0, tokens, plan.new_tokens, plan.rounds + 1)
        self._good(what, [self._ask(key, prompts[0], 0)])
        spoken = [self._ask(key, ids, seed) for seed, ids in enumerate(prompts[1:])]
        good = self._good(what, spoken)
        if good:
            self._figure(what, (one.first_token_ms for one in good), "ms")
            share = f"reused share, warm turn at {tokens:,} tokens"
            self._figure(share, map(_reused_share, good), "")
        self._forget([key])

    def _crowd(self, size: int) -> None:
        """So many talks, all asked in the same moment; their beginnings were read before."""
        plan, what = self._plan, f"speed, {_npcs(size)}"
        keys = [f"crowd {number} of {size}" for number in range(size)]
        talks = [
            self._stage.warm_turns(n, plan.crowd_tokens, plan.new_tokens, plan.crowd_rounds + 1)
            for n in range(size)
        ]
        prompts = list(zip(*talks, strict=True))
        self._together(keys, prompts[0], max_tokens=1)
        rounds = [self._together(keys, ids, max_tokens=plan.reply_tokens) for ids in prompts[1:]]
        # A round that lost a speaker is a round of a smaller crowd.
        good = [spoken for spoken in rounds if len(self._good(what, spoken)) == size]
        self._forget(keys)
        if good:
            self._add_crowd(size, good)

    def _add_crowd(self, size: int, rounds: Sequence[Sequence[Spoken]]) -> None:
        everybody = [one for spoken in rounds for one in spoken]
        crowd = Crowd(
            num_npcs=size,
            total_tokens_per_s=statistics.median(map(tokens_per_s, rounds)),
            each_tokens_per_s=statistics.median(tokens_per_s([one]) for one in everybody),
            first_token_ms=statistics.median(one.first_token_ms for one in everybody),
            longest_gap_ms=max(one.longest_gap_ms for one in everybody),
            runs=len(rounds),
        )
        self._report.crowds.append(crowd)
        name = f"speed, {_npcs(size)}"
        self._report.figures += [
            Figure(name, crowd.total_tokens_per_s, "tokens/s", runs=crowd.runs),
            Figure(f"longest gap, {_npcs(size)}", crowd.longest_gap_ms, "ms", runs=crowd.runs),
        ]

    def _memory(self) -> None:
        stats = self._session.stats()
        own = resident_bytes(os.getpid())
        if own is None:
            self._note("memory, this process", "this system does not tell")
        else:
            self._report.figures.append(Figure("memory, this process", own / _MB, "MB"))
        model: float | None = stats.get("resident_bytes")
        worker = _worker_pid(self._session)
        if model is None and worker is not None:
            model = resident_bytes(worker)
        if model is not None:
            self._report.figures.append(Figure("memory, model process", model / _MB, "MB"))

    # -- asking -------------------------------------------------------------------------------

    def _ask(self, key: str, prompt_ids: tuple[int, ...], seed: int) -> Spoken:
        """One token from one conversation."""
        return speak(self._session, [self._request(key, prompt_ids, seed, 1)])[0]

    def _together(
        self, keys: Sequence[str], prompts: Sequence[tuple[int, ...]], *, max_tokens: int
    ) -> list[Spoken]:
        pairs = zip(keys, prompts, strict=True)
        requests = [
            self._request(key, ids, seed, max_tokens) for seed, (key, ids) in enumerate(pairs)
        ]
        return speak(self._session, requests)

    def _request(
        self, key: str, prompt_ids: tuple[int, ...], seed: int, max_tokens: int
    ) -> GenerationRequest:
        self._num_requests += 1
        left = None if self._late_at is None else max(0.1, self._late_at - time.perf_counter())
        return GenerationRequest(
            request_id=f"bench {self._num_requests}",
            prompt_ids=prompt_ids,
            sampling=self._session.info.sampling,
            seed=seed,
            max_tokens=max_tokens,
            deadline_s=left,
            conversation=f"bench {key}",
        )

    def _forget(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._session.forget(f"bench {key}")

    # -- results ------------------------------------------------------------------------------

    def _good(self, what: str, spoken: Sequence[Spoken]) -> list[Spoken]:
        """Those that went well; the others are noted, once."""
        bad = [one for one in spoken if one.problem]
        if bad:
            self._note(what, f"{len(bad)} of {len(spoken)} requests: {bad[0].problem}")
        return [one for one in spoken if not one.problem]

    def _figure(self, name: str, values: Iterable[float], unit: str) -> None:
        found = list(values)
        self._report.figures.append(Figure(name, statistics.median(found), unit, runs=len(found)))

    def _note(self, what: str, why: str) -> None:
        problem = Problem(what, why)
        if problem not in self._report.problems:
            self._report.problems.append(problem)

    def _settings(self) -> dict[str, object]:
        info = self._session.info
        return {
            "model": info.name,
            "device": info.device,
            "dtype": info.dtype,
            "threads": info.extra.get("threads", ""),
            "window_tokens": info.window_tokens,
            "process": "own" if _worker_pid(self._session) is None else "worker",
            "rounds": self._plan.rounds,
        }


def _worker_pid(session: ModelSession) -> int | None:
    """The process the model runs in, where the session has one for it."""
    worker: int | None = getattr(session, "pid", None)
    return worker


def _warm_name(tokens: int) -> str:
    return f"first token, warm turn at {tokens:,} tokens"


def _npcs(size: int) -> str:
    return "one NPC alone" if size == 1 else f"{size} NPCs at once"


def _reused_share(spoken: Spoken) -> float:
    usage = spoken.usage
    return usage.reused_tokens / usage.prompt_tokens if usage.prompt_tokens else 0.0
