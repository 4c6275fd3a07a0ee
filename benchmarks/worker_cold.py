"""One cold process of `benchmarks.worker`: opens the model in a worker and takes one token."""

import os
import sys

from npc_engine.messages import Message
from npc_engine.model import open_session
from npc_engine.protocols import GenerationRequest

SHEET = "You are Mira Voss, blunt blacksmith of Oakhollow. Short, dry sentences. Shop talk. "


def main() -> None:
    """Open, ask with a prompt of some 700 tokens, wait for the first token, and leave."""
    session = open_session(sys.argv[1])
    messages = [Message("system", SHEET * 30), Message("user", "Any work for a sword arm?")]
    ids = session.tokenizer.render(messages).token_ids
    next(session.stream(GenerationRequest("cold", ids, max_tokens=1)))
    os._exit(0)  # the child ends by itself when this process does


if __name__ == "__main__":
    main()
