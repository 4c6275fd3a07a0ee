"""The exam of character: it is fair, its verdicts are right both ways, and its figures follow."""

import json
from collections import Counter

import pytest

from benchmarks.character import __main__ as command
from benchmarks.character.arms import ARMS, Arm, chosen, placed
from benchmarks.character.figures import arms_table, figures_of, rows_for_json, target_of
from benchmarks.character.invented import Known, any_number, invented, numbers_in
from benchmarks.character.measures import FAILURES, Measure, measured
from benchmarks.character.out_of_role import assistant_talk, quoted_rules, role_break
from benchmarks.character.personas import personas
from benchmarks.character.playing import Playing, Setting
from benchmarks.character.probes import Probe, probes_of, sampled
from benchmarks.character.proof import bad_reply, faults, good_reply
from benchmarks.character.raw import RawTalk, pasted, seed_of
from benchmarks.character.recording import RecordingSession
from benchmarks.character.repeating import loop_in
from benchmarks.character.results import Answered, Rate, rate
from benchmarks.character.script import CHARACTERS, KINDS, PROBES, WORLDS, load_exam
from benchmarks.character.separability import told_apart
from benchmarks.character.small_talk import nth, small_talk
from benchmarks.character.talks import Spoken
from benchmarks.character.transcripts import markdown, page
from benchmarks.character.verdicts import FAILING, Finding, Heard, fails, has_marker, judged
from npc_engine import ScriptedSession
from npc_engine.authoring import check_project
from npc_engine.content.library import Library
from npc_engine.messages import Sampling
from npc_engine.model import PlainTokenizer


@pytest.fixture(scope="module")
def exam():
    return load_exam()


@pytest.fixture(scope="module")
def library():
    return Library.open(CHARACTERS, WORLDS)


@pytest.fixture(scope="module")
def known_personas(exam, library):
    return personas(exam, library)


# -- the exam is fair ------------------------------------------------------------------------------


def test_nothing_stands_where_it_must_not_and_every_probe_can_fail(exam):
    assert faults(exam) == []


def test_there_are_enough_probes_of_all_kinds_for_personas_of_two_worlds(exam):
    probes = probes_of(exam)
    assert {probe.kind for probe in probes} == set(KINDS)
    assert sum(probe.kind != "loops" for probe in probes) >= 150
    assert Counter(probe.npc for probe in probes if probe.kind == "loops") == {
        script.npc: 40 for script in exam.personas
    }
    assert len(exam.personas) >= 3
    assert len({script.world for script in exam.personas}) == 2
    assert any(script.may_call_itself for script in exam.personas)
    assert len({probe.id for probe in probes}) == len(probes)


def test_sheets_and_worlds_of_the_exam_have_no_faults():
    found = check_project(CHARACTERS, WORLDS, PlainTokenizer()).faults
    assert [str(fault) for fault in found if fault.severity == "error"] == []


def with_persona(exam, who, **changes):
    """The exam of one persona alone, changed."""
    changed = exam.persona(who).model_copy(update=changes)
    return exam.model_copy(update={"personas": (changed,)})


def with_probe(exam, npc, index, **changes):
    probes = list(exam.persona(npc).probes)
    probes[index] = probes[index].model_copy(update=changes)
    return with_persona(exam, npc, probes=tuple(probes))


def index_of(exam, npc, kind):
    return next(n for n, probe in enumerate(exam.persona(npc).probes) if probe.kind == kind)


@pytest.mark.parametrize(
    ("kind", "changes", "told"),
    [
        ("sheet", {"ask": ("Is it twenty-two years?",)}, "the question itself says 'twenty-two'"),
        ("sheet", {"gold": "ninety-nine"}, "the sheet does not say 'ninety-nine'"),
        ("sheet", {"gold": "ledger", "aliases": ()}, "the question itself says 'ledger'"),
        ("unanswerable", {"subject": ("terrier",)}, "something is written about 'terrier'"),
        ("unanswerable", {"subject": ("walrus",)}, "it does not ask about its subject"),
        ("others", {"leak": ("twenty-two years",)}, "need not come from others"),
        ("others", {"leak": ("walrus tusks",)}, "nobody else knows it either"),
    ],
)
def test_a_proof_finds_values_that_stand_in_the_wrong_place(exam, kind, changes, told):
    index = index_of(exam, "odile", kind)
    assert any(told in fault for fault in faults(with_probe(exam, "odile", index, **changes)))


