"""Looks at weight files before and after they are read, so that damage is named in plain words.

Imports no torch: a safetensors file begins with a table of what it holds.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from npc_engine.errors import LoadError

_AGAIN = "get the model again"
_MAX_TABLE_BYTES = 100_000_000
_LAYER = re.compile(r"\blayers\.(\d+)\.")


def check_weight_files(folder: Path) -> None:
    """Refuse files that end too early or begin with something else, and shards that are not here.

    Raises:
        LoadError: Names the file, what was found and what was expected.
    """
    index = folder / "model.safetensors.index.json"
    if index.is_file() and not (folder / "model.safetensors").is_file():
        for name in _shards(index):
            if not (folder / name).is_file():
                raise LoadError(
                    f"{folder}: no {name}; expected every file that {index.name} names; {_AGAIN}"
                )
    for path in sorted(folder.glob("*.safetensors")):
        _check_length(path)


def check_complete(folder: Path, config: Mapping[str, Any], report: Mapping[str, Any]) -> None:
    """Refuse weights that are not those of the configuration.

    Missing ones would be filled with random numbers, and layers too many left out, without an
    error.

    Args:
        folder: Of the model.
        config: What config.json says.
        report: What `from_pretrained` tells with `output_loading_info`.

    Raises:
        LoadError: Names the first few.
    """
    mismatched = sorted(report.get("mismatched_keys") or ())
    if mismatched:
        name, found, wanted = mismatched[0]
        raise LoadError(
            f"{folder}: {len(mismatched)} weights have another shape than config.json says, such "
            f"as {name}: found {tuple(found)}; expected {tuple(wanted)}; {_AGAIN}"
        )
    missing = sorted(report.get("missing_keys") or ())
    if missing:
        names = ", ".join(missing[:3])
        raise LoadError(
            f"{folder}: {len(missing)} weights are missing ({names}); expected all that "
            f"config.json asks for; {_AGAIN}"
        )
    num_layers = int(config.get("num_hidden_layers") or 0)
    more = [int(n) for name in report.get("unexpected_keys") or () for n in _LAYER.findall(name)]
    if any(number >= num_layers for number in more):
        raise LoadError(
            f"{folder}: the weights hold {max(more) + 1} layers; expected {num_layers} as "
            f"config.json says; use the config.json of this very model"
        )


def _shards(index: Path) -> list[str]:
    """The files that an index names."""
    try:
        names = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
        return sorted({str(name) for name in names})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise LoadError(f"{index}: cannot be read as an index of weights; {_AGAIN}") from error


def _check_length(path: Path) -> None:
    """Compare a file's length with what its table says it holds."""
    size = path.stat().st_size
    with path.open("rb") as file:
        table_bytes = int.from_bytes(file.read(8), "little")
        if size < 8 or table_bytes > _MAX_TABLE_BYTES:
            raise LoadError(
                f"{path}: {size:,} bytes that do not begin like safetensors; expected weights in "
                f"that format; {_AGAIN}"
            )
        table = file.read(table_bytes)
    try:
        entries = json.loads(table)
        ends = [entry["data_offsets"][1] for name, entry in entries.items() if name[:2] != "__"]
        wanted = 8 + table_bytes + max(ends, default=0)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        if size < 8 + table_bytes:
            wanted = 8 + table_bytes
        else:
            raise LoadError(f"{path}: its table of weights cannot be read; {_AGAIN}") from error
    if size < wanted:
        raise LoadError(
            f"{path}: found {size:,} bytes; expected {wanted:,} or more; the file was cut off; "
            f"{_AGAIN}"
        )
