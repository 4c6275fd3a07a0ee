"""Runs persona tests through the engine itself, so that what is tested is what plays.

Compile tier: prompts only, no model. Model tier: replies too, once for each seed. Every run has a
save of its own, in memory.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from npc_engine.authoring.fixed_replies import StepSession
from npc_engine.authoring.judging import (
    Outcome,
    TurnSeen,
    Verdict,
    judge,
    needs_reply,
)
from npc_engine.authoring.persona_files import Case, find_files, load_cases
from npc_engine.authoring.persona_results import (
    CaseResult,
    Judged,
    PlanFigures,
    RunResult,
    Status,
    TestReport,
    TurnResult,
)
from npc_engine.authoring.persona_test import Step, Tier
from npc_engine.authoring.staging import happen, set_scene, staged
from npc_engine.authoring.voices import likeliest, voice_scores
from npc_engine.authoring.weakness import weak_tests
from npc_engine.content.library import Library
from npc_engine.dialogue.cast import Cast
from npc_engine.engine import Engine, Line, Npc
from npc_engine.engine.clock import SystemClock
from npc_engine.errors import CommandError, Fault, NpcEngineError
from npc_engine.memory.store import SaveStore
from npc_engine.model.scripted import EncodingTokenizer
from npc_engine.prompt.plan import Plan
from npc_engine.protocols import ModelSession, ScoringSession

Progress = Callable[[str, float | None], None]
"""Told before each test: the step, always in the same words, and the share of tests done."""

_STEP = "persona tests"


def run_persona_tests(
    paths: Sequence[Path],
    characters: Path,
    worlds: Path | None,
    *,
    tier: str,
    tokenizer: EncodingTokenizer,
    open_session: Callable[[], ModelSession] | None = None,
    name: str = "",
    on_progress: Progress | None = None,
) -> TestReport:
    """Run persona tests.

    Args:
        paths: Test files and folders with such; empty: the `tests` folder of `characters`.
        characters: The folder of the sheets.
        worlds: The folder of the worlds; by default beside the sheets.
        tier: `compile` never uses a model; `model` (or `all`) runs every test as far as it goes.
        tokenizer: What the compile tier plans prompts with.
        open_session: Opens the model; called at most once, and only if a test needs it. The
            session is closed at the end.
        name: Run only tests whose persona or tag is this, or whose name holds it; empty: all.
        on_progress: Told before each test.

    Raises:
        CommandError: A folder does not exist, or there is no such tier.
        ModelError: The model cannot be loaded.
    """
    if tier not in ("compile", "model", "all"):
        raise CommandError(f'unknown tier "{tier}"; expected compile, model or all')
    wanted: Tier = "compile" if tier == "compile" else "model"
    started = time.monotonic()
    library = Library.open(characters, worlds)
    files = find_files(paths or [library.characters / "tests"])
    loaded = load_cases(files, library)
    chosen = [case for case in loaded.cases if _is_chosen(case, name)]
    weak = weak_tests(chosen, library)
    runner = _Runner(wanted, tokenizer, open_session, library)
    results = []
    try:
        for index, case in enumerate(chosen):
            if on_progress is not None:
                on_progress(_STEP, index / len(chosen))
            results.append(runner.run_case(case, weak))
        if on_progress is not None and chosen:
            on_progress(_STEP, 1.0)
        info = runner.session.info if runner.session is not None else None
    finally:
        runner.close()
    return TestReport(
        tier=wanted,
        tests=tuple(results),
        faults=tuple(dict.fromkeys((*loaded.faults, *weak))),
        model=info.name if info else "",
        device=info.device if info else "",
        dtype=info.dtype if info else "",
        tokenizer=tokenizer.fingerprint,
        hashes=_hashes(chosen, library),
        wall_s=time.monotonic() - started,
    )


def tier_of(case: Case) -> Tier:
    """Where a test belongs: as written, or with `auto` by whether anything judges a reply."""
    if case.test.tier != "auto":
        return case.test.tier
    expectations = [step.expect for step in case.test.script if step.expect is not None]
    return "model" if any(needs_reply(expect) for expect in expectations) else "compile"


def _is_chosen(case: Case, name: str) -> bool:
    wanted = name.strip().casefold()
    labels = (case.persona.casefold(), *(tag.casefold() for tag in case.test.tags))
    return wanted in labels or wanted in case.name.casefold()


class _Runner:
    """Runs cases; holds the model once it is open."""

    def __init__(
        self,
        tier: Tier,
        tokenizer: EncodingTokenizer,
        open_session: Callable[[], ModelSession] | None,
        library: Library,
    ) -> None:
        self.session: ModelSession | None = None
        self._tier = tier
        self._tokenizer = tokenizer
        self._open_session = open_session
        self._library = library

    def close(self) -> None:
        if self.session is not None:
            self.session.close()

    def run_case(self, case: Case, weak: Sequence[Fault]) -> CaseResult:
        test = case.test
        if test.skip is not None:
            return _unrun(case, "skipped", test.skip)
        if case.cast is None:
            return _unrun(case, "error", "its sheet or world is wrong or missing")
        wrong = [fault for fault in weak if fault.severity == "error" and _is_in(fault, case)]
        if wrong:
            return _unrun(case, "error", wrong[0].found)
        tier = tier_of(case) if self._tier == "model" else "compile"
        if tier == "model" and self.session is None and self._open_session is None:
            return _unrun(case, "not_run", "no model was given")
        seeds = test.seeds_used if tier == "model" else test.seeds_used[:1]
        runs = tuple(self._run(case, case.cast, tier, seed) for seed in seeds)
        need = min(test.repeat.needed, len(runs))
        return CaseResult(
            name=case.name,
            persona=case.persona,
            path=case.path,
            line=case.line,
            tier=tier,
            status=_status(runs, need, expects_failure=test.xfail is not None),
            need=need,
            runs=runs,
            note=test.xfail or "",
        )

    def _run(self, case: Case, cast: Cast, tier: Tier, seed: int) -> RunResult:
        session = self._session_for(tier)
        store = SaveStore.open(None, SystemClock())
        turns: list[TurnResult] = []
        with Engine(
            self._library, cast.world.id, store, session, seed=seed, prewarm=False
        ) as engine:
            try:
                engine.cast = staged(cast, case)
                npc = engine.new_chat(case.persona, case.name)
                set_scene(npc, case.test.scene)
                for index, step in enumerate(case.test.script):
                    if step.say is None:
                        happen(npc, step)
                    else:
                        turns.append(_turn(engine, npc, session, case, index, step, tier))
            except NpcEngineError as error:
                return RunResult(seed, "failed", tuple(turns), str(error))
        return RunResult(seed, _verdict(turns), tuple(turns))

    def _session_for(self, tier: Tier) -> StepSession:
        if tier == "compile":
            return StepSession(None, self._tokenizer)
        if self.session is None:
            if self._open_session is None:
                raise NpcEngineError("no model was given")
            self.session = self._open_session()
        return StepSession(self.session, cast(EncodingTokenizer, self.session.tokenizer))


# -- one run ---------------------------------------------------------------------------------------


def _turn(
    engine: Engine, npc: Npc, session: StepSession, case: Case, index: int, step: Step, tier: Tier
) -> TurnResult:
    said = step.say or ""
    session.fixed = step.reply if tier == "model" else step.reply or ""
    has_model_reply = tier == "model" and step.reply is None
    npc.world.settle()
    state = npc.state()
    # An authored line is said without a prompt; what the prompt would hold is looked at anyway.
    unasked = npc.plan(said) if npc.talk.line_called_for(said) is not None else None
    started = time.monotonic()
    line = npc.ask(said)
    plan = unasked if line.rung == "authored" and unasked is not None else npc.talk.last_plan
    judged: tuple[Judged, ...] = ()
    if line.reason == "failed":
        raise NpcEngineError(f"the reply failed: {line.detail}")
    if step.expect is not None and plan is not None:
        is_said = tier == "model" or line.rung == "authored"
        answered = line.text if is_said else None
        asks_voice = has_model_reply and step.expect.own_voice is not None
        voice = _voice(engine, session, said, line.text) if asks_voice else None
        seen = TurnSeen(npc.id, engine.cast, said, plan, state, answered, voice)
        outcomes = judge(step.expect, seen)
        if has_model_reply and _is_without_model(line):
            outcomes = (*outcomes, _nothing_usable(line.text, line.reason or ""))
        judged = tuple(Judged(o, _line_of(case, index, o.kind)) for o in outcomes)
    return TurnResult(
        say=said,
        reply=line.text,
        reason=str(line.reason),
        has_model_reply=has_model_reply,
        line=case.line_of("script", index),
        why=step.why,
        plan=None if plan is None else _figures(plan),
        judged=judged,
        ms=(time.monotonic() - started) * 1000,
    )


def _voice(engine: Engine, session: StepSession, said: str, reply: str) -> str | None:
    """Whose voice the model takes a reply for, all being asked the same in a talk of their own."""
    model = session.model
    if not isinstance(model, ScoringSession) or not model.can_score or not reply.strip():
        return None
    prompts = {npc: engine.new_chat(npc).plan(said).prompt_ids for npc in engine.npc_ids}
    tokenizer = cast(EncodingTokenizer, model.tokenizer)
    return likeliest(voice_scores(model, tokenizer, prompts, [reply])[0]) or None


def _is_without_model(line: Line) -> bool:
    """Whether something had to stand in for the model; a line that came before it did not."""
    return line.rung in ("bark", "silence") or (line.rung == "authored" and line.reason != "done")


def _nothing_usable(text: str, reason: str) -> Outcome:
    said = f'the authored line "{text}"' if text else "silence"
    return Outcome("reply", "", "failed", f"{said} ({reason})", "a reply of the model")


def _line_of(case: Case, index: int, kind: str) -> int:
    return case.line_of("script", index, "expect", kind)


def _figures(plan: Plan) -> PlanFigures:
    return PlanFigures(
        sections=tuple((s.name, s.tokens, s.why) for s in plan.sections),
        cut=tuple((c.section, c.what, c.tokens, c.rule) for c in plan.cut),
        total_tokens=plan.total_tokens,
        window_tokens=plan.window_tokens,
        digest=plan.digest,
    )


# -- verdicts --------------------------------------------------------------------------------------


def _verdict(turns: Sequence[TurnResult]) -> Verdict:
    verdicts = {judged.outcome.verdict for turn in turns for judged in turn.judged}
    if "failed" in verdicts:
        return "failed"
    return "not_run" if "not_run" in verdicts else "passed"


def _status(runs: Sequence[RunResult], need: int, *, expects_failure: bool) -> Status:
    verdicts = [run.verdict for run in runs]
    if "not_run" in verdicts and "failed" not in verdicts:
        return "not_run"
    passed = verdicts.count("passed") >= need
    if expects_failure:
        return "xpassed" if passed else "xfailed"
    return "passed" if passed else "failed"


def _unrun(case: Case, status: Status, note: str) -> CaseResult:
    return CaseResult(
        case.name, case.persona, case.path, case.line, tier_of(case), status,
        case.test.repeat.needed, (), note,
    )  # fmt: skip


def _is_in(fault: Fault, case: Case) -> bool:
    """Whether a fault stands inside a test."""
    if fault.path != case.path:
        return False
    prefix = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in case.where).lstrip(".")
    return fault.key == prefix or not prefix or fault.key.startswith((f"{prefix}.", f"{prefix}["))


def _hashes(cases: Sequence[Case], library: Library) -> dict[str, str]:
    texts = {case.path: case.source.text for case in cases}
    for case in cases:
        if case.cast is not None:
            world = library.world_source(case.cast.world.id)
            sheet = library.sheet_source(case.persona)
            texts |= {world.path: world.text, sheet.path: sheet.text}
    return {
        path: hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
        for path, text in sorted(texts.items())
    }
