"""Scores through a worker: the same values, and an end whatever becomes of the child."""

import queue
import threading

import pytest

from npc_engine.errors import ScoringError
from npc_engine.messages import Message
from npc_engine.model import ScriptedSession, WorkerSession, open_remote
from npc_engine.model.worker.patience import Patience
from npc_engine.protocols import ScoreRequest, ScoringSession
from tests.model.stage_model import wait_until
from tests.model.stub_server import endless, stub_server
from tests.models_for_tests import open_tiny

STAGE = "tests.model.worker_stage"
OPTIONS = ((7, 8), (9,))
WAIT_S = 60


@pytest.fixture
def start():
    """Starts worker sessions and closes them."""
    sessions = []

    def starter(opener, **options):
        sessions.append(WorkerSession(f"{STAGE}:{opener}", options, patience=Patience()))
        sessions[-1].wait_ready()
        return sessions[-1]

    yield starter
    for session in sessions:
        session.close()


def asked(session, options=OPTIONS, name="score", **fields):
    ids = session.tokenizer.render([Message("user", "Any work?")]).token_ids
    return ScoreRequest(name, ids, options, **fields)


def outcome(session, request):
    """What `score` brings on a thread of its own: a queue with it or the error."""
    found = queue.SimpleQueue()

    def run():
        try:
            found.put(session.score(request))
        except ScoringError as error:
            found.put(error)

    threading.Thread(target=run, daemon=True).start()
    return found


@pytest.mark.slow
def test_a_worker_scores_as_the_model_in_this_process_does(start, nemotron_folder):
    here = open_tiny(nemotron_folder, prefill_chunk_tokens=16, threads=1)
    session = start("open_tiny_model", folder=str(nemotron_folder))
    assert isinstance(session, ScoringSession)
    assert session.can_score
    options = tuple(here.tokenizer.encode(text) for text in ("Aye!", "The north bridge fell."))
    assert session.score(asked(session, options)) == here.score(asked(here, options))
    with pytest.raises(ScoringError, match="holds the id 99999; expected 0 to"):
        session.score(asked(session, ((99_999,),)))
    here.close()


def test_a_scripted_scorer_works_behind_a_worker(start):
    session = start("open_scoring")
    assert session.can_score
    assert [score.log_prob for score in session.score(asked(session))] == [-2.5, -1.0]
    with pytest.raises(ScoringError, match="expected 1 to 64"):
        session.score(asked(session, ((),)))
    with pytest.raises(ScoringError, match="expected 1 to 32"):
        session.score(asked(session, ()))


def test_a_worker_whose_model_cannot_score_says_so(start):
    session = start("open_scripted")
    assert not session.can_score
    with pytest.raises(ScoringError, match="gives no log-probabilities"):
        session.score(asked(session))


def test_a_child_that_dies_of_a_score_twice_fails_it_and_the_next_is_answered(start):
    session = start("open_scoring", deadly_id=9)
    found = outcome(session, asked(session))
    error = found.get(timeout=WAIT_S)
    assert isinstance(error, ScoringError)
    assert "ask again" in str(error)
    assert [score.log_prob for score in session.score(asked(session, ((7, 8),)))] == [-2.5]


def test_a_score_is_asked_once_more_where_the_first_child_dies(start, tmp_path):
    session = start("open_scoring", deadly_id=9, only_first=str(tmp_path / "died"))
    assert [score.log_prob for score in session.score(asked(session))] == [-2.5, -1.0]
    assert session.stats()["restarts"] == 1


def test_a_score_in_a_worker_that_never_ends_is_cancelled_or_closed(start):
    session = start("open_scoring", endless_id=9)
    found = outcome(session, asked(session, deadline_s=None))
    wait_until(lambda: session._watch.requests.num_live == 1)
    session.close()
    assert found.get(timeout=WAIT_S) is None
    assert session.score(asked(session)) is None


@pytest.mark.slow
def test_a_score_is_cancelled_through_the_worker(start, nemotron_folder, monkeypatch):
    session = start("open_tiny_model", folder=str(nemotron_folder))
    requests = session._watch.requests
    submit = requests.submit

    def submit_and_cancel(*args):
        entry = submit(*args)
        session.cancel("score")
        return entry

    monkeypatch.setattr(requests, "submit", submit_and_cancel)
    assert session.score(asked(session, ((300,) * 40,) * 32)) is None
    monkeypatch.undo()
    assert len(session.score(asked(session))) == 2


def test_a_server_is_no_scoring_session():
    with stub_server(endless()) as server:
        session = open_remote(server.url, window_tokens=256)
        assert not isinstance(session, ScoringSession)
        session.close()


def test_a_scripted_scorer_must_give_a_number_for_each_option():
    session = ScriptedSession(["Aye."], scorer=lambda request: [-1.0])
    with pytest.raises(ScoringError, match="found 1 scores; expected 2"):
        session.score(asked(session))
    assert [one.request_id for one in session.scored] == ["score"]
