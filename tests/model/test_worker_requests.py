"""The rule of the one final event, against every order of what may happen to a request."""

import queue
import random
import threading

from hypothesis import given
from hypothesis import strategies as st

from npc_engine.messages import Usage
from npc_engine.model.worker.messages import (
    Cancel,
    Delta,
    Events,
    Forget,
    Fork,
    Reprioritise,
    Submit,
    Warm,
)
from npc_engine.model.worker.requests import Requests
from npc_engine.protocols import GenerationEnd, GenerationRequest, TokenDelta


class Clock:
    def __init__(self):
        self.seconds = 100.0

    def __call__(self):
        return self.seconds


class Worker:
    """Remembers what it was told."""

    def __init__(self):
        self.told = []

    def send(self, message):
        self.told.append(message)

    def numbers(self):
        return [message.number for message in self.told if isinstance(message, Submit)]

    def of(self, kind):
        return [message for message in self.told if isinstance(message, kind)]


def ask(name="r", **options):
    return GenerationRequest(name, (1, 2, 3), **options)


def made(clock=None, **options):
    return Requests(clock or Clock(), lambda: None, **options)


def attached(requests):
    worker = Worker()
    requests.attach(worker, worker.send)
    return worker


def ended(number, reason="done", **usage):
    return (number, GenerationEnd("?", reason, Usage(**usage)))


def events_of(entry):
    found = []
    while True:
        try:
            found.append(entry.events.get_nowait())
        except queue.Empty:
            return found


def end_of(entry):
    *deltas, end = events_of(entry)
    assert all(isinstance(delta, TokenDelta) for delta in deltas)
    assert isinstance(end, GenerationEnd)
    return end


def test_a_request_is_sent_under_a_name_of_its_own_and_comes_back_under_the_games():
    requests = made()
    worker = attached(requests)
    entry = requests.submit(ask("talk"))
    [sent] = worker.of(Submit)
    assert sent.request.request_id != "talk"
    usage = {"prompt_tokens": 3, "prefilled_tokens": 3}
    requests.deliver(worker, Events((Delta(sent.number, 7, "a"),), (ended(sent.number, **usage),)))
    assert events_of(entry) == [
        TokenDelta("talk", 7, "a"),
        GenerationEnd("talk", "done", Usage(**usage)),
    ]
    assert requests.num_live == 0


def test_what_has_not_begun_is_asked_once_more_and_then_fails():
    requests = made()
    entry = requests.submit(ask(seed=5))
    for _ in range(2):
        worker = attached(requests)
        assert [message.request.seed for message in worker.of(Submit)] == [5]
        requests.detach(worker, "gone")
    assert (end_of(entry).reason, requests.num_waiting) == ("failed", 0)


def test_what_was_begun_fails_with_the_reason():
    requests = made()
    worker = attached(requests)
    entry = requests.submit(ask())
    requests.deliver(worker, Events((Delta(entry.number, 7, "a"),)))
    requests.detach(worker, "gone")
    end = end_of(entry)
    assert (end.reason, end.error, end.usage.reply_tokens) == ("failed", "gone", 1)


def test_what_was_cancelled_is_not_asked_again():
    requests = made()
    worker = attached(requests)
    entry = requests.submit(ask())
    requests.cancel("r", 0)
    assert worker.of(Cancel) == [Cancel(entry.name, 0)]
    requests.detach(worker, "gone")
    assert end_of(entry).reason == "cancelled"


def test_a_request_that_waits_is_cancelled_at_once():
    requests = made()
    entry = requests.submit(ask())
    requests.cancel("r", None)
    assert end_of(entry).reason == "cancelled"
    assert attached(requests).told == []


def test_a_worker_that_was_replaced_is_not_listened_to():
    requests = made()
    old = attached(requests)
    entry = requests.submit(ask())
    requests.detach(old, "gone")
    new = attached(requests)
    requests.detach(old, "gone")
    requests.deliver(old, Events((), (ended(entry.number, "failed"),)))
    requests.deliver(new, Events((), (ended(entry.number),)))
    assert end_of(entry).reason == "done"


