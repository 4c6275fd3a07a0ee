"""A reply of two parts, words before an action and words after it, of which not all was heard."""

import pytest

from tests.engine.crowd import SLOW, finish, wait_until
from tests.engine.test_actions import LOOK, Stage

TEXT = "Let me see.\nFour crowns a sack."


@pytest.fixture
def ann_of(tmp_path):
    made = []

    def make(*script):
        stage = Stage(tmp_path, list(script))
        made.append(stage.engine)
        stage.take("look_up_price", {"price": 4})
        return stage

    yield make
    for engine in made:
        engine.close()


def remembered(stage):
    return [line.text for line in stage.ann.memory().lines if line.is_own]


@pytest.mark.parametrize(
    ("heard", "kept"),
    [
        (0, ["Next."]),
        (6, ["Let me", "Next."]),
        (16, ["Let me see.", "Four", "Next."]),
        (99, ["Let me see.", "Four crowns a sack.", "Next."]),
    ],
)
def test_a_done_line_is_cut_in_the_part_that_was_not_heard(ann_of, heard, kept):
    stage = ann_of(f"Let me see. {LOOK}", "Four crowns a sack.", "Next.")
    line = stage.ann.ask("What does flour cost?")
    assert line.text == TEXT
    line.cancel(heard=heard)
    stage.ann.ask("And?")
    assert remembered(stage) == kept


@pytest.mark.parametrize(
    ("heard", "text", "kept"),
    [
        (0, "", []),
        (6, "Let me", ["Let me"]),
        (17, "Let me see.\nbaba", ["Let me see.", "baba"]),
    ],
)
def test_a_line_that_is_cancelled_after_the_action_is_cut_likewise(ann_of, heard, text, kept):
    stage = ann_of(f"Let me see. {LOOK}", SLOW)
    line = stage.ann.say("What does flour cost?")
    wait_until(lambda: len(line.text) > 30, lambda: stage.engine.tick(2))
    line.cancel(heard=heard)
    finish(stage.engine, [line])
    assert (line.text, line.reason) == (text, "cancelled")
    assert remembered(stage) == kept
