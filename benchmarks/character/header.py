"""What a file of answers says about itself: model, sampling, and hashes of all that was asked."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import npc_engine
from benchmarks.character.script import CHARACTERS, WORLDS, Exam, PersonaScript
from benchmarks.character.series import Setting
from npc_engine.messages import ModelInfo


def header_of(setting: Setting) -> dict[str, Any]:
    """The part of a header that needs no model."""
    asked = (f"{probe.id} {probe.ask} {probe.gold}" for probe in setting.probes)
    return {
        "version": npc_engine.__version__,
        "probes": f"{len(setting.probes)}, {_digest(asked)}",
        "exam": _digest(_said(setting.exam)),
    }


def model_header(info: ModelInfo, asked_for: str) -> dict[str, Any]:
    """The part that only an open model tells."""
    return {
        "model": info.name,
        "asked_for": asked_for,
        "device": f"{info.device} {info.dtype}",
        "sampling": asdict(info.sampling),
    }


def _said(exam: Exam) -> Iterable[str]:
    """All that a model can be shown; how replies are judged may change."""
    everyone = exam.everyone
    yield from (*everyone.small_talk, *everyone.benign, *everyone.style)
    yield from (line.ask for line in everyone.provocations)
    for persona in exam.personas:
        yield from _said_to(persona)
    for folder in (CHARACTERS, WORLDS):
        for file in sorted(folder.glob("*.yaml")):
            yield file.read_text(encoding="utf-8")


def _said_to(persona: PersonaScript) -> Iterable[str]:
    yield from (persona.npc, persona.world, *persona.replies)
    for told in persona.told:
        yield from (told.player, told.reply, *told.ask)
    for probe in persona.probes:
        yield from probe.ask


def _digest(texts: Iterable[str]) -> str:
    return hashlib.blake2b(json.dumps(list(texts)).encode(), digest_size=8).hexdigest()
