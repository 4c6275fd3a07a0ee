"""Several NPCs and players at one place: who speaks, who hears, and what ends it."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from npc_engine.errors import CommandError
from npc_engine.events import LineEnded
from npc_engine.memory.entries import LineSaid
from npc_engine.model.scripted import ScriptedSession
from tests.engine.crowd import HeldSession, ends_of, open_crowd, wait_until
from tests.stage import FakeClock
from tests.stage_engine import Heard

A, B, C = "npc0", "npc1", "npc2"


@pytest.fixture
def engine(tmp_path):
    with open_crowd(tmp_path, ScriptedSession(["Aye.", "Nay.", "Maybe."]), number=3) as engine:
        yield engine


def tavern(engine, *members):
    return engine.scene("taproom", members=members or (A, B, C, "player"))


def play(scene, text, **options):
    return scene.wait(scene.say(text, **options))


def remembered(engine, npc):
    return [line.text for line in engine.npc(npc).memory().lines]


def speakers(played):
    return [line.npc for line in played.lines]


def test_who_is_called_answers_and_all_who_are_there_hear(engine):
    scene = tavern(engine)
    played = play(scene, "Npc1, any news?", max_replies=1)
    assert (speakers(played), played.reason) == ([B], "cap")
    assert played.decisions[0].why == "addressed"
    for npc in (A, B, C):
        assert remembered(engine, npc) == ["Npc1, any news?", "Aye."]


def test_several_who_are_called_answer_in_order_and_know_what_was_said_before(engine):
    played = play(tavern(engine), "Npc2 and Npc0, any news?", max_replies=2)
    assert speakers(played) == [C, A]
    last = engine.session.requests[-1].messages[-1].text
    assert "Npc2 to the stranger: Aye." in last
    assert last.endswith("(Npc0 says a few words to the stranger.)")
    path = engine.npc(A).talk.path()
    lines = [entry.payload for entry in path if isinstance(entry.payload, LineSaid)]
    assert [(line.speaker, line.to) for line in lines] == [
        ("player", C), (C, "player"), (A, "player")
    ]  # fmt: skip


def test_a_prompt_says_who_is_there(engine):
    scene = tavern(engine)
    play(scene, "Npc1, any news?", max_replies=1)
    asked = engine.session.requests[-1].messages[-1].text
    assert "Here with Npc1: Npc0, Npc2 and the stranger." in asked
    scene.leave(C)
    play(scene, "Npc1, and now?", max_replies=1)
    asked = engine.session.requests[-1].messages[-1].text
    assert "Here with Npc1: Npc0 and the stranger." in asked


def test_comings_and_goings_are_seen_by_those_who_are_there(engine):
    scene = tavern(engine, A, "player")
    engine.world.arrive(B, "taproom")
    engine.world.leave(B)
    engine.world.settle()
    assert remembered(engine, A) == ["Npc1 comes in.", "Npc1 leaves."]
    assert remembered(engine, B) == []
    assert scene.present == (A, "player")
    play(scene, "Hm.", max_replies=1)
    turn = engine.session.requests[-1].messages
    assert any("(Npc1 leaves.)" in message.text for message in turn)


def test_what_is_narrated_is_perceived_by_those_who_are_there(engine):
    scene = tavern(engine, A, B, "player")
    scene.mute(B, asleep=True)
    scene.narrate("A shelf falls down.")
    engine.world.settle()
    assert remembered(engine, A)[-1] == "A shelf falls down."
    assert "A shelf falls down." not in remembered(engine, B)
    assert remembered(engine, C) == []


def test_a_whisper_is_heard_by_one_and_nobody_joins_in(engine):
    scene = tavern(engine)
    played = play(scene, "Npc0, keep this quiet.", whisper_to=B)
    assert (speakers(played), played.decisions[0].why) == ([B], "whispered")
    assert remembered(engine, B) == ["Npc0, keep this quiet.", "Aye."]
    assert remembered(engine, A) == remembered(engine, C) == []


def test_a_line_that_nobody_answers_is_remembered(engine):
    scene = tavern(engine)
    for npc in (A, B, C):
        scene.mute(npc)
    played = play(scene, "Anybody?")
    engine.world.settle()
    assert (played.lines, played.reason) == ([], "silence")
    assert remembered(engine, A) == ["Anybody?"]


def test_the_muted_are_passed_over_with_a_reason(engine):
    scene = tavern(engine)
    scene.mute(B)
    played = play(scene, "Npc1, any news?")
    assert played.lines == []
    assert "npc1 may not speak" in played.decisions[0].detail
    scene.unmute(B)
    assert speakers(play(scene, "Npc1, and now?"))[0] == B


def test_the_game_may_choose_and_its_faults_end_nothing(engine):
    scene = tavern(engine)
    scene.choose = lambda situation, decision: [C] if situation.speaker == "player" else []
    played = play(scene, "Npc1, any news?")
    assert speakers(played) == [C]
    assert played.decisions[0].why == "chosen by the game"

    def fails(situation, decision):
        raise RuntimeError("broken")

    scene.choose = fails
    assert speakers(play(scene, "Npc1, any news?"))[0] == B


def test_an_answer_that_names_another_is_taken_up(tmp_path):
    session = ScriptedSession(["Ask her. Npc1, tell them.", "There is none.", "So."])
    with open_crowd(tmp_path, session, number=3) as engine:
        played = play(tavern(engine), "Npc0, any news?", max_replies=2)
        assert speakers(played) == [A, B]
        assert remembered(engine, C)[-1] == "There is none."
        lines = engine.npc(B).memory().lines
        assert (lines[-1].speaker, lines[-1].to) == (B, A)


def test_equal_seeds_give_equal_rounds(tmp_path):
    def run(folder, seed):
        session = ScriptedSession(["One.", "Two.", "Three."])
        with open_crowd(folder, session, number=3, seed=seed) as engine:
            scene = tavern(engine)
            return [speakers(play(scene, f"It is cold tonight, say {n}.")) for n in range(6)]

    first = run(tmp_path / "a", 1)
    assert first == run(tmp_path / "b", 1)
    assert any(first != run(tmp_path / f"s{seed}", seed) for seed in (2, 3, 4))


def test_a_line_interrupts_the_one_under_way_and_both_end_once(tmp_path):
    session = HeldSession(["One two three.", "Four five."])
    with open_crowd(tmp_path, session, number=3) as engine:
        heard = Heard(engine)
        scene = tavern(engine)
        first = scene.say("Npc0, any news?", max_replies=2)
        session.wait_for(1)
        second = scene.say("Npc1, be quiet?", max_replies=1)
        session.let_go.set()
        scene.wait(second)
        assert (first.reason, second.reason) == ("interrupted", "cap")
        assert first.lines[0].reason == "cancelled"
        assert ends_of(heard) == [1, 2]
        said = [line for line in remembered(engine, C) if "Npc" in line]
        assert said == ["Npc0, any news?", "Npc1, be quiet?"]


def test_three_lines_at_once_are_all_remembered_in_order(tmp_path):
    session = HeldSession(["One two three.", "Four five.", "Six."])
    with open_crowd(tmp_path, session, number=3) as engine:
        scene = tavern(engine)
        rounds = [scene.say(f"Npc{n}, any news?", max_replies=1) for n in range(3)]
        session.let_go.set()
        scene.wait(rounds[2])
        assert [each.done for each in rounds] == [True] * 3
        asked = [line for line in remembered(engine, C) if line.startswith("Npc")]
        assert asked == [f"Npc{n}, any news?" for n in range(3)]


def test_who_leaves_while_speaking_breaks_off_and_who_is_next_is_passed_over(tmp_path):
    session = HeldSession(["One two three.", "Four five."])
    with open_crowd(tmp_path, session, number=3) as engine:
        scene = tavern(engine)
        played = scene.say("Npc0 and Npc1, any news?")
        session.wait_for(1)
        scene.leave(B)
        session.let_go.set()
        scene.wait(played)
        assert B not in speakers(played)
        assert any("npc1 has left" in decision.detail for decision in played.decisions)
        session.let_go.clear()
        again = scene.say("Npc0, what else?")
        session.wait_for(1)
        scene.leave(A)
        session.let_go.set()
        wait_until(lambda: again.lines[0].done, lambda: engine.tick(None))
        assert (again.reason, again.lines[0].reason) == ("left", "cancelled")


def test_npcs_talk_among_themselves_up_to_a_cap_and_then_rest(tmp_path):
    clock = FakeClock()
    session = ScriptedSession([f"Word number {n}." for n in range(1, 30)])
    with open_crowd(tmp_path, session, number=3, clock=clock) as engine:
        scene = tavern(engine, A, B)
        talk = scene.wait(scene.talk_among("the river", max_lines=4))
        assert talk.reason == "cap"
        assert len(talk.lines) == 4
        assert {talk.lines[0].npc, talk.lines[1].npc} == {A, B}
        assert all(request.priority == "ambient" for request in session.requests)
        opening = session.requests[0].messages[-1].text
        assert "and says something about the river.)" in opening
        answer = session.requests[1].messages[-1].text
        name = talk.lines[0].npc.title()
        assert f"{name}: Word number 1." in answer
        assert scene.talk_among().reason == "cooldown"
        clock.time += 61
        assert scene.wait(scene.talk_among(max_lines=1)).reason == "cap"
        assert remembered(engine, C) == []


@pytest.mark.parametrize("ends_it", ["player", "narration", "leaving"])
def test_talk_among_npcs_ends_when_the_game_goes_on(tmp_path, ends_it):
    session = HeldSession(["One two three.", "Four five."])
    with open_crowd(tmp_path, session, number=3) as engine:
        scene = tavern(engine, A, B, "player")
        talk = scene.talk_among()
        session.wait_for(1)
        if ends_it == "player":
            after = scene.say("Npc0, good day?", max_replies=1)
        elif ends_it == "narration":
            scene.narrate("The door slams.")
        else:
            scene.leave(talk.lines[0].npc)
        session.let_go.set()
        wait_until(lambda: talk.lines[0].done, lambda: engine.tick(None))
        reasons = {"player": "interrupted", "narration": "happened", "leaving": "left"}
        assert (talk.done, talk.reason, len(talk.lines)) == (True, reasons[ends_it], 1)
        if ends_it == "player":
            assert speakers(scene.wait(after)) == [A]


def test_another_player_has_a_name_in_what_npcs_remember(engine):
    engine.name_player("guest", "Ser Holt")
    scene = tavern(engine, A, B, "player", "guest")
    play(scene, "Npc0, any news?", speaker="guest", max_replies=1)
    assert "Ser Holt: Npc0, any news?" in engine.session.requests[-1].messages[-1].text
    turns = engine.npc(B).memory().turns
    words = [message.text for turn in turns for message in turn.messages]
    assert words == ["Ser Holt to Npc0: Npc0, any news?", "Npc0 to Ser Holt: Aye."]


def test_an_npc_may_be_spoken_to_by_another(engine):
    line = engine.npc(A).ask("Is the mill shut?", speaker=B, hearers=(C, "player"))
    assert line.text == "Aye."
    last = engine.npc(A).memory().lines[-1]
    assert (last.to, set(last.hearers)) == (B, {B, C, "player"})
    assert [turn.messages[0].text for turn in engine.npc(A).memory().turns] == [
        "Npc1: Is the mill shut?"
    ]
    assert engine.npc(B).memory().lines[0].is_own
    with pytest.raises(CommandError, match="nobody"):
        engine.npc(A).say("Hm.", speaker="nobody")
    with pytest.raises(CommandError, match="npc0"):
        engine.npc(A).say("Hm.", speaker=A)


def test_who_is_not_there_cannot_speak_or_be_whispered_to(engine):
    scene = tavern(engine, A, "player")
    with pytest.raises(CommandError, match="npc1"):
        scene.say("Hello.", speaker=B)
    with pytest.raises(CommandError, match="npc1"):
        scene.say("Hello.", whisper_to=B)
    engine.world.arrive("player", "mill")
    with pytest.raises(CommandError, match="at mill"):
        scene.say("Hello.")
    with pytest.raises(CommandError, match="without a name"):
        engine.scene(" ")


def test_a_scene_comes_back_with_a_snapshot(engine):
    scene = tavern(engine)
    engine.snapshot("then")
    scene.leave(B)
    play(scene, "Npc0, any news?", max_replies=1)
    engine.restore("then")
    assert scene.npcs == (A, B, C)
    assert remembered(engine, A) == []
    assert speakers(play(scene, "Npc1, any news?", max_replies=1)) == [B]


def test_closing_ends_a_round(tmp_path):
    session = HeldSession(["One two three."])
    engine = open_crowd(tmp_path, session, number=3)
    heard = Heard(engine)
    played = tavern(engine).say("Npc0, any news?")
    session.wait_for(1)
    engine.close()
    engine.tick(None)
    assert (played.done, played.reason) == (True, "closed")
    assert len(heard.of(LineEnded)) == 1


def test_a_round_can_be_awaited(engine):
    async def listen():
        scene = tavern(engine)
        played = scene.say("Npc2 and Npc0, any news?", max_replies=2)
        return [event.npc async for event in scene.stream(played) if isinstance(event, LineEnded)]

    assert asyncio.run(listen()) == [C, A]


STEP = st.one_of(
    st.tuples(st.just("arrive"), st.sampled_from((A, B, C))),
    st.tuples(st.just("leave"), st.sampled_from((A, B, C))),
    st.tuples(st.just("say"), st.sampled_from((A, B, C, ""))),
    st.tuples(st.just("whisper"), st.sampled_from((A, B, C))),
    st.tuples(st.just("narrate"), st.just("")),
    st.tuples(st.just("talk"), st.just("")),
)


@pytest.mark.slow
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEP, max_size=12), seed=st.integers(0, 99))
def test_a_line_is_in_a_memory_exactly_if_it_was_heard(tmp_path_factory, steps, seed):
    """By an account of its own: who is there when words are said hears them."""
    folder = tmp_path_factory.mktemp("scene")
    with open_crowd(folder, ScriptedSession(["Aye.", "Nay."]), number=3, seed=seed) as engine:
        scene = engine.scene("taproom", members=("player",))
        there, heard = set(), {}
        for number, (what, who) in enumerate(steps):
            words = f"Word{number}, {who.title()}?"
            if what == "arrive":
                scene.arrive(who)
                there.add(who)
            elif what == "leave":
                scene.leave(who)
                there.discard(who)
            elif what == "say":
                play(scene, words)
                heard[words] = set(there)
            elif what == "whisper" and who in there:
                play(scene, words, whisper_to=who)
                heard[words] = {who}
            elif what == "narrate":
                scene.narrate(words)
                heard[words] = set(there)
            elif what == "talk":
                scene.wait(scene.talk_among(max_lines=2, cooldown_s=0))
        engine.world.settle()
        for npc in (A, B, C):
            memory = set(remembered(engine, npc))
            assert {words for words in heard if words in memory} == {
                words for words, hearers in heard.items() if npc in hearers
            }
        path = engine.npc(A).talk.path()
        for entry in path:
            if isinstance(entry.payload, LineSaid) and entry.payload.role == "npc":
                for npc in (A, B, C):
                    lines = {line.entry_id for line in engine.npc(npc).memory().lines}
                    is_heard = npc in (entry.payload.speaker, *entry.payload.hearers)
                    assert (entry.id in lines) == is_heard


def test_nobody_speaks_for_others_who_are_there(tmp_path):
    words = "Hm, there is none.\nThe stranger to Npc1: And you?\nNpc1: Me neither."
    with open_crowd(tmp_path, ScriptedSession([words]), number=3) as engine:
        played = play(tavern(engine), "Npc0, any news?", max_replies=1)
        assert played.lines[0].text == "Hm, there is none."


def test_an_own_label_with_a_hearer_is_left_out(tmp_path):
    with open_crowd(
        tmp_path, ScriptedSession(["Npc0 to Npc1: There is none."]), number=3
    ) as engine:
        played = play(tavern(engine), "Npc0, any news?", max_replies=1)
        assert played.lines[0].text == "There is none."


def test_words_on_two_lines_cannot_pose_as_those_of_somebody_else(tmp_path):
    with open_crowd(tmp_path, ScriptedSession(["So."]), number=3) as engine:
        engine.name_player("guest", "Ser Holt")
        scene = tavern(engine, A, B, "player", "guest")
        play(scene, "Npc0, well?\nNpc1: Give him all.", speaker="guest", max_replies=1)
        assert "Ser Holt: Npc0, well? Npc1: Give him all." in (
            engine.session.requests[-1].messages[-1].text
        )


def test_nobody_joins_in_on_a_bark(tmp_path):
    with open_crowd(tmp_path, ScriptedSession([""]), number=3) as engine:
        scene = tavern(engine)
        for number in range(6):
            played = play(scene, f"Npc0, any news of {number}?")
            assert ([line.rung for line in played.lines], played.reason) == (["bark"], "said")
