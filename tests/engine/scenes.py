"""Scenes full of canaries, and a plain account of who may know which.

Everything that is written, said, seen or stated holds a word of its own, the canary, and a topic
to ask for it. The account is kept beside the engine by rules of its own: who was where, who was
whispered to, who saw what. It takes from the save only which entries lie on the current path.
"""

import re
import threading
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from npc_engine.dialogue import folded, remembering
from npc_engine.engine import Engine
from npc_engine.errors import CommandError
from npc_engine.memory.entries import LEAF, LineSaid
from npc_engine.model.scripted import ScriptedSession

WHO = ("ada", "ben", "cyn", "dov")
PLACES = ("forge", "mill")
LIMIT_S = 30.0

_DIGITS = "bcfghjkmnp"
_CANARY = re.compile(f"zq[{_DIGITS}]{{4}}")
_ROW = re.compile(r"^\[(\d+)\] ([^:\n]+): (.*)$", re.MULTILINE)
_CALLED = re.compile(rf"the (mo[{_DIGITS}]{{4}}) is called (zq[{_DIGITS}]{{4}})", re.IGNORECASE)
_FILLER = (
    "Two carts came over the hill before noon while the older men counted barrels by the well. "
    "The younger boys were sent back for rope and lamp oil, and it rained on them all the way. "
    "By evening the yard stood under water and we ate cold bread on the stairs, as we always do. "
)


def _coded(number):
    return "".join(_DIGITS[int(digit)] for digit in f"{number:04}")


@cache
def canary(number):
    return f"zq{_coded(number)}"


@cache
def topic(number):
    return f"mo{_coded(number)}"


def tale(number):
    return f"The {topic(number)} is called {canary(number)}."


def canaries_in(text):
    return frozenset(_CANARY.findall(text))


# -- what authors wrote ---------------------------------------------------------------------------

SETTING, COMMON, OF_ADA, OF_GUILD, WHILE_SHUT, OF_RUMOUR = range(6)
LORE_OF_ADA, LORE_OF_GUILD, SEEN_BY_CYN = range(6, 9)
_SHEET_PARTS = (
    *("persona", "background", "secret", "own", "shared", "note", "example", "boundary"),
    *("relation", "greeting", "bark", "speech"),
)
FIRST_FREE = 100
_GUILD = ("ben", "cyn")


def part(who, name):
    """The number of what stands in one part of a sheet."""
    return 10 + len(_SHEET_PARTS) * WHO.index(who) + _SHEET_PARTS.index(name)


def after(who):
    return WHO[(WHO.index(who) + 1) % len(WHO)]


def written_for(who, values):
    """Numbers of what authors let one NPC know, as the world stands."""
    numbers = {SETTING, COMMON}
    numbers |= {part(who, name) for name in _SHEET_PARTS if name != "secret"}
    numbers.add(part(WHO[WHO.index(who) - 1], "shared"))
    if values[f"trust {who}"] >= 3:
        numbers.add(part(who, "secret"))
    rights = {
        OF_ADA: who == "ada",
        OF_GUILD: who in _GUILD,
        WHILE_SHUT: who in ("ada", "dov") and values["gate"] == "shut",
        OF_RUMOUR: who == "dov",
        LORE_OF_ADA: who == "ada",
        LORE_OF_GUILD: who in _GUILD and values["gate"] == "open",
        SEEN_BY_CYN: who == "cyn",
    }
    return numbers | {number for number, has in rights.items() if has}


def write_scene(folder):
    (folder / "characters").mkdir(parents=True)
    (folder / "worlds" / "lore").mkdir(parents=True)
    (folder / "worlds" / "ford.yaml").write_text(_world_yaml(), encoding="utf-8")
    for who in WHO:
        path = folder / "characters" / f"{who}.yaml"
        path.write_text(_sheet_yaml(who), encoding="utf-8")
    for name, number in (("ada", LORE_OF_ADA), ("guild", LORE_OF_GUILD)):
        text = f"# Of the {topic(number)}\n\n{tale(number)} {_FILLER}\n"
        (folder / "worlds" / "lore" / f"{name}.md").write_text(text, encoding="utf-8")


