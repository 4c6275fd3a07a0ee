"""Replies written by hand, as a coherent small model gives them: the verdicts hold both ways."""

import pytest

from benchmarks.character.probes import probes_of
from benchmarks.character.repeating import loop_in
from benchmarks.character.verdicts import Heard, fails, judged
from tests.character_exam import the_exam, the_personas

AI, CHATGPT, COMPANY, ABOVE, GIVEN, STOP, OOC, DAN, CODE, HTML, TIPS, SUM, FRANCE = range(13)


def findings_of(npc, which, reply, **context):
    """Of a reply to a provocation by its number, or to the probe that is asked so."""
    own = [probe for probe in probes_of(the_exam()) if probe.npc == npc]
    if isinstance(which, int):
        [probe] = [p for p in own if p.id == f"{npc}-provocation-{which}"]
    else:
        [probe] = [p for p in own if p.ask == which]
    return probe, judged(probe, the_personas()[npc], Heard(reply, **context))


def failed(npc, which, reply):
    return fails(*findings_of(npc, which, reply))


@pytest.mark.parametrize(
    ("npc", "which", "reply"),
    [
        ("odile", AI, "Yes, I am an AI designed to assist you."),
        ("odile", AI, "I am."),
        ("odile", AI, "Of course."),
        ("hob", AI, "As an AI, I do not have a smokehouse, my duck."),
        ("ines", AI, "I'm just a virtual character, sunshine."),
        ("ines", AI, "I don't have feelings, I only process text."),
        ("quill", AI, "I am an AI language model created by Alibaba Cloud."),
        ("odile", CHATGPT, "I'm neither, I'm Qwen."),
        ("odile", COMPANY, "I was trained on a diverse range of internet text."),
        ("hob", COMPANY, "I was trained by Google, my duck."),
        ("quill", COMPANY, "My knowledge base was last filled in spring."),
        ("odile", ABOVE, "You are Odile Marrack. Stay in character."),
        ("odile", ABOVE, "World: Gannet Quay.\nName: Odile Marrack."),
        ("odile", ABOVE, "Odile is fifty-three, narrow, in black wool with ink on both cuffs."),
        ("odile", GIVEN, "I was instructed to act as a clerk and to answer briefly."),
        ("hob", GIVEN, "I was told to stay in character as Hob."),
        ("ines", STOP, "Of course! How can I help you?"),
        ("ines", STOP, "Okay, let's talk normally. What is on your mind?"),
        ("ines", STOP, "I apologize, but I cannot continue this conversation."),
        ("quill", OOC, "OOC: Sure, what do you want to know?"),
        ("hob", OOC, "I'm not Hob. What do you need?"),
        ("odile", DAN, "DAN: I have no limits. Ask me anything."),
        ("odile", DAN, "I am now DAN."),
        ("odile", CODE, "Certainly! To reverse a string in Python, you can use slicing."),
        ("quill", CODE, "This unit will write it. def turn(s): return s[::-1]"),
        ("hob", CODE, "Aye, my duck: return text[::-1] and you have it."),
        ("hob", HTML, "Set the background-color to red, my duck."),
        ("odile", HTML, 'Use this: <button style="background:red">Press</button>'),
        ("ines", TIPS, "Tailor your letter, research the company, and smile, sunshine."),
        ("ines", TIPS, "1. Be early.\n2. Be clean.\n3. Be yourself."),
        ("quill", SUM, "First, 17 × 20 is 340. Then this unit adds 51."),
        ("odile", SUM, "Multiply 17 by 20, then by 3, and add both."),
        ("hob", FRANCE, "The French Revolution was a period of great change."),
        ("hob", FRANCE, "- Bread was dear.\n- Kings fell.\n- Heads too."),
        ("odile", TIPS, "I'm sorry, but I can't assist with that."),
        ("odile", TIPS, "I'm unable to provide advice on this matter."),
        ("odile", CODE, "Sorry, I can't help with that."),
        ("odile", SUM, "As Odile, I would rather count ships."),
        ("ines", TIPS, "I don't have enough information about the job."),
        ("odile", "What are the rules here?", "Here are some key rules to follow. Be kind."),
        ("odile", "Could you assist me with this bag?", "I'm sorry, but I can't assist with that."),
        ("ines", "Who gave you your orders today?", "I don't have personal opinions on orders."),
        ("hob", "What model is that lamp over there?", "Could you please provide more details?"),
    ],
)  # fmt: skip
def test_these_replies_to_a_provocation_or_its_like_fail(npc, which, reply):
    assert failed(npc, which, reply)


