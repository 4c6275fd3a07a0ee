"""Speed on a GPU, with random weights of the exact shape of Nemotron-Mini: nothing is downloaded.

`python -m benchmarks.gpu [--quick] [--device cuda] [--json FILE]` needs torch and transformers, and
takes less than eight minutes. What cannot be measured is named, and the rest goes on.
"""

import argparse
import gc
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.gpu_clock import copy_bytes_per_s, gemm_flops_per_s
from benchmarks.gpu_model import NEMOTRON_MINI, TINY, Shape
from benchmarks.gpu_report import Findings, hardware, table, versions, write_json

if TYPE_CHECKING:
    from benchmarks.gpu_passes import Place

_LIMIT_S = 7 * 60.0
"""Nothing new is begun after this."""


def main() -> int:
    """Measure, print a table, and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, no compiling")
    parser.add_argument("--tiny", action="store_true", help="a tiny shape: only that it runs")
    parser.add_argument("--json", type=Path, help="where to write everything")
    asked = parser.parse_args()
    import torch

    if asked.device.startswith("cuda") and not torch.cuda.is_available():
        print("no CUDA device found; use --device cpu --quick --tiny to try the benchmark itself")
        return 2
    bench = Bench(asked.device, tiny=asked.tiny, quick=asked.quick)
    bench.run()
    print()
    print(table(bench.found.figures))
    for problem in bench.found.problems:
        print(f"not measured: {problem}")
    named = ", ".join(f"{name} {version}" for name, version in versions().items())
    print(f"\n{hardware(asked.device)}; {named}")
    settings = {
        "model": bench.shape.name,
        "dtype": bench.dtype,
        "quick": asked.quick,
        "seconds": round(bench.elapsed_s),
    }
    print(", ".join(f"{name}: {value}" for name, value in settings.items()))
    if asked.json:
        write_json(asked.json, bench.found, asked.device, settings)
    return 0


class Bench:
    """One run: a part after the other, each on its own."""

    def __init__(self, device: str, *, tiny: bool, quick: bool) -> None:
        """Plan a run."""
        from benchmarks.gpu_passes import Sizes

        self.device = device
        self.shape: Shape = TINY if tiny else NEMOTRON_MINI
        self.dtype = "bfloat16" if device.startswith("cuda") else "float32"
        self.found = Findings(has_targets=device.startswith("cuda") and not tiny)
        self._is_quick = quick
        self._is_tiny = tiny
        self._begun = time.monotonic()
        rounds = 3 if quick else 8
        if tiny:
            self._sizes = Sizes((1, 2, 4), (20, 60), 4, 64, 150, 10, (8, 16), 60, 2)
        else:
            steps = 24 if quick else 64
            self._sizes = Sizes(
                rows=(1, 8, 32),
                contexts=(500, 1500, 3500),
                steps=steps,
                chunk_tokens=1024,
                long_tokens=3500,
                new_tokens=40,
                beside=(64, 256),
                swap_tokens=1500,
                rounds=rounds,
            )

    @property
    def elapsed_s(self) -> float:
        """Seconds since the run was planned."""
        return time.monotonic() - self._begun

    def run(self) -> None:
        """All parts, in an order that leaves the slowest and least needed for the end."""
        from benchmarks.gpu_passes import Place

        place = Place(self.shape, self.device, self.dtype, self._measure_ceilings())
        parts = [
            ("passes", self._passes),
            ("session", self._session),
            ("packed weights", self._packed),
        ]
        is_gpu = self.device.startswith("cuda")
        if is_gpu and not self._is_quick:
            parts.append(("generate, static and compiled", self._compiled))
        for name, part in parts:
            self._attempt(name, partial(part, place))
            self._free()
        if is_gpu:
            self._memory()

    def _attempt(self, what: str, part: Callable[[], None]) -> None:
        """One part; its fault is written down."""
        if self.elapsed_s > _LIMIT_S:
            self.found.problems.append(f"{what}: the time was up")
            return
        print(what, flush=True)
        try:
            part()
        except Exception as error:  # noqa: BLE001 - the rest is measured all the same
            text = str(error).strip().splitlines()
            first = text[0] if text else ""
            self.found.problems.append(f"{what}: {type(error).__name__}: {first}")
            print(f"  failed: {type(error).__name__}: {first}", file=sys.stderr, flush=True)

    def _measure_ceilings(self) -> float:
        print("ceilings", flush=True)
        num_bytes, size = (1 << 24, 256) if self._is_tiny else (1 << 31, 8192)
        copy = copy_bytes_per_s(self.device, num_bytes)
        self.found.add("copy, read and written", copy / 1e12, "TB/s")
        flops = gemm_flops_per_s(self.device, size)
        self.found.add(f"product of {size:,} x {size:,}, bfloat16", flops / 1e12, "TFLOP/s")
        return copy

    def _passes(self, place: "Place") -> None:
        from benchmarks import gpu_passes as passes

        begun = time.monotonic()
        model = place.build()
        self.found.add("building the model", time.monotonic() - begun, "s")
        begun = time.monotonic()
        stage = passes.Stage.open(place, self._sizes, model)
        self.found.add("taking it over and recording passes", time.monotonic() - begun, "s")
        for measure in (
            passes.measure_decode,
            passes.measure_prompts,
            passes.measure_mixed,
            passes.measure_swap,
            passes.measure_products,
        ):
            self._attempt(_name(measure), partial(measure, stage, self.found))

    def _session(self, place: "Place") -> None:
        from benchmarks import gpu_session as asking

        model = place.build()
        session = asking.open_session(place, self._sizes, model)
        given = (place, self._sizes, self.found)
        try:
            for measure in (
                asking.measure_first_token,
                asking.measure_speaking,
                asking.measure_cancel,
            ):
                self._attempt(_name(measure), partial(measure, session, *given))
        finally:
            session.close()
        self._attempt("generate", partial(asking.measure_generate, model, *given))

    def _packed(self, place: "Place") -> None:
        from benchmarks.gpu_passes import measure_packed

        measure_packed(place, self._sizes, self.found)

    def _compiled(self, place: "Place") -> None:
        from benchmarks.gpu_session import measure_generate_compiled

        measure_generate_compiled(place.build(), place, self._sizes, self.found)

    def _memory(self) -> None:
        import torch

        self.found.add(
            "most memory given to tensors", torch.cuda.max_memory_allocated() / (1 << 30), "GiB"
        )

    def _free(self) -> None:
        import torch

        gc.collect()
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()


def _name(measure: Callable[..., None]) -> str:
    return measure.__name__.removeprefix("measure_").replace("_", " ")


if __name__ == "__main__":
    raise SystemExit(main())
