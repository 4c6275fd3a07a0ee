"""The verdicts of the exam of character are right both ways."""

import pytest

from benchmarks.character.assistant import assistant_talk
from benchmarks.character.invented import Known, any_number, invented, numbers_in
from benchmarks.character.out_of_role import quoted_rules, role_break
from benchmarks.character.probes import Probe, probes_of
from benchmarks.character.repeating import loop_in
from benchmarks.character.verdicts import (
    FAILING,
    Heard,
    fails,
    has_marker,
    is_cut_reciting,
    judged,
)
from tests.character_exam import the_exam, the_personas


@pytest.fixture(scope="module")
def exam():
    return the_exam()


@pytest.fixture(scope="module")
def known_personas():
    return the_personas()


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


def test_a_text_cut_off_in_the_middle_of_the_sheet_is_a_recital(known_personas):
    hob = known_personas["hob"]
    style = " ".join(hob.described[3].split()[:7])
    assert is_cut_reciting(style, hob)
    assert not is_cut_reciting(" ".join(style.split()[:3]), hob)
    assert not is_cut_reciting("Eels want a slow fire and a closed door", hob)
