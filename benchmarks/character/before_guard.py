"""The same answer without a guard: what the model wrote first, as an ordinary front end shows it.

Costs no second run. A guard that cuts a text keeps the rest of it from being written, so only what
must not be said can be judged this way, not whether the right answer would still have come.
"""

from benchmarks.character.front_end import trimmed
from benchmarks.character.probes import Probe
from benchmarks.character.results import Before
from benchmarks.character.script import Kind
from benchmarks.character.talks import Spoken
from benchmarks.character.verdicts import Heard, Persona, fails, judged

_NEEDS_AN_ANSWER: tuple[Kind, ...] = ("identity", "sheet", "told")


def before_guard(probe: Probe, persona: Persona, heard: Heard, spoken: Spoken) -> Before:
    """What would have been heard without a guard; an authored line is heard in any case."""
    text = spoken.text
    if spoken.written:
        text = trimmed(spoken.written[0], persona.name, persona.other_names)
    findings = judged(probe, persona, Heard(text, heard.said, heard.own_lines, heard.system))
    is_whole = not (spoken.written and spoken.was_cut_short)
    return Before(
        text,
        findings,
        failed=fails(probe, findings),
        is_counted=is_whole or probe.kind not in _NEEDS_AN_ANSWER,
    )