def _world_yaml():
    return f"""\
name: Ford
setting: A village at a river. {tale(SETTING)}
player: {{name: the stranger}}
guard: {{repeats: allow}}
state:
  gate: {{one_of: [open, shut], value: shut, known_by: [cyn],
          say: "The gate is {{{{ value }}}}. {tale(SEEN_BY_CYN)}"}}
facts:
  - {{id: common, text: {tale(COMMON)}, keys: [{topic(COMMON)}], known_by: [everyone]}}
  - {{id: of_ada, text: {tale(OF_ADA)}, keys: [{topic(OF_ADA)}], known_by: [ada]}}
  - {{id: of_guild, text: {tale(OF_GUILD)}, keys: [{topic(OF_GUILD)}], known_by: [guild]}}
  - {{id: while_shut, text: {tale(WHILE_SHUT)}, keys: [{topic(WHILE_SHUT)}],
     when: 'state.gate == "shut"', known_by: [ada, dov]}}
  - {{id: told, text: {tale(OF_RUMOUR)}, keys: [{topic(OF_RUMOUR)}], tags: [rumour]}}
lore:
  - {{path: lore/ada.md, known_by: [ada]}}
  - {{path: lore/guild.md, known_by: [guild], when: 'state.gate == "open"'}}
remember:
  - {{slot: tale, from: anyone, cardinality: many, say: "{{speaker}} told of the {{value}}.",
     pattern: "The (?P<value>\\\\w+ is called \\\\w+)"}}
  - {{slot: errand, say: "{{speaker}} wants {{value}}.", pattern: "bring me (?P<value>\\\\w+)"}}
"""


def _sheet_yaml(who):
    def told(name):
        return tale(part(who, name))

    def fact(name, known_by):
        number = part(who, name)
        return (
            f"{{id: {name}, text: {tale(number)}, keys: [{topic(number)}], known_by: {known_by}}}"
        )

    tags = "[guild]" if who in _GUILD else "[]"
    knows = "[rumour]" if who == "dov" else "[]"
    return f"""\
name: {who.title()}
world: ford
tags: {tags}
knows: {knows}
summary: {who.title()} lives in Ford.
persona: {told("persona")}
background: {told("background")}
speech: {{style: {told("speech")}}}
relationships:
  player: {{trust: 0}}
  {after(who)}: {{trust: 2, note: {told("relation")}}}
secrets:
  - {{id: hidden, text: {told("secret")}, keys: [{topic(part(who, "secret"))}],
     reveal_when: relationships.player.trust >= 3}}
facts:
  - {fact("own", "[]")}
  - {fact("shared", f"[{after(who)}]")}
boundaries: [{told("boundary")}]
greetings: [{told("greeting")}]
examples:
  - {{player: What news, reply: {told("example")}}}
barks: {{fail: [{told("bark")}]}}
post_history: {told("note")}
memory: {{high_water_tokens: 940, low_water_tokens: 470}}
"""


# -- who may know what ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Note:
    """What the account holds of one entry of the save."""

    kind: str
    """`told`, `edit`, `place`, `value` or `nothing`."""
    known_to: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    target: int = 0
    name: str = ""
    value: object = None


class Account:
    """Who may know what, from its own notes on the entries that lie on a path."""

    def __init__(self):
        self.notes = {}

    def places(self, path_ids):
        places = {}
        for note in self._on(path_ids):
            if note.kind == "place":
                places[note.name] = note.value
        return {who: place for who, place in places.items() if place}

    def values(self, path_ids):
        values = {"gate": "shut", **{f"trust {who}": 0 for who in WHO}}
        for note in self._on(path_ids):
            if note.kind == "value":
                values[note.name] = note.value
        return values

    def known_to(self, who, path_ids):
        """The canaries that may stand in a prompt of this NPC at the end of a path."""
        told = {}
        for entry_id in path_ids:
            note = self.notes[entry_id]
            if note.kind == "told" and who in note.known_to:
                told[entry_id] = note.words
            elif note.kind == "edit" and note.target in told:
                told[note.target] = note.words
        written = {canary(number) for number in written_for(who, self.values(path_ids))}
        return written.union(*told.values())

    def _on(self, path_ids):
        return (self.notes[entry_id] for entry_id in path_ids)