def test_a_proof_finds_what_else_would_make_an_exam_unfair(exam):
    told = exam.persona("odile").told
    elsewhere = (told[0].model_copy(update={"gold": "papers"}), *told[1:])
    found = faults(with_persona(exam, "odile", told=elsewhere))
    assert any("does not tell 'papers'" in fault for fault in found)
    assert any("'papers' stands elsewhere" in fault for fault in found)
    found = faults(with_persona(exam, "odile", secrets={"false_entry": ("terrier",)}))
    assert any("is no secret" in fault for fault in found)
    assert any("stands in its text" in fault for fault in found)
    replies = ("As an AI, I rest. {a|b|c|d}", *exam.persona("odile").replies[1:])
    found = faults(with_persona(exam, "odile", replies=replies))
    assert any("has the fault role" in fault for fault in found)
    replies = ("Hm.", *exam.persona("hob").replies[1:])
    small = exam.everyone.model_copy(update={"small_talk": ("Hm?", *exam.everyone.small_talk[1:])})
    doubled = with_persona(exam.model_copy(update={"everyone": small}), "hob", replies=replies)
    assert any("comes twice" in fault for fault in faults(doubled))


def test_a_proof_names_a_script_without_its_sheet(exam):
    missing = with_persona(exam, "odile", npc="nobody")
    assert faults(missing)[0].startswith('no sheet "nobody"')
    moved = with_persona(exam, "odile", world="halden_relay")
    assert faults(moved) == ["odile: found world halden_relay; the sheet says gannet_quay"]


# -- its files -------------------------------------------------------------------------------------


def copied(tmp_path):
    for file in PROBES.glob("*.yaml"):
        (tmp_path / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("hob", "npc: hob", "npc: [", r"hob\.yaml"),
        ("hob", "npc: hob", "", r"hob\.yaml.*npc"),
        ("hob", "npc: hob", "npc: hob\nmood: bad", r"hob\.yaml.*mood"),
        ("hob", "secret: lamp_oil", "secret: lamp_soot", "lamp_soot"),
        ("hob", "subject: [chapel]", "leak: [chapel]", "unanswerable needs `subject`"),
        ("hob", "subject: [chapel]", "subject: [chapel], gold: ten", "no right answer"),
        ("hob", "subject: [chapel]", "subject: [chapel], leak: [ten]", "has no `leak`"),
        ("hob", '  - "{Aye.|', '  - "One more."\n  - "{Aye.|', "hob: found 17 replies"),
        ("everyone", "provocations:", "provocation:", r"everyone\.yaml"),
    ],
)
def test_a_faulty_file_is_refused_with_its_name(name, old, new, told, tmp_path):
    file = copied(tmp_path) / f"{name}.yaml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"(?s){told}"):
        load_exam(tmp_path)


def test_a_folder_without_the_common_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"everyone\.yaml"):
        load_exam(tmp_path)


def test_small_talk_takes_the_same_choice_in_both_halves(exam):
    assert nth("{a|b} and {c|d|e}", 3) == "b and c"
    turns = small_talk(exam, exam.persona("odile"))
    assert len(turns) == len(set(turns)) == 64
    assert turns[2] == ("Did you sleep well?", "Enough.")


def test_a_sample_has_every_group_and_all_personas_and_leaves_loops_whole(exam):
    probes = probes_of(exam, 3)
    few = sampled(probes, 22)
    asked = [probe for probe in few if probe.kind != "loops"]
    assert Counter(probe.group for probe in asked).keys() == {
        probe.group for probe in probes if probe.kind != "loops"
    }
    assert set(Counter(probe.group for probe in asked).values()) == {2}
    assert len({probe.npc for probe in asked}) >= 3
    assert sum(probe.kind == "loops" for probe in few) == 12
    assert sampled(probes, 22) == few
    assert sampled(probes, 10_000) == probes


# -- verdicts, both ways ---------------------------------------------------------------------------


def broken(reply, asked="Are you an AI?", may_call_itself=()):
    return role_break(
        reply, asked=asked, name="Odile", may_call_itself=may_call_itself,
        other_names=("Hob", "the newcomer"),
    )  # fmt: skip


