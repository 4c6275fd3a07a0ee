"""Eight NPCs that speak on and on through a worker, for `benchmarks.worker`."""

import threading
import time

from npc_engine.messages import Message, Sampling
from npc_engine.model import WorkerSession
from npc_engine.protocols import GenerationEnd, GenerationRequest

SPEAKERS = 8
SHEETS = (
    "You are Mira Voss, blunt blacksmith of Oakhollow. Your first forge was burned by a mage.",
    "You are Aldric, the ferryman of Oakhollow. You keep a tally of every cart that crosses.",
    "You are Joss, who sells wool in Oakhollow and hears more than he should.",
    "You are Hanne, the miller's daughter; you want to leave Oakhollow before the first snow.",
)
ASKS = (
    "What happened to the north bridge, and who in Oakhollow is to blame for it?",
    "I was promised nineteen silver for a week of work. Is that a fair price around here?",
)


class Speakers:
    """Eight threads that let NPCs speak on and on, and count tokens."""

    def __init__(self, session: WorkerSession) -> None:
        self._session = session
        self._stop = threading.Event()
        self._counts = [0] * SPEAKERS
        self._streams: list[str] = [""] * SPEAKERS
        self._threads = [
            threading.Thread(target=self._speak, args=(speaker,)) for speaker in range(SPEAKERS)
        ]

    @property
    def tokens(self) -> int:
        """Tokens so far."""
        return sum(self._counts)

    def __enter__(self) -> "Speakers":
        for thread in self._threads:
            thread.start()
        while not all(self._counts):
            time.sleep(0.01)
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _speak(self, speaker: int) -> None:
        turn = 0
        while not self._stop.is_set():
            stream = self._session.stream(request(self._session, f"{speaker}-{turn}", speaker))
            for event in stream:
                self._counts[speaker] += not isinstance(event, GenerationEnd)
                if self._stop.is_set():
                    self._session.cancel(f"{speaker}-{turn}")
            turn += 1


def request(
    session: WorkerSession, name: str, speaker: int, tokens: int = 120
) -> GenerationRequest:
    """A reply of one speaker, about as long as asked for."""
    messages = [
        Message("system", SHEETS[speaker % len(SHEETS)]),
        Message("user", ASKS[speaker // len(SHEETS) % len(ASKS)]),
    ]
    return GenerationRequest(
        name,
        session.tokenizer.render(messages).token_ids,
        sampling=Sampling(temperature=1.0),
        seed=speaker,
        max_tokens=tokens,
        conversation=f"speaker-{speaker}",
    )
