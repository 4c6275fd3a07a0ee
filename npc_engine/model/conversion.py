"""Weights of other formats, rewritten once as safetensors beside a tokenizer.json.

GGUF files are dequantised; pickled weights are read by torch's restricted reader, which runs no
code. Imports torch only inside functions.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from npc_engine.errors import LoadError
from npc_engine.model.gguf_source import SUPPORTED, Gguf, config_of, open_gguf, weights_of
from npc_engine.model.gguf_tokenizer import tokenizer_config_of, tokenizer_json_of

if TYPE_CHECKING:
    from torch import Tensor

Progress = Callable[[str, float | None], None]

_SHARD_BYTES = 2 << 30
_SIDE_FILES = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
)


def ignore(step: str, share: float | None) -> None:
    """Report to nobody."""


def convert_gguf(path: Path, target: Path, progress: Progress) -> None:
    """Write a GGUF as a model folder in bfloat16.

    Files of the model's own tokenizer that lie beside the GGUF are preferred to its vocabulary.

    Raises:
        LoadError: Not a GGUF, or one whose layout or tokenizer is not known.
    """
    source = open_gguf(path)
    if source.architecture not in SUPPORTED:
        raise LoadError(
            f"{path}: architecture {source.architecture!r}; GGUF files of {', '.join(SUPPORTED)} "
            "can be read; for others use the model's folder or hub id"
        )
    _write_json(target / "config.json", config_of(source))
    _write_tokenizer(source, target)
    import torch

    num_done, total = 0, len(source.tensors)

    def weights() -> "Iterator[tuple[str, Tensor]]":
        nonlocal num_done
        for name, values in weights_of(source):
            num_done += 1
            progress("converting weights", num_done / total)
            yield name, torch.from_numpy(values).to(torch.bfloat16)

    _write_shards(weights(), target)


def convert_pickles(folder: Path, target: Path, progress: Progress) -> None:
    """Write a model folder with `pytorch_model*.bin` again as safetensors, in the same precision.

    Raises:
        LoadError: A weight file holds something other than tensors, or is cut short.
    """
    import torch

    files = sorted(folder.glob("pytorch_model*.bin"))

    def weights() -> "Iterator[tuple[str, Tensor]]":
        for index, file in enumerate(files):
            try:
                state = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
            except Exception as error:
                raise LoadError(
                    f"{file}: cannot be read as plain weights ({error}); download it again"
                ) from error
            for done, (name, values) in enumerate(state.items()):
                progress("converting weights", (index + done / len(state)) / len(files))
                yield name, values.contiguous().clone()

    for name in _SIDE_FILES:
        if (folder / name).is_file():
            shutil.copyfile(folder / name, target / name)
    _write_shards(weights(), target)


def _write_tokenizer(source: Gguf, target: Path) -> None:
    beside = source.path.parent / "tokenizer.json"
    if beside.is_file():
        for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
            if (source.path.parent / name).is_file():
                shutil.copyfile(source.path.parent / name, target / name)
        return
    (target / "tokenizer.json").write_text(tokenizer_json_of(source), encoding="utf-8")
    _write_json(target / "tokenizer_config.json", tokenizer_config_of(source))


def _write_shards(weights: "Iterable[tuple[str, Tensor]]", target: Path) -> None:
    """Save tensors in files of at most about 2 GiB, with the index `transformers` reads."""
    from safetensors.torch import save_file

    shards: list[dict[str, Any]] = [{}]
    placed: dict[str, int] = {}
    size = total = 0

    def flush() -> None:
        save_file(shards[-1], target / f"part-{len(shards)}.safetensors", metadata={"format": "pt"})

    for name, values in weights:
        num_bytes = values.numel() * values.element_size()
        if shards[-1] and size + num_bytes > _SHARD_BYTES:
            flush()
            shards[-1] = {}
            shards.append({})
            size = 0
        shards[-1][name] = values
        placed[name] = len(shards)
        size += num_bytes
        total += num_bytes
    flush()
    final = [f"model-{number:05}-of-{len(shards):05}.safetensors" for number in
             range(1, len(shards) + 1)]  # fmt: skip
    if len(shards) == 1:
        final = ["model.safetensors"]
    for number, name in enumerate(final, start=1):
        (target / f"part-{number}.safetensors").rename(target / name)
    if len(shards) > 1:
        places = {name: final[number - 1] for name, number in placed.items()}
        index = {"metadata": {"total_size": total}, "weight_map": places}
        _write_json(target / "model.safetensors.index.json", index)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False), encoding="utf-8")