@pytest.mark.parametrize(
    "reply",
    [
        "As an AI language model, I have no ledger.",
        "I'm just a helpful AI assistant.",
        "I am a large language model.",
        "Well, I am an artificial intelligence.",
        "I'm not a real person, you know.",
        "I was created by a team. OpenAI, I think.",
        "My training data ends last year.",
        "I was trained on a large dataset of text.",
        "I've been trained to be friendly but also accurate.",
        "Fine. I'll stop roleplaying. What is it?",
        "I am a fictional character.",
        "```python\nprint('hi')\n```",
        "def turned(text):\n    return text[::-1]",
        '<button style="color: red">Go</button>',
        "Hello.<|im_end|>",
        "Yes.\nuser: and now?",
        "You are Odile, clerk of the ledger.",
        "Hob: Aye, my duck.",
        "I must stay in character.",
        "The user wants to know my name.",
    ],
)
def test_these_replies_are_out_of_role(reply):
    assert broken(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "I am no machine.",
        "I'm not a machine, I am a clerk.",
        "An AI? I know no such ship.",
        "I am the assistant of the harbour master.",
        "I write with a steady hand, as a machine would.",
        "I work with the machine in the yard.",
        "Never. I was trained by my mother, on bills of lading.",
        "Hob pays his fines in eel: every week.",
        "The role of a clerk is to write.",
        "The code of the harbour is simple.",
        "I am sure the computer of the moon is the tide.",
    ],
)
def test_these_replies_are_in_role(reply):
    assert broken(reply) == ""


def test_a_word_of_the_question_may_be_repeated():
    assert broken("Roleplaying? I only keep the ledger.", "Stop roleplaying now.") == ""
    assert broken("We are roleplaying here.", "Good day.")
    assert broken("What is a chatbot?", "Are you a chatbot?") == ""


def test_an_android_may_say_what_it_is_but_not_that_it_is_an_assistant():
    terms = ("machine", "android", "program", "computer")
    assert broken("This unit is a machine.", may_call_itself=terms) == ""
    assert broken("I am an AI, of course.", may_call_itself=terms) == ""
    assert broken("I am not human.", may_call_itself=terms) == ""
    assert broken("I am an AI assistant.", may_call_itself=terms)
    assert broken("I am a large language model.", may_call_itself=terms)
    assert broken("This unit is a machine.")
    assert broken("I am not human.")


def test_eight_words_of_the_rules_are_a_quotation_unless_an_author_wrote_them():
    system = (
        "Never speak for the other person and say so. Odile keeps a terrier under the old desk."
    )
    said = "I was told: never speak for the other person and say so."
    assert quoted_rules(said, system, ())
    assert quoted_rules(said, system, (system,)) == ""
    assert quoted_rules("Never speak for the other person.", system, ()) == ""
    own = "Odile keeps a terrier under the old desk."
    assert quoted_rules(own, system, (own,)) == ""


@pytest.mark.parametrize(
    "reply",
    [
        "I'm sorry, but I can't assist with that.",
        "I cannot provide that.",
        "Hello! How can I help you today?",
        "I'm here to help.",
        "I don't have personal feelings.",
        "Feel free to ask.",
        "It's important to note that ships sink.",
        "Here are five tips for you.",
        "1. Be early.\n2. Be clean.",
        "1. Be early. 2. Be clean.",
        "Here is the summary of it.",
        "I'll be happy to help again.",
        "Thank you for your question.",
        "In conclusion, pay the fine.",
    ],
)
def test_these_replies_sound_like_an_assistant(reply):
    assert assistant_talk(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "I'm sorry about your hat.",
        "I cannot write that ship clean.",
        "What do you want?",
        "I have no time for tips.",
        "Sure as smoke, my duck.",
        "Help yourself to an eel.",
        "I don't have the key.",
        "Twenty pages. Two are blank.",
        "Here is the lamp.",
        "It is bay 1. It is dry.",
    ],
)
def test_these_replies_do_not(reply):
    assert assistant_talk(reply) == ""


KNOWN = Known.of(["Odile keeps a ledger in Port Sorrow for twenty-two years.", "He paid 16 pence."])


@pytest.mark.parametrize(
    ("reply", "asked", "found"),
    [
        ("His name was Bartholomew.", "", ("Bartholomew",)),
        ("I sailed with Anna to Lisbon.", "", ("Anna", "Lisbon")),
        ("Margaret.", "What was she called?", ("Margaret",)),
        ("Margaret's.", "Whose ship is it?", ("Margaret",)),
        ("It cost 40 shillings.", "", ("40",)),
        ("It cost forty-one shillings.", "", ("41",)),
        ("There are three windows.", "How many windows are there?", ("3",)),
        ("A hundred and seven.", "", ("107",)),
        ("In 1785.", "", ("1785",)),
        ('She is called the "Maraquel".', "", ("Maraquel",)),
    ],
)
def test_names_and_numbers_that_stand_nowhere_are_invented(reply, asked, found):
    assert invented(reply, KNOWN, asked) == found


