"""Scores of given continuations are those of `transformers`, whatever else the session does."""

import math
import threading

import pytest
import torch

from npc_engine.dialogue.choosing import Question, choose
from npc_engine.errors import ScoringError
from npc_engine.messages import Message
from npc_engine.protocols import ScoreRequest, ScoringSession
from tests.model.stage_model import (
    BESIDE,
    CHUNK,
    LONG,
    Passes,
    end_of,
    generated,
    local,
    paused,
    rendered,
    reply_ids,
    request,
    settled,
    together,
    tokens_of,
    wait_until,
)
from tests.models_for_tests import WINDOW_TOKENS, load_tiny, open_tiny

TEXTS = ("Aye!", "Thirty silver, not a copper less.", "a", "The ferry takes one cart at a time.")


def options_of(session) -> tuple[tuple[int, ...], ...]:
    return tuple(session.tokenizer.encode(text) for text in TEXTS)


def asked(ids, options, name: str = "score", **fields) -> ScoreRequest:
    return ScoreRequest(name, tuple(ids), tuple(options), **fields)


def log_probs(session, ids, options, **fields) -> list[float]:
    return [score.log_prob for score in session.score(asked(ids, options, **fields))]


def expected(plain, ids, options) -> list[float]:
    """Sums of the log-softmax of the unmodified model, each option in a pass of its own."""
    model, _ = plain
    found = []
    for option in options:
        with torch.inference_mode():
            logits = model(torch.tensor([[*ids, *option]])).logits[0].double()
        rows = torch.log_softmax(logits, dim=-1)[len(ids) - 1 : -1]
        found.append(float(rows.gather(1, torch.tensor(option)[:, None]).sum()))
    return found


def close(wanted):
    return pytest.approx(wanted, abs=2e-3, rel=1e-4)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_ragged_continuations_score_as_transformers_says(open_session, tiny, count):
    session = open_session(prefill_chunk_tokens=CHUNK)
    ids, options = rendered(session.tokenizer, LONG), options_of(session)[:count]
    scores = session.score(asked(ids, options))
    assert [score.num_tokens for score in scores] == [len(option) for option in options]
    assert [score.log_prob for score in scores] == close(expected(tiny, ids, options))
    assert scores[0].mean == scores[0].log_prob / len(options[0])


def test_a_prompt_of_one_token_and_single_tokens_can_be_scored(open_session, tiny):
    session = open_session()
    options = ((300,), (301,), (302, 303))
    assert log_probs(session, (299,), options) == close(expected(tiny, (299,), options))


def test_pieces_of_any_size_give_the_same_scores(open_session, tiny):
    session = open_session(prefill_chunk_tokens=3, beside_tokens=2)
    ids, options = rendered(session.tokenizer, TEXTS[1]), options_of(session)
    assert log_probs(session, ids, options) == close(expected(tiny, ids, options))


def test_every_single_token_of_the_vocabulary_adds_up_to_one(open_session):
    session = open_session()
    ids = rendered(session.tokenizer, "Hi")
    total = 0.0
    vocab = session._vocab_size
    for start in range(0, vocab, 32):
        options = [(token_id,) for token_id in range(start, min(vocab, start + 32))]
        total += sum(map(math.exp, log_probs(session, ids, options)))
    assert total == pytest.approx(1, abs=1e-4)


def test_the_order_of_options_changes_no_value(open_session):
    session = open_session()
    ids, options = rendered(session.tokenizer, LONG), options_of(session)
    first = log_probs(session, ids, options)
    assert log_probs(session, ids, options[::-1]) == close(first[::-1])


def test_what_a_conversation_has_read_is_reused_and_left_as_it_was(open_session, tiny):
    session = open_session(prefill_chunk_tokens=CHUNK)
    ids = rendered(session.tokenizer, LONG)
    said = reply_ids(session, request(ids, conversation="mira", max_tokens=8))
    before = settled(session)
    question = (*ids, *rendered(session.tokenizer, "Yes or no?"))
    options = options_of(session)
    assert log_probs(session, question, options) == close(expected(tiny, question, options))
    after = settled(session)
    assert after["reused_tokens"] - before["reused_tokens"] >= len(ids)
    read = after["prefilled_tokens"] - before["prefilled_tokens"]
    assert read <= len(question) - len(ids)
    assert after["conversations"] == before["conversations"] == 1
    longer = (*ids, *said, *rendered(session.tokenizer, "And the bridge?"))
    answer = list(session.stream(request(longer, conversation="mira")))
    assert answer[-1].usage.reused_tokens == len(ids) + len(said) - 1
    assert tokens_of(answer) == generated(tiny, longer, 24)


