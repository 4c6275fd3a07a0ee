"""Times of work on a device, and what the device can do at best. Imports torch inside functions."""

import math
import time
from collections.abc import Callable, Sequence


def synchronise(device: str) -> None:
    """Wait until the device has done all it was given."""
    import torch

    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def seconds_each(
    run: Callable[[], object], device: str, *, rounds: int, warm_ups: int
) -> list[float]:
    """Seconds of each call, the device being idle before and after it."""
    for _ in range(warm_ups):
        run()
    found: list[float] = []
    for _ in range(rounds):
        synchronise(device)
        begun = time.perf_counter()
        run()
        synchronise(device)
        found.append(time.perf_counter() - begun)
    return found


def seconds_in_a_row(
    run: Callable[[], object], device: str, *, calls: int, rounds: int = 3
) -> float:
    """Seconds a call where calls follow each other and nobody waits for one; best of the rounds."""
    run()
    totals: list[float] = []
    for _ in range(rounds):
        synchronise(device)
        begun = time.perf_counter()
        for _ in range(calls):
            run()
        synchronise(device)
        totals.append(time.perf_counter() - begun)
    return min(totals) / calls


def share_of(values: Sequence[float], share: float) -> float:
    """The value that such a share of all does not exceed; 0.5 is the median."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def copy_bytes_per_s(device: str, num_bytes: int) -> float:
    """Bytes read and written a second by a copy that fits into no cache."""
    import torch

    chance = torch.randint(0, 255, (num_bytes,), dtype=torch.uint8, device=device)
    target = torch.empty_like(chance)
    seconds = seconds_in_a_row(lambda: target.copy_(chance), device, calls=10, rounds=5)
    return 2 * num_bytes / seconds


def gemm_flops_per_s(device: str, size: int) -> float:
    """Multiplications and additions a second of a square product in bfloat16."""
    import torch

    left, right = (torch.randn((size, size), dtype=torch.bfloat16, device=device) for _ in range(2))
    seconds = seconds_in_a_row(lambda: left @ right, device, calls=10, rounds=3)
    return 2 * size**3 / seconds
