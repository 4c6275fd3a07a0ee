"""The model: loading, chat format, one engine thread, its own process, and a scripted stand-in.

The only layer that imports torch and transformers, and only when a model is loaded: importing this
package, rendering and counting need neither. Knows no sheet, no world and no save.
"""

from npc_engine.model.choosing import Choice, choose_model
from npc_engine.model.opening import open_session, open_tokenizer
from npc_engine.model.plain_tokenizer import PlainTokenizer
from npc_engine.model.remote.opening import open_remote
from npc_engine.model.scripted import Reply, ScriptedSession
from npc_engine.model.stored import ModelStatus, get_model, list_models, remove_model
from npc_engine.model.worker.session import WorkerSession

__all__ = [
    "Choice",
    "ModelStatus",
    "PlainTokenizer",
    "Reply",
    "ScriptedSession",
    "WorkerSession",
    "choose_model",
    "get_model",
    "list_models",
    "open_remote",
    "open_session",
    "open_tokenizer",
    "remove_model",
]
