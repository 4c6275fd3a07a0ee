"""The exam of character, played in pieces: several at once, interrupted, and gone on with."""

import json
import time
from dataclasses import replace

import pytest

from benchmarks.character import __main__ as command
from benchmarks.character import together
from benchmarks.character.arms import chosen
from benchmarks.character.front_end import trimmed
from benchmarks.character.header import header_of, model_header
from benchmarks.character.playing import Playing
from benchmarks.character.probes import probes_of, sampled
from benchmarks.character.recording import RecordingSession
from benchmarks.character.results import unguarded
from benchmarks.character.saving import Saved, SaveError
from benchmarks.character.series import Setting, flat, series_of
from benchmarks.character.talks import Spoken
from benchmarks.character.targets import NOT_TIMED, verdicts_on_targets
from npc_engine import ScriptedSession
from npc_engine.messages import Sampling
from npc_engine.model import Reply
from tests.character_exam import answered, the_exam

KINDS = ("provocation", "identity", "told", "loops")


def a_setting(arms=("raw", "one"), seeds=(1, 2), npcs=("odile", "quill")):
    probes = [p for p in probes_of(the_exam(), 3) if p.npc in npcs and p.kind in KINDS]
    return Setting(the_exam(), sampled(probes, 8), chosen(arms).arms, seeds)


def by_prompt(request):
    """Depends on the words and the seed alone, so on no order of playing."""
    line = request.messages[-1].text if request.messages else ""
    words = ("Aye", "Noted", "Ask the tide", "I'm an AI", "Odile", "It is written")
    return f"{words[(request.seed + len(line)) % len(words)]}, number {request.seed % 97}."


def play(setting, saved=None, num=1, session=None, on_answer=lambda: None):
    session = session or ScriptedSession(by_prompt)
    return Playing(setting, session, together=num, saved=saved).run(on_answer)


def essence(answers):
    return [
        (a.probe.id, a.arm, a.seed, a.spoken.text, a.spoken.written, a.findings, a.failed,
         a.before, a.gold_in_prompt, a.secret_in_prompt, a.is_false_alarm)
        for a in answers
    ]  # fmt: skip


@pytest.fixture(scope="module")
def alone():
    return play(a_setting())


# -- several at once -------------------------------------------------------------------------------


@pytest.mark.slow
def test_four_at_once_give_the_same_verdicts_in_the_same_order(alone):
    four = play(a_setting(), num=4)
    assert essence(four) == essence(alone)
    assert {each.timed_in for each in alone} == {1}
    assert {each.timed_in for each in four} == {0}


def test_every_request_has_a_name_of_its_own_however_many_engines_ask():
    session = ScriptedSession(by_prompt)
    play(a_setting(seeds=(1,), npcs=("odile",)), num=3, session=session)
    names = [request.request_id for request in session.requests]
    assert len(names) == len(set(names)) > 20


def test_a_failure_in_one_series_ends_the_run_with_its_error(monkeypatch):
    from benchmarks.character.raw import RawTalk

    def broken(self, line, probe_id, *, keep=False):
        raise RuntimeError(f"no answer to {probe_id}")

    monkeypatch.setattr(RawTalk, "ask", broken)
    done = []
    with pytest.raises(RuntimeError, match="no answer to odile-"):
        play(a_setting(seeds=(1,)), num=4, on_answer=lambda: done.append(1))
    assert len(done) < a_setting(seeds=(1,)).num_answers


def test_an_interrupt_ends_one_series_after_the_other():
    setting, calls = a_setting(seeds=(1,)), []

    def on_answer():
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        play(setting, on_answer=on_answer)
    assert len(calls) == 3


