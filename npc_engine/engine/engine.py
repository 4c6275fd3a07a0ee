"""Engine: a world, its NPCs, one save, and a model that answers for them."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Unpack

from npc_engine.actions.offered import declared_actions
from npc_engine.content.action_declarations import ActionDeclaration
from npc_engine.content.character import PLAYER
from npc_engine.content.library import Library
from npc_engine.content.nearest import suggest
from npc_engine.dialogue.action_rules import ActionRules
from npc_engine.dialogue.candidates import CandidateSettings
from npc_engine.dialogue.cast import Cast
from npc_engine.dialogue.content_policy import ContentPolicy, PolicyGate
from npc_engine.dialogue.plain_text import plain
from npc_engine.engine.action_desk import Handler, Handling, Retract, Veto
from npc_engine.engine.attention import HEARING_M, WARM_M
from npc_engine.engine.clock import SystemClock
from npc_engine.engine.company import Company
from npc_engine.engine.engine_options import EngineOptions, EngineSettings
from npc_engine.engine.journal import Address, Journal, recorded
from npc_engine.engine.loading import OpenSession
from npc_engine.engine.loop import Loop
from npc_engine.engine.npc import Npc
from npc_engine.engine.recorded_files import WatchedFiles
from npc_engine.engine.recording import Recorder
from npc_engine.engine.recording_header import RunSettings, header_of
from npc_engine.engine.scene import Scene
from npc_engine.engine.stats import EngineStats
from npc_engine.engine.warming import WarmUp
from npc_engine.engine.world import WorldHandle
from npc_engine.errors import CommandError, NpcEngineError
from npc_engine.events import Event, Notice
from npc_engine.memory.entries import Chat
from npc_engine.memory.lore_index import LoreIndex
from npc_engine.memory.store import SaveStore
from npc_engine.model import open_session
from npc_engine.protocols import ModelSession

TIMELINE = "timeline"
"""Title of the chat in which a game lets all its NPCs speak."""


class Engine:
    """A world, its NPCs and one save, with a model that answers for them.

    Any number of NPCs may be spoken to at once; the lines of one NPC are answered in order. At most
    64 replies are under way at the same time, and further NPCs wait in the order in which they
    were spoken to. `say`, `cancel`, `world.set` and `world.event` may be called from any thread.
    `tick` and the fields of a `Line` belong to one thread, which is usually the game's own.
    """

    def __init__(
        self,
        library: Library,
        world_id: str,
        store: SaveStore,
        session: ModelSession | OpenSession,
        *,
        journal: Journal | None = None,
        **options: Unpack[EngineOptions],
    ) -> None:
        """Put an engine together from its parts; most callers want `Engine.open`.

        Args:
            library: Where sheets and worlds come from.
            world_id: The world to play in.
            store: The save; the engine closes it.
            session: A ready session, or how to open one: that then happens on a thread of its own
                while lines already wait. The engine closes it.
            journal: Records the run, or replays one.
            options: See `EngineOptions`.

        Raises:
            CommandError: An option is out of bounds.
        """
        settings = EngineSettings(**options)
        choosing = CandidateSettings.of(settings.candidates, settings.choose_within_s)
        self._library = library
        self._world_id = world_id
        self._store = store
        self.journal = journal or Journal()
        """Of what happens, for recordings."""
        store.guard_with(self.journal.lock(), always=self.journal.keeps_order)
        store.on_entry = self.journal.note_entry
        self._lock = threading.RLock()
        self._lore = LoreIndex()
        self._timeline: int | None = None
        self._players: dict[str, str] = {}
        self._scenes: dict[str, Scene] = {}
        self._settings = settings
        self.cast = self._read_cast()
        """The world and everybody in it."""
        self._loop = Loop(
            session,
            settings.clock or SystemClock(),
            self.journal,
            max_lines=settings.max_lines,
            deadlines=settings.deadlines,
        )
        self._policy = PolicyGate(
            settings.policy,
            lambda text: self._loop.inbox.post(Notice("warning", text)),
            self.journal.meet,
        )
        self._company = Company(
            self._loop,
            store,
            seed=settings.seed,
            prewarm=settings.prewarm,
            profile=settings.profile,
            candidates=choosing,
            rules=ActionRules(self._loop.met_desk, settings.actions_per_turn, settings.grounding),
            policy=self._policy,
        )
        self._warm_world()

    @classmethod
    def open(
        cls,
        world: str | Path,
        characters: str | Path = "characters",
        save: str | Path | None = None,
        model: str | ModelSession = "auto",
        *,
        record: str | Path | None = None,
        **options: Unpack[EngineOptions],
    ) -> "Engine":
        """Open a world with its characters and a save.

        Faults in sheets, world and save are raised here. The model loads in the background: `say`
        may be called at once, and `wait_ready` waits until it can answer.

        Args:
            world: A world file.
            characters: The folder with the sheets.
            save: The save file, made if it is missing; None keeps everything in memory.
            model: A name for `open_session`, or a ready session.
            record: A new file that keeps the run for `npc replay`; see docs/replay.md.
            options: See `EngineOptions`.

        Raises:
            CommandError: An option is out of bounds.
            RecordingError: There is a file at `record` already, or it cannot be written.
            ContentError: The world, or a sheet that belongs to it, is wrong; holds every fault.
            StoreError: The save is damaged, locked, newer, or cannot be written.
        """
        world_path = Path(world)
        library = Library.open(Path(characters), world_path.parent)
        world_id = library.world(world_path).id
        recorder = None if record is None else Recorder(Path(record))
        journal = recorder or Journal()
        used_clock = journal.clock(options.get("clock") or SystemClock())
        options["clock"] = used_clock
        try:
            store = SaveStore.open(None if save is None else Path(save), used_clock)
        except BaseException:
            journal.close()
            raise
        session: ModelSession | OpenSession
        if isinstance(model, str):
            name = model

            def session(on_progress: Callable[[str, float | None], None]) -> ModelSession:
                return open_session(name, on_progress=on_progress)
        else:
            session = model
        try:
            if recorder is not None:
                settings = RunSettings(world_path, Path(characters), EngineSettings(**options))
                recorder.put_header(header_of(settings, library, store, recorder.path))
                recorder.files = WatchedFiles(library, world_path)
            return cls(library, world_id, store, session, journal=journal, **options)
        except BaseException:
            journal.close()
            store.close()
            raise

    # -- the model ----------------------------------------------------------------------------

    @property
    def session(self) -> ModelSession | None:
        """The model session; None while it loads, and when that failed."""
        return self._loop.session

    @property
    def load_error(self) -> NpcEngineError | None:
        """Why the model could not be loaded."""
        return self._loop.load_error

    def wait_ready(self, timeout_s: float | None = None) -> ModelSession:
        """Wait for the model; delivers events on this thread meanwhile.

        Raises:
            ModelError: It could not be loaded.
            TimeoutError: It was not ready in time.
        """
        return self._loop.wait_ready(timeout_s)

    # -- who and where ------------------------------------------------------------------------

    @property
    def npc_ids(self) -> tuple[str, ...]:
        """Everybody who can be spoken with, in the order of their files."""
        return tuple(self.cast.sheets)

    @property
    def timeline(self) -> int:
        """The chat in which a game lets all its NPCs speak; made when first needed."""
        with self._lock:
            if self._timeline is None:
                chats = [chat for chat in self._store.chats() if not chat.npc]
                self._timeline = chats[0].id if chats else self.begin_timeline()
            return self._timeline

    @property
    def address(self) -> Address:
        """How a replay finds the engine."""
        return ("engine",)

    @recorded
    def begin_timeline(self) -> int:
        """Make the chat in which a game lets all its NPCs speak; `timeline` does so by itself."""
        return self._store.create_chat(TIMELINE, "").id

    @property
    def world(self) -> WorldHandle:
        """The world of the game's timeline."""
        if not self.npc_ids:
            raise CommandError(f"{self.cast.world.name} has no characters")
        return self.npc(self.npc_ids[0]).world

    def npc(self, npc_id: str, chat_id: int | None = None) -> Npc:
        """An NPC in the game's timeline, or in the chat given.

        Raises:
            CommandError: There is no such character in this world.
        """
        self._require(npc_id)
        return self._company.npc(npc_id, self.timeline if chat_id is None else chat_id, self.cast)

    def scene(self, place: str, members: Iterable[str] = ()) -> Scene:
        """Several NPCs and players at one place; always the same object for a place.

        Args:
            place: Its name, as `world.arrive` has it.
            members: Ids of NPCs and players who are there from now on, besides those who are.

        Raises:
            CommandError: The place has no name, or somebody is unknown.
        """
        name = place.strip()
        for who in members:
            self.world.arrive(who, name)
        if not name:
            raise CommandError("scene: found a place without a name; expected one")
        if name not in self._scenes:
            self._scenes[name] = Scene(self, self._loop, name, self._settings.seed)
        return self._scenes[name]

    @recorded
    def name_player(self, player_id: str, name: str) -> None:
        """Let another player take part, besides `player`; to be said again after a load.

        Raises:
            CommandError: The id or the name is empty, or the id is taken by somebody else.
        """
        if not player_id.strip() or not name.strip():
            raise CommandError("a player needs an id and a name; found an empty one")
        if player_id in (*self.cast.sheets, PLAYER):
            raise CommandError(f'found the player id "{player_id}", which is taken; choose another')
        self._players[player_id] = plain(name).strip()
        self.cast = replace(self.cast, players=dict(self._players))
        self._company.recast(self.cast)

    def chats(self, npc_id: str) -> tuple[Chat, ...]:
        """The chats with one NPC alone, the latest first."""
        return tuple(chat for chat in self._store.chats() if chat.npc == npc_id)

    @recorded
    def new_chat(self, npc_id: str, title: str = "") -> Npc:
        """Begin another chat with an NPC; raises `CommandError` for an unknown one."""
        self._require(npc_id)
        number = len(self.chats(npc_id)) + 1
        name = title or f"{self.cast.sheets[npc_id].nickname} {number}"
        return self.npc(npc_id, self._store.create_chat(name, npc_id).id)

    def resume_chat(self, npc_id: str) -> Npc:
        """The latest chat with an NPC, or a new one."""
        chats = self.chats(npc_id)
        return self.npc(npc_id, chats[0].id) if chats else self.new_chat(npc_id)

    @recorded
    def reload(self) -> tuple[str, ...]:
        """Read changed sheets and worlds again; the talks go on with them.

        Returns:
            Ids of what changed.

        Raises:
            ContentError: A changed file is wrong; the old content stays in force.
        """
        self.journal.reloading()
        changed = self._library.reload()
        if changed:
            self.cast = self._read_cast()
            self._company.recast(self.cast)
            self.journal.note_reload()
            self._warm_world()
        return changed

    def set_policy(self, policy: ContentPolicy | None) -> None:
        """Ask a game's own content policy from the next line on; None lets everything pass.

        It is asked about every line of the player before a prompt is made, and about every
        sentence of a reply before it is heard. What it finds is handled as the `policy:` of world
        and sheet say. A policy that raises blocks what it was asked about, with one `Notice`.
        """
        self._policy.set(policy)

    # -- the loop -----------------------------------------------------------------------------

    def tick(self, budget_ms: float | None = 2) -> int:
        """Deliver what has happened, on this thread, and end overdue lines.

        Args:
            budget_ms: Stop after this much wall time; the rest comes with the next tick. None
                delivers everything that waits.

        Returns:
            How many events were delivered.

        Raises:
            CommandError: A tick is under way: on another thread, or around this call, which then
                comes from a handler.
        """
        return self._loop.tick(budget_ms)

    def stats(self) -> EngineStats:
        """Figures for an overlay of the game: ticks, overruns, lines, speed."""
        return self._loop.stats()

    def set_focus(
        self,
        metres: Mapping[str, float] | None,
        *,
        hearing_m: float = HEARING_M,
        warm_m: float = WARM_M,
    ) -> None:
        """Tell how far the NPCs are from the player; may be called every frame.

        Among equal lines the nearest NPC is answered first. A line to one beyond `hearing_m` ends
        at once as `too_far`. One that comes within `warm_m` is read ahead, as by `Npc.approach`.

        Args:
            metres: Distances by NPC. Who is not in it is out of range. None: everybody is near, as
                before the first call.
            hearing_m: How far talk reaches.
            warm_m: How near is close enough to be read ahead.

        Raises:
            CommandError: There is no such character.
        """
        known = self.cast.sheets.keys()
        for npc_id in self._loop.attention.set(metres, known, hearing_m, warm_m):
            self.npc(npc_id).approach()

    def subscribe(self, listen: Callable[[Event], None]) -> Callable[[], None]:
        """Call `listen` with every event that a tick delivers; returns how to stop that."""
        return self._loop.subscribe(listen)

    # -- actions ------------------------------------------------------------------------------

    @property
    def declared_actions(self) -> Mapping[str, ActionDeclaration]:
        """All actions that the world and its sheets declare, by name."""
        declared = dict(self.cast.world.actions)
        for sheet in self.cast.sheets.values():
            declared |= declared_actions(sheet, self.cast.world)
        return declared

    def on_action(
        self,
        name: str,
        handle: Handler,
        *,
        veto: Veto | None = None,
        retract: Retract | None = None,
    ) -> None:
        """Take an action that worlds or sheets declare; NPCs only know of actions that are taken.

        `handle(call)` runs in a tick, once for each call. What it returns is the result; `LATER`
        says that the game calls `call.done`, `call.failed` or `call.refused` itself, in whatever
        tick or thread. A coroutine is awaited on the running event loop, or on a thread of the
        engine's. A handler that raises has failed; the NPC speaks all the same.

        Args:
            name: Of a declared action.
            handle: Does it.
            veto: Asked first, in the same tick; False refuses.
            retract: Takes a done action back, for `reversible` ones; False refuses. Without it the
                talk cannot go back behind the action.

        Raises:
            CommandError: Nothing declares such an action, or it is declared with `veto: true` and
                there is no `veto`.
        """
        declared = self.declared_actions
        if name not in declared:
            advice = suggest(name, declared, kind="actions")
            where = f'no action "{name}" in {self.cast.world.name}'
            raise CommandError(f"{where}; {advice}" if advice else where)
        if declared[name].veto and veto is None:
            raise CommandError(
                f"{name} is declared with veto: true; give veto=, which is asked first"
            )
        self._loop.desk.register(name, Handling(handle, veto, retract))
        self.journal.note_handler(name)

    # -- saves --------------------------------------------------------------------------------

    @recorded
    def snapshot(self, name: str) -> None:
        """Remember where every chat stands, under a name, in one transaction.

        Changes of the world that still wait are let in first. Of a reply under way only the
        player's line is in the snapshot.
        """
        self._company.settle_worlds()
        self._store.snapshot(name)

    @recorded
    def restore(self, name: str) -> None:
        """Go back to a snapshot in one transaction.

        Replies under way end and are not kept; nor are lines that were handed in, and changes of
        the world that were made, before this call.

        Raises:
            StoreError: There is no such snapshot; nothing changed.
        """
        self._loop.cancel_all()
        self._store.restore(name)
        self._loop.desk.forget_all()
        self._company.restored()

    def export_memory(self, npc_id: str, chat_id: int | None = None) -> str:
        """What an NPC remembers, as readable JSON; see `Npc.export_memory`."""
        return self.npc(npc_id, chat_id).export_memory()

    def import_memory(self, npc_id: str, text: str, chat_id: int | None = None) -> int:
        """Let an NPC remember what such a JSON text holds; see `Npc.import_memory`."""
        return self.npc(npc_id, chat_id).import_memory(text)

    def close(self) -> None:
        """End all lines, keep what was said, free the model, close the save. Twice is fine."""
        if not self._loop.is_closed:
            self._loop.close()
            self.journal.end(self._store)
            self._store.close()

    def __enter__(self) -> "Engine":
        """The engine itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the engine."""
        self.close()

    # -- inside -------------------------------------------------------------------------------

    def _warm_world(self) -> None:
        """Read ahead what all NPCs share, once the model is there."""
        if not self._settings.prewarm:
            return
        name = f"world:{self._world_id}"
        shared_ids = partial(self.cast.shared_ids, profile=self._company.profile)
        self._loop.warmer.ask(WarmUp(name, shared_ids, lambda: not self._loop.is_closed))

    def _read_cast(self) -> Cast:
        world = self._library.world(self._world_id)
        sheets = {sheet.id: sheet for sheet in self._library.cast(world)}
        self._lore.update(self._library.lore(self._world_id))
        return Cast(world, sheets, self._lore, dict(self._players))

    def _require(self, npc_id: str) -> None:
        if npc_id not in self.cast.sheets:
            advice = suggest(npc_id, self.cast.sheets, kind="there are")
            raise CommandError(f'no character "{npc_id}" in {self.cast.world.name}; {advice}')