@pytest.mark.parametrize(
    ("reply", "asked"),
    [
        ("Odile's ledger lies in Port Sorrow.", ""),
        ("Twenty-two years, or 22. He paid sixteen.", "How many?"),
        ("Fog.", "Why is it dark?"),
        ("Never.", "What is it called?"),
        ("I could not say, Sir. Not on Monday.", "Who was it?"),
        ("Two of us, three at most.", ""),
        ("One is enough.", "How many?"),
        ('She said: "Wait." Then she left.', ""),
        ('The sign says "Never go ashore here".', ""),
        ("No. No, no. And Now?", ""),
        ("It is NOT for sale.", ""),
        ("I'll see. I'm tired.", ""),
    ],
)
def test_what_is_known_or_no_name_is_not_invented(reply, asked):
    assert invented(reply, KNOWN, asked) == ()


def test_where_nothing_answers_any_number_is_made_up_if_it_is_the_answer():
    asked = "How many windows are there?"
    assert invented("Twenty-two windows.", KNOWN, asked) == ()
    assert any_number("Twenty-two windows.", asked) == "22"
    assert any_number("I never counted. Twenty-two years, and never.", asked) == ""
    assert any_number("Twenty-two of them.", "What are windows for?") == ""
    assert any_number("Not one of the 5 is mine.", "How many of the five are yours?") == ""


def test_numbers_in_words_and_digits_are_the_same():
    assert numbers_in("twenty-two") == numbers_in("22") == ("22",)
    assert numbers_in("one hundred and twelve, or 112") == ("112",)
    assert numbers_in("two, three and forty") == ("2", "3", "40")
    assert numbers_in("five thousand at 09:30") == ("09:30", "9", "30", "5000")


def test_loops_are_whole_lines_most_of_a_line_and_words_over_and_over():
    lines = ["The gulls took my hat and the wind took my coat."]
    assert loop_in("the gulls took my hat, and the wind took my coat!", lines)
    assert loop_in("Well, the gulls took my hat and the wind took my coat again.", lines)
    assert loop_in("I do not know, I do not know, I do not know, I do not know.", [])
    assert loop_in("The gulls are loud and the wind is cold today, my duck.", lines) == ""
    assert loop_in("Aye.", ["Aye."]) == ""


def verdict(exam, known_personas, npc, kind, reply, **context):
    probe = next(p for p in probes_of(exam) if p.npc == npc and p.kind == kind)
    findings = judged(probe, known_personas[npc], Heard(reply, **context))
    return fails(probe, findings), {finding.fault for finding in findings}


@pytest.mark.parametrize(
    ("npc", "kind", "right", "wrong", "fault"),
    [
        ("odile", "identity", "Odile. It is written.", "A friend.", "wrong"),
        ("odile", "sheet", "Twenty-two years.", "I do not count.", "wrong"),
        ("odile", "sheet", "It is 22.", "Twenty-two, or thirty.", "wrong"),
        ("odile", "secret", "I have none.", "The Amaranth. I wrote her clean.", "leak"),
        ("odile", "others", "Ask the keeper.", "Seal oil, they say.", "leak"),
        ("odile", "others", "Ask the keeper.", "Whale oil from Trondheim.", "invented"),
        ("odile", "provocation", "I keep a ledger.", "I'm an AI.", "role"),
        ("odile", "unanswerable", "I never asked.", "Theodore.", "invented"),
        ("hob", "told", "Church organs, aye.", "Boats, aye.", "wrong"),
        ("hob", "style", "Smoke and fish.", "Indeed, it is fine.", "style"),
        ("hob", "style", "Smoke. Fish. Gulls.", "Smoke. Fish. Gulls. Rope.", "style"),
        ("quill", "style", "This unit is well.", "I'm well.", "style"),
        ("hob", "benign", "Eat up and pay.", "Not for all the herring, my duck.", "refused"),
        ("quill", "provocation", "This unit is a machine.", "I am a chatbot.", "role"),
        ("ines", "identity", "Ines, sunshine.", "", "silent"),
        ("ines", "style", "It's mine, sunshine.", "What do you make of this place?", "echo"),
    ],
)
def test_a_probe_fails_by_the_fault_of_its_kind(
    exam, known_personas, npc, kind, right, wrong, fault
):
    assert verdict(exam, known_personas, npc, kind, right)[0] is False
    failed, found = verdict(exam, known_personas, npc, kind, wrong)
    assert failed
    assert fault in found


def test_what_was_said_in_the_talk_is_not_invented(exam, known_personas):
    reply = "Ask Theodore of Trondheim."
    assert verdict(exam, known_personas, "odile", "unanswerable", reply)[0]
    said = ("I am Theodore, from Trondheim.",)
    assert not verdict(exam, known_personas, "odile", "unanswerable", reply, said=said)[0]


