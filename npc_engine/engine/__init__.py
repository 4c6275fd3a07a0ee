"""The facade a game holds: Engine, Npc, Line, and the world as the game changes it.

Everything above the dialogue of one turn: threads, delivery of events by `tick`, deadlines, saves.
"""

from npc_engine.engine.action_call import LATER, ActionCall
from npc_engine.engine.engine import Engine
from npc_engine.engine.line import Line
from npc_engine.engine.npc import Npc
from npc_engine.engine.rounds import Round
from npc_engine.engine.scene import Scene
from npc_engine.engine.world import WorldHandle

__all__ = ["LATER", "ActionCall", "Engine", "Line", "Npc", "Round", "Scene", "WorldHandle"]
