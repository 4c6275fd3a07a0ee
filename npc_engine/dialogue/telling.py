"""What the player told as offers for a prompt, and recall without what is moved there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from npc_engine.dialogue.matching import Matcher, ReadLine
from npc_engine.dialogue.told import Told
from npc_engine.memory.recall_packing import RecalledItem
from npc_engine.memory.recall_text import on_one_line, without_said
from npc_engine.prompt import wording
from npc_engine.prompt.offers import Offer

WithDays = Callable[[str, int], str]


def told_offer(
    told: Told, npc: str, names: Mapping[str, str], today: int, with_days: WithDays
) -> Offer:
    """A saying as a sentence that stands right above a line.

    Args:
        told: What was said.
        npc: Id of who heard it.
        names: What to call everybody, by id.
        today: Day of the line; what was said on another day names its own.
        with_days: Gives a text the days that its words name.
    """
    line = told.saying.line
    is_old = line.day != today
    said = _quotable(with_days(told.saying.text, line.day) if is_old else told.saying.text)
    player = names.get(line.speaker, line.speaker)
    to = f" to {names.get(line.to, line.to)}" if line.is_overheard_by(npc) else ""
    text = wording.SAID.format(player=player, to=to, text=said)
    if told.saying.question:
        question = _quotable(told.saying.question)
        text = wording.ANSWERED.format(
            nickname=names.get(npc, npc), question=question, player=player, text=said
        )
    if is_old:
        text = wording.ON_DAY.format(day=line.day, text=text)
    evidence = [line.entry_id]
    if told.change is not None:
        later = on_one_line(told.change.told)
        if told.change.line.day != today:
            later = with_days(later, told.change.line.day)
        text += wording.AND_LATER.format(text=_quotable(later))
        evidence.append(told.change.line.entry_id)
    text = text[:1].upper() + text[1:]
    id = f"said {line.entry_id}"
    return Offer("bearing", id, text, told.score, line.day, tuple(evidence), told.why)


def without_moved(
    items: Sequence[RecalledItem], told: Told, names: Mapping[str, str], with_days: WithDays
) -> tuple[RecalledItem, ...] | None:
    """Recalled memories without a saying; None where it cannot be taken out of any.

    Args:
        items: What comes back to mind.
        told: What is to stand right above the line instead.
        names: What to call everybody, by id.
        with_days: With which the memories were worded.
    """
    saying = told.saying
    if saying.question or told.change is not None:
        return None
    said = with_days(saying.text, saying.line.day)
    who = names.get(saying.line.speaker, saying.line.speaker)
    for place, item in enumerate(items):
        if item.kind == "event" or saying.line.entry_id not in item.entry_ids:
            continue
        text = without_said(item.text, who, said)
        if text is None:
            continue
        left = [replace(item, text=text)] if text else []
        return (*items[:place], *left, *items[place + 1 :])
    return None


def best_remembered(
    line: ReadLine, items: Sequence[RecalledItem], nickname: str
) -> tuple[int, Offer] | None:
    """The learned fact or event in recall that answers a line best, as it stands above the line.

    Args:
        line: What the player asks of themselves.
        items: What comes back to mind.
        nickname: Of the character; calls up nothing.

    Returns:
        Its place in recall, and the offer; None where none answers.
    """
    matcher = Matcher((item.text for item in items), (nickname,))
    scores = [
        matcher.match(place, line).score if item.kind != "talk" and item.entry_ids else 0.0
        for place, item in enumerate(items)
    ]
    best = max(scores, default=0.0)
    if not best:
        return None
    place = scores.index(best)
    item = items[place]
    text = wording.REMEMBERS.format(nickname=nickname, text=item.text)
    id = f"recalled {item.fact_id or item.entry_ids[0]}"
    why = "recalled, and nothing the player said answers it"
    return place, Offer("bearing", id, text, round(best, 4), item.day, item.entry_ids, why)


def _quotable(text: str) -> str:
    return text.replace('"', "'")
