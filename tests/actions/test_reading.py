import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npc_engine.actions.reading import MAX_REPLY_CHARS, CallSplitter, ReadReply, read_reply

NAMES = ("open_gate", "wave", "offer_item", "math.factorial")
CALL = '{"name": "open_gate", "arguments": {"gate": "north"}}'
OTHER = '{"name": "wave", "arguments": {}}'

ONE_CALL = [
    f" <toolcall> {CALL} </toolcall>",
    f"<toolcall>{CALL}</toolcall>",
    f"<TOOLCALL> {CALL} </TOOLCALL>",
    f"<tool_call>\n{CALL}\n</tool_call>",
    f"<toolcall> {CALL}",
    f"<toolcall> {CALL} ]}} </toolcall>",
    f"<toolcall {CALL}",
    f"<toolcall> {CALL[:-1]} </toolcall>",
    f"<function_call>{CALL}</function_call>",
    f"<|tool_call|>{CALL}<|/tool_call|>",
    f"<|tool_call_start|>[{CALL}]<|tool_call_end|>",
    f"<|python_tag|>{CALL}",
    '<|python_tag|>open_gate(gate="north")',
    '{"name": "open_gate", "parameters": {"gate": "north"}}',
    f"[TOOL_CALLS][{CALL}]",
    '[TOOL_CALLS]open_gate{"gate": "north"}',
    '[TOOL_CALLS]open_gate[ARGS]{"gate": "north"}',
    f"```json\n{CALL}\n```",
    f"```tool_call\n{CALL}\n```",
    f"```\n{CALL}\n```",
    '```python\nopen_gate(gate="north")\n```',
    '[open_gate(gate="north")]',
    'open_gate(gate="north")',
    "open_gate(gate='north',)",
    "openGate(gate='north')",
    '`open_gate(gate="north")`',
    '*open_gate(gate="north")*',
    'functions.open_gate({"gate": "north"})',
    'open_gate: {"gate": "north"}',
    'open_gate {"gate": "north"}',
    'Action: open_gate {"gate": "north"}',
    '**Action:** open_gate({"gate": "north"})',
    'Action: open_gate\nAction Input: {"gate": "north"}',
    f"Tool call: {CALL}",
    '<function=open_gate>{"gate": "north"}</function>',
    "<tool_call>\n<function=open_gate>\n<parameter=gate>\nnorth\n</parameter>\n</function>\n"
    "</tool_call>",
    '<tool_call name="open_gate">{"gate": "north"}</tool_call>',
    '<invoke name="open_gate"><parameter name="gate">north</parameter></invoke>',
    "{'name': 'open_gate', 'arguments': {'gate': 'north',},}",
    "{name: open_gate, arguments: {gate: north}}",
    "{“name”: “open_gate”, “arguments”: {“gate”: “north”}}",
    "{‘name’: ‘open_gate’, ‘arguments’: {‘gate’: ‘north’}}",
    '{"name": "open_gate", "arguments": "{\\"gate\\": \\"north\\"}"}',
    '{"type": "function", "function": {"name": "open_gate", "arguments": {"gate": "north"}}}',
    '{"function": {"name": "open_gate"}, "arguments": {"gate": "north"}}',
    '{"tool": "open_gate", "args": {"gate": "north"}}',
    '{"tool_calls": [{"function": {"name": "open_gate", "arguments": {"gate": "north"}}}]}',
    '{"action": "open_gate", "action_input": {"gate": "north"}}',
    '{"name": "open_gate", "gate": "north"}',
    '{"open_gate": {"gate": "north"}}',
    '{"name": "open_gate", "arguments": {"gate": "north',
    '{"name": "open_gate" "arguments": {"gate": "north"}}',
    '"name": "open_gate", "arguments": {"gate": "north"}}',
    '{"name": "open_gate", "arguments": {"gate": "north"}, // the one\n}',
    json.dumps(json.loads(CALL), indent=2),
]


def calls_of(reply: ReadReply) -> list[tuple[str, dict[str, object]]]:
    return [(call.name, dict(call.arguments)) for call in reply.calls]


@pytest.mark.parametrize("text", ONE_CALL)
def test_every_form_is_the_same_call_and_nothing_of_it_is_heard(text: str):
    reply = read_reply(text, NAMES)

    assert [(name.split(".")[-1], args) for name, args in calls_of(reply)] in (
        [("open_gate", {"gate": "north"})],
        [("openGate", {"gate": "north"})],
    )
    assert (reply.speech, reply.unreadable) == ("", ())


