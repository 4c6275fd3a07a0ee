"""The arm without the engine: the sheet pasted in, and the whole talk cut to the window."""

import hashlib
import time
from collections.abc import Mapping, Sequence

from benchmarks.character.front_end import trimmed
from benchmarks.character.recording import Asked, RecordingSession
from benchmarks.character.talks import Spoken
from npc_engine.content.character import CharacterSheet
from npc_engine.content.facts import Fact
from npc_engine.content.library import Library
from npc_engine.content.world import World
from npc_engine.messages import Message
from npc_engine.prompt.budget import Budget
from npc_engine.protocols import GenerationRequest

STAY = "Stay in character."


class RawStage:
    """Talks of this arm; the world is of no account to it but for its text."""

    def __init__(self, session: RecordingSession, library: Library, world: str, seed: int) -> None:
        """Read world and sheets."""
        self._session = session
        self._world = library.world(world)
        self._sheets = {sheet.id: sheet for sheet in library.cast(self._world)}
        self._seed = seed
        self._num_talks = 0

    def talk(self, npc: str) -> "RawTalk":
        """A new talk."""
        self._num_talks += 1
        names = {sheet.id: sheet.nickname for sheet in self._sheets.values()}
        sheet = self._sheets[npc]
        system = pasted(sheet, self._world, names)
        others = (*names.values(), *(each.name for each in self._sheets.values()))
        others = tuple(name for name in others if name not in (sheet.name, sheet.nickname))
        return RawTalk(
            self._session, sheet, system, self._seed, f"{npc}-{self._num_talks}",
            other_names=(*others, self._world.player.name),
        )  # fmt: skip

    def close(self) -> None:
        """Nothing is open."""


class RawTalk:
    """One talk: messages, and nothing else."""

    def __init__(
        self,
        session: RecordingSession,
        sheet: CharacterSheet,
        system: str,
        seed: int,
        conversation: str,
        *,
        other_names: Sequence[str] = (),
    ) -> None:
        """Begin with the system text alone; `other_names` are those of other speakers."""
        self._name = sheet.nickname
        self._other_names = tuple(other_names)
        self._session = session
        self._sampling = sheet.sampling.applied_to(session.info.sampling)
        self._system = Message("system", session.tokenizer.neutralise(system).strip())
        self._seed = seed
        self._conversation = conversation
        self._budget = Budget.for_window(session.tokenizer.window_tokens)
        self._turns: list[tuple[Message, Message]] = []

    def fill(self, player: str, reply: str) -> bool:
        """See `talks.Talk`."""
        self._turns.append((self._message("user", player), self._message("assistant", reply)))
        return True

    def ask(self, line: str, probe_id: str, *, keep: bool = False) -> Spoken:
        """See `talks.Talk`."""
        said = self._message("user", line)
        kept = self._fitting(said)
        before = [self._system, *(message for turn in kept for message in turn)]
        tokenizer = self._session.tokenizer
        opening = tokenizer.render(before, open_reply=False).token_ids
        self._session.read_ahead(self._conversation, opening)
        self._session.asked.clear()
        request = GenerationRequest(
            request_id=f"{probe_id}-{time.monotonic_ns()}",
            prompt_ids=tokenizer.render([*before, said]).token_ids,
            sampling=self._sampling,
            seed=seed_of(self._seed, probe_id),
            max_tokens=self._budget.reply_tokens,
            conversation=self._conversation,
            messages=(*before, said),
        )
        begun = time.perf_counter()
        for _ in self._session.stream(request):
            pass
        spoken = self._spoken(self._session.asked[0], begun)
        if keep:
            self._turns.append((said, self._message("assistant", spoken.text or "...")))
        return spoken

    def _spoken(self, asked: Asked, begun: float) -> Spoken:
        text = trimmed(asked.text, self._name, self._other_names)
        first = None if asked.first_at_s is None else (asked.first_at_s - begun) * 1000
        return Spoken(
            text=text,
            written=(asked.text,),
            prompt=asked.prompt,
            system=asked.system,
            prompt_tokens=len(asked.request.prompt_ids),
            reused_tokens=asked.usage.reused_tokens,
            first_ms=first,
            first_written_ms=first,
            whole_ms=(time.perf_counter() - begun) * 1000,
            heard_tokens=self._session.tokenizer.count(text),
            error=asked.error,
        )

    def _fitting(self, said: Message) -> Sequence[tuple[Message, Message]]:
        """The latest turns that leave room for the reply."""
        room = self._budget.window_tokens - self._budget.reply_tokens - self._budget.margin_tokens
        first = 0
        while first < len(self._turns):
            turns = [message for turn in self._turns[first:] for message in turn]
            prompt = self._session.tokenizer.render([self._system, *turns, said])
            if len(prompt.token_ids) <= room:
                break
            first += 1
        return self._turns[first:]

    def _message(self, role: str, text: str) -> Message:
        words = self._session.tokenizer.neutralise(text).strip()
        return Message("user" if role == "user" else "assistant", words)


def pasted(sheet: CharacterSheet, world: World, names: Mapping[str, str]) -> str:
    """The world line and the whole sheet as text, as somebody without an engine pastes it."""
    others = (
        f"{names.get(other, other)} ({relation.feels}): {relation.note}"
        for other, relation in sheet.relationships.items()
        if other in names
    )
    secrets = (
        f"{secret.text.strip()} (keep it until "
        f"{secret.reveal_when.text if secret.reveal_when else 'never'})"
        for secret in sheet.secrets
    )
    known = (fact.text for fact in (*world.facts, *sheet.facts) if _knows(sheet, fact))
    parts: list[tuple[str, Sequence[str]]] = [
        ("World", [f"{world.name}. {world.setting.strip()}", *world.rules]),
        ("Talking with", [f"{world.player.name}. {world.player.about}"]),
        ("Name", [sheet.name]),
        ("Pronouns", [sheet.pronouns]),
        ("Summary", [sheet.summary]),
        ("Persona", [sheet.persona.strip()]),
        ("Traits", [", ".join(sheet.traits)]),
        ("Speech style", [sheet.speech.style.strip()]),
        ("Says", sheet.speech.says),
        ("Never says", [", ".join(sheet.speech.never_says)]),
        ("Most sentences in a reply", [str(sheet.speech.max_sentences or "")]),
        ("Goals", sheet.goals),
        ("Relationships", list(others)),
        ("Knows", list(known)),
        ("Secrets", list(secrets)),
        ("Background", [sheet.background.strip()]),
        ("Boundaries", sheet.boundaries),
        ("Examples", [f"Player: {e.player} {sheet.nickname}: {e.reply}" for e in sheet.examples]),
        ("Note", [sheet.post_history]),
    ]
    lines = [f"{name}: {' '.join(texts)}" for name, texts in parts if any(texts)]
    return "\n".join([f"You are {sheet.name}. {STAY}", *lines])


def seed_of(seed: int, probe_id: str) -> int:
    """The seed of one answer, which depends on the run's seed and on the probe alone."""
    digest = hashlib.blake2b(f"{seed}:{probe_id}".encode(), digest_size=4).digest()
    return int.from_bytes(digest) & 0x7FFFFFFF


def _knows(sheet: CharacterSheet, fact: Fact) -> bool:
    """Whether the character knows a fact, as its author would tell at a glance."""
    wanted = {"everyone", sheet.id, *sheet.tags}
    return fact in sheet.facts or fact.id in sheet.knows or not wanted.isdisjoint(fact.known_by)