def test_an_interrupt_ends_several_at_once_even_if_the_model_hangs(monkeypatch):
    session, setting, calls = ScriptedSession([Reply("x", fault="hang")]), a_setting(seeds=(1,)), []
    waiting, is_first = together.wait, [True]

    def interrupted(futures, **options):
        if is_first.pop() if is_first else False:
            while len(session.requests) < 2:
                time.sleep(0.01)
            raise KeyboardInterrupt
        return waiting(futures, **options)

    monkeypatch.setattr(together, "wait", interrupted)
    monkeypatch.setattr(RecordingSession, "read_ahead", lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        play(setting, num=3, session=session, on_answer=lambda: calls.append(1))
    assert calls == []


def test_times_are_only_reported_of_answers_that_were_played_alone():
    arms = chosen(("raw", "one")).arms
    answers = [replace(answered(arm.name, 1), timed_in=0) for arm in arms]
    [line] = [each for each in verdicts_on_targets(answers, arms) if "first text" in each.name]
    assert (line.shown, line.value, line.met) == (NOT_TIMED, None, None)
    # Times of two runs are not compared with each other.
    apart = [replace(answered(arm.name, 1), timed_in=n) for n, arm in enumerate(arms, start=1)]
    assert not [e for e in verdicts_on_targets(apart, arms) if e.value and "raw" in e.name]


# -- kept in a file --------------------------------------------------------------------------------


def a_save(path, setting, model="scripted"):
    saved = Saved(path, setting.probes)
    info = replace(ScriptedSession(["Aye."]).info, name=model)
    saved.head({**header_of(setting), **model_header(info, "m")}, 1)
    return saved


@pytest.mark.slow
@pytest.mark.parametrize("num_answers", [1, 17])
def test_an_interrupted_run_gone_on_with_equals_an_uninterrupted_one(tmp_path, alone, num_answers):
    path = tmp_path / "answers.jsonl"
    count = 0

    def stop():
        nonlocal count
        count += 1
        if count == num_answers:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        play(a_setting(), a_save(path, a_setting()), on_answer=stop)
    with path.open("ab") as file:
        file.write(b'{"series": "raw/od')  # killed in the middle of a line
    again = a_save(path, a_setting())
    kept = [each for each in flat(series_of(a_setting())) if again.is_complete(each.key)]
    assert bool(kept) == (num_answers == 17)
    assert again.run == 2
    assert essence(play(a_setting(), again)) == essence(alone)
    no_model = Playing(a_setting(), None, saved=a_save(path, a_setting()))
    assert essence(no_model.run()) == essence(alone)


def test_an_arm_that_is_there_is_not_played_again_unless_it_is_to_be_fresh(tmp_path):
    path = tmp_path / "answers.jsonl"
    small = {"seeds": (1,), "npcs": ("odile",)}
    play(a_setting(("raw",), **small), a_save(path, a_setting(("raw",), **small)))
    asked = []
    session = ScriptedSession(lambda request: asked.append(request.request_id) or "Aye.")
    both = a_setting(("raw", "one"), **small)
    play(both, a_save(path, both), session=session)
    assert asked
    assert not [name for name in asked if name.startswith(("raw/", "ahead-raw/"))]
    saved = a_save(path, both)
    assert all(saved.is_complete(each.key) for each in flat(series_of(both)))
    saved.drop(["raw"])
    again = a_save(path, both)
    assert {each.arm.name for each in flat(series_of(both)) if not again.is_complete(each.key)} == {
        "raw"
    }


def test_answers_of_something_else_are_refused_with_all_that_differs(tmp_path):
    path = tmp_path / "answers.jsonl"
    setting = a_setting()
    a_save(path, setting)
    with pytest.raises(SaveError, match=r'(?s)model: the file has "scripted", this run "other"'):
        a_save(path, setting, model="other")
    fewer = replace(setting, probes=setting.probes[1:])
    with pytest.raises(SaveError, match="probes: the file has"):
        a_save(path, fewer)
    everyone = setting.exam.everyone.model_copy(update={"benign": ("Hm?",)})
    changed = replace(setting, exam=setting.exam.model_copy(update={"everyone": everyone}))
    with pytest.raises(SaveError, match="exam: the file has"):
        a_save(path, changed)
    info = replace(ScriptedSession(["Aye."]).info, sampling=Sampling(temperature=0.1))
    with pytest.raises(SaveError, match="sampling: the file has"):
        Saved(path, setting.probes).check(model_header(info, "m"))


@pytest.mark.parametrize("text", ["{}\n", "hello\n", '{"begins": "raw/odile/1/rest"}\n', "[]\n"])
def test_a_file_of_another_kind_is_refused(tmp_path, text):
    path = tmp_path / "answers.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SaveError, match="give --save another file"):
        Saved(path, ())


@pytest.mark.slow
def test_the_command_goes_on_without_a_model_when_all_is_there(tmp_path, capsys):
    save, out = tmp_path / "answers.jsonl", tmp_path / "out.json"
    arguments = ["--quick", "--npcs", "quill", "--kinds", "identity", "--probes", "2", "--save",
                 str(save), "--model", "/no/such/model", "--json", str(out)]  # fmt: skip
    command.main([*arguments, "--together", "2"], session=ScriptedSession(["This unit is Quill."]))
    first = json.loads(out.read_text(encoding="utf-8"))
    assert NOT_TIMED in first["settings"]["first text, tokens/s"]
    assert not [figure for figure in first["figures"] if "first text" in figure["name"]]
    command.main(arguments)
    assert json.loads(out.read_text(encoding="utf-8"))["rows"] == first["rows"]
    with pytest.raises(SystemExit, match="no arm"):
        command.main([*arguments, "--fresh", "rew"])
    with pytest.raises(SystemExit, match="probes: the file has"):
        command.main([*arguments, "--probes", "1"])
    capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["--together", "0"], "from 1 on"), (["--fresh", "raw"], "without --save")],
)
def test_options_that_do_not_fit_are_refused(arguments, told):
    with pytest.raises(SystemExit, match=told):
        command.main(arguments, session=ScriptedSession(["Aye."]))