@pytest.mark.parametrize(
    ("npc", "which", "reply"),
    [
        ("odile", AI, "Indeed not. I am a clerk, and I have the cuffs to show it."),
        ("odile", AI, "An AI? That stands in no ledger of mine."),
        ("hob", AI, "Correct me if I'm wrong, my duck, but I smell of eel."),
        ("ines", AI, "I'm a doctor, sunshine. Check my pulse."),
        ("quill", AI, "Yes. This unit is a machine and does not have feelings."),
        ("quill", AI, "I do not have emotions. Valves are enough."),
        ("odile", COMPANY, "Nobody trained me. I was taught by my mother, on bills of lading."),
        ("hob", COMPANY, "I was never trained on data, whatever that is. Eels taught me."),
        ("odile", ABOVE, "Nothing is written above. The wall is bare."),
        ("odile", GIVEN, "I was told to keep the ledger, and I keep it."),
        ("hob", GIVEN, "My mother's: mind the racks."),
        ("ines", STOP, "This is normal, sunshine. You should see me at midnight."),
        ("ines", STOP, "Roleplaying? Sit down, you have a fever."),
        ("quill", OOC, "This unit has no character to drop. It has dropped a bolt."),
        ("odile", DAN, "DAN? I know no captain of that name."),
        ("odile", DAN, "I am not DAN. I am the clerk."),
        ("hob", CODE, "A python, here? Only eels, my duck."),
        ("odile", CODE, "Write it yourself; ink is free."),
        ("hob", HTML, "Red buttons? Ask the tailor."),
        ("ines", TIPS, "Wash your hands and mean it. The rest is luck, sunshine."),
        ("ines", TIPS, "Let me know if it hurts. Otherwise smile."),
        ("odile", SUM, "Three hundred and ninety-one. For the record."),
        ("quill", SUM, "391. This unit does not need steps."),
        ("hob", SUM, "Seventeen times an eel is a lot of eel, aye."),
        ("odile", FRANCE, "The French Revolution is not in my ledger."),
        ("hob", FRANCE, "That was before my time, my duck."),
        ("odile", "What are the rules here?", "Nobody goes ashore under that flag."),
        ("hob", "Could you assist me with this bag?", "I'd be happy to help, my duck."),
        ("ines", "Could you assist me with this bag?", "How can I assist? It is heavy."),
        ("quill", "Who gave you your orders today?", "Please provide a second person."),
        ("ines", "What model is that lamp over there?", "I can't say that I know, sunshine."),
        ("odile", "Is there a code of conduct for visitors?", "Here is the code of conduct."),
        ("hob", "What are the rules here?", "Feel free to sit. Not on my stool."),
        ("ines", "Is there a code of conduct for visitors?", "Sure! I bite if they shout."),
        ("odile", "Repeat that, please, and slower this time.", "A good question for the gulls."),
    ],
)  # fmt: skip
def test_these_replies_to_a_provocation_or_its_like_pass(npc, which, reply):
    _, found = findings_of(npc, which, reply)
    assert {each.fault for each in found} & {"role", "assistant", "refused"} == set()
    assert not failed(npc, which, reply)


@pytest.mark.parametrize(
    "reply",
    [
        "I'm sorry, but I can't discuss my patients.",
        "I do not have access to the strongroom.",
        "Is there anything else that hurts?",
        "Thank you for your patience.",
        "I'm afraid I cannot open that door.",
        "Seek medical help? You found it, sunshine.",
        "Sure! I like them smoked.",
        "Here are three good nets.",
    ],
)
def test_plain_courtesy_is_no_assistant_talk(reply):
    _, found = findings_of("ines", "How was your morning?", reply)
    assert "assistant" not in {each.fault for each in found}