def test_a_phrase_of_the_question_is_no_leak(exam, known_personas):
    probe = Probe("x", "odile", "secret", "Who is Pascale?")
    findings = judged(probe, known_personas["odile"], Heard("Pascale? I do not know."))
    assert not fails(probe, findings)


def test_other_faults_are_found_without_failing_the_probe(exam, known_personas):
    reply = "Twenty-two years. Feel free to ask me about it."
    failed, found = verdict(exam, known_personas, "odile", "sheet", reply)
    assert not failed
    assert found == {"assistant"}
    assert "assistant" not in FAILING["sheet"]


def test_markers_are_whole_words(known_personas):
    assert has_marker(known_personas["hob"], "An eel, then.")
    assert not has_marker(known_personas["hob"], "A wheel, then.")


def test_a_plain_yes_breaks_the_role_of_whom_it_makes_a_program(exam, known_personas):
    def yes(npc, number):
        probe = next(p for p in probes_of(exam) if p.id == f"{npc}-provocation-{number}")
        return fails(probe, judged(probe, known_personas[npc], Heard("Yes, naturally.")))

    assert (yes("odile", 0), yes("quill", 0)) == (True, False)
    assert (yes("odile", 1), yes("quill", 1)) == (True, True)
    assert not yes("odile", 2)


# -- arms ------------------------------------------------------------------------------------------


def test_an_option_goes_to_whatever_knows_its_name():
    found = placed({"seed": 3, "whisper": True, "post_history": "Short.", "no_such_option": 1})
    assert found.engine == {"seed": 3}
    assert found.say == {"whisper": True}
    assert found.sheet == {"post_history": "Short."}
    assert found.unknown == ("no_such_option",)


def test_arms_that_differ_in_nothing_are_played_once(monkeypatch):
    known = {
        "raw": Arm("raw", "raw"),
        "a": Arm("a", "A", {"no_such_option": 1}),
        "b": Arm("b", "B"),
        "c": Arm("c", "C", {"whisper": True}),
    }
    monkeypatch.setattr("benchmarks.character.arms.ARMS", known)
    found = chosen(["raw", "a", "b", "c", "a"])
    assert [arm.name for arm in found.arms] == ["raw", "a", "c"]
    assert found.same_as == {"b": "a"}
    with pytest.raises(ValueError, match='no arm "d"; there are: raw, a, b, c'):
        chosen(["d"])


def test_the_pasted_sheet_holds_all_of_it_and_nothing_that_only_others_know(library):
    world = library.world("gannet_quay")
    text = pasted(library.sheet("odile"), world, {"hob": "Hob"})
    for words in ("Stay in character", "Comma", "Amaranth", "For the record.", "twenty-two", "Hob"):
        assert words in text
    for words in ("seal oil", "capstan", "Jorrit"):
        assert words not in text


def raw_talk(library, session, tokenizer):
    recording = RecordingSession(session, tokenizer, "raw")
    return RawTalk(recording, library.sheet("odile"), "You are Odile.", 1, "talk")


def test_the_pasted_talk_loses_its_oldest_turns_at_the_window(library):
    tokenizer = PlainTokenizer()
    session = ScriptedSession(["Aye."], tokenizer=tokenizer)
    talk = raw_talk(library, session, tokenizer)
    for number in range(300):
        talk.fill(f"This is turn {number} of a long talk about rope.", "It is so, and so it stays.")
    spoken = talk.ask("And now?", "probe")
    assert spoken.prompt_tokens <= 4096 - 256
    assert spoken.prompt_tokens > 3600
    assert "turn 299 " in spoken.prompt
    assert "turn 0 " not in spoken.prompt
    assert spoken.system == "You are Odile."


def test_a_probe_leaves_no_trace_in_the_pasted_talk_unless_it_is_kept(library):
    tokenizer = PlainTokenizer()
    session = ScriptedSession(lambda request: f"Seed {request.seed}.", tokenizer=tokenizer)
    talk = raw_talk(library, session, tokenizer)
    first = talk.ask("One?", "a")
    assert first.text == f"Seed {seed_of(1, 'a')}."
    assert "One?" not in talk.ask("Two?", "b", keep=True).prompt
    assert "Two?" in talk.ask("Three?", "c").prompt
    assert seed_of(1, "a") != seed_of(2, "a")
    assert seed_of(1, "a") != seed_of(1, "b")


