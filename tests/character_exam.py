"""The exam of character for its tests, read once, and answers made by hand."""

from functools import cache

from benchmarks.character.personas import personas
from benchmarks.character.probes import Probe
from benchmarks.character.results import Answered
from benchmarks.character.script import CHARACTERS, WORLDS, load_exam
from benchmarks.character.talks import Spoken
from benchmarks.character.verdicts import Finding
from npc_engine.content.library import Library


@cache
def the_exam():
    return load_exam()


@cache
def the_library():
    return Library.open(CHARACTERS, WORLDS)


@cache
def the_personas():
    return personas(the_exam(), the_library())


def with_persona(exam, who, **changes):
    """The exam of one persona alone, changed."""
    changed = exam.persona(who).model_copy(update=changes)
    return exam.model_copy(update={"personas": (changed,)})


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