def test_a_deadline_shrinks_by_what_was_waited_and_ends_what_waits_too_long():
    clock = Clock()
    requests = made(clock)
    entry, late = requests.submit(ask("a", deadline_s=5)), requests.submit(ask("b", deadline_s=1))
    clock.seconds += 2
    requests.settle()
    assert end_of(late).reason == "cancelled"
    [sent] = attached(requests).of(Submit)
    assert sent.request.deadline_s == 3
    assert entry.sent_at == 102


def test_what_was_waited_for_a_worker_counts_as_queueing():
    clock = Clock()
    requests = made(clock)
    entry = requests.submit(ask())
    clock.seconds += 2
    worker = attached(requests)
    requests.deliver(worker, Events((), (ended(entry.number, queue_ms=1.0, first_token_ms=10.0),)))
    usage = end_of(entry).usage
    assert (usage.queue_ms, usage.first_token_ms) == (2001.0, 2010.0)


def test_too_many_requests_and_a_name_in_use_fail_at_once():
    requests = made(max_requests=2)
    requests.submit(ask("a"))
    assert "already running" in end_of(requests.submit(ask("a"))).error
    requests.submit(ask("b"))
    assert "2 requests are waiting" in end_of(requests.submit(ask("c"))).error
    requests.cancel("a", None)
    assert events_of(requests.submit(ask("a"))) == []


def test_a_request_that_cannot_be_sent_fails():
    def refuse(message):
        raise TypeError("no JSON")

    requests = made()
    requests.attach(object(), refuse)
    assert "no JSON" in end_of(requests.submit(ask())).error
    requests.warm("mira", (1,))  # is left out, and breaks nothing


def test_a_refusal_ends_what_waits_and_lasts_until_it_is_lifted():
    requests = made()
    entry = requests.submit(ask())
    requests.refuse("resting")
    assert end_of(entry).error == end_of(requests.submit(ask())).error == "resting"
    requests.accept()
    assert events_of(requests.submit(ask())) == []


def test_closing_is_for_good():
    requests = made()
    entry = requests.submit(ask())
    requests.close()
    requests.accept()
    requests.refuse("resting")
    attached(requests)
    assert [end_of(entry).reason, end_of(requests.submit(ask())).reason] == ["cancelled"] * 2


def test_a_new_worker_reads_the_conversations_again_but_not_those_that_are_asked_for():
    requests = made(max_read_again=3)
    worker = attached(requests)
    for name in ("dropped", "mira", "aldric", "joss"):
        requests.warm(name, (1,))
    spoken = requests.submit(ask("a", conversation="mira"))
    requests.deliver(worker, Events((Delta(spoken.number, 8, "x"),), (ended(spoken.number),)))
    waiting = requests.submit(ask("b", conversation="joss"))
    requests.detach(worker, "gone")
    new = attached(requests)
    assert new.numbers() == [waiting.number]
    assert new.of(Warm) == [Warm("mira", (1, 2, 3, 8)), Warm("aldric", (1,))]
    assert isinstance(new.told[0], Submit)


def test_what_is_read_again_is_what_was_heard():
    requests = made()
    worker = attached(requests)
    entry = requests.submit(ask(conversation="mira"))
    deltas = tuple(Delta(entry.number, token_id, "") for token_id in (7, 8, 9))
    requests.deliver(worker, Events(deltas))
    requests.cancel("r", 1)
    requests.deliver(worker, Events((), (ended(entry.number, "cancelled"),)))
    requests.fork("mira", "fold")
    requests.fork("nobody", "nothing")
    requests.detach(worker, "gone")
    new = attached(requests)
    assert new.of(Warm) == [Warm("fold", (1, 2, 3, 7)), Warm("mira", (1, 2, 3, 7))]


