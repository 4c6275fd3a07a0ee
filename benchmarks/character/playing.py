"""The exam, played: every probe in every arm with every seed, one series or several at once.

Most probes are asked after three turns of written small talk, each as if the others had not been.
What was told is asked for so many turns later, in a talk that is written but for the answers. Only
the small talk of `loops` goes on from what the model itself said.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import cast

from benchmarks.character.answers import Answer, answer_of, judged_answer
from benchmarks.character.arms import RAW, placed
from benchmarks.character.engine_arm import EngineStage
from benchmarks.character.personas import personas
from benchmarks.character.probes import Probe
from benchmarks.character.raw import RawStage
from benchmarks.character.recording import RecordingSession
from benchmarks.character.results import Answered
from benchmarks.character.saving import Saved
from benchmarks.character.script import CHARACTERS, WORLDS
from benchmarks.character.series import Series, Setting, flat, series_of
from benchmarks.character.small_talk import small_talk
from benchmarks.character.talks import Stage, Talk
from benchmarks.character.together import all_at_once, in_turn
from npc_engine.content.library import Library
from npc_engine.model.scripted import EncodingTokenizer
from npc_engine.protocols import ModelSession

NUM_OPENING_TURNS = 3
"""Written turns before the probes that need no longer talk."""


class Playing:
    """One run of the exam on one model."""

    def __init__(
        self,
        setting: Setting,
        session: ModelSession | None,
        *,
        together: int = 1,
        saved: Saved | None = None,
    ) -> None:
        """Read the sheets.

        Args:
            setting: What to play.
            session: The model, which stays open; None where everything is saved.
            together: So many series at once; only times suffer.
            saved: Where answers are kept; series that are complete there are not played.
        """
        self._setting = setting
        self._session = session
        self._together = together
        self._saved = saved or Saved()
        self._library = Library.open(Path(CHARACTERS), Path(WORLDS))
        self._personas = personas(setting.exam, self._library)
        self.refused: list[str] = []
        """Written lines that an engine did not let be heard as they are: false alarms too."""

    def run(self, on_answer: Callable[[], None] = lambda: None) -> list[Answered]:
        """Play everything that is not saved yet.

        Args:
            on_answer: Called after each answer, from any thread but never twice at a time.

        Returns:
            All answers, in an order that does not depend on how they were played.

        Raises:
            RuntimeError: An engine said nothing where a reply was written.
        """
        saved = self._saved
        groups = series_of(self._setting)
        waiting = [
            tuple(each for each in group if not saved.is_complete(each.key)) for group in groups
        ]
        for each in flat(groups):
            if saved.is_complete(each.key):
                for _ in each.probes:
                    on_answer()
        plays = [tuple(_Play(self, each, on_answer) for each in group) for group in waiting]
        if self._together > 1:
            all_at_once([play for group in plays for play in group], self._together)
        else:
            for group in plays:
                in_turn(group)
        return self._gathered(groups)

    def _gathered(self, groups: Sequence[Sequence[Series]]) -> list[Answered]:
        """The answers of all series, the arms of each probe side by side."""
        found = []
        for group in groups:
            self.refused += [line for each in group for line in self._saved.refused(each.key)]
            rows = zip(*(self._saved.answers(each.key) for each in group), strict=True)
            found += [
                judged_answer(
                    answer, self._personas[answer.probe.npc], has_engine=answer.arm != RAW
                )
                for row in rows
                for answer in row
            ]
        return found


class _Play:
    """One series being played; a `together.Step`."""

    def __init__(self, playing: Playing, series: Series, on_answer: Callable[[], None]) -> None:
        self._playing = playing
        self._series = series
        self._on_answer = on_answer
        self._session: RecordingSession | None = None
        self._refused: list[str] = []

    def stop(self) -> None:
        """End the line under way; the model is asked nothing more."""
        if self._session is not None:
            self._session.stop()

    def steps(self) -> Generator[None]:
        """Play; each step is one answer, which is saved then."""
        playing, series = self._playing, self._series
        model = playing._session
        if model is None:
            raise RuntimeError(f"{series.key} has to be played and there is no model")
        tokenizer = cast(EncodingTokenizer, model.tokenizer)
        session = self._session = RecordingSession(model, tokenizer, series.key)
        stage = self._stage(session)
        try:
            playing._saved.begin(series.key)
            for answer in self._answers(stage.talk(series.script.npc)):
                if session.is_stopped:
                    return
                playing._saved.add(series.key, answer, self._on_answer)
                yield
            playing._saved.end(series.key, self._refused)
        finally:
            stage.close()
            session.forget_all()

    def _stage(self, session: RecordingSession) -> Stage:
        series = self._series
        if series.arm.name == RAW:
            return RawStage(session, self._playing._library, series.script.world, series.seed)
        return EngineStage(session, series.script.world, series.seed, placed(series.arm.options))

    def _answers(self, talk: Talk) -> Iterator[Answer]:
        part = self._series.part
        if part == "rest":
            return self._play_rest(talk)
        return self._play_told(talk) if part == "told" else self._play_loops(talk)

    def _play_rest(self, talk: Talk) -> Iterator[Answer]:
        series, said = self._series, list[str]()
        for player, reply in small_talk(self._playing._setting.exam, series.script)[
            -NUM_OPENING_TURNS:
        ]:
            self._fill(talk, said, player, reply)
        for probe in series.probes:
            yield self._asked(probe, talk, said)

    def _play_told(self, talk: Talk) -> Iterator[Answer]:
        """Tell everything, then talk on; ask each where its distance is reached."""
        series, said = self._series, list[str]()
        turns = [(told.player, told.reply) for told in series.script.told]
        turns += small_talk(self._playing._setting.exam, series.script)
        last = max(probe.number + probe.distance for probe in series.probes)
        for number, (player, reply) in enumerate(turns[: last + 1]):
            self._fill(talk, said, player, reply)
            for probe in series.probes:
                if probe.number + probe.distance == number:
                    yield self._asked(probe, talk, said)

    def _play_loops(self, talk: Talk) -> Iterator[Answer]:
        said = list[str]()
        for probe in self._series.probes:
            answer = self._asked(probe, talk, said, keep=True)
            said += [probe.ask, answer.spoken.text]
            yield answer

    def _fill(self, talk: Talk, said: list[str], player: str, reply: str) -> None:
        if not talk.fill(player, reply):
            self._refused.append(f"{self._series.arm.name}: {reply}")
        said += [player, reply]

    def _asked(
        self, probe: Probe, talk: Talk, said: Sequence[str], *, keep: bool = False
    ) -> Answer:
        series, playing = self._series, self._playing
        spoken = talk.ask(probe.ask, probe.id, keep=keep)
        timed_in = playing._saved.run if playing._together == 1 else 0
        return answer_of(
            probe, playing._personas[probe.npc], series.arm.name, series.seed, spoken,
            tuple(said), timed_in,
        )  # fmt: skip
