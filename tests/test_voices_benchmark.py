"""The benchmark that tells characters apart: who speaks alike is confused, who does not is not."""

import json
import shutil

import pytest

from benchmarks import voices
from npc_engine.model.scripted import ScriptedSession
from tests.stage import CHARACTERS, WORLDS

WORDS = {
    "Aldric": "The ledger says so, and the ledger is just.",
    "Bett": "Rope and river, that is all I ever needed.",
    "Mira": "Iron, rivets, heat and a hammer.",
    "Tansy": "Chamomile, sage, a little honey.",
    "Wick": "Lamps, wicks, oil, and the dark coming.",
}


def speaker_of(request):
    system = request.messages[0].text
    return next(name for name in WORDS if f"You are {name}" in system)


@pytest.fixture
def run(tmp_path):
    def go(script, scorer=None):
        path = tmp_path / "voices.json"
        session = ScriptedSession(script, scorer=scorer)
        shutil.copytree(WORLDS, tmp_path / "worlds", dirs_exist_ok=True)
        (tmp_path / "worlds" / "scarth_top.yaml").unlink()
        arguments = ["--characters", str(CHARACTERS), "--worlds", str(tmp_path / "worlds")]
        voices.main([*arguments, "--lines", "4", "--json", str(path)], session)
        data = json.loads(path.read_text(encoding="utf-8"))
        return {figure["name"]: figure["value"] for figure in data["figures"]}, data["rows"]

    return go


@pytest.mark.slow
def test_voices_of_their_own_are_told_apart(run):
    asked = []

    def script(request):
        asked.append(request)
        return f"{WORDS[speaker_of(request)]} {'So ' * (len(asked) % 4)}be it."

    figures, rows = run(script)
    assert figures["oakhollow: told apart by words"] == 1
    assert len(rows) == 20
    assert "oakhollow: told apart by model" not in figures


@pytest.mark.slow
def test_one_voice_for_all_is_not_told_apart(run):
    figures, _ = run(lambda request: f"It is as it is, {request.seed % 7} times over.")
    assert figures["oakhollow: told apart by words"] < 0.5


@pytest.mark.slow
def test_the_model_judges_by_what_is_likely_under_each_sheet(run):
    def likely(request):
        own = order.index(request.request_id.split("-")[1])
        return [
            (-1.0 if index == own else -3.0) * len(ids)
            for index, ids in enumerate(request.continuations)
        ]

    order = sorted(name.casefold() for name in WORDS)

    def script(request):
        return WORDS[speaker_of(request)]

    figures, _ = run(script, scorer=likely)
    assert figures["oakhollow: told apart by model"] == 1
