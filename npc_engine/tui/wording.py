"""The short texts of the screen: header, gauge, status, times. Pure functions over the state."""

from collections.abc import Iterable
from dataclasses import dataclass

from npc_engine.dialogue.commands import COMMANDS, Command
from npc_engine.prompt.plan import Plan
from npc_engine.tui.state import ChatState, ModelState

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400


@dataclass(frozen=True, slots=True)
class GaugeRow:
    """One row of the gauge: a section, or what is kept free."""

    name: str
    tokens: int
    why: str
    is_kept_free: bool = False


def gauge_rows(plan: Plan) -> tuple[GaugeRow, ...]:
    """The sections of a plan in prompt order, then margin and reply reserve."""
    rows = [GaugeRow(section.name, section.tokens, section.why) for section in plan.sections]
    rows.append(GaugeRow("margin", plan.margin_tokens, "kept free for miscounts", True))
    rows.append(GaugeRow("reserve", plan.reply_tokens, "kept free for the reply", True))
    return tuple(rows)


def used_tokens(plan: Plan) -> int:
    """Prompt, margin and reserve together."""
    return plan.total_tokens + plan.margin_tokens + plan.reply_tokens


def used_percent(plan: Plan) -> int:
    """How much of the window is spoken for."""
    return round(100 * used_tokens(plan) / plan.window_tokens)


def gauge_bar(plan: Plan, cells: int = 10) -> str:
    """Prompt and margin from the left, the reply reserve at the right end, the rest free."""
    reserve = max(1, round(cells * plan.reply_tokens / plan.window_tokens))
    sent = plan.total_tokens + plan.margin_tokens
    filled = min(cells - reserve, max(1, round(cells * sent / plan.window_tokens)))
    return "▓" * filled + "░" * (cells - reserve - filled) + "▒" * reserve


def section_bar(tokens: int, largest: int, cells: int) -> str:
    """A bar for one section; anything above zero shows at least one cell."""
    if tokens <= 0 or largest <= 0:
        return ""
    return "▇" * max(1, round(cells * tokens / largest))


def gauge_text(plan: Plan) -> str:
    """The gauge of the header: tokens, share, bar."""
    used = f"{used_tokens(plan):,}/{plan.window_tokens:,} {used_percent(plan)}%"
    return f"{used} {gauge_bar(plan)}"


def gauge_sums(plan: Plan) -> tuple[str, ...]:
    """The lines below the sections: the sum, what was reused, what was cut."""
    total = plan.total_tokens
    lines = [
        f"{total:,} + {plan.margin_tokens:,} + {plan.reply_tokens:,} = {used_tokens(plan):,}",
        f"of {plan.window_tokens:,} ({used_percent(plan)}%)",
    ]
    if plan.shared_prefix_tokens:
        share = round(100 * plan.shared_prefix_tokens / total)
        lines.append(f"shared {plan.shared_prefix_tokens:,} of {total:,} ({share}%)")
    lines += [f"cut {cut.section}: {cut.what}, {cut.tokens} ({cut.rule})" for cut in plan.cut]
    return tuple(lines)


def place_text(chat: ChatState) -> str:
    """The left side of the header: who, where, when."""
    return " · ".join(part for part in (chat.npc_name, chat.world_name, chat.clock) if part)


def machine_text(chat: ChatState, model: ModelState, *, is_narrow: bool) -> str:
    """The right side of the header: model, speed, gauge."""
    parts = []
    if model.name and not (is_narrow and chat.plan and chat.tokens_per_s):
        parts.append(model.name)
    if chat.tokens_per_s:
        parts.append(f"{chat.tokens_per_s:.0f} tok/s")
    if chat.plan:
        parts.append(gauge_text(chat.plan))
    return " · ".join(parts)


def model_text(model: ModelState) -> str:
    """The model in one line, for the status and the chooser."""
    if model.phase == "ready":
        return f"model {model.name} ({model.text})"
    if model.phase == "failed":
        return "no model"
    share = "" if model.share is None else f" {round(100 * model.share)}%"
    step = f": {model.text}" if model.text else ""
    return f"loading model{step}{share}"


def status_words(chat: ChatState, model: ModelState) -> tuple[str, ...]:
    """What is going on, as words; `saved` when nothing is."""
    words = []
    if model.phase != "ready":
        words.append(model_text(model))
    if chat.live:
        live = chat.live[-1]
        words.append("writing" if live.reply_key else "reading" if live.started else "waiting")
    elif model.phase == "ready":
        words.append("saved")
    if chat.plan is not None and chat.plan.cut:
        words.append("cut")
    return tuple(words)


def version_text(version: int, versions: int) -> str:
    """`‹2/3›` where there is more than one reply."""
    return f"‹{version}/{versions}›" if versions > 1 else ""


def matching_commands(text: str) -> tuple[Command, ...]:
    """The commands that a half-typed one may become; none once it has arguments or rows."""
    if not text.startswith("/") or text.startswith("//") or " " in text or "\n" in text:
        return ()
    start = text[1:].casefold()
    return tuple(
        command
        for command in COMMANDS
        if any(name.startswith(start) for name in (command.name, *command.aliases))
    )


def command_hint(text: str) -> str:
    """The hint line under a half-typed command; empty if there is nothing to say."""
    if not text.startswith("/") or text.startswith("//"):
        return ""
    matches = matching_commands(text)
    if len(matches) > 1:
        return "tab completes: " + "  ".join(f"/{command.name}" for command in matches)
    name = text[1:].split()[0].casefold() if text[1:].split() else ""
    command = (
        matches[0]
        if matches
        else next((one for one in COMMANDS if name in (one.name, *one.aliases)), None)
    )
    if command is None:
        return f"there is no command /{name}; /help lists them"
    return f"{f'/{command.name} {command.hint}'.strip()}: {command.help}"


def ago_text(seconds: float) -> str:
    """How long ago something was, roughly."""
    if seconds < _MINUTE_S:
        return "just now"
    if seconds < _HOUR_S:
        return f"{int(seconds // _MINUTE_S)} min ago"
    if seconds < _DAY_S:
        return f"{int(seconds // _HOUR_S)} h ago"
    days = int(seconds // _DAY_S)
    return "yesterday" if days == 1 else f"{days} days ago"


def first_words(text: str, max_chars: int) -> str:
    """The beginning of a text in one row, cut at a word where possible."""
    row = " ".join(text.split())
    if len(row) <= max_chars:
        return row
    cut = row[: max_chars - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut else cut).rstrip(" ,;:.") + "…"


def key_table(rows: Iterable[tuple[str, str]]) -> str:
    """Two columns: keys and what they do."""
    pairs = list(rows)
    width = max((len(key) for key, _ in pairs), default=0)
    return "\n".join(f"{key:<{width}}  {what}" for key, what in pairs)