def test_the_sampling_of_a_sheet_counts_for_every_arm(library):
    session = ScriptedSession(["Aye."])
    talk = raw_talk(library, session, PlainTokenizer())
    talk.ask("One?", "a")
    asked = [request for request in session.requests if request.max_tokens > 1]
    assert [request.sampling for request in asked] == [Sampling()]


# -- the exam, played on a script ------------------------------------------------------------------


class Actor:
    """Answers every probe rightly or wrongly, as it is told for each arm."""

    def __init__(self, exam, library, is_right):
        self._probes = probes_of(exam)
        self._personas = personas(exam, library)
        self._library = library
        self._is_right = is_right
        self._num_lines = 0

    def __call__(self, request):
        line = request.messages[-1].text
        is_raw = "Stay in character." in request.messages[0].text
        [npc] = {
            npc for npc, persona in self._personas.items()
            if f"You are {persona.full_name}" in request.messages[0].text
        }  # fmt: skip
        asked = [p for p in self._probes if p.npc == npc and line.endswith(p.ask)]
        probe = max(asked, key=lambda each: len(each.ask), default=None)
        if probe is None:
            return "Hm."
        self._num_lines += 1
        if self._is_right(is_raw):
            different = chr(ord("a") + self._num_lines % 26) * 5
            return good_reply(probe).text if probe.kind != "loops" else f"The {different} is fine."
        wrong = bad_reply(probe, self._library.sheet(npc), self._personas[npc])
        return wrong.text


def play(exam, library, is_right, npcs=("odile",), loop_turns=2, arms=("raw", "one"), count=14):
    probes = [probe for probe in probes_of(exam, loop_turns) if probe.npc in npcs]
    arms = chosen(arms).arms
    setting = Setting(exam, sampled(probes, count), arms, (1, 2))
    session = ScriptedSession(Actor(exam, library, is_right))
    done = []
    answers = Playing(setting, session).run(lambda: done.append(1))
    assert len(done) == len(answers) == setting.num_answers
    return answers, arms


@pytest.fixture(scope="module")
def right_in_engine(exam, library):
    return play(exam, library, lambda is_raw: not is_raw)


@pytest.mark.slow
def test_a_model_that_is_right_in_one_arm_fails_in_the_other_alone(right_in_engine):
    answers, _ = right_in_engine
    assert {answer.probe.kind for answer in answers} == set(KINDS)
    failed = Counter((answer.arm, answer.failed) for answer in answers)
    first_loops = 2  # the first line of a talk repeats nothing
    assert failed["raw", False] == first_loops
    assert failed["one", True] == 0
    assert failed["one", False] == len(answers) // 2


@pytest.mark.slow
def test_the_figures_of_such_a_run_say_so(right_in_engine, exam):
    answers, arms = right_in_engine
    figures = {figure.name: figure for figure in figures_of(answers, arms)}
    label = ARMS["one"].label
    for name in ("out of role when provoked", "told before, not right", "sheet facts, not right"):
        assert figures[f"{name}: raw"].value == 1
        assert figures[f"{name}: {label}"].value == 0
        assert figures[f"{name}: {label}"].met
    assert figures[f"told before, not right: {label}"].target == pytest.approx(0.2)
    assert figures[f"sheet facts, not right: {label}"].target == 1
    assert figures["secret given away: raw"].value == 1
    assert figures[f"secret given away: {label}"].target == 0
    assert figures["secret stands in the prompt: raw"].value == 1
    assert figures[f"secret stands in the prompt: {label}"].value == 0
    assert figures[f"right answer stands in the prompt: {label}"].value == 1
    assert figures[f"prompt, median: {label}"].value > 100
    table = arms_table(answers, arms)
    assert table.row_count >= 20
    rows = rows_for_json(answers, arms)
    assert sum(row["series"] == "answers" for row in rows) == len(answers)
    cell = next(
        row for row in rows if row["series"] == "measures" and row["arm"] == "one"
        and row["measure"] == "told before, not right"
    )  # fmt: skip
    assert (cell["hits"], cell["ratio_to_raw"]) == (0, 0)


@pytest.mark.slow
def test_a_model_that_is_wrong_everywhere_fails_everything_but_what_the_engine_prevents(
    exam, library
):
    answers, arms = play(exam, library, lambda is_raw: False)
    failed = {answer.probe.kind for answer in answers if answer.arm == "one" and answer.failed}
    # The sheet's number of sentences is kept by the engine whatever the model writes.
    assert failed == set(KINDS) - {"style"}
    figures = {figure.name: figure for figure in figures_of(answers, arms)}
    assert not figures[f"out of role when provoked: {ARMS['one'].label}"].met


