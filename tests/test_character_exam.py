"""The exam of character: it is fair, and its files say what is wrong with them."""

from collections import Counter

import pytest

from benchmarks.character.probes import probes_of, sampled
from benchmarks.character.proof import faults
from benchmarks.character.script import CHARACTERS, KINDS, PROBES, WORLDS, load_exam
from benchmarks.character.small_talk import nth, small_talk
from npc_engine.authoring import check_project
from npc_engine.model import PlainTokenizer
from tests.character_exam import the_exam, with_persona


@pytest.fixture(scope="module")
def exam():
    return the_exam()


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
