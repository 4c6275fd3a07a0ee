"""Games to record that use everything: actions, scenes, a content policy, bounds and barge-in."""

import random

from npc_engine.dialogue.content_policy import Finding
from npc_engine.engine import LATER, Deadlines
from npc_engine.model.scripted import Reply, ScriptedSession
from tests.engine.recorded_runs import WHO, Script, open_stage, write_stage

ACTIONS = """\
actions:
  ring_bell: {description: Ring the bell., keys: [bell], reversible: true}
  sell_flour:
    description: Sell flour.
    parameters: {sacks: {type: integer, minimum: 1, maximum: 9}}
    required: [sacks]
    keys: [flour]
    tells: "{npc} sells {sacks} sacks."
  look_up: {description: Look it up in the book., keys: [book], returns: true}
  lend_boat: {description: Lend the boat., keys: [boat], confirm: true}
"""
NAMES = ("ring_bell", "sell_flour", "look_up", "lend_boat")
CALLS = {
    "bell": '<toolcall> {"name": "ring_bell", "arguments": {}} </toolcall>',
    "flour": '<toolcall> {"name": "sell_flour", "arguments": {"sacks": 2}} </toolcall>',
    "book": '<toolcall> {"name": "look_up", "arguments": {}} </toolcall>',
    "boat": '<toolcall> {"name": "lend_boat", "arguments": {}} </toolcall>',
    "weather": '<toolcall> {"name": "sell_flour", "arguments": {"sacks": 99}} </toolcall>',
}


def write_game(folder):
    write_stage(folder)
    world = folder / "worlds" / "ford.yaml"
    world.write_text(world.read_text(encoding="utf-8") + ACTIONS, encoding="utf-8")
    for who in WHO:
        sheet = folder / "characters" / f"{who}.yaml"
        text = sheet.read_text(encoding="utf-8") + f"actions: [{', '.join(NAMES)}]\n"
        sheet.write_text(text, encoding="utf-8")


class GameSession(ScriptedSession):
    """Calls for what the last words name; the rest depends on the request alone."""

    def __init__(self):
        super().__init__(self._words)

    def _words(self, request):
        if request.priority == "background":
            return Reply("The stranger spoke of the mill.", delay_s=0.0005)
        chance = random.Random(request.seed)
        asked = self.tokenizer.decode(request.prompt_ids).rpartition("The ")[2]
        call = CALLS.get(asked.partition(",")[0], "")
        words = chance.choice(
            ("So be it. ", "", f"I saw {chance.randrange(99)} carts. It rained. ")
        )
        return Reply(f"{words}{call}" or "Yes.", delay_s=chance.choice((0.0, 0.0, 0.001)))


class Policy:
    """Forbids what the game likes at the moment."""

    def __init__(self, chance):
        self.chance = chance

    def check(self, text, stage, npc):
        if self.chance.random() < 0.1:
            return Finding("Violence")
        return None


def open_game(folder, session=None, **options):
    if not (folder / "characters").exists():
        write_game(folder)
    options = {"prewarm": False, **options}
    return open_stage(folder, session or GameSession(), **options)


class GameScript(Script):
    """A random game with all of it."""

    def __init__(self, engine, seed):
        super().__init__(engine, seed)
        self.open_calls = []
        self.rounds = []
        engine.on_action("ring_bell", self.ring, retract=lambda call: self.chance.random() < 0.7)
        engine.on_action("sell_flour", self.sell, veto=lambda call: self.chance.random() < 0.8)
        engine.on_action("look_up", self.look_up)
        engine.on_action("lend_boat", lambda call: None)
        self.steps += (self.act, self.act, self.act, self.settle, self.settle)
        self.steps += (self.heard, self.focus, self.queue, self.policy)
        self.steps += (self.scene, self.scene, self.among, self.narrate)
        self.steps += (self.rest, self.rest, self.take_back, self.bark)

    def ring(self, call):
        if self.chance.random() < 0.3:
            self.engine.world.set("gate", self.chance.choice(("open", "shut")))

    def sell(self, call):
        self.open_calls.append(call)
        return LATER if self.chance.random() < 0.8 else None

    def look_up(self, call):
        if self.chance.random() < 0.2:
            raise RuntimeError("the book is gone")
        return {"page": self.chance.randrange(99)}

    def act(self):
        about = self.chance.choice(tuple(CALLS))
        yes = "Yes, please. " if self.chance.random() < 0.3 else ""
        self.lines.append(self.npc().say(f"{yes}The {about}, please."))

    def bark(self):
        self.lines.append(self.npc().bark("fail", record=self.chance.random() < 0.5))

    def take_back(self):
        npc = self.npc()
        self.lines.append(npc.say("The bell, please."))
        self.rest()
        npc.undo()

    def settle(self):
        if self.open_calls:
            call = self.open_calls.pop(self.chance.randrange(len(self.open_calls)))
            getattr(call, self.chance.choice(("done", "failed", "refused")))()

    def heard(self):
        if self.lines:
            self.chance.choice(self.lines[-4:]).cancel(heard=self.chance.randrange(40))

    def focus(self):
        metres = {who: self.chance.choice((1.0, 8.0, 40.0)) for who in WHO}
        self.engine.set_focus(self.chance.choice((None, metres)))

    def queue(self):
        how = self.chance.choice(("queue", "refuse"))
        priority = self.chance.choice(("player", "ambient", "background"))
        npc = self.npc()
        for _ in range(2):
            line = npc.say("The weather, please.", while_speaking=how, priority=priority)
            self.lines.append(line)

    def policy(self):
        self.engine.set_policy(self.chance.choice((None, Policy(random.Random(1)))))

    def place(self):
        return self.engine.scene("mill", members=("ann", "bo", "player"))

    def scene(self):
        words = self.chance.choice(("Good day, all of you.", "Ann, the bell, please?", "Hm."))
        to = {"whisper_to": "ann"} if self.chance.random() < 0.2 else {}
        self.rounds.append(self.place().say(words, **to))

    def among(self):
        self.rounds.append(self.place().talk_among("rain", max_lines=3, cooldown_s=0.0))

    def narrate(self):
        self.place().narrate("A shelf falls down.")

    def rest(self):
        super().rest()
        if self.rounds:
            scene = self.place()
            for played in self.rounds:
                scene.wait(played)


GAME = {"deadlines": {"ambient": Deadlines(first_s=0.5, total_s=3.0)}, "max_lines": 6}
