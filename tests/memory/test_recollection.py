"""What is worked out as a path grows is what would be worked out from all of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npc_engine.memory.entries import Entry, FoldChanged, Folded, LineEdited, LineSaid
from npc_engine.memory.folding import chunk_of
from npc_engine.memory.following import Following
from npc_engine.memory.view import Recollection, view_of

NPCS = ("mira", "aldric")


def entry(entry_id, parent, payload):
    return Entry(entry_id, 1, parent, 0.0, day=1, minute=0, payload=payload)


def said(draw, npc):
    by_npc = draw(st.booleans())
    return LineSaid(
        role="npc" if by_npc else "player",
        speaker=npc if by_npc else "player",
        text=draw(st.sampled_from(["Aye.", "Thirty silver for the blade.", "Who goes there?"])),
        hearers=draw(st.sampled_from([("player",), NPCS, ("player", *NPCS)]))
        if by_npc
        else draw(st.sampled_from([(npc,), NPCS])),
    )


def fold(draw, path, npc):
    lines = view_of(path, npc).lines
    chosen = {line.entry_id for line in lines if draw(st.booleans())}
    chunk = chunk_of(lines, chosen, "v1")
    return Folded(
        npc=npc,
        entry_ids=chunk.entry_ids,
        text="They spoke.",
        kind="digest",
        source_digest=chunk.source_digest,
        prompt_version="v1",
    )


@st.composite
def trees(draw):
    """Paths one after the other, some of which turn back and go on elsewhere."""
    path: list[Entry] = []
    paths = []
    for entry_id in range(1, draw(st.integers(2, 25))):
        if path and draw(st.integers(0, 5)) == 0:
            path = path[: draw(st.integers(0, len(path)))]
        npc = draw(st.sampled_from(NPCS))
        kind = draw(st.sampled_from(["line", "line", "line", "edit", "fold", "change"]))
        earlier = draw(st.sampled_from(path)).id if path else 0
        payload = said(draw, npc)
        if kind == "edit" and path:
            payload = LineEdited(target=earlier, text=draw(st.sampled_from(["", "Nay.", "Aye."])))
        elif kind == "fold":
            payload = fold(draw, path, npc)
        elif kind == "change" and path:
            change = draw(st.sampled_from(["undo", "edit", "pin"]))
            payload = FoldChanged(target=earlier, change=change, text="Changed.")
        path = [*path, entry(entry_id, path[-1].id if path else None, payload)]
        paths.append(tuple(path))
    return paths


@settings(max_examples=150, deadline=None)
@given(trees(), st.sampled_from(NPCS))
def test_a_growing_path_gives_the_view_of_the_whole_path(paths, npc):
    following = Following(lambda: Recollection(npc), Recollection.note)
    for path in paths:
        assert following.at(path, lambda memory: memory.view()) == view_of(path, npc)
        grown = following.at(path, lambda memory: memory.view(count=len, summary_tokens=30))
        assert grown == view_of(path, npc, count=len, summary_tokens=30)


def test_each_entry_of_a_growing_path_is_fed_once():
    fed = []
    following = Following(lambda: None, lambda value, each: fed.append(each.id))
    path = [entry(n, n - 1 or None, LineEdited(target=0, text="")) for n in range(1, 6)]
    for length in (2, 2, 3, 5):
        following.at(path[:length], lambda value: None)
    assert fed == [1, 2, 3, 4, 5]
    following.at([*path[:3], entry(6, 3, path[0].payload)], lambda value: None)
    assert fed == [1, 2, 3, 4, 5, 1, 2, 3, 6]


@settings(max_examples=50, deadline=None)
@given(trees())
def test_a_value_that_can_go_back_is_fed_only_what_differs(paths):
    fed = []

    def feed(value, each):
        value.append(each.id)
        fed.append(each.id)

    def back(value, count):
        del value[count:]

    following = Following(list, feed, back)
    before = ()
    for path in paths:
        for wanted in (path, path[:-1], path):
            fed.clear()
            assert following.at(wanted, list) == [each.id for each in wanted]
            shared = sum(1 for old, new in zip(before, wanted, strict=False) if old is new)
            assert len(fed) == len(wanted) - shared
            before = wanted


def test_a_value_that_broke_while_it_was_fed_is_begun_anew():
    def feed(value, each):
        if not broken:
            broken.append(each.id)
            raise ValueError(each.id)
        value.append(each.id)

    broken = []
    following = Following(list, feed)
    path = [entry(1, None, LineEdited(target=0, text=""))]
    with pytest.raises(ValueError, match="1"):
        following.at(path, list)
    assert following.at(path, list) == [1]