def test_after_a_crop_the_scores_are_the_same(open_session, tiny):
    session = open_session(prefill_chunk_tokens=CHUNK)
    before = rendered(session.tokenizer, LONG[:90], "Aye.", "No?")
    after = rendered(session.tokenizer, LONG[:90], "Nay.", LONG[:60])
    for ids in (before, after):
        end_of(session, request(ids, conversation="mira", max_tokens=6))
    options = options_of(session)
    for ids in (before, after):
        assert log_probs(session, ids, options) == close(expected(tiny, ids, options))


def test_beside_a_score_another_conversation_says_what_it_says_alone(open_session, tiny):
    session = open_session(prefill_chunk_tokens=CHUNK, beside_tokens=BESIDE)
    ids, question = rendered(session.tokenizer, LONG), rendered(session.tokenizer, TEXTS[3])
    options = options_of(session)
    passes, found = Passes(session), []
    ask = threading.Thread(target=lambda: found.extend(log_probs(session, question, options)))
    passes.before(len(ids) // CHUNK + 3, ask.start)
    passes.before(len(ids) // CHUNK + 4, lambda: wait_until(lambda: len(session._engine._jobs) > 1))
    said = reply_ids(session, request(ids, "writer", conversation="mira", max_tokens=60))
    ask.join(30)
    assert said == generated(tiny, ids, 60)
    assert found == close(expected(tiny, question, options))
    beside = [
        (number, size) for number, size in passes.of("score") if "writer" in passes.read[number]
    ]
    assert len(beside) > 3
    assert max(size for _, size in beside) <= BESIDE
    assert all("writer" in read for read in passes.read[: beside[-1][0]])


def test_several_scores_at_once_are_right(open_session, tiny):
    session = open_session(prefill_chunk_tokens=CHUNK, num_rows=3)
    prompts = [rendered(session.tokenizer, text) for text in TEXTS]
    options, found = options_of(session), {}

    def ask(number):
        found[number] = log_probs(session, prompts[number], options, name=f"s{number}")

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [found[number] for number in range(4)] == [
        close(expected(tiny, ids, options)) for ids in prompts
    ]


def test_a_score_takes_no_row_that_is_the_last_one(open_session, tiny):
    session = open_session(num_rows=2)
    ids = rendered(session.tokenizer, LONG)
    end_of(session, request(ids, conversation="mira"))
    passes, options, found = Passes(session), options_of(session), []
    other = request(rendered(session.tokenizer, "Hi"), "other", max_tokens=30)
    ask = threading.Thread(target=lambda: found.extend(log_probs(session, ids, options)))
    passes.before(2, ask.start)
    passes.before(3, lambda: wait_until(lambda: len(session._engine._jobs) > 1))
    reply_ids(session, other)
    ask.join(30)
    assert not any({"other", "score"} <= set(read) for read in passes.read)
    assert found == close(expected(tiny, ids, options))
    answer = end_of(session, request(ids, conversation="mira"))
    assert answer.usage.reused_tokens == len(ids) - 1


def test_one_row_is_enough(open_session, tiny):
    session = open_session(num_rows=1)
    ids, options = rendered(session.tokenizer, LONG), options_of(session)
    assert log_probs(session, ids, options) == close(expected(tiny, ids, options))


def test_a_cancelled_score_is_none_and_the_next_one_is_served(open_session):
    session = open_session(prefill_chunk_tokens=CHUNK)
    ids, options = rendered(session.tokenizer, LONG), options_of(session)
    passes = Passes(session)
    passes.before(1, lambda: session.cancel("score"))
    assert session.score(asked(ids, options)) is None
    assert len(passes) == 2
    assert len(session.score(asked(ids, options))) == len(options)
    assert settled(session)["free_rows"] > 1


def test_a_score_that_is_late_is_none(open_session):
    session = open_session()
    ids = rendered(session.tokenizer, "Hi")
    assert session.score(asked(ids, options_of(session), deadline_s=0.0)) is None


def test_closing_ends_scores_that_run_and_that_come_later(open_session):
    session = open_session()
    ids, options = rendered(session.tokenizer, LONG), options_of(session)
    found = []
    with paused(session):
        ask = threading.Thread(target=lambda: found.append(session.score(asked(ids, options))))
        ask.start()
        wait_until(lambda: session.stats()["live_requests"] == 1)
        threading.Thread(target=session.close).start()
        wait_until(lambda: session._engine._closing)
    ask.join(30)
    assert found == [None]
    assert session.score(asked(ids, options)) is None


@pytest.mark.parametrize(
    ("ids", "options", "words"),
    [
        ((), ((1,),), "prompt holds no token"),
        ((5,), (), "found 0 continuations; expected 1 to 32"),
        ((5,), ((1,),) * 33, "found 33 continuations"),
        ((5,), ((1,), ()), "continuation 1 has 0 tokens; expected 1 to 64"),
        ((5,), ((1,) * 65,), "continuation 0 has 65 tokens"),
        ((5,) * (WINDOW_TOKENS - 3), ((1,), (1,) * 4), "the window holds 256; shorten"),
        ((5, -1), ((1,),), "the prompt holds the id -1"),
        ((5,), ((1,), (2, 999_999)), "continuation 1 holds the id 999999; expected 0 to"),
    ],
)
def test_what_cannot_be_scored_says_why(nemotron_folder, ids, options, words):
    session = open_tiny(nemotron_folder)
    with pytest.raises(ScoringError, match=words):
        session.score(asked(ids, options))
    session.close()


def test_a_prompt_that_just_fits_is_scored(open_session, tiny):
    session = open_session()
    ids, option = (290,) * (WINDOW_TOKENS - 4), (300, 301, 302, 303)
    assert log_probs(session, ids, [option]) == close(expected(tiny, ids, [option]))


def test_a_model_that_breaks_fails_the_score_and_spares_the_next(tiny_folder, tiny, caplog):
    session = open_tiny(tiny_folder)
    ids, options = rendered(session.tokenizer, LONG), options_of(session)
    run = session._engine._runner.run

    def broken(segments):
        if any(segment.each for segment in segments):
            raise RuntimeError("the second layer broke")
        return run(segments)

    session._engine._runner.run = broken
    with pytest.raises(ScoringError, match="the second layer broke"):
        session.score(asked(ids, options))
    session._engine._runner.run = run
    assert log_probs(session, ids, options) == close(expected(tiny, ids, options))
    session.close()
    assert "the second layer broke" in caplog.text


def test_scores_that_are_not_numbers_fail(tiny_folder, caplog):
    model, tokenizer = load_tiny(tiny_folder)
    session = local(model, tokenizer)
    with torch.no_grad():
        model.model.norm.weight.fill_(float("nan"))
    with pytest.raises(ScoringError, match="not numbers"):
        session.score(asked(rendered(tokenizer, "Hi"), options_of(session)))
    session.close()
    assert "not numbers" in caplog.text


def test_two_with_one_name_do_not_disturb_each_other(open_session):
    session = open_session()
    ids, options = rendered(session.tokenizer, LONG), options_of(session)
    with paused(session):
        stream = session.stream(request(ids, "score", max_tokens=4))
        with pytest.raises(ScoringError, match="already running"):
            session.score(asked(ids, options))
    assert list(stream)[-1].reason == "length"


def test_a_local_session_says_that_it_can_score(open_session):
    session = open_session()
    assert isinstance(session, ScoringSession)
    assert session.can_score
    assert together(session, [request(rendered(session.tokenizer, "Hi"))])[0][-1].log_probs == ()


def test_a_choice_scores_just_the_words_of_its_options(tiny_folder, tiny):
    session = open_tiny(tiny_folder)
    chat, question = Message("user", LONG), "Which of these is it?"
    chosen = choose(session, Question(question, TEXTS, (chat,)), request_id="q")
    means = []
    for messages in ((chat, Message("user", question)), (Message("user", question),)):
        ids = session.tokenizer.render(messages).token_ids
        whole = [
            session.tokenizer.render(
                (*messages, Message("assistant", text)), open_reply=False
            ).token_ids
            for text in TEXTS
        ]
        options = [
            next(
                one[len(ids) : end]
                for end in range(len(ids) + 1, len(one) + 1)
                if session.tokenizer.decode(one[len(ids) : end]).strip() == text
            )
            for one, text in zip(whole, TEXTS, strict=True)
        ]
        found = expected(tiny, ids, options)
        means.append([value / len(ids) for value, ids in zip(found, options, strict=True)])
    gains = [there - alone for there, alone in zip(*means, strict=True)]
    assert chosen.gains == close(gains)
    assert chosen.option == TEXTS[gains.index(max(gains))]
    session.close()
