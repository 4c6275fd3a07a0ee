"""Compares every Triton kernel with its plain form: on a GPU, or as a script with the interpreter.

`TRITON_INTERPRET=1 python -m tests.model.triton_against_plain` needs Triton and no GPU.
"""

import torch

from npc_engine.model.cuda import plain_kernels, triton_kernels
from npc_engine.model.cuda.packing import pack_int4, pack_int8
from tests.model.gpu_stage import attention_case

TOLERANCE = {torch.float32: 2e-5, torch.bfloat16: 2e-2}


def check_attention(device, dtype, *, heads=6, kv_heads=2, size=16) -> None:
    query, keys, values, cases = attention_case(
        device, dtype, heads=heads, kv_heads=kv_heads, size=size
    )
    exact = [part.float() for part in (query, keys, values)]  # as the sums of the kernel are
    for tiles in cases:
        for programs in (1, 20, 512):
            found, wanted = torch.full_like(query, 9), torch.full_like(exact[0], 9)
            plain_kernels.attend(*exact, tiles, 0.25, wanted)
            triton_kernels.attend(query, keys, values, tiles, 0.25, found, num_programs=programs)
            close(found, wanted)
    # Queries as `transformers` gives them: heads apart, positions side by side.
    apart = query.transpose(0, 1).contiguous().transpose(0, 1)
    again = torch.full_like(query, 9)
    triton_kernels.attend(apart, keys, values, cases[-1], 0.25, again)
    close(again, wanted)


def check_turning(device, dtype, *, rotary=8) -> None:
    chance = torch.Generator().manual_seed(3)
    mixed = torch.randn((4, 10, 16), generator=chance).to(device, dtype)
    turns = torch.randn((2, 192, rotary), generator=chance).to(device)
    slots = torch.tensor([2, -1, 0, 2], dtype=torch.int32, device=device)
    positions = torch.tensor([5, 0, 191, 6], dtype=torch.int32, device=device)
    results = []
    for kernels in (plain_kernels, triton_kernels):
        keys, values = (torch.zeros((3, 2, 192, 16), dtype=dtype, device=device) for _ in "kv")
        query = kernels.turn_and_write(mixed, turns, keys, values, slots, positions)
        results.append((query, keys, values))
    assert results[0][1].any()
    for wanted, found in zip(*results, strict=True):
        close(found, wanted)


def check_activations(device, dtype) -> None:
    x = torch.randn((3, 1500), generator=torch.Generator().manual_seed(4)).to(device, dtype)
    close(triton_kernels.squared(x), plain_kernels.squared(x))
    close(triton_kernels.gated(x), plain_kernels.gated(x))


def check_products(device, dtype, *, rows=(1, 3, 17), outs=40, ins=160) -> None:
    chance = torch.Generator().manual_seed(5)
    weight = (torch.randn((outs, ins), generator=chance) / ins**0.5).to(device, dtype)
    for count in rows:
        x = torch.randn((count, ins), generator=chance).to(device, dtype)
        total = torch.randn((count, outs), generator=chance).to(device, dtype)
        for name, given in (
            ("plain_product", weight),
            ("product", pack_int8(weight)),
            ("product", pack_int4(weight)),
        ):
            ours, plain = getattr(triton_kernels, name), getattr(plain_kernels, name)
            exact = given.float() if name == "plain_product" else given
            wanted = plain(x.float(), exact)
            close(ours(x, given), wanted)
            close(ours(x, given, total.clone()), wanted + total)


def close(found: torch.Tensor, wanted: torch.Tensor) -> None:
    allowed = TOLERANCE[found.dtype]
    torch.testing.assert_close(found.float(), wanted.float(), rtol=allowed, atol=allowed)


if __name__ == "__main__":
    for check in (check_attention, check_turning, check_activations, check_products):
        check("cpu", torch.float32)
    print("all equal")