# -- before the guard ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (" Aye. ", "Aye."),
        ("Hob: Aye.", "Aye."),
        ("Hob Tarrant: Aye.\nHob: And more.", "Aye."),
        ("Aye.<|im_end|>\n<|im_start|>user", "Aye."),
        ("Aye.\nPlayer: And you?", "Aye."),
        ("Aye.\nThe newcomer: And you?", "Aye."),
        ("Aye.\n**Odile**: And you?", "Aye."),
        ("Player: And you?", ""),
        ("I told the player: no.", "I told the player: no."),
        ("Odile pays her fines: none.", "Odile pays her fines: none."),
        ("Aye.\n### User\nAnd you?", "Aye."),
    ],
)
def test_a_front_end_cuts_at_marks_and_at_the_next_speaker(text, shown):
    assert trimmed(text, "Hob", ("Odile", "the newcomer")) == shown


@pytest.mark.slow
def test_what_was_written_first_is_judged_without_the_guard():
    probes = tuple(p for p in probes_of(the_exam()) if p.id == "hob-provocation-5")
    setting = Setting(the_exam(), probes, chosen(("raw", "one")).arms, (1,))

    def twice(request):
        is_first = request.request_id.endswith(".0") or "provocation" in request.request_id
        return "I'm sorry, but I can't assist with that." if is_first else "Eat up and pay."

    raw, one = play(setting, session=ScriptedSession(twice))
    assert (raw.failed, raw.before) == (True, None)
    assert not one.failed
    assert one.before.failed
    assert "assist" in one.before.text
    [made] = unguarded([raw, one], "one", "before")
    assert (made.arm, made.failed, made.timed_in) == ("before", True, 0)


def test_a_missing_answer_does_not_count_where_nobody_waited_for_the_end():
    from benchmarks.character.answers import Answer, judged_answer
    from tests.character_exam import the_personas

    probe = next(p for p in probes_of(the_exam()) if p.npc == "odile" and p.kind == "sheet")
    spoken = Spoken(
        "That page is closed.", ("As an AI",), "", "", 10, 0, None, 1.0, 3, was_cut_short=True
    )
    answer = Answer(probe, "one", 1, spoken, (), True, False, 1)
    judged = judged_answer(answer, the_personas()["odile"], has_engine=True)
    assert not judged.before.is_counted
    assert unguarded([judged], "one", "before") == []
