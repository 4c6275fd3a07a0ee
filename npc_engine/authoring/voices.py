"""Whose voice a reply has, by the model itself: under whose sheet it is likeliest.

Works where the session can score (`ScoringSession`). Taking off what each sheet makes of some usual
lines was tried, with barks and with stock phrases: it told voices apart less often, not more.
"""

from collections.abc import Mapping, Sequence

from npc_engine.model.scripted import EncodingTokenizer
from npc_engine.protocols import MAX_CONTINUATION_TOKENS, ScoreRequest, ScoringSession


def voice_scores(
    session: ScoringSession,
    tokenizer: EncodingTokenizer,
    prompts: Mapping[str, Sequence[int]],
    replies: Sequence[str],
) -> list[dict[str, float]]:
    """How likely a token of each reply is under each sheet, as a natural logarithm.

    Only the first 64 tokens of a reply are read.

    Args:
        session: One that `can_score`.
        tokenizer: Of the model.
        prompts: The prompt of the same player's line for everybody.
        replies: What was answered to it; 1 to 32, none blank.

    Raises:
        ScoringError: The model broke, or cannot read so long a prompt.
    """
    ids = tuple(tokenizer.encode(text)[:MAX_CONTINUATION_TOKENS] for text in replies)
    found: list[dict[str, float]] = [{} for _ in replies]
    for npc, prompt in prompts.items():
        scores = session.score(ScoreRequest(f"voice-{npc}", tuple(prompt), ids))
        for by_npc, score in zip(found, scores or (), strict=False):
            by_npc[npc] = score.mean
    return found


def likeliest(scores: Mapping[str, float]) -> str:
    """Who has the largest score; empty where there is none."""
    return max(scores, key=lambda npc: scores[npc], default="")
