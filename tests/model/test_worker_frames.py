import pytest
from hypothesis import given
from hypothesis import strategies as st

from npc_engine.messages import ModelInfo, Sampling, Usage
from npc_engine.model.worker.frames import (
    MAX_HEADER_BYTES,
    MAX_IDS_BYTES,
    Frame,
    FrameDecoder,
    FrameError,
    encode,
)
from npc_engine.model.worker.messages import (
    Beat,
    Cancel,
    Close,
    Delta,
    Events,
    Forget,
    Fork,
    LoadFailed,
    Open,
    Progress,
    Ready,
    Reprioritise,
    Submit,
    TokenizerSource,
    Warm,
    from_frame,
    to_frame,
)
from npc_engine.protocols import GenerationEnd, GenerationRequest

ids = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=40).map(tuple)
numbers = st.integers(0, 2**40)
texts = st.text(max_size=20)
floats = st.floats(allow_nan=False)
priorities = st.sampled_from(["player", "ambient", "background"])
stats = st.none() | st.dictionaries(texts, floats, max_size=4)
samplings = st.builds(
    Sampling, floats, st.integers(0, 99), floats, floats, floats, st.integers(0, 999)
)
requests = st.builds(
    GenerationRequest,
    request_id=texts,
    prompt_ids=ids,
    sampling=samplings,
    seed=st.integers(),
    max_tokens=st.integers(),
    stop=st.lists(texts, max_size=3).map(tuple),
    priority=priorities,
    deadline_s=st.none() | floats,
    conversation=texts,
)
ends = st.builds(
    GenerationEnd,
    request_id=texts,
    reason=st.sampled_from(["done", "stopped", "length", "cancelled", "failed"]),
    usage=st.builds(Usage, numbers, numbers, numbers, numbers, floats, floats, floats),
    tail=texts,
    error=texts,
    log_probs=st.lists(floats, max_size=3).map(tuple),
)
deltas = st.builds(Delta, numbers, st.integers(0, 2**49), st.text(max_size=8) | st.just("\ud83d"))
infos = st.builds(
    ModelInfo,
    name=texts,
    family=texts,
    window_tokens=numbers,
    device=texts,
    dtype=texts,
    sampling=samplings,
    extra=st.dictionaries(texts, texts, max_size=3),
)
messages = st.one_of(
    st.builds(Open, texts, st.dictionaries(texts, st.none() | numbers | texts), st.booleans()),
    st.builds(Submit, numbers, requests, st.lists(ids, max_size=3).map(tuple)),
    st.builds(Cancel, texts, st.none() | numbers),
    st.builds(Reprioritise, texts, priorities),
    st.builds(Warm, texts, ids),
    st.builds(Fork, texts, texts),
    st.builds(Forget, texts),
    st.just(Close()),
    st.builds(Progress, texts, st.none() | floats),
    st.builds(
        Ready, infos, st.builds(TokenizerSource, texts, numbers, st.booleans()), st.booleans()
    ),
    st.builds(LoadFailed, texts),
    st.builds(
        Events,
        st.lists(deltas, max_size=5).map(tuple),
        st.lists(st.tuples(numbers, ends), max_size=3).map(tuple),
        stats,
    ),
    st.builds(Beat, numbers, numbers, stats),
)


def submitted_with_sizes(sizes) -> Frame:
    frame = to_frame(Submit(1, GenerationRequest("r", (1, 2)), ((3,),)))
    return Frame(frame.kind, {**frame.header, "sizes": sizes}, frame.ids)


def decoded(data: bytes, cuts: list[int]) -> list[Frame]:
    """The frames of bytes that arrive in pieces."""
    decoder = FrameDecoder()
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    frames = []
    for start, end in zip(places, places[1:], strict=False):
        frames += decoder.feed(data[start:end])
    return frames


@given(st.lists(messages, max_size=4), st.lists(st.integers(0, 2000), max_size=6))
def test_any_message_comes_out_as_it_went_in_however_it_is_cut(sent, cuts):
    data = b"".join(encode(to_frame(message)) for message in sent)
    assert [from_frame(frame) for frame in decoded(data, cuts)] == sent


@given(messages, st.data())
def test_a_cut_off_frame_gives_nothing_and_is_known_to_be_cut_off(message, data):
    whole = encode(to_frame(message))
    decoder = FrameDecoder()
    assert decoder.feed(whole[: data.draw(st.integers(1, len(whole) - 1))]) == []
    assert decoder.is_inside_frame


@given(st.binary(max_size=200))
def test_garbage_is_an_error_or_an_unfinished_frame_and_nothing_else(data):
    decoder = FrameDecoder()
    try:
        for frame in decoder.feed(data):
            from_frame(frame)
    except FrameError:
        return
    assert decoder.is_inside_frame == bool(data)


@given(messages, st.data())
def test_a_damaged_byte_never_breaks_anything_but_the_connection(message, data):
    whole = bytearray(encode(to_frame(message)))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    decoder = FrameDecoder()
    try:
        read = [from_frame(frame) for frame in decoder.feed(bytes(whole))]
    except FrameError:
        return
    assert len(read) == 1 or decoder.is_inside_frame


@pytest.mark.parametrize(
    "frame",
    [
        Frame(200, {}),
        Frame(1, {"number": 1}),
        Frame(11, {"texts": ["a"]}, (1,)),
        submitted_with_sizes([4]),
        submitted_with_sizes([2, -1]),
        submitted_with_sizes(1),
        Frame(11, {"texts": "ab"}, (1, 2, 1, 3)),
        Frame(11, {"texts": [], "ends": [[1]]}),
        Frame(9, {"info": [], "tokenizer": {}}),
        Frame(2, {"surprise": True}),
    ],
)
def test_a_frame_that_is_no_message_says_so(frame):
    with pytest.raises(FrameError, match="model worker"):
        from_frame(decoded(encode(frame), [])[0])


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK",
        b"NE\x01" + (MAX_HEADER_BYTES + 1).to_bytes(4, "little") + bytes(4),
        b"NE\x01" + bytes(4) + (MAX_IDS_BYTES + 8).to_bytes(4, "little"),
        b"NE\x01" + bytes(4) + (7).to_bytes(4, "little"),
        b"NE\x01\x02\x00\x00\x00\x00\x00\x00\x00[]",
        b"NE\x01\x02\x00\x00\x00\x00\x00\x00\x00{{",
    ],
)
def test_bytes_that_are_no_frame_end_the_connection_in_words(data):
    with pytest.raises(FrameError, match="model worker"):
        FrameDecoder().feed(data)


def test_a_message_too_large_is_refused_by_the_sender():
    with pytest.raises(FrameError, match="at most"):
        encode(to_frame(Forget("x" * (MAX_HEADER_BYTES + 1))))
    with pytest.raises(FrameError, match="64 bits"):
        encode(to_frame(Warm("mira", (2**63,))))
