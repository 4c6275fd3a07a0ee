"""From what was played to figures with targets, a table of all arms, and rows for the JSON."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from rich.table import Table

from benchmarks.memory.arms import ARMS, Arm
from benchmarks.memory.results import Asked, Played
from benchmarks.memory.script import KINDS, Kind
from benchmarks.memory.shares import Share, percentile, share, slope, slope_interval
from benchmarks.report import Figure

EVIDENCE_TARGETS: Mapping[Kind, float] = {"single": 0.95, "temporal": 0.90}
HOPS_TARGET = 0.60
STORE_TARGET = 0.75
PROMPT_TARGET = 0.90
MAX_LOSS = 0.02
SUMMARY_AND_FACTS_TOKENS = 220 + 130 + 40
"""Their caps, and their two headings."""
RECALL_AND_LORE_TOKENS = 440
TURN_MS = 20.0
_LASTING = ("summary", "learned")

Cells = dict[tuple[Kind, int, Arm], Share]


def cells_of(asked: Iterable[Asked]) -> Cells:
    """How many prompts hold the evidence, by kind, distance and arm."""
    found: defaultdict[tuple[Kind, int, Arm], list[bool]] = defaultdict(list)
    for each in asked:
        for arm, has in each.has_evidence.items():
            found[each.question.kind, each.distance, arm].append(has)
    return {key: share(values) for key, values in found.items()}


def arms_table(cells: Cells) -> Table:
    """All kinds, distances and arms, and the 95 % interval of ours."""
    table = Table("kind", "turns\nago", box=None)
    for arm in ARMS:
        table.add_column(arm.replace(" ", "\n"), justify="right")
    table.add_column("interval\nof ours", justify="right", no_wrap=True)
    table.add_column("n", justify="right")
    for kind in KINDS:
        for distance in sorted({key[1] for key in cells if key[0] == kind}):
            row = [cells[kind, distance, arm] for arm in ARMS]
            low, high = cells[kind, distance, "ours"].interval
            texts = [f"{one.value:.2f}" for one in row]
            table.add_row(kind, str(distance), *texts, f"{low:.2f}-{high:.2f}", str(row[0].count))
    return table


def rows_for_json(played: Played) -> list[dict[str, object]]:
    """Every cell with its interval, then every question as it was asked."""
    rows: list[dict[str, object]] = [
        {
            "series": "evidence",
            "kind": kind,
            "distance": distance,
            "arm": arm,
            "hits": one.hits,
            "questions": one.count,
            "interval": one.interval,
        }
        for (kind, distance, arm), one in cells_of(played.asked).items()
    ]
    for each in played.asked:
        rows.append(
            {
                "series": "asked",
                "npc": each.npc,
                "ask": each.question.ask,
                "kind": each.question.kind,
                "distance": each.distance,
                "has_evidence": each.has_evidence,
                "shares": each.shares,
                "is_dated": each.is_dated,
                "old_value_stands": {arm: one.stands for arm, one in each.stale.items()},
                "old_value_as_current": {arm: one.as_current for arm, one in each.stale.items()},
                "old_value_comes_last": {arm: one.comes_last for arm, one in each.stale.items()},
                "tokens": each.tokens,
                "total_tokens": each.total_tokens,
            }
        )
    rows += [
        {"series": "after folds", "npc": one.npc, "ask": one.question.ask,
         "kind": one.question.kind, "folds": one.depth, "in_store": one.in_store,
         "in_prompt": one.in_prompt}
        for one in played.after_folds
    ]  # fmt: skip
    rows += [
        {"series": "leak", "npc": one.npc, "told": one.told, "ask": one.question.ask,
         "distance": one.distance}
        for one in played.asked_others
        if one.leaked
    ]  # fmt: skip
    return rows


def figures_of(played: Played) -> list[Figure]:
    """Everything but timings of parts and what a real model makes of it."""
    return [
        *evidence_figures(played.asked),
        *peer_figures(played.asked),
        *truth_figures(played),
        *retention_figures(played),
        *token_figures(played.asked),
        *turn_figures(played),
    ]


def evidence_figures(asked: Sequence[Asked]) -> list[Figure]:
    """Ours, by kind and distance."""
    cells = cells_of(asked)
    distinct = {(each.npc, each.question.ask) for each in asked}
    plants = {(each.npc, plant) for each in asked for plant in each.question.about}
    figures = [
        Figure("questions asked, each distance counts", len(asked), ""),
        Figure("different questions", len(distinct), ""),
        Figure("planted facts", len(plants), ""),
    ]
    for (kind, distance, arm), one in sorted(cells.items()):
        if arm == "ours" and kind != "abstain":
            name = f"evidence, {kind}, {distance:,} turns ago"
            target = EVIDENCE_TARGETS.get(kind)
            figures.append(Figure(name, one.value, "", target, runs=one.count))
    for distance in sorted({each.distance for each in asked}):
        hops = [
            each.shares["ours"]
            for each in asked
            if each.question.kind == "two-hop" and each.distance == distance
        ]
        if hops:
            name = f"evidence, two-hop, share of its hops, {distance:,} turns ago"
            mean = sum(hops) / len(hops)
            figures.append(Figure(name, mean, "", HOPS_TARGET, runs=len(hops)))
    dated = share([each.is_dated["ours"] for each in asked if each.is_dated])
    calm = share([each.has_evidence["ours"] for each in asked if each.question.kind == "abstain"])
    return [
        *figures,
        Figure("temporal, and the day can be worked out", dated.value, "", runs=dated.count),
        Figure("abstain, and nothing wrong was recalled", calm.value, "", runs=calm.count),
    ]


def peer_figures(asked: Sequence[Asked]) -> list[Figure]:
    """Single facts and all kinds with an answer, by arm."""
    figures = []
    for arm in ARMS:
        single = share([e.has_evidence[arm] for e in asked if e.question.kind == "single"])
        all_kinds = share([e.has_evidence[arm] for e in asked if e.question.kind != "abstain"])
        figures += [
            Figure(f"- {arm}: single facts", single.value, "", runs=single.count),
            Figure(f"- {arm}: all kinds", all_kinds.value, "", runs=all_kinds.count),
        ]
    return figures


def truth_figures(played: Played) -> list[Figure]:
    """What must never be in a prompt."""
    updates = [each.stale["ours"] for each in played.asked if each.stale]
    texts = sum(played.num_folds.values())
    return [
        Figure("old values as current", sum(one.as_current for one in updates), "", 0,
               at_most=True, runs=len(updates)),
        Figure("old values in summary, facts or recall", sum(one.stands for one in updates), "",
               runs=len(updates)),
        Figure("old values nearer to the question than the new",
               sum(one.comes_last for one in updates), "", runs=len(updates)),
        Figure("leaks to NPCs that did not hear", sum(o.leaked for o in played.asked_others), "",
               0, at_most=True, runs=len(played.asked_others)),
        Figure("made-up names or numbers accepted", played.num_made_up, "", 0, at_most=True,
               runs=texts),
    ]  # fmt: skip


def retention_figures(played: Played) -> list[Figure]:
    """What is left of answers after folds, and whether more folds leave less."""
    by_question: defaultdict[tuple[str, str], dict[int, bool]] = defaultdict(dict)
    for each in played.after_folds:
        by_question[each.npc, each.question.ask][each.depth] = each.in_prompt
    figures = []
    depths = sorted({each.depth for each in played.after_folds})
    for depth in depths:
        there = [each for each in played.after_folds if each.depth == depth]
        store = share([each.in_store for each in there])
        prompt = share([each.in_prompt for each in there])
        folds = f"{depth} fold{'s' if depth > 1 else ''}"
        figures += [
            Figure(f"kept by summaries and facts after {folds}", store.value, "",
                   STORE_TARGET, runs=store.count),
            Figure(f"kept in the prompt, with recall, after {folds}", prompt.value, "",
                   PROMPT_TARGET, runs=prompt.count),
        ]  # fmt: skip
    if played.words_folded:
        size = played.words_stored / played.words_folded
        figures.append(Figure("words of summaries and facts / words folded", size, ""))
    whole = [found for found in by_question.values() if len(found) == len(depths)]
    if len(depths) < 2 or not whole:
        return figures
    series = [[(float(depth), hit) for depth, hit in found.items()] for found in whole]
    first, last = (share([found[at] for found in whole]).value for at in (depths[0], depths[-1]))
    low, high = slope_interval(series)
    points = [point for found in series for point in found]
    return [
        *figures,
        Figure(f"lost in the prompt from {depths[0]} to {depths[-1]} folds", first - last, "",
               MAX_LOSS, at_most=True, runs=len(whole)),
        Figure("slope for one more fold", slope(points), "", runs=len(whole)),
        Figure("slope: its interval contains 0", float(low <= 0 <= high), "", 1, runs=len(whole)),
    ]  # fmt: skip


def token_figures(asked: Sequence[Asked]) -> list[Figure]:
    """What memory costs of the window."""
    lasting = [sum(each.tokens.get(name, 0) for name in _LASTING) for each in asked]
    turns = [each.tokens.get("turns", 0) for each in asked]
    given = [
        sum(tokens for name, tokens in each.tokens.items() if name not in (*_LASTING, "turns"))
        for each in asked
    ]
    over = sum(each.total_tokens > each.room_tokens for each in asked)
    return [
        Figure("summary and facts, median", percentile(lasting, 50), "tokens"),
        Figure("summary and facts, most", percentile(lasting, 100), "tokens",
               SUMMARY_AND_FACTS_TOKENS, at_most=True),
        Figure("recall and lore, median", percentile(given, 50), "tokens"),
        Figure("recall and lore, most", percentile(given, 100), "tokens", RECALL_AND_LORE_TOKENS,
               at_most=True),
        Figure("recent turns, median", percentile(turns, 50), "tokens"),
        Figure("recent turns, most", percentile(turns, 100), "tokens"),
        Figure("prompts that do not fit", over, "", 0, at_most=True, runs=len(asked)),
    ]  # fmt: skip


def turn_figures(played: Played) -> list[Figure]:
    """What a turn costs before the model is asked."""
    alone = [turn for turn in played.turns if turn.is_quiet]
    timed = alone or played.turns
    ms = [turn.memory_ms for turn in timed]
    processor_ms = [turn.processor_ms for turn in timed]
    lines = f"{timed[0].lines_in_save:,} lines and more"
    calls = max(turn.model_calls for turn in played.turns)
    return [
        Figure("model calls on the turn path, most", calls, "", 1, at_most=True,
               runs=len(played.turns)),
        Figure(f"memory work of a turn, p50, {lines}", percentile(ms, 50), "ms", runs=len(ms)),
        Figure(f"memory work of a turn, p99, {lines}", percentile(ms, 99), "ms", TURN_MS,
               at_most=True, runs=len(ms)),
        Figure("- its processor time, p50", percentile(processor_ms, 50), "ms", runs=len(ms)),
        Figure("- its processor time, p99", percentile(processor_ms, 99), "ms", runs=len(ms)),
    ]  # fmt: skip
