"""A roleplay engine for game characters that runs on the player's own machine.

The public names: open an `Engine`, take an `Npc` from it, `say` something, read the `Line`.
"""

from npc_engine.engine import Engine, Line, Npc, WorldHandle
from npc_engine.errors import (
    CommandError,
    ContentError,
    ModelError,
    NpcEngineError,
    StoreError,
)
from npc_engine.model.scripted import ScriptedSession

__version__ = "0.1.0"

__all__ = [
    "CommandError",
    "ContentError",
    "Engine",
    "Line",
    "ModelError",
    "Npc",
    "NpcEngineError",
    "ScriptedSession",
    "StoreError",
    "WorldHandle",
    "__version__",
]
