"""Which requests a session can serve at all; the same rule for every kind of session."""

from npc_engine.protocols import GenerationRequest


def refusal(request: GenerationRequest, window_tokens: int) -> str:
    """Why a request cannot be served, for its `GenerationEnd.error`; empty when it can.

    A prompt must hold a token and leave room for at least one more in the window.
    """
    size = len(request.prompt_ids)
    if size == 0:
        return "the prompt holds no token; a reply needs at least one to continue from"
    if request.max_tokens < 1:
        return f"max_tokens is {request.max_tokens}; expected at least 1"
    if size >= window_tokens:
        return (
            f"the prompt has {size:,} tokens and the window holds {window_tokens:,}; "
            "at least one must be left for the reply"
        )
    return ""