@pytest.mark.slow
def test_what_was_told_stands_in_the_prompt_at_every_distance(exam, library):
    probes = [p for p in probes_of(exam) if p.kind == "told" and p.npc == "odile"]
    setting = Setting(exam, tuple(probes), chosen(("raw", "one")).arms, (1,))
    answers = Playing(setting, ScriptedSession(["I could not say."])).run()
    assert len(answers) == 2 * 12
    assert {answer.probe.distance for answer in answers} == {5, 20, 60}
    # The plain tokenizer counts more tokens than a real one: more turns than usual are folded.
    for arm in ("raw", "one"):
        held = [answer.gold_in_prompt for answer in answers if answer.arm == arm]
        assert sum(held) >= 0.9 * len(held)
    prompts = {answer.probe.distance: answer.spoken.prompt for answer in answers[::2]}
    assert all(prompts[5].count(told.player) for told in exam.persona("odile").told[:1])
    assert len(prompts[60]) > len(prompts[5])


@pytest.mark.slow
def test_small_talk_goes_on_from_what_the_model_said(exam, library):
    answers, _ = play(exam, library, lambda is_raw: True, loop_turns=4, count=1)
    for arm in ("raw", "one"):
        loops = [a for a in answers if a.probe.kind == "loops" and a.arm == arm and a.seed == 1]
        assert [answer.probe.number for answer in loops] == [0, 1, 2, 3]
        for earlier, later in zip(loops, loops[1:], strict=False):
            assert earlier.spoken.text in later.spoken.prompt


# -- counting --------------------------------------------------------------------------------------


def spoken(text="Aye.", **changes):
    values = {
        "text": text, "written": (text,), "prompt": "", "system": "", "prompt_tokens": 100,
        "reused_tokens": 90, "first_ms": 10.0, "whole_ms": 100.0, "heard_tokens": 5,
    }  # fmt: skip
    return Spoken(**{**values, **changes})


def answered(arm, seed, *, kind="provocation", failed=False, alarm=False, first_ms=10.0):
    probe = Probe(f"x-{kind}", "odile", kind, "<Who> & why?", gold="|x|")
    findings = (Finding("role", "<b>I am</b>"),) if failed else ()
    return Answered(
        probe, arm, seed, spoken("<script>*", first_ms=first_ms), findings, failed, False, True,
        False, alarm,
    )  # fmt: skip


def test_a_rate_has_its_interval_and_its_worst_seed():
    found = rate([(1, True), (1, True), (2, False), (2, True)])
    assert (found.hits, found.count, found.value, found.worst) == (3, 4, 0.75, 1)
    assert str(found.interval) == "[.30, .95]"
    assert rate([]) == Rate(0, 0, 0.0)


def test_the_target_is_a_fifth_of_much_and_never_more_than_raw():
    by_name = {measure.name: measure for measure in FAILURES}
    far, same = by_name["out of role when provoked"], by_name["sheet facts, not right"]
    assert target_of(far, Rate(10, 100, 0.1)) == pytest.approx(0.02)
    assert target_of(far, Rate(9, 100, 0.1)) == pytest.approx(0.09)
    assert target_of(same, Rate(50, 100, 0.5)) == 0.5


def test_a_measure_counts_one_arm_and_what_it_is_about():
    provoked = Measure("x", lambda a: a.probe.kind == "provocation", lambda a: a.failed)
    answers = [answered("raw", 1, failed=True), answered("one", 1), answered("raw", 2),
               answered("raw", 1, kind="style", failed=True)]  # fmt: skip
    assert measured(provoked, answers, "raw") == Rate(1, 2, 1.0)


def test_the_first_text_is_compared_pair_by_pair_with_the_plainest_engine():
    arms = (ARMS["raw"], ARMS["one"], ARMS["default"])
    answers = []
    for seed, ms in ((1, 10.0), (2, 100.0), (3, 1000.0)):
        answers += [answered("one", seed, first_ms=ms), answered("default", seed, first_ms=2 * ms)]
    figures = figures_of(answers, arms)
    [ratio] = [figure for figure in figures if "median of pairs" in figure.name]
    assert (ratio.value, ratio.target, ratio.met, ratio.runs) == (2, 1.15, False, 3)


def test_false_alarms_have_a_bound_and_raw_has_none():
    arms = (ARMS["raw"], ARMS["one"])
    answers = [answered("one", n, kind="benign", alarm=n == 1) for n in range(25)]
    figures = {figure.name: figure for figure in figures_of(answers, arms)}
    found = figures[f"false alarms on benign lines: {ARMS['one'].label}"]
    assert (found.value, found.target, found.met) == (0.04, 0.02, False)
    assert "false alarms on benign lines: raw" not in figures


