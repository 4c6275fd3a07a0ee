"""Waiting events: order within a line, few of them however many lines are spoken."""

from hypothesis import given
from hypothesis import strategies as st

from npc_engine.engine.inbox import Inbox
from npc_engine.events import Notice, SentenceSpoken, TextDelta, TextReset

LINES = st.integers(1, 4)
EVENTS = st.one_of(
    st.builds(TextDelta, LINES, st.sampled_from(["a", "b", "c"])),
    st.builds(TextReset, LINES),
    st.builds(SentenceSpoken, LINES, st.just(0), st.just("A.")),
    st.builds(Notice, st.just("info"), st.just("note")),
)


def taken(inbox):
    events = []
    while (event := inbox.take()) is not None:
        events.append(event)
    return events


def told(events, line):
    """What a line looks like to its listener: texts joined, and the other events between them."""
    parts = [""]
    for event in events:
        if getattr(event, "line_id", None) == line:
            if isinstance(event, TextDelta):
                parts[-1] += event.text
            else:
                parts += [type(event).__name__, ""]
    return parts


@given(st.lists(EVENTS, max_size=40), st.lists(st.booleans(), max_size=40))
def test_each_line_reads_the_same_whenever_it_is_taken(events, takes):
    inbox = Inbox()
    got = []
    for index, event in enumerate(events):
        inbox.post(event)
        if index < len(takes) and takes[index]:
            got.append(inbox.take())
    got += taken(inbox)
    for line in range(1, 5):
        assert told(got, line) == told(events, line)
    assert got.count(Notice("info", "note")) == events.count(Notice("info", "note"))


def test_text_of_many_lines_waits_as_one_event_a_line():
    inbox = Inbox()
    for _ in range(1000):
        for line in range(32):
            inbox.post(TextDelta(line, "x"))
    assert taken(inbox) == [TextDelta(line, "x" * 1000) for line in range(32)]
