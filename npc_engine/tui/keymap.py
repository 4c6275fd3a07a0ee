"""The user's own keys: a JSON object from ids of bindings to keys."""

import difflib
import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import platformdirs


@dataclass(frozen=True, slots=True)
class KeymapResult:
    """Keys that can be used, and what is wrong with the rest."""

    keys: dict[str, str]
    faults: tuple[str, ...] = ()


def default_keymap_path() -> Path:
    """Where a person's keymap lies."""
    return platformdirs.user_config_path("npc-engine") / "keymap.json"


def read_keymap(path: Path, known_ids: Collection[str]) -> KeymapResult:
    """The keymap of a file; a missing file is an empty one.

    Args:
        path: For example `{"chat.send": "ctrl+s", "chat.newline": "enter,ctrl+j"}`.
        known_ids: The ids that can be given keys.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return KeymapResult({})
    except (OSError, UnicodeDecodeError) as error:
        return KeymapResult({}, (f"{path.name}: cannot be read: {error}",))
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"{path.name}:{error.lineno}:{error.colno}"
        return KeymapResult({}, (f"{where}: found no JSON ({error.msg}); the usual keys apply",))
    if not isinstance(data, dict):
        expected = 'expected an object such as {"chat.send": "ctrl+s"}'
        return KeymapResult({}, (f"{path.name}: found {type(data).__name__}; {expected}",))
    return _checked(path.name, data, known_ids)


def _checked(name: str, data: dict[str, object], known_ids: Collection[str]) -> KeymapResult:
    keys: dict[str, str] = {}
    faults = []
    for binding_id, key in data.items():
        if binding_id not in known_ids:
            near = difflib.get_close_matches(binding_id, known_ids, n=1)
            mend = f'did you mean "{near[0]}"?' if near else "F1 lists the ids"
            faults.append(f'{name}: found "{binding_id}"; expected the id of a key; {mend}')
        elif not isinstance(key, str) or not key.strip():
            faults.append(f'{name} {binding_id}: found {key!r}; expected a key such as "ctrl+s"')
        else:
            keys[binding_id] = key
    return KeymapResult(keys, tuple(faults))
