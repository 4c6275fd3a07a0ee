"""A stage for tests of the engine room: requests, the words of `generate`, and every pass."""

import threading
import time
from contextlib import contextmanager

import torch

from npc_engine.messages import Message, ModelInfo, Sampling
from npc_engine.model.local import LocalSession
from npc_engine.protocols import GenerationEnd, GenerationRequest, TokenDelta
from tests.models_for_tests import WINDOW_TOKENS

GREEDY = Sampling(temperature=0, repetition_penalty=1)
LONG = "By iron and ash, the forge is hot and the chains are not done before the first snow. " * 3
LINES = (
    LONG,
    "Any work for a sword arm?",
    "Hi",
    LONG[:130],
    "The ferry takes one cart at a time. " * 4,
    "Thirty silver, not a copper less.",
    LONG + "And the bridge?",
    "Aye!",
)
CHUNK, BESIDE = 16, 8


def rendered(tokenizer, *texts: str) -> tuple[int, ...]:
    """The ids of a chat of user and assistant by turns."""
    roles = ("user", "assistant")
    messages = [Message(roles[index % 2], text) for index, text in enumerate(texts)]
    return tokenizer.render(messages).token_ids


def generated(plain, ids, max_tokens: int) -> list[int]:
    """The reply of plain `generate`, without the id that ends it."""
    model, tokenizer = plain
    with torch.inference_mode():
        out = model.generate(
            torch.tensor([ids]),
            attention_mask=torch.ones(1, len(ids)),
            max_new_tokens=max_tokens,
            do_sample=False,
            eos_token_id=sorted(tokenizer.end_ids),
            pad_token_id=0,
        )
    reply = out[0, len(ids) :].tolist()
    return reply[:-1] if reply[-1] in tokenizer.end_ids else reply


def request(ids, request_id: str = "r", **options) -> GenerationRequest:
    options = {"sampling": GREEDY, "max_tokens": 24, **options}
    return GenerationRequest(request_id=request_id, prompt_ids=tuple(ids), **options)


def tokens_of(events) -> list[int]:
    return [event.token_id for event in events if isinstance(event, TokenDelta)]


def reply_ids(session, asked: GenerationRequest) -> list[int]:
    return tokens_of(session.stream(asked))


def end_of(session, asked: GenerationRequest) -> GenerationEnd:
    return list(session.stream(asked))[-1]


def local(model, tokenizer, **options) -> LocalSession:
    info = ModelInfo("tiny", tokenizer.family, WINDOW_TOKENS, "cpu", "float32")
    return LocalSession(model, tokenizer, info, **options)


@contextmanager
def paused(session):
    """The engine thread waits, so that what is handed in meanwhile comes at the same moment."""
    reached, gate = threading.Event(), threading.Event()

    def wait():
        reached.set()
        gate.wait(30)

    session._engine._between_passes(wait)
    assert reached.wait(30)
    try:
        yield
    finally:
        gate.set()


def prompts_of(session, count: int = len(LINES)) -> list[tuple[int, ...]]:
    return [rendered(session.tokenizer, line) for line in LINES[:count]]


def together(session, asked) -> list[list]:
    """All requests handed in at one moment; the events of each."""
    with paused(session):
        streams = [session.stream(one) for one in asked]
    return [list(stream) for stream in streams]


def ask_all(session, **options) -> list[list]:
    asked = [request(ids, f"r{n}", **options) for n, ids in enumerate(prompts_of(session))]
    return together(session, asked)


def settled(session) -> dict[str, float]:
    """The counters once nothing runs and the thread has measured what it holds."""
    wait_until(lambda: session.stats()["live_requests"] == 0)
    with paused(session):
        pass
    with paused(session):
        return dict(session.stats())


def wait_until(is_so) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.002)


class Passes:
    """Notes what every pass of a session reads; may do something just before one of them."""

    def __init__(self, session) -> None:
        self.read: list[dict[str, tuple[int, int]]] = []
        """For each pass: by request, how many ids its row held and how many are new."""
        self._before: dict[int, list] = {}
        engine = session._engine
        run = engine._runner.run

        def noted(segments):
            for action in self._before.pop(len(self.read), ()):
                action()
            names = {id(job.slot): job.request.request_id for job in tuple(engine._jobs)}
            self.read.append({names[id(s.slot)]: (len(s.slot.ids), len(s.ids)) for s in segments})
            return run(segments)

        engine._runner.run = noted

    def __len__(self) -> int:
        return len(self.read)

    def before(self, number: int, action) -> None:
        """Do something on the engine thread before a pass, counted from 0."""
        self._before.setdefault(number, []).append(action)

    def of(self, request_id: str) -> list[tuple[int, int]]:
        """(number of the pass, new ids), for each pass this request took part in."""
        return [(n, read[request_id][1]) for n, read in enumerate(self.read) if request_id in read]