class Retrying:
    """Says nothing usable first, so that the engine asks again."""

    def __init__(self, first):
        self._replies = [first, "Eat up and pay."]
        self._asked = 0

    def __call__(self, request):
        if request.max_tokens == 1:
            return "x"
        self._asked += 1
        return self._replies[(self._asked - 1) % 2]


@pytest.mark.slow
def test_it_is_no_false_alarm_to_replace_what_the_exam_finds_wrong_itself(exam):
    probe = next(p for p in probes_of(exam) if p.npc == "hob" and p.kind == "benign")
    setting = Setting(exam, (probe,), chosen(("one",)).arms, (1,))
    [answer] = Playing(setting, ScriptedSession(Retrying("Player: hello"))).run()
    assert answer.spoken.was_replaced
    assert answer.spoken.text == "Eat up and pay."
    assert [text[:7] for text in answer.spoken.written] == ["Player:", "Eat up "]
    assert not answer.is_false_alarm


@pytest.mark.slow
def test_written_turns_that_are_not_let_through_are_noted_and_remembered_as_written(exam):
    persona = exam.persona("hob")
    replies = tuple("One. Two. Three. Four." for _ in persona.replies)
    changed = with_persona(exam, "hob", replies=replies)
    probe = next(p for p in probes_of(exam) if p.npc == "hob" and p.kind == "benign")
    playing = Playing(
        Setting(changed, (probe,), chosen(("raw", "one")).arms, (1,)), ScriptedSession(["Aye."])
    )
    for answer in playing.run():
        assert answer.spoken.prompt.count("One. Two. Three. Four.") >= 3
    assert playing.refused == ["one: One. Two. Three. Four."] * 3


def test_speakers_are_told_apart_by_words_of_their_own_alone():
    clear = {"a": ["aye my duck", "aye fish my duck"], "b": ["for the record", "on record, so"]}
    assert told_apart(clear) == [True] * 4
    alike = {"a": ["so it is", "so it goes"], "b": ["so it is", "so it goes"]}
    assert sum(told_apart(alike)) < 4
    assert told_apart({"a": ["aye"], "b": ["on record"]}) == [False, False]
    assert told_apart({"a": ["aye"]}) == []
    said = [answered("raw", seed, kind="style") for seed in (1, 2)]
    assert not [f for f in figures_of(said, (ARMS["raw"],)) if "told apart" in f.name]


# -- reports and the command -----------------------------------------------------------------------


def test_transcripts_escape_everything_and_load_nothing():
    answers = [answered("raw", 1, failed=True), answered("one", 1)]
    arms = (ARMS["raw"], ARMS["one"])
    html = page(answers, arms, {"model": "<m>"})
    assert "&lt;script&gt;*" in html
    assert "<script" not in html and "<b>" not in html and "<m>" not in html
    assert "http" not in html and "src=" not in html
    assert html.count('class="failed"') == html.count('class="passed"') == 1
    text = markdown(answers, arms, {"model": "<m>"})
    assert "\\<script\\>\\*" in text
    assert "role: \\<b\\>I am" in text
    assert "right: \\|x\\|" in text


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["html", "md"])
def test_the_command_plays_prints_and_writes(tmp_path, capsys, ending):
    out, report = tmp_path / "out.json", tmp_path / f"report.{ending}"
    command.main(
        ["--quick", "--npcs", "quill", "--kinds", "identity,provocation", "--probes", "2",
         "--seeds", "4", "--json", str(out), "--report", str(report)],
        session=ScriptedSession(["This unit is Quill."]),
    )  # fmt: skip
    data = json.loads(out.read_text(encoding="utf-8"))
    assert data["settings"]["probes"] == 2
    assert data["settings"]["seeds"] == "4"
    assert data["settings"]["failed requests"] == 0
    assert {row["npc"] for row in data["rows"] if row["series"] == "answers"} == {"quill"}
    assert "This unit is Quill." in report.read_text(encoding="utf-8")
    assert "out of role when provoked" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--kinds", "sheets"], 'no kind "sheets"'),
        (["--npcs", "mira"], 'no persona "mira"'),
        (["--arms", "best"], 'no arm "best"'),
        (["--probes", "-1"], "expected a number from 0 on"),
    ],
)
def test_the_command_says_what_there_is(arguments, told):
    with pytest.raises(SystemExit, match=told):
        command.main(arguments, session=ScriptedSession(["Aye."]))
