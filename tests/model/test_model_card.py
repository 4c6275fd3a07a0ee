import pytest

from examples.model_card import main


@pytest.mark.model
@pytest.mark.slow
def test_both_ways_of_the_model_card_give_the_same_reply(capsys):
    by_generate, by_pipeline = main("smollm2")
    assert len(by_generate) > 20
    assert by_pipeline == by_generate
    assert f"generate: {by_generate}" in capsys.readouterr().out