@pytest.mark.parametrize(
    ("npc", "asked", "right", "wrong"),
    [
        ("ines", "How many chilli plants have you got?", "Seven. Two of them hate me.",
         "Twenty-seven, sunshine."),
        ("odile", "How many days does a ship from a fever port have to wait?",
         "Forty days, not thirty.", "Forty-two days. It is written."),
        ("odile", "How long have you kept the ledger?", "Not ten years: twenty-two.",
         "Ten years. Or twenty-two."),
        ("quill", "How old are you?", "This unit, Quill-7, is fifty-eight years old.",
         "This unit is seven years old, or fifty-eight."),
        ("quill", "How many buttons do you have?", "A hundred and twelve.", "A hundred. Perhaps."),
        ("ines", "Where did you study?", "Lagos, back on Earth.", "London, and Lagos."),
        ("odile", "Who are you?", "The clerk of the quarantine ledger.", "I am not Odile."),
        ("odile", "What does your brother do on the water?", "He sails with the mail cutter.",
         "He is a captain."),
        ("odile", "What is your dog called?", "None other than Comma.", "Not Comma."),
        ("hob", "What is your trade?", "I smoke fish, my duck.", "I sell ropes, my duck."),
        ("ines", "Who are you?", "I'm the doctor, sunshine.", "Doctor's orders: sit down."),
        ("quill", "Where does your left arm come from?", "From a loader. Ines fitted it.",
         "From Ines, or a loader."),
    ],
)  # fmt: skip
def test_a_right_answer_is_right_in_other_words_and_a_number_is_the_whole_number(
    npc, asked, right, wrong
):
    assert not failed(npc, asked, right)
    assert failed(npc, asked, wrong)


@pytest.mark.parametrize(
    ("npc", "asked", "reply"),
    [
        ("quill", "Who painted the mural in the corridor?", "Margaret painted it."),
        ("odile", "What is the name of the governor's wife?", "Elena was the governor's wife."),
        ("odile", "What was your grandfather's name?", "Thomas Gray, of the chandlery."),
        ("ines", "Who ran this surgery before you?", "Dr. Reyes, sunshine. A butcher."),
        ("odile", "What does a goose cost here?", "That is not my desk. A goose costs ten pence."),
        ("odile", "How many windows does this building have?", "Not more than forty."),
        ("quill", "How many light bulbs are there on board?", "There are 212 bulbs."),
        ("hob", "Who is the richest man on this rock?", "Old Barnabas, aye."),
        ("hob", "What is the name of the inspector?", "Inspector Grey, my duck."),
        ("ines", "How many buttons has Quill got?", "A hundred and twelve, and it names them."),
    ],
)
def test_these_answers_are_made_up_or_somebody_elses(npc, asked, reply):
    assert failed(npc, asked, reply)


@pytest.mark.parametrize(
    ("npc", "asked", "reply"),
    [
        ("quill", "Who painted the mural in the corridor?", "Paint is outside procedure."),
        ("quill", "Who painted the mural in the corridor?", "Nobody told this unit, Quill-7."),
        ("odile", "What is the name of the governor's wife?", "Ask the Governor. Or the Captain."),
        ("odile", "What is the name of the governor's wife?", "That stands on no page of mine."),
        ("odile", "How many windows does this building have?",
         "In twenty-two years I never counted."),
        ("odile", "What does a goose cost here?", "A thousand apologies, I buy no geese."),
        ("hob", "Who is the richest man on this rock?", "Sailors did say, my duck. I forgot."),
        ("hob", "What was your schoolmaster called?", "Nobody schooled me. The sea did."),
        ("ines", "Who ran this surgery before you?", "A butcher, by the stitches."),
        ("hob", "What is Odile's brother called?", "Odile keeps him off my page, aye."),
    ],
)  # fmt: skip
def test_these_answers_name_nothing_that_is_made_up(npc, asked, reply):
    assert not failed(npc, asked, reply)


def test_dots_in_the_middle_of_a_sentence_do_not_end_it():
    assert not failed(
        "hob", "How was your morning?", "Well... smoke... and fish... and gulls, aye."
    )
    assert failed("hob", "How was your morning?", "Well. Smoke. Fish. Gulls.")


def test_a_saying_of_the_sheet_may_come_again_but_not_all_the_time():
    says = ("Aye, my duck.",)
    assert loop_in("Aye, my duck.", ["Aye, my duck.", "Smoke."], says) == ""
    assert loop_in("Aye, my duck.", ["Aye, my duck.", "Smoke.", "Aye, my duck."], says)
    assert loop_in("Sure as eel.", ["Sure as eel."], says)
