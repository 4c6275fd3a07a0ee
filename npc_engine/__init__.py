"""A roleplay engine for game characters that runs on the player's own machine.

The public names: open an `Engine`, take an `Npc` from it, `say` something, read the `Line`.
They are imported when they are first used: the model's own process needs none of them.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from npc_engine.dialogue.content_policy import ContentPolicy, Finding
    from npc_engine.dialogue.keyword_policy import KeywordPolicy
    from npc_engine.engine import (
        LATER,
        ActionCall,
        Engine,
        Line,
        Npc,
        Round,
        Scene,
        WorldHandle,
    )
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
    "LATER",
    "ActionCall",
    "CommandError",
    "ContentError",
    "ContentPolicy",
    "Engine",
    "Finding",
    "KeywordPolicy",
    "Line",
    "ModelError",
    "Npc",
    "NpcEngineError",
    "Round",
    "Scene",
    "ScriptedSession",
    "StoreError",
    "WorldHandle",
    "__version__",
]

_HOMES = {
    "LATER": "npc_engine.engine",
    "ActionCall": "npc_engine.engine",
    "ContentPolicy": "npc_engine.dialogue.content_policy",
    "Finding": "npc_engine.dialogue.content_policy",
    "KeywordPolicy": "npc_engine.dialogue.keyword_policy",
    "Engine": "npc_engine.engine",
    "Line": "npc_engine.engine",
    "Npc": "npc_engine.engine",
    "Round": "npc_engine.engine",
    "Scene": "npc_engine.engine",
    "WorldHandle": "npc_engine.engine",
    "ScriptedSession": "npc_engine.model.scripted",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    """The public name, imported now."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES.get(name, "npc_engine.errors")), name)


def __dir__() -> list[str]:
    """The public names, whether they were used or not."""
    return sorted({*globals(), *__all__})
