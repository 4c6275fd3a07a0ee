import pickle

import pytest

from npc_engine.content.conditions import Comparison, compile_condition, fill, template_names
from npc_engine.errors import TemplateError

SCOPE = {
    "state": {"bridge": "broken", "gold": 20, "open": True, "items": "a sword", "share": 0.5},
    "relationships": {"player": {"trust": 3, "feels": ""}, "old-tom": {"trust": -1, "feels": ""}},
    "player": {"name": "Tolan", "about": "A sword arm."},
    "clock": {"day": 41, "time": "18:30", "minute": 1110, "part_of_day": "evening"},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('state.bridge == "broken"', True),
        ("relationships.player.trust >= 3", True),
        ('relationships["old-tom"].trust >= 0', False),
        ("state.gold > 5 and not state.open", False),
        ('clock.part_of_day in ["evening", "night"]', True),
        ("state.gold * 2 + 2 == 42", True),
        ('state.items == "a sword"', True),
        ("player.name | upper == 'TOLAN'", True),
        ("state.gold is odd or state.missing is defined", False),
        ("true", True),
    ],
)
def test_condition_holds_or_not(text: str, expected: bool):
    assert compile_condition(text).holds(SCOPE) is expected


def test_condition_knows_the_names_it_reads():
    condition = compile_condition(
        'state.bridge == "broken" and (relationships["old-tom"].trust > 1 or 5 < state.gold)'
    )

    assert condition.names == {"state.bridge", "relationships.old-tom.trust", "state.gold"}
    assert condition.comparisons == (
        Comparison("state.bridge", "eq", "broken"),
        Comparison("relationships.old-tom.trust", "gt", 1),
        Comparison("state.gold", "gt", 5),
    )


def test_conditions_are_values():
    condition = compile_condition("state.gold > 5")

    assert condition == compile_condition("state.gold > 5")
    assert pickle.loads(pickle.dumps(condition)) == condition
    assert len({condition, compile_condition("state.gold > 5")}) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "an empty condition"),
        ("x" * 501, "a condition of 501 characters"),
        ("state.__class__", 'the name "__class__"'),
        ("''.__class__.__mro__", 'the name "__'),
        ("self", 'the name "self"'),
        ("range(10)", "a call"),
        ("state.items()", "a call"),
        ("'a'.ljust(99)", "a call"),
        ("{'a': 1}", "a map"),
        ("'abc'[0:2]", "a slice"),
        ("'a' | center(10)", 'the unknown filter "center"'),
        ("'%s' | format(1)", 'the unknown filter "format"'),
        ("state | attr('x')", 'the unknown filter "attr"'),
        ("state.bridge is broken", 'the unknown test "broken"'),
        ("{{ state.gold }}", 'a condition that begins with "{{"'),
        ("state.gold }} {% if 1 %}{{ 1", "a condition that cannot be read"),
        ("state.gold = 1", "a condition that cannot be read"),
        ("(" * 60 + "1" + ")" * 60, "brackets nested deeper than 40 levels"),
        ("not " * 100 + "true", "nested deeper than 40 levels"),
        ("9" * 400, "a number over"),
    ],
)
def test_what_a_condition_may_not_hold_is_refused_when_it_is_read(text: str, reason: str):
    with pytest.raises(TemplateError) as caught:
        compile_condition(text)

    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("'x' * 10**9", "* used on something that is not a number"),
        ("[1] * 10**9", "* used on something that is not a number"),
        ("9 ** 9 ** 9", "a number over 1,000,000,000,000,000"),
        ("2 ** 1000", "an exponent over 16"),
        ("'%0999999999d' % 1", "% used on something that is not a number"),
        ("1 // 0", "a division by zero"),
        ("state.gold > 'x'", "values that cannot be compared"),
        ("state.glod > 1", 'unknown name "glod"'),
        ("gold > 1", "'gold' is undefined"),
        ("state[0] == 1", 'unknown name "0"'),
        ("player.name.real", 'unknown name "real"'),
    ],
)
def test_what_goes_wrong_while_it_runs_is_a_template_error(text: str, reason: str):
    condition = compile_condition(text)

    with pytest.raises(TemplateError) as caught:
        condition.holds(SCOPE)

    assert reason in str(caught.value)


def test_text_without_braces_is_given_back_as_it_is():
    text = "100 % sure, {not} a template # at all"

    assert fill(text, {}) is text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Well, {{ player.name }}.", "Well, Tolan."),
        ("{{ state.gold }} silver, {{ state.share }}", "20 silver, 0.5"),
        ("open: {{ state.open }}", "open: yes"),
        ("{% if state.gold > 5 %}Rich{% else %}Poor{% endif %}!", "Rich!"),
        ("{% if state.open %}\nline\n{% endif %}\n", "line\n"),
        ("{# a note #}x", "x"),
        ("{% raw %}{{ char }}{% endraw %}", "{{ char }}"),
    ],
)
def test_text_is_filled(text: str, expected: str):
    assert fill(text, SCOPE) == expected


def test_filled_values_are_never_run_themselves():
    scope = {"player": {"name": "{{ state.secret }}"}, "state": {"secret": "x"}}

    assert fill("Hm, {{ player.name }}.", scope) == "Hm, {{ state.secret }}."


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{% for i in range(10**9) %}x{% endfor %}", "a loop"),
        ("{% set x = 'a' %}", "an assignment"),
        ("{% macro m() %}{% endmacro %}", "a macro"),
        ("{% include 'other' %}", "an include"),
        ("{% import 'os' as os %}", "an import"),
        ("{{ state }}", "a group or list where a text or number is meant"),
        ("{{ user }}", "'user' is undefined"),
        ("{{ 'a' * 10**8 }}", "* used on something that is not a number"),
        ("{{ 1e400 }}", "a number over"),
        ("{{ player.name", "a template that cannot be read"),
        ("{% if 1 %}" * 60 + "{% endif %}" * 60, "nested deeper than 40 levels"),
        ("{{ player.about }}" * 1_200, "a text of 21,600 characters; expected at most 20,000"),
    ],
)
def test_hostile_text_is_refused(text: str, reason: str):
    with pytest.raises(TemplateError) as caught:
        fill(text, SCOPE)

    assert reason in str(caught.value)


def test_a_filled_text_has_a_limit():
    with pytest.raises(TemplateError, match="a text over 20,000 characters"):
        fill("{{ player.about }}" * 20, {"player": {"about": "x" * 2_000}})


def test_names_of_a_text():
    assert template_names("{{ player.name }} {% if state.gold > 1 %}x{% endif %}") == {
        "player.name",
        "state.gold",
    }
    assert template_names("no braces") == frozenset()
