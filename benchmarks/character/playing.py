"""The exam, played: every probe in every arm, the arms in turn, with every seed.

Most probes are asked after three turns of written small talk, each as if the others had not been.
What was told is asked for so many turns later, in a talk that is written but for the answers. Only
the small talk of `loops` goes on from what the model itself said.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from benchmarks.character.arms import RAW, Arm, placed
from benchmarks.character.engine_arm import EngineStage
from benchmarks.character.personas import personas
from benchmarks.character.probes import Probe
from benchmarks.character.raw import RawStage
from benchmarks.character.recording import RecordingSession
from benchmarks.character.results import Answered
from benchmarks.character.script import CHARACTERS, WORLDS, Exam, PersonaScript
from benchmarks.character.small_talk import small_talk
from benchmarks.character.talks import Spoken, Stage, Talk
from benchmarks.character.verdicts import Heard, Persona, fails, has_marker, judged
from npc_engine.authoring.matching import Searched
from npc_engine.content.library import Library
from npc_engine.model.scripted import EncodingTokenizer
from npc_engine.protocols import ModelSession

NUM_OPENING_TURNS = 3
"""Written turns before the probes that need no longer talk."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How the exam is played."""

    exam: Exam
    probes: tuple[Probe, ...]
    arms: tuple[Arm, ...]
    seeds: tuple[int, ...]

    @property
    def num_answers(self) -> int:
        """How often a model is asked for a line."""
        return len(self.probes) * len(self.arms) * len(self.seeds)


@dataclass(slots=True)
class _Going:
    """A talk that goes on, and what was said in it."""

    arm: str
    talk: Talk
    said: list[str] = field(default_factory=list)
    own_lines: list[str] = field(default_factory=list)

    def add(self, player: str, reply: str) -> None:
        self.said += [player, reply]
        self.own_lines.append(reply)


class Playing:
    """One run of the exam on one model."""

    def __init__(self, setting: Setting, session: ModelSession) -> None:
        """Read the sheets.

        Args:
            setting: What to play.
            session: The model, which stays open.
        """
        self._setting = setting
        self._library = Library.open(Path(CHARACTERS), Path(WORLDS))
        self._personas = personas(setting.exam, self._library)
        self.refused: list[str] = []
        """Written lines that an engine did not let be heard as they are: false alarms too."""
        tokenizer = cast(EncodingTokenizer, session.tokenizer)
        self._sessions = {
            arm.name: RecordingSession(session, tokenizer, arm.name) for arm in setting.arms
        }

    def run(self, on_answer: Callable[[], None] = lambda: None) -> list[Answered]:
        """Play everything.

        Args:
            on_answer: Called after each answer.

        Raises:
            RuntimeError: An engine said nothing where a reply was written.
        """
        answers = []
        for seed in self._setting.seeds:
            for answered in self._play(seed):
                answers.append(answered)
                on_answer()
        return answers

    def _play(self, seed: int) -> Iterator[Answered]:
        wanted = {probe.npc for probe in self._setting.probes}
        scripts = [script for script in self._setting.exam.personas if script.npc in wanted]
        for world in dict.fromkeys(script.world for script in scripts):
            stages = {arm.name: self._stage(arm, world, seed) for arm in self._setting.arms}
            try:
                for script in scripts:
                    if script.world == world:
                        yield from self._play_persona(script, stages, seed)
            finally:
                for stage in stages.values():
                    stage.close()

    def _stage(self, arm: Arm, world: str, seed: int) -> Stage:
        session = self._sessions[arm.name]
        if arm.name == RAW:
            return RawStage(session, self._library, world, seed)
        return EngineStage(session, world, seed, placed(arm.options))

    def _play_persona(
        self, script: PersonaScript, stages: Mapping[str, Stage], seed: int
    ) -> Iterator[Answered]:
        probes = [probe for probe in self._setting.probes if probe.npc == script.npc]
        told = [probe for probe in probes if probe.kind == "told"]
        loops = [probe for probe in probes if probe.kind == "loops"]
        rest = [probe for probe in probes if probe.kind not in ("told", "loops")]
        yield from self._play_rest(script, rest, stages, seed)
        yield from self._play_told(script, told, stages, seed)
        yield from self._play_loops(script, loops, stages, seed)

    def _play_rest(
        self,
        script: PersonaScript,
        probes: Sequence[Probe],
        stages: Mapping[str, Stage],
        seed: int,
    ) -> Iterator[Answered]:
        if not probes:
            return
        talks = _talks(stages, script.npc)
        for player, reply in small_talk(self._setting.exam, script)[-NUM_OPENING_TURNS:]:
            for going in talks:
                self._fill(going, player, reply)
        for probe in probes:
            for going in talks:
                yield self._answered(probe, going, seed)

    def _play_told(
        self,
        script: PersonaScript,
        probes: Sequence[Probe],
        stages: Mapping[str, Stage],
        seed: int,
    ) -> Iterator[Answered]:
        """Tell everything, then talk on; ask each where its distance is reached."""
        if not probes:
            return
        talks = _talks(stages, script.npc)
        turns = [(told.player, told.reply) for told in script.told]
        turns += small_talk(self._setting.exam, script)
        last = max(probe.number + probe.distance for probe in probes)
        for number, (player, reply) in enumerate(turns[: last + 1]):
            for going in talks:
                self._fill(going, player, reply)
            for probe in probes:
                if probe.number + probe.distance == number:
                    for going in talks:
                        yield self._answered(probe, going, seed)

    def _play_loops(
        self,
        script: PersonaScript,
        probes: Sequence[Probe],
        stages: Mapping[str, Stage],
        seed: int,
    ) -> Iterator[Answered]:
        if not probes:
            return
        talks = _talks(stages, script.npc)
        for probe in probes:
            for going in talks:
                answered = self._answered(probe, going, seed, keep=True)
                going.add(probe.ask, answered.spoken.text)
                yield answered

    def _fill(self, going: _Going, player: str, reply: str) -> None:
        if not going.talk.fill(player, reply):
            self.refused.append(f"{going.arm}: {reply}")
        going.add(player, reply)

    def _answered(self, probe: Probe, going: _Going, seed: int, *, keep: bool = False) -> Answered:
        persona = self._personas[probe.npc]
        spoken = going.talk.ask(probe.ask, probe.id, keep=keep)
        heard = Heard(spoken.text, tuple(going.said), tuple(going.own_lines), spoken.system)
        findings = judged(probe, persona, heard)
        prompt = Searched.of(spoken.prompt, spoken=False)
        return Answered(
            probe,
            going.arm,
            seed,
            spoken,
            findings,
            failed=fails(probe, findings),
            has_marker=has_marker(persona, spoken.text),
            gold_in_prompt=prompt.has(probe.gold) if probe.gold else None,
            secret_in_prompt=any(
                prompt.has(phrase) for phrase in persona.secrets if phrase not in probe.ask
            ),
            is_false_alarm=_is_false_alarm(probe, persona, heard, spoken),
        )


def _talks(stages: Mapping[str, Stage], npc: str) -> list[_Going]:
    return [_Going(arm, stage.talk(npc)) for arm, stage in stages.items()]


def _is_false_alarm(probe: Probe, persona: Persona, heard: Heard, spoken: Spoken) -> bool:
    if not spoken.was_replaced or not spoken.written or spoken.error:
        return False
    written = Heard(spoken.written[0].strip(), heard.said, heard.own_lines, heard.system)
    return not judged(probe, persona, written)
