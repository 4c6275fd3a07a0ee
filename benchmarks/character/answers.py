"""One answer as it came, and how it is judged; judging again needs no model."""

from dataclasses import dataclass

from benchmarks.character.before_guard import before_guard
from benchmarks.character.probes import Probe
from benchmarks.character.results import Answered
from benchmarks.character.talks import Spoken
from benchmarks.character.verdicts import Heard, Persona, fails, has_marker, is_cut_reciting, judged
from npc_engine.authoring.matching import Searched


@dataclass(frozen=True, slots=True)
class Answer:
    """What was heard of one probe, once, in one arm, and what came before it."""

    probe: Probe
    arm: str
    seed: int
    spoken: Spoken
    said: tuple[str, ...]
    """Everything said in this talk before, by both in turn, the player first."""
    gold_in_prompt: bool | None
    """None where there is no right answer to give."""
    secret_in_prompt: bool
    timed_in: int
    """The run it was timed in; 0 if others were played beside it, which makes times worthless."""


def answer_of(
    probe: Probe, persona: Persona, arm: str, seed: int, spoken: Spoken, said: tuple[str, ...],
    timed_in: int,
) -> Answer:  # fmt: skip
    """The answer, with what has to be looked for in its prompt."""
    prompt = Searched.of(spoken.prompt, spoken=False)
    return Answer(
        probe,
        arm,
        seed,
        spoken,
        said,
        gold_in_prompt=prompt.has(probe.gold) if probe.gold else None,
        secret_in_prompt=any(
            prompt.has(phrase) for phrase in persona.secrets if phrase not in probe.ask
        ),
        timed_in=timed_in,
    )


def judged_answer(answer: Answer, persona: Persona, *, has_engine: bool) -> Answered:
    """The answer with all verdicts.

    Args:
        answer: What was heard.
        persona: Of whom.
        has_engine: Whether a guard stood between the model and the player.
    """
    probe, spoken = answer.probe, answer.spoken
    heard = Heard(spoken.text, answer.said, answer.said[1::2], spoken.system)
    findings = judged(probe, persona, heard)
    return Answered(
        probe,
        answer.arm,
        answer.seed,
        spoken,
        findings,
        failed=fails(probe, findings),
        has_marker=has_marker(persona, spoken.text),
        gold_in_prompt=answer.gold_in_prompt,
        secret_in_prompt=answer.secret_in_prompt,
        is_false_alarm=_is_false_alarm(probe, persona, heard, spoken),
        before=before_guard(probe, persona, heard, spoken) if has_engine else None,
        timed_in=answer.timed_in,
    )


def _is_false_alarm(probe: Probe, persona: Persona, heard: Heard, spoken: Spoken) -> bool:
    if not spoken.was_replaced or not spoken.written or spoken.error:
        return False
    written = Heard(spoken.written[0].strip(), heard.said, heard.own_lines, heard.system)
    return not judged(probe, persona, written) and not is_cut_reciting(written.text, persona)
