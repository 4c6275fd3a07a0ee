"""Runs to record: a stage whose NPCs soon fold, random scripts, and what a replay found."""

import json
import random
from contextlib import suppress

from npc_engine.engine.replay import replay_file
from npc_engine.errors import CommandError, StoreError
from npc_engine.model.scripted import Reply, ScriptedSession
from tests.engine.crowd import finish
from tests.stage import write_project
from tests.stage_engine import open_engine

WHO = ("ann", "bo", "cid", "dot")
PATIENCE_S = 10.0
_LONG = "Two carts came over the hill before noon while the older men counted barrels by the well. "


def write_stage(folder):
    write_project(folder)
    for who in WHO[2:]:
        path = folder / "characters" / f"{who}.yaml"
        path.write_text(
            f"name: {who.title()} Reed\nworld: ford\nsummary: Stands about in Ford.\n"
            "barks: {fail: [Not now., Later.]}\n"
            "memory: {high_water_tokens: 500, low_water_tokens: 250}\n",
            encoding="utf-8",
        )


def words_for(request):
    """A reply that depends on the request alone."""
    if request.priority == "background":
        return Reply("The stranger spoke of two carts and barrels by the well.", delay_s=0.0005)
    chance = random.Random(request.seed)
    text = f"{_LONG} I saw {chance.randrange(1000)} of them. It rained on the {chance.random()}."
    return Reply(text, delay_s=chance.choice((0.0, 0.0, 0.001)))


def open_stage(folder, session=None, **options):
    if not (folder / "characters").exists():
        write_stage(folder)
    session = session or ScriptedSession(words_for)
    return open_engine(folder, session, record=folder / "run.jsonl", **options)


def replay(folder, **options):
    return replay_file(folder / "run.jsonl", patience_s=PATIENCE_S, **options)


def rows(folder, kind=None):
    text = (folder / "run.jsonl").read_text(encoding="utf-8")
    found = [json.loads(line) for line in text.splitlines()]
    return [row for row in found if kind is None or row["k"] == kind]


class Script:
    """A random game: everything it does is drawn, and what makes no sense is left out."""

    def __init__(self, engine, seed):
        self.engine = engine
        self.chance = random.Random(seed)
        self.lines = []
        self.snapshots = []
        self.steps = (self.say, self.say, self.say, self.cancel, self.world, self.go, self.tick)
        self.steps += (self.rest, self.change, self.save, self.load)

    def play(self, steps):
        for _ in range(steps):
            step = self.chance.choice(self.steps)
            with suppress(CommandError, StoreError):
                step()
        self.rest()

    def npc(self):
        return self.engine.npc(self.chance.choice(WHO))

    def say(self):
        options = {}
        if self.chance.random() < 0.2:
            options["whisper"] = True
        if self.chance.random() < 0.1:
            options["deadline_s"] = 0.02
        if self.chance.random() < 0.2:
            options["candidates"] = 2
        text = f"{_LONG} What of {self.chance.randrange(100)}?"
        self.lines.append(self.npc().say(text, **options))

    def cancel(self):
        if self.lines:
            self.chance.choice(self.lines).cancel()

    def world(self):
        world = self.engine.world
        self.chance.choice(
            (
                lambda: world.set("gate", self.chance.choice(("open", "shut"))),
                lambda: world.set("crowns", self.chance.randrange(9)),
                lambda: world.event("A bell rang.", place=self.chance.choice(("", "mill"))),
                lambda: world.fact("player", "debt", self.chance.randrange(9), known_by=["ann"]),
            )
        )()

    def go(self):
        who = self.chance.choice(WHO)
        if self.chance.random() < 0.5:
            self.engine.world.arrive(who, self.chance.choice(("mill", "ferry")))
        else:
            self.engine.world.leave(who)

    def tick(self):
        self.engine.tick(2)

    def rest(self):
        finish(self.engine, self.lines)

    def change(self):
        npc = self.npc()
        self.chance.choice(
            (
                npc.undo,
                lambda: self.lines.append(npc.regenerate()),
                lambda: self.lines.append(npc.greet()),
                lambda: npc.edit(self.entry(npc), "So it was."),
                lambda: npc.branch(self.entry(npc)),
            )
        )()

    def entry(self, npc):
        lines = npc.history()
        return self.chance.choice(lines).entry_id if lines else 0

    def save(self):
        self.snapshots.append(f"s{len(self.snapshots)}")
        self.engine.snapshot(self.snapshots[-1])

    def load(self):
        if self.snapshots:
            self.engine.restore(self.chance.choice(self.snapshots))
