"""What becomes of a reply under way when somebody speaks again, and of what was heard of it."""

import pytest

from npc_engine.model.scripted import Reply, ScriptedSession
from tests.engine.crowd import HeldSession, finish, wait_until
from tests.stage_engine import open_engine

AUTHORED = """\
lines:
  - {when_asked: [toll], say: "Two crowns. Every cart, every day.", interruptible: false}
"""
SLOW = Reply("First there was the mill. Then the flood took it all.", delay_s=0.002)


class CancelledSession(ScriptedSession):
    """Notes how many tokens of a cancelled reply were heard."""

    def __init__(self, replies):
        super().__init__(replies)
        self.heard_tokens = []

    def cancel(self, request_id, *, heard_tokens=None):
        self.heard_tokens.append(heard_tokens)
        super().cancel(request_id, heard_tokens=heard_tokens)


@pytest.fixture
def near_each_other(tmp_path):
    """An engine with Ann and Bo at one place; the first reply comes slowly."""
    with open_engine(tmp_path, ScriptedSession([SLOW, "Next."])) as engine:
        engine.world.arrive("ann", "mill")
        engine.world.arrive("bo", "mill")
        yield engine


def test_nothing_interrupts_an_uninterruptible_reply_but_cancel(tmp_path):
    session = HeldSession(["One two three.", "Next."])
    with open_engine(tmp_path, session) as engine:
        bo = engine.npc("bo")
        lines = [bo.say("A?", uninterruptible=True)]
        session.wait_for(1)
        lines += [bo.say("B?"), bo.say("C?", while_speaking="queue")]
        assert not lines[0].interruptible
        assert lines[0].handle.ended_by is None
        session.let_go.set()
        finish(engine, lines[:1])
        assert (lines[0].text, lines[0].reason) == ("One two three.", "done")
        finish(engine, lines)
        last = bo.say("D?", uninterruptible=True)
        last.cancel()
        finish(engine, [last])
        assert last.reason == "cancelled"


def test_a_line_that_waits_uninterruptibly_keeps_its_place(tmp_path):
    session = HeldSession(["One.", "Two.", "Three."])
    with open_engine(tmp_path, session) as engine:
        bo = engine.npc("bo")
        lines = [bo.say("A?")]
        session.wait_for(1)
        lines.append(bo.say("B?", while_speaking="queue", uninterruptible=True))
        lines.append(bo.say("C?", while_speaking="queue"))
        session.let_go.set()
        finish(engine, lines)
        assert [line.reason for line in lines] == ["done", "done", "done"]


def test_an_authored_line_may_forbid_to_be_cut_short(tmp_path):
    open_engine(tmp_path).close()
    ann = tmp_path / "characters" / "ann.yaml"
    ann.write_text(ann.read_text(encoding="utf-8") + AUTHORED, encoding="utf-8")
    with open_engine(tmp_path, ScriptedSession(["Next."])) as engine:
        ann = engine.npc("ann")
        lines = [ann.say("What is the toll?")]
        finish(engine, lines)
        assert (lines[0].text, lines[0].rung) == ("Two crowns. Every cart, every day.", "authored")
        lines.append(ann.say("And flour?"))
        finish(engine, lines)
        assert [line.interruptible for line in lines] == [False, True]
        assert lines[0].text in [one.text for one in ann.memory().lines]


@pytest.mark.parametrize("is_done", [False, True])
def test_who_stood_by_remembers_no_more_than_was_heard(near_each_other, is_done):
    engine = near_each_other
    ann, bo = engine.npc("ann"), engine.npc("bo")
    line = ann.say("What happened here?")
    wait_until(lambda: line.done if is_done else "flood" in line.text, lambda: engine.tick(None))
    line.cancel(heard=len("First there was the mill."))
    finish(engine, [line])
    engine.npc("bo").ask("And you?")
    for npc in (ann, bo):
        assert "First there was the mill." in [one.text for one in npc.memory().lines]
        assert not any("flood" in one.text for one in npc.memory().lines)
    assert "flood" not in _last_prompt(engine)


def test_the_session_is_told_how_many_tokens_were_heard(tmp_path):
    session = CancelledSession([SLOW, "Next."])
    with open_engine(tmp_path, session) as engine:
        line = engine.npc("ann").say("What happened here?")
        wait_until(lambda: "flood" in line.text, lambda: engine.tick(None))
        line.cancel(heard=len("First there was"))
        finish(engine, [line])
        whole = session.tokenizer.encode(SLOW.text)
        assert session.tokenizer.decode(whole[: session.heard_tokens[0]]) == "First there was"


def _last_prompt(engine):
    session = engine.session
    return session.tokenizer.decode(session.requests[-1].prompt_ids)
