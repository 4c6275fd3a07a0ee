"""What holds for every text anybody could write."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from npc_engine.content.character import CharacterSheet
from npc_engine.content.conditions import compile_condition, fill
from npc_engine.content.declarations import (
    IntegerRange,
    NumberRange,
    StateDeclaration,
    TextLimit,
    TrueOrFalse,
)
from npc_engine.content.forbidden import find_forbidden
from npc_engine.content.marks import Quoted
from npc_engine.content.source import inspect_yaml, parse_yaml
from npc_engine.content.state import initial_state, set_value
from npc_engine.content.validation import build
from npc_engine.content.world import World
from npc_engine.errors import CommandError, ContentError, TemplateError

YAML_PIECES = [
    "name", "speech", "says", "secrets", "id", "text", "reveal_when", "extends", "lines", "state",
    ": ", ":", "\n", "\n  ", "\n    ", "- ", "\n- ", "\n  - ", "[", "]", "{", "}", ", ", '"', "'",
    "|", ">", "&a", "*a", "!t", "?", "#", " #", "@", "`", "%", "\t", "---\n", "...", "<<", "\\",
    "é", "\x00", "\x1b", "\u2028", "\ufeff", "🙂", "{{", "}}", "{%", "12:30", "no", "017",
    "1_000", "~",
]  # fmt: skip
YAML_TEXT = st.one_of(st.text(), st.lists(st.sampled_from(YAML_PIECES)).map("".join))

EXPRESSION_PIECES = [
    "state", "state.gold", "player.name", "relationships", "(", ")", "[", "]", "{", "}", " and ",
    " or ", " not ", " in ", " is ", " if ", " else ", "+", "-", "*", "**", "/", "//", "%", "~",
    "|", "==", "<", ".", ",", "'x'", '"', "9", "99999", "1e300", "upper", "join", "round",
    "range", "self", "__class__", "{{", "}}", "{%", "%}", " for ", " set ", "raw", "#",
]  # fmt: skip
EXPRESSION = st.one_of(st.text(), st.lists(st.sampled_from(EXPRESSION_PIECES)).map("".join))

SCOPE = {
    "state": {"gold": 20, "bridge": "broken"},
    "player": {"name": "x" * 200, "about": ""},
    "relationships": {"player": {"trust": 0, "feels": ""}},
}

WORLD = World(
    name="W",
    state={
        "choice": StateDeclaration(one_of=("a", "true", "20"), value="a"),
        "whole": StateDeclaration(integer=IntegerRange(min=-5, max=50), value=1),
        "number": StateDeclaration(number=NumberRange(min=-1.5), value=0.0),
        "truth": StateDeclaration(boolean=TrueOrFalse(), value=False),
        "text": StateDeclaration(text=TextLimit(max_chars=8), value=""),
    },
)
VALUES = st.one_of(
    st.text(max_size=10),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.sampled_from(["a", "true", "false", "20", "-3", "0.5", "1e3", "017", "nan"]),
)

LINE = st.text(min_size=1, max_size=30).filter(
    lambda text: text.strip() and not any(find_forbidden(text)) and not set("\n\r\t{}") & set(text)
)


@given(YAML_TEXT)
@settings(max_examples=300, deadline=None)
def test_any_text_becomes_data_or_located_faults(text: str):
    inspection = inspect_yaml(text, "f")
    last_line = text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1

    for model in (CharacterSheet, World):
        built = build(model, inspection.source, given={"id": "f"})
        for fault in (*inspection.faults, *built.faults):
            assert 0 <= fault.line <= last_line + 1
            assert fault.found
            assert "\x1b" not in str(fault)
        assert built.model is None or isinstance(built.model, model)


@given(YAML_TEXT)
@settings(max_examples=200, deadline=None)
def test_reading_raises_nothing_but_content_errors(text: str):
    try:
        source = parse_yaml(text, "f")
    except ContentError as error:
        assert error.faults
    else:
        assert source.data is not None


@given(EXPRESSION)
@settings(max_examples=300, deadline=None)
def test_any_condition_ends_true_false_or_refused(text: str):
    try:
        condition = compile_condition(text)
    except TemplateError:
        return
    try:
        assert condition.holds(SCOPE) in (True, False)
    except TemplateError as error:
        assert error.faults


@given(EXPRESSION)
@settings(max_examples=300, deadline=None)
def test_any_text_is_filled_within_its_limit_or_refused(text: str):
    try:
        assert len(fill("{{" + text + "}} " + text, SCOPE)) <= 20_000
    except TemplateError as error:
        assert error.faults


@given(st.sampled_from(sorted(WORLD.state)), VALUES)
@settings(deadline=None)
def test_setting_a_value_keeps_its_type_and_domain(name: str, value: Any):
    state = initial_state(WORLD, [])
    kind = type(state.values[name])
    try:
        changed = set_value(state, WORLD, name, value)
    except CommandError:
        return
    assert type(changed.values[name]) is kind
    assert WORLD.state[name].accept(changed.values[name]) == changed.values[name]
    assert {**changed.values, name: None} == {**state.values, name: None}


@given(
    name=LINE,
    traits=st.lists(LINE, max_size=4),
    trust=st.integers(-100, 100),
    sentences=st.integers(1, 30),
    temperature=st.floats(0, 2, allow_subnormal=False).map(lambda value: round(value, 6)),
    once=st.booleans(),
)
@settings(deadline=None)
def test_a_sheet_written_as_json_is_read_back_as_yaml(
    name: str, traits: list[str], trust: int, sentences: int, temperature: float, once: bool
):
    data = {
        "name": name,
        "traits": traits,
        "speech": {"max_sentences": sentences},
        "relationships": {"player": {"trust": trust}},
        "sampling": {"temperature": temperature},
        "lines": [{"when_asked": ["x"], "say": name, "once": once}],
    }

    source = parse_yaml(json.dumps(data, ensure_ascii=False, indent=1), "f")
    built = build(CharacterSheet, source, given={"id": "f"})

    assert built.faults == ()
    assert built.model == CharacterSheet.model_validate_json(json.dumps({**data, "id": "f"}))


@given(st.text(max_size=40).filter(lambda text: not any(find_forbidden(text)) and "\r" not in text))
@settings(deadline=None)
def test_a_quoted_text_comes_back_as_it_was(text: str):
    value = parse_yaml(json.dumps({"a": text}, ensure_ascii=False), "f").data["a"]

    assert value == text
    assert isinstance(value, Quoted)