@pytest.mark.parametrize("text", ONE_CALL)
def test_words_before_a_call_are_speech(text: str):
    reply = read_reply(f"As you wish, friend.\n{text}", NAMES)

    assert len(reply.calls) == 1
    assert reply.speech == "As you wish, friend."


@pytest.mark.parametrize(
    "text",
    [
        f"Sure. <toolcall> {CALL} </toolcall> Go through.",
        f"Sure. <toolcall> {CALL} Go through.",
        f"Sure. {CALL} Go through.",
        f"Sure. {CALL[:-1]} Go through.",
        f"Sure. ```json\n{CALL}\n``` Go through.",
        'Sure. open_gate(gate="north") Go through.',
    ],
)
def test_words_around_a_call_are_speech(text: str):
    reply = read_reply(text, NAMES)

    assert calls_of(reply) == [("open_gate", {"gate": "north"})]
    assert reply.speech == "Sure. Go through."


@pytest.mark.parametrize(
    "text",
    [
        f"<toolcall> {CALL}, {OTHER} </toolcall>",
        f"<toolcall> {CALL} </toolcall> <toolcall> {OTHER} </toolcall>",
        f"<toolcall> [{CALL}, {OTHER}] </toolcall>",
        f"<toolcall> {CALL} <toolcall> {OTHER}",
        f"[TOOL_CALLS][{CALL}, {OTHER}]",
        f"{CALL}, {OTHER}",
        f"{CALL}\n{OTHER}",
        '[open_gate(gate="north"), wave()]',
        '{"open_gate": {"gate": "north"}, "wave": {}}',
    ],
)
def test_several_calls_come_in_order(text: str):
    reply = read_reply(text, NAMES)

    assert calls_of(reply) == [("open_gate", {"gate": "north"}), ("wave", {})]
    assert reply.speech == ""


@pytest.mark.parametrize(
    "text",
    [
        "The price {in silver} is (about) 30 [sighs] <smiles> *nods*.",
        "I can open the gate (the north one), or wave (slowly).",
        "Action! He waves: a plan.",
        'He said "name it" and <3 me; 1 < 2 {{user}}.',
        "```\nHello there.\n```",
        "Call me Bett. Tool or function, who cares?",
        "wave: that is all I do.",
    ],
)
def test_words_that_only_look_a_little_like_a_call_are_speech(text: str):
    assert read_reply(text, NAMES) == ReadReply(text)


@pytest.mark.parametrize(
    ("text", "speech"),
    [
        ('{"mood": "glad"} Hello.', "Hello."),
        ('Hello. {"type": "function", "function": {"name": "wave", "parameters": '
         '{"type": "object", "properties": {}}}}', "Hello."),
        ("<toolcall> I will wave </toolcall> Yes.", "Yes."),
        ('["a", "b"] Hm.', "Hm."),
        ("{} Hm.", "Hm."),
        ('"details": true} Hm.', "Hm."),
        ("Hm. </toolcall>", "Hm."),
        ('Hm. {"a": {"b": [1, 2', "Hm."),
    ],
)  # fmt: skip
def test_data_that_is_no_call_is_never_heard(text: str, speech: str):
    reply = read_reply(text, NAMES)

    assert (reply.speech, reply.calls) == (speech, ())


def test_a_python_call_is_one_only_by_a_known_name():
    assert read_reply("wave()", ()).speech == "wave()"
    assert calls_of(read_reply("wave()", ("wave",))) == [("wave", {})]
    assert read_reply('give("sword", 30)', ("give",)).calls[0].positional == ("sword", 30)


def test_an_unknown_action_in_json_is_a_call_that_the_check_refuses():
    assert calls_of(read_reply('{"name": "fly", "arguments": {"to": "moon"}}', NAMES)) == [
        ("fly", {"to": "moon"})
    ]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ('"a \\"b\\" c"', 'a "b" c'),
        ('"a "b" c"', 'a "b" c'),
        ("'it's fine'", "it's fine"),
        ('"\\u00e9\\ud83d\\ude00\\n"', "é😀\n"),
        ("True", True),
        ("None", None),
        ("1,000", 1000),
        ("-2.5e1", -25.0),
        ("9" * 50, "9" * 50),
        ("two words", "two words"),
        ("[1, 2, 3,]", [1, 2, 3]),
        ("(1, 'a')", [1, "a"]),
        ("{a: {b: [{c: 1}]}}", {"a": {"b": [{"c": 1}]}}),
        ('"a } b"', "a } b"),
        ('"</b>"', "</b>"),
    ],
)
def test_values_are_read_as_they_were_meant(written: str, value: object):
    (call,) = read_reply(f'{{"name": "wave", "arguments": {{"x": {written}}}}}', NAMES).calls

    assert call.arguments == {"x": value}