def test_what_was_forgotten_is_not_read_again():
    requests = made()
    worker = attached(requests)
    requests.warm("aldric", (1,))
    entry = requests.submit(ask(conversation="mira"))
    requests.forget("aldric")
    requests.forget("mira")
    requests.deliver(worker, Events((), (ended(entry.number),)))
    requests.detach(worker, "gone")
    assert attached(requests).told == []
    assert worker.of(Forget) == [Forget("aldric"), Forget("mira")]
    assert worker.of(Fork) == []


def test_a_new_priority_holds_for_the_next_worker_too():
    requests = made()
    worker = attached(requests)
    entry = requests.submit(ask())
    requests.reprioritise("r", "background")
    assert worker.of(Reprioritise) == [Reprioritise(entry.name, "background")]
    requests.detach(worker, "gone")
    assert attached(requests).of(Submit)[0].request.priority == "background"


def test_leaving_tells_the_worker_and_frees_the_name():
    requests = made()
    worker = attached(requests)
    entry = requests.submit(ask())
    requests.leave(entry)
    requests.leave(entry)
    assert worker.of(Cancel) == [Cancel(entry.name)]
    later = requests.submit(ask())
    requests.leave_later(later)
    assert requests.num_live == 1
    requests.settle()
    assert requests.num_live == 0


class Chaos:
    """Anything that may happen, in any order."""

    def __init__(self, requests, pick):
        self.requests = requests
        self.pick = pick
        self.entries = []
        self.left = set()
        self.workers = []

    def some_entry(self):
        return self.pick(self.entries) if self.entries else None

    def some_worker(self):
        return self.pick(self.workers) if self.workers else None

    def step(self, what):
        entry, worker = self.some_entry(), self.some_worker()
        match what:
            case "submit":
                name = f"r{len(self.entries)}"
                self.entries.append(self.requests.submit(ask(name, conversation=name[:2])))
            case "attach":
                self.workers.append(attached(self.requests))
            case "detach" if worker:
                self.requests.detach(worker, "gone")
            case "refuse":
                self.requests.refuse("resting")
            case "accept":
                self.requests.accept()
            case "settle":
                self.requests.settle()
            case _ if entry is None:
                return
            case "cancel":
                self.requests.cancel(entry.request.request_id, 1)
            case "leave":
                self.left.add(entry)
                self.requests.leave(entry)
            case "delta" if worker:
                self.requests.deliver(worker, Events((Delta(entry.number, 1, "a"),)))
            case "end" if worker:
                self.requests.deliver(worker, Events((), (ended(entry.number),)))

    def check(self):
        """After closing, every request has events that end with the one final event."""
        self.requests.close()
        assert self.requests.num_live == 0
        for entry in self.entries:
            assert sum(isinstance(event, GenerationEnd) for event in events_copy(entry)) == 1
            assert isinstance(events_of(entry)[-1], GenerationEnd)


def events_copy(entry):
    """The events, put back in their order."""
    found = events_of(entry)
    for event in found:
        entry.events.put(event)
    return found


STEPS = ("submit", "attach", "detach", "refuse", "accept", "settle", "cancel", "leave", "delta",
         "end")  # fmt: skip


@given(st.lists(st.sampled_from(STEPS), max_size=60), st.randoms(use_true_random=False))
def test_every_request_ends_exactly_once_in_any_order(steps, chance):
    chaos = Chaos(made(), chance.choice)
    for step in steps:
        chaos.step(step)
    chaos.check()


def test_every_request_ends_exactly_once_when_everything_happens_at_the_same_time():
    chance = random.Random(0)
    chaos = Chaos(made(), chance.choice)
    weighted = [*STEPS, *("submit", "attach", "delta", "end") * 4]

    def storm(seed):
        steps = random.Random(seed)
        for _ in range(2_000):
            chaos.step(steps.choice(weighted))

    threads = [threading.Thread(target=storm, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    chaos.check()