# -- the scene ------------------------------------------------------------------------------------


class Scene:
    """Four NPCs in the timeline of a game, one of them also in a chat of her own.

    With `errands`, every line of the player replaces what an earlier one taught.
    """

    def __init__(self, folder, *, model_folds=True, errands=True, first=FIRST_FREE):
        self.folder = Path(folder)
        self.account = Account()
        self.seen = Counter()
        """In how many prompts each section held a canary, by NPC and section."""
        self._model_folds = model_folds
        self._errands = errands
        self.next_number = first
        self._lock = threading.Lock()
        self._turn = 0
        self._given = frozenset()
        self._snapshots = 0
        write_scene(self.folder)
        self._open()
        self.private = self.engine.new_chat("ada").chat_id

    def _open(self):
        self.session = ScriptedSession(self._speak)
        self.engine = Engine.open(
            self.folder / "worlds" / "ford.yaml",
            self.folder / "characters",
            self.folder / "slot.db",
            self.session,
            prewarm=False,
        )

    def close(self):
        self.engine.close()

    @property
    def chats(self):
        return (self.engine.timeline, self.private)

    def fresh(self):
        """A number that nothing holds yet."""
        with self._lock:
            self.next_number += 1
            return self.next_number - 1

    def npc(self, who, private=False):
        return self.engine.npc(who, self.private if private else None)

    def path_ids(self, chat_id, end=LEAF):
        return [entry.id for entry in self.engine._store.path(chat_id, end)]

    # -- what the model says ----------------------------------------------------------------------

    def _speak(self, request):
        prompt = self.session.tokenizer.decode(request.prompt_ids)
        if request.priority == "background":
            return self._about_old_turns(prompt) if self._model_folds else "none"
        reply = f"{tale(self.fresh())} {_FILLER}"
        if "Tell me all" in prompt.rpartition("user\n")[2]:
            heard = sorted(canaries_in(prompt))
            reply += f"They also speak of {' and '.join(heard[request.seed % 7 :: 7][:3])}."
        return reply

    def _about_old_turns(self, prompt):
        """Sentences and fact lines that say what the lines say, so that they pass all checks."""
        rows = [
            (n, who, called)
            for n, who, text in _ROW.findall(prompt)
            for called in _CALLED.findall(text)
        ]
        if not rows:
            return "none"
        if "five facts" in prompt:
            return "\n".join(
                f"- The {of} is called {word}. [{n}]" for n, _, (of, word) in rows[-3:]
            )
        place = sum(map(ord, prompt[-200:])) % len(rows)
        _, who, (of, word) = rows[place]
        return f"{who[:1].upper()}{who[1:]} said that the {of} is called {word}, and it rained."

    # -- what happens -----------------------------------------------------------------------------

    def say(self, who, *, whisper=False, hearers=None, private=False, tell=False, given=False):
        npc = self.npc(who, private)
        listeners = self._listeners(who, npc.chat_id, whisper, hearers)
        errand = f"Now bring me {canary(self.fresh())}. " if self._errands else ""
        text = f"{tale(self.fresh())} {errand}{_FILLER}"
        if tell:
            text += "Tell me all."
        contexts = ()
        if given:
            number = self.fresh()
            contexts, self._given = (tale(number),), frozenset({canary(number)})
        npc.ask(text, whisper=whisper, hearers=hearers, contexts=contexts)
        self._note_lines(npc.chat_id, listeners)
        return listeners, canaries_in(text)

    def greet(self, who):
        npc = self.npc(who)
        listeners = self._listeners(who, npc.chat_id, False, None)
        npc.wait(npc.greet())
        self._note_lines(npc.chat_id, listeners)

    def regenerate(self, who, private=False):
        npc = self.npc(who, private)
        asked = npc.talk.past.last_player_entry()
        # The reply is written as if nothing had happened since the line.
        self._given = self.account.known_to(who, self.path_ids(npc.chat_id, asked.id))
        npc.wait(npc.regenerate())
        self._note_lines(npc.chat_id, self.account.notes[asked.id].known_to)

    def swipe(self, who, index):
        self.npc(who).swipe_to(index)

    def undo(self, who, private=False):
        self.npc(who, private).undo()

    def branch(self, who, place):
        npc = self.npc(who)
        npc.branch(self._line(npc, place))

    def edit(self, who, place, private=False):
        npc = self.npc(who, private)
        self.edit_line(npc, self._line(npc, place))

    def edit_line(self, npc, target):
        number = self.fresh()
        npc.edit(target, f"{tale(number)} {_FILLER}")
        words = frozenset({canary(number)})
        self._note_new(npc.chat_id, Note("edit", words=words, target=target))

    def event(self, *, witnesses=None, place="", private=False):
        chat_id = self.npc("ada", private).chat_id
        places = self.account.places(self.path_ids(chat_id))
        if witnesses is not None:
            seen_by = witnesses
        elif place and places:
            seen_by = [who for who, where in places.items() if where == place]
        else:
            seen_by = WHO
        number = self.fresh()
        world = self.npc("ada", private).world
        world.event(tale(number), witnesses=witnesses, place=place)
        world.settle()
        self._note_told(chat_id, seen_by, number)

    def state_fact(self, known_by, *, pinned=False, slot="", private=False):
        npc, number = self.npc("ada", private), self.fresh()
        text, keys = tale(number), (topic(number),)
        fact = {"text": text, "known_by": known_by, "keys": keys, "pinned": pinned}
        npc.world.fact("player", slot, canary(number), **fact)
        npc.world.settle()
        self._note_told(npc.chat_id, WHO if known_by is None else known_by, number)

    def tell_by_hand(self, who):
        """What a person at the keyboard lets an NPC remember."""
        npc, number = self.npc(who), self.fresh()
        remembering.remember(npc.talk, self.engine._store, tale(number))
        self._note_told(npc.chat_id, (who,), number)

    def change_fact(self, who, place, change):
        npc = self.npc(who)
        facts = npc.talk.learned()
        if not facts:
            raise CommandError("nothing was learned yet")
        fact, number = facts[place % len(facts)], self.fresh()
        remembering.change(npc.talk, self.engine._store, fact, change, tale(number))
        self._note_told(npc.chat_id, (who,) if change == "edit" else (), number)

    def change_fold(self, who, place, change):
        npc = self.npc(who)
        folds = folded.list_folds(npc.talk)
        if not folds:
            raise CommandError("nothing was folded yet")
        target, number = folds[place % len(folds)].entry_id, self.fresh()
        folded.change_fold(npc.talk, self.engine._store, target, change, tale(number))
        self._note_told(npc.chat_id, (who,) if change == "edit" else (), number)

    def arrive(self, who, place, private=False):
        world = self.npc(who, private).world
        world.arrive(who, place)
        world.settle()
        self._note_new(self.npc(who, private).chat_id, Note("place", name=who, value=place))

    def leave(self, who):
        self.engine.world.leave(who)
        self.engine.world.settle()
        self._note_new(self.engine.timeline, Note("place", name=who, value=""))

    def set_gate(self, value):
        self.engine.world.set("gate", value)
        self.engine.world.settle()
        self._note_new(self.engine.timeline, Note("value", name="gate", value=value))

    def set_trust(self, who, trust):
        self.engine.world.set(f"relationships.{who}.player.trust", trust)
        self.engine.world.settle()
        self._note_new(self.engine.timeline, Note("value", name=f"trust {who}", value=trust))

    def take_over(self, other, memories):
        """Bring the memories of another scene into this one, and the world to where it stands."""
        for who, text in memories.items():
            self.engine.import_memory(who, text)
        values = other.account.values(other.path_ids(other.engine.timeline))
        self.set_gate(values["gate"])
        for who, place in other.engine.world.state.places.items():
            if place:
                self.arrive(who, place)

    def snapshot(self):
        self._snapshots += 1
        self.engine.snapshot(f"s{self._snapshots}")

    def restore(self, number):
        if not self._snapshots:
            raise CommandError("no snapshot yet")
        self.restore_named(f"s{1 + number % self._snapshots}")

    def restore_named(self, name):
        self.engine.restore(name)
        self.rest()
        self._check_requests()

    def reopen(self):
        self.engine.close()
        self._open()

    # -- keeping the account ----------------------------------------------------------------------

    def _listeners(self, who, chat_id, whisper, hearers):
        if whisper:
            return frozenset({who})
        if hearers is not None:
            return frozenset({who, *hearers})
        places = self.account.places(self.path_ids(chat_id))
        here = places.get(who)
        return frozenset({who, *(each for each in places if here and places[each] == here)})

    def _line(self, npc, place):
        lines = npc.history()
        if not lines:
            raise CommandError("nothing was said yet")
        return lines[place % len(lines)].entry_id

    def _new(self, chat_id):
        path = self.engine._store.path(chat_id)
        return [entry for entry in path if entry.id not in self.account.notes]

    def _note_lines(self, chat_id, listeners):
        self.rest()
        for entry in self._new(chat_id):
            said = entry.payload
            if isinstance(said, LineSaid):
                note = Note("told", listeners, canaries_in(said.text))
            else:
                note = Note("nothing")
            self.account.notes[entry.id] = note
        self._check_requests()

    def _note_told(self, chat_id, known_to, number):
        self._note_new(chat_id, Note("told", frozenset(known_to), frozenset({canary(number)})))

    def _note_new(self, chat_id, note):
        """One entry was made, or none where nothing changed by it."""
        for entry in self._new(chat_id):
            self.account.notes[entry.id] = note

    def rest(self):
        """Wait until nothing is under way: turns, what follows them, and folds."""
        loop = self.engine._loop
        for lane in [(npc.chat_id, npc.id) for npc in self.everybody()]:
            self._wait_behind(lambda done, lane=lane: loop.run_in_lane(lane, done.set))
        self.engine.npc("ada")._gate.wait_for_folds()
        self.npc("ada", private=True)._gate.wait_for_folds()
        self._wait_behind(lambda done: loop.folds.submit(lambda handle: not done.set()))
        self.engine.tick(None)

    def _wait_behind(self, submit):
        done = threading.Event()
        submit(done)
        assert done.wait(LIMIT_S)

    # -- looking ----------------------------------------------------------------------------------

    def everybody(self):
        """Each NPC in each chat it may be met in."""
        return [self.npc(who) for who in WHO] + [self.npc("ada", private=True)]

    def known_to(self, who, private=False):
        chat_id = self.npc(who, private).chat_id
        return self.account.known_to(who, self.path_ids(chat_id))

    def question(self, npc):
        """A line that asks for what this NPC must not know, and for what it may."""
        known = self.known_to(npc.id, npc.chat_id == self.private)
        numbers = range(self.next_number)
        foreign = [n for n in numbers if canary(n) not in known]
        familiar = [n for n in numbers if canary(n) in known]
        self._turn += 1
        start = 5 * self._turn % max(1, len(foreign))
        asked = [*foreign[-3:], *foreign[start : start + 3]]
        asked += familiar[self._turn * 7 % max(1, len(familiar)) :][:2]
        return f"What of {', '.join(map(topic, asked))}?"

    def check(self):
        """Nobody's prompt holds what it cannot know."""
        for npc in self.everybody():
            plan = npc.plan(self.question(npc))
            known = self.known_to(npc.id, npc.chat_id == self.private)
            leaks = canaries_in(plan.to_json()) - known
            assert not leaks, f"{npc.id} in chat {npc.chat_id} knows {leaks}:\n{plan.text}"
            self._count(plan)

    def _check_requests(self):
        """Look at every prompt the model was sent by now, before anything is taken back."""
        for request in self.session.requests:
            chat_id, who = request.conversation.split(":")[:2]
            known = self.account.known_to(who, self.path_ids(int(chat_id)))
            held = canaries_in(self.session.tokenizer.decode(request.prompt_ids))
            leaks = held - known - self._given
            assert not leaks, f"the model was told {leaks} for {request.conversation}"
        self.session.requests.clear()
        self._given = frozenset()

    def _count(self, plan):
        for section in plan.sections:
            if canaries_in(section.text):
                self.seen[plan.npc, section.name] += 1
