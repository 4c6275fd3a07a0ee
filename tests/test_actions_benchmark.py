"""The benchmark of actions: its problems, forms and faults, on a data set of two problems."""

import json
import random

import pytest

from benchmarks.actions.__main__ import main
from benchmarks.actions.asking import ask_all, asking_figures, sampled
from benchmarks.actions.forms import FORMS
from benchmarks.actions.mutations import mutated
from benchmarks.actions.parsing import fits, parse_forms, parse_mutated
from benchmarks.actions.problems import FOLDER, load_problems
from npc_engine.model.scripted import Reply, ScriptedSession

TOOL = {
    "name": "shop.offer_item",
    "description": "Offer an item at a price.",
    "parameters": {
        "type": "dict",
        "properties": {
            "item": {"type": "string", "enum": ["sword", "lantern"]},
            "price": {"type": "integer"},
            "deal": {"type": "dict", "properties": {"days": {"type": "array",
                     "items": {"type": "float"}}}},
            "note": {"type": "string", "default": "none"},
        },
        "required": ["item", "price"],
    },
}  # fmt: skip
ANSWER = {
    "item": ["sword"], "price": [30, 3], "deal": [{"days": [[1.5, 2]]}], "note": ["a \"b\", c", ""],
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    def row(number, text):
        return {"id": f"p{number}", "question": [[{"role": "user", "content": text}]],
                "function": [TOOL]}  # fmt: skip

    (tmp_path / "possible_answer").mkdir()
    rows = {
        "BFCL_v4_simple_python.json": row(0, "Offer me the sword at 30 for 1.5 or 2 days."),
        "BFCL_v4_irrelevance_first120.json": row(1, "What is the capital of Sweden?"),
        "possible_answer/BFCL_v4_simple_python.json": {
            "id": "p0",
            "ground_truth": [{"shop.offer_item": ANSWER}],
        },
    }
    for name, data in rows.items():
        (tmp_path / name).write_text(json.dumps(data) + "\n", encoding="utf-8")
    return tmp_path


def test_a_right_call_is_read_from_every_form(folder):
    calls, no_calls = load_problems(folder)
    parsed = parse_forms(calls)

    assert calls[0].first_answer() == {"item": "sword", "price": 30, "deal": {"days": [1.5, 2]}}
    assert no_calls[0].expected is None
    assert parsed.wrong == []
    assert parsed.num_written.total() == len(FORMS) >= 12


@pytest.mark.parametrize(
    ("arguments", "is_right"),
    [
        ({"item": "Sword", "price": 30, "deal": {"days": [1.5, 2]}}, True),
        ({"item": "sword", "price": 3, "deal": {"days": [1.5, 2]}, "note": 'a b c'}, True),
        ({"item": "sword", "price": 30}, False),
        ({"item": "sword", "price": 31, "deal": {"days": [1.5, 2]}}, False),
        ({"item": "sword", "price": 30, "deal": {"days": [2, 1.5]}}, False),
        ({"item": "sword", "price": 30, "deal": {"days": [1.5, 2]}, "x": 1}, False),
    ],
)  # fmt: skip
def test_a_call_is_right_by_the_values_that_are_allowed(folder, arguments, is_right):
    (problem,), _ = load_problems(folder)

    assert problem.is_right(arguments) is is_right


def mutate_many(folder, count):
    calls, _ = load_problems(folder)
    result = parse_mutated(calls, count)

    assert (result.faults, result.num_misfits) == ([], 0)
    assert 0 < result.num_taken < count


def test_two_thousand_broken_calls_raise_nothing_and_none_is_accepted_against_its_schema(folder):
    mutate_many(folder, 2_000)


@pytest.mark.slow
def test_a_hundred_thousand_broken_calls_raise_nothing(folder):
    mutate_many(folder, 100_000)


def test_faults_are_the_same_for_the_same_seed(folder):
    (problem,), _ = load_problems(folder)
    texts = [
        [mutated(problem.name, problem.first_answer(), random.Random(seed)) for seed in (1, 2)]
        for _ in range(2)
    ]

    assert texts[0] == texts[1]
    assert len(set(texts[0])) == 2


def test_the_strict_look_refuses_what_does_not_fit():
    schema = TOOL["parameters"]

    assert fits({"item": "sword", "price": 3}, schema)
    assert not fits({"item": "sword"}, schema)
    assert not fits({"item": "axe", "price": 3}, schema)
    assert not fits({"item": "sword", "price": "3"}, schema)
    assert not fits({"item": "sword", "price": 3, "deal": {"days": ["x"]}}, schema)


def test_a_model_is_asked_and_its_calls_are_rated(folder):
    calls, no_calls = load_problems(folder)
    right = json.dumps({"name": "shop.offer_item", "arguments": calls[0].first_answer()})
    session = ScriptedSession([
        Reply(f"<tool_call>\n{right}\n</tool_call> and more"),
        Reply('<tool_call>{"name": "shop.offer_item", "arguments": '
              '{"item": "lantern", "price": 1}}</tool_call>'),
    ])  # fmt: skip
    asked, over = ask_all(calls, session), ask_all(no_calls, session)
    rates = {figure.name.split(" [")[0]: figure.value for figure in asking_figures(asked, over)}

    assert (asked[0].is_right, asked[0].is_called_for) == (True, True)
    assert (over[0].arguments is not None, over[0].is_called_for) == (True, False)
    assert rates["- right, with the grounding rule"] == 1.0
    assert rates["- accepted, with the grounding rule"] == 0.0


def test_a_sample_is_spread_evenly(folder):
    problems = load_problems(folder)[0] * 10

    assert len(sampled(problems, 3)) == 3
    assert sampled(problems, 99) == problems


def test_the_command_writes_figures_and_says_where_data_are_missing(folder, tmp_path, capsys):
    main(["--quick", "--data", str(folder), "--json", str(tmp_path / "figures.json")])
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))["figures"]

    assert figures[0]["name"] == "calls read as written, all forms"
    assert figures[0]["value"] == 1.0
    with pytest.raises(SystemExit, match="--data FOLDER"):
        main(["--quick", "--data", str(tmp_path / "nowhere")])


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the folder of shared data is not here")
def test_every_call_of_the_real_problems_is_read_from_every_form():
    calls, no_calls = load_problems()

    assert (len(calls), len(no_calls)) == (400, 120)
    assert parse_forms(calls).wrong == []
