"""Which model a name means on this machine, and why. Imports no torch."""

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from npc_engine.model.catalogue import NEMOTRON_MINI, SMOLLM2, find_source
from npc_engine.model.fetching import local_files
from npc_engine.model.weights_cache import WeightsCache

_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Choice:
    """Which model a name means on this machine."""

    name: str
    why: str
    """One line for people."""


def choose_model(name: str = "auto", *, cache_dir: Path | None = None) -> Choice:
    """The model a name means, and why.

    `auto` is Nemotron only where its weights are on this machine already and an NVIDIA GPU with
    enough memory can be used; otherwise the embedded model. Nothing is downloaded or loaded.

    Raises:
        LoadError: The name means nothing.
    """
    if name != "auto":
        return Choice(find_source(name).name, "asked for")
    nemotron = find_source(NEMOTRON_MINI)
    wanted = f"{nemotron.needs_gpu_bytes >> 30} GB"
    cache = WeightsCache(cache_dir)
    if not (cache.root / nemotron.key).is_dir() and local_files(nemotron, cache) is None:
        return Choice(
            SMOLLM2, f"{SMOLLM2}, small and embedded: the weights of {NEMOTRON_MINI} are not here"
        )
    memory = gpu_memory_bytes()
    if memory < nemotron.needs_gpu_bytes:
        return Choice(
            SMOLLM2,
            f"{SMOLLM2}, small and embedded: no usable GPU with {wanted} for {NEMOTRON_MINI}",
        )
    return Choice(NEMOTRON_MINI, f"{NEMOTRON_MINI}: its weights are here, and a GPU with {wanted}")


def gpu_memory_bytes() -> int:
    """Memory of the largest NVIDIA GPU that the installed torch can use; 0 if none.

    Asks `nvidia-smi` and reads torch's version file, so that torch need not be imported.
    """
    if not _torch_has_cuda():
        return 0
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return 0
    command = [tool, "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", timeout=10, check=True
        )
        return max((int(line) for line in done.stdout.split()), default=0) * _MIB
    except (OSError, ValueError, subprocess.SubprocessError):
        return 0


def _torch_has_cuda() -> bool:
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    version = Path(spec.origin).parent / "version.py"
    if not version.is_file():
        return False
    return re.search(r"^cuda\b.*=\s*['\"]\d", version.read_text(encoding="utf-8"), re.M) is not None