def test_a_stream_gives_words_out_at_once_and_keeps_what_may_be_a_call():
    splitter = CallSplitter(NAMES)

    assert splitter.feed("Well, ") == "Well, "
    assert splitter.feed("I will op") == "I will "
    assert splitter.feed("en_") == ""
    assert splitter.feed("air you.") == "open_air you."
    assert splitter.feed(" <") == " "
    assert splitter.feed("3 <tool") == "<3 "
    assert splitter.feed("call> {") == ""
    assert not splitter.is_complete
    assert splitter.feed(CALL[1:]) == ""
    assert not splitter.is_complete
    assert splitter.feed("</toolcall>") == ""
    assert splitter.is_complete
    assert splitter.feed(" Done.") == "Done."
    assert splitter.finish().speech == "Well, I will open_air you. <3 Done."


@pytest.mark.parametrize("text", [CALL, 'open_gate(gate="north")', f"<|python_tag|>{CALL}"])
def test_a_call_without_a_closing_tag_is_complete_with_its_last_bracket(text: str):
    splitter = CallSplitter(NAMES)
    splitter.feed(text[:-1])
    before = splitter.is_complete
    splitter.feed(text[-1])

    assert (before, splitter.is_complete) == (False, True)


def test_after_the_end_nothing_is_taken_in():
    splitter = CallSplitter()
    splitter.finish()

    with pytest.raises(RuntimeError, match="new CallSplitter"):
        splitter.feed("more")


PARTS = st.sampled_from(
    [*ONE_CALL, CALL, "Hello. ", "open", " wave", "(", ")", "{", "}", "[", "]", '"', "'", "<",
     "</toolcall>", "<toolcall>", "```", "*", "Action:", "\n", ", ", ":", "\\", "“", "/*", "//",
     '{"a": ', "TOOL_CALLS", "<function=wave>", "<parameter=x>", "é", "\u2028"]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=80), st.lists(PARTS, max_size=8).map("".join))


@given(TEXTS, st.lists(st.integers(1, 9), max_size=60))
def test_a_stream_in_any_pieces_is_the_same_as_the_whole(text: str, sizes: list[int]):
    splitter = CallSplitter(NAMES)
    given_out, at = "", 0
    for size in sizes:
        given_out += splitter.feed(text[at : at + size])
        at += size
    given_out += splitter.feed(text[at:])
    reply = splitter.finish()

    assert reply == read_reply(text, NAMES)
    assert (given_out + reply.rest).strip() == reply.speech


@pytest.mark.parametrize(
    "text",
    ["{" * 9_000 + ")" * 9_000, '{"a":' * 3_000, '[{"a":' * 3_000 + "}]" * 3_000],
)
def test_brackets_inside_brackets_without_end_are_given_up(text: str):
    reply = read_reply(text, NAMES)

    assert '"' not in reply.speech
    assert reply.calls == ()


@pytest.mark.parametrize(
    "piece",
    ["{", "[", "<", '"', "'", "{[", "(", "`", "*", "/*", "\\", "<toolcall>", '{"a":', "open_gate(",
     "Action: ", "\n", " ", "}", '{"', '"a" ', "wave {", "```\n", "<function=wave>", "a:", '",'],
)  # fmt: skip
def test_each_character_is_looked_at_a_bounded_number_of_times(
    piece: str, monkeypatch: pytest.MonkeyPatch
):
    from npc_engine.actions import held_text

    looks = 0
    char = held_text.HeldText.char

    def counted(self, index):
        nonlocal looks
        looks += 1
        return char(self, index)

    monkeypatch.setattr(held_text.HeldText, "char", counted)
    text = piece * (MAX_REPLY_CHARS // len(piece))
    read_reply(text, NAMES)

    assert looks < 100 * len(text)
