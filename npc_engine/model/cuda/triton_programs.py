"""Programs of the Triton kernels; `triton_kernels` says what they compute and starts them.

Imports triton. Arguments in capitals are constants that a program is compiled for.
"""

import triton
import triton.language as tl


@triton.jit(do_not_specialize=["splits"])
def attend_part_program(
    query, keys, values, slots, starts, offsets, counts, partial, best, total, scale, splits,
    query_row, query_head, slot_stride, head_stride, position_stride,
    GROUP: tl.constexpr, HEAD_DIM: tl.constexpr, WIDTH: tl.constexpr, ROWS: tl.constexpr,
    DIMS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """One part of one slot, for the queries of one tile that share a key head."""
    tile = tl.program_id(0)
    kv_head = tl.program_id(1)
    split = tl.program_id(2)
    slot = tl.load(slots + tile)
    start = tl.load(starts + tile)
    count = tl.load(counts + tile)
    length = tl.where(slot < 0, 0, start + count)
    share = tl.cdiv(tl.cdiv(length, splits), BLOCK) * BLOCK
    first = split * share
    last = tl.minimum(first + share, length)

    row = tl.arange(0, ROWS)
    place = row // GROUP
    is_query = (row < WIDTH * GROUP) & (place < count)
    seen_to = start + place
    dims = tl.arange(0, DIMS)
    is_dim = dims < HEAD_DIM
    best_here = tl.full([ROWS], float("-inf"), tl.float32)
    total_here = tl.zeros([ROWS], tl.float32)
    sums = tl.zeros([ROWS, DIMS], tl.float32)
    at_part = ((tile * tl.num_programs(1) + kv_head) * splits + split) * ROWS + row
    if first < last:
        offset = tl.load(offsets + tile)
        asked = tl.load(
            query
            + (offset + place)[:, None] * query_row
            + (kv_head * GROUP + row % GROUP)[:, None] * query_head
            + dims[None, :],
            mask=is_query[:, None] & is_dim[None, :],
            other=0.0,
        )
        lane = slot.to(tl.int64) * slot_stride + kv_head * head_stride
        for at in range(first, last, BLOCK):
            position = at + tl.arange(0, BLOCK)
            is_held = position < last
            where = lane + position[:, None] * position_stride + dims[None, :]
            mask = is_held[:, None] & is_dim[None, :]
            key = tl.load(keys + where, mask=mask, other=0.0)
            score = tl.dot(asked, tl.trans(key), input_precision="ieee") * scale
            is_seen = is_held[None, :] & (position[None, :] <= seen_to[:, None])
            score = tl.where(is_seen, score, float("-inf"))
            better = tl.maximum(best_here, tl.max(score, 1))
            finite = tl.where(better == float("-inf"), 0.0, better)
            weight = tl.exp(score - finite[:, None])
            kept = tl.exp(best_here - finite)
            value = tl.load(values + where, mask=mask, other=0.0)
            found = tl.dot(weight.to(value.dtype), value, input_precision="ieee")
            sums = sums * kept[:, None] + found
            total_here = total_here * kept + tl.sum(weight, 1)
            best_here = better
        tl.store(
            partial + at_part.to(tl.int64)[:, None] * DIMS + dims[None, :],
            sums,
            mask=is_query[:, None] & is_dim[None, :],
        )
    tl.store(best + at_part, best_here, mask=is_query)
    tl.store(total + at_part, total_here, mask=is_query)


@triton.jit(do_not_specialize=["splits"])
def attend_join_program(
    partial, best, total, offsets, counts, out, splits, out_row, out_head,
    GROUP: tl.constexpr, HEAD_DIM: tl.constexpr, ROWS: tl.constexpr, DIMS: tl.constexpr,
    SPLITS: tl.constexpr,
):  # fmt: skip
    """The parts of one query put together; zeros where it saw nothing."""
    tile = tl.program_id(0)
    kv_head = tl.program_id(1)
    row = tl.program_id(2)
    place = row // GROUP
    if place < tl.load(counts + tile):
        split = tl.arange(0, SPLITS)
        dims = tl.arange(0, DIMS)
        is_dim = dims < HEAD_DIM
        at = ((tile * tl.num_programs(1) + kv_head) * splits + split) * ROWS + row
        bests = tl.load(best + at, mask=split < splits, other=float("-inf"))
        totals = tl.load(total + at, mask=split < splits, other=0.0)
        largest = tl.max(bests, 0)
        factor = tl.exp(bests - tl.where(largest == float("-inf"), 0.0, largest))
        parts = tl.load(
            partial + at.to(tl.int64)[:, None] * DIMS + dims[None, :],
            mask=(bests > float("-inf"))[:, None] & is_dim[None, :],
            other=0.0,
        )
        whole = tl.sum(totals * factor, 0)
        found = tl.sum(parts * factor[:, None], 0) / tl.where(whole == 0.0, 1.0, whole)
        offset = tl.load(offsets + tile)
        target = out + (offset + place) * out_row + (kv_head * GROUP + row % GROUP) * out_head
        tl.store(target + dims, found.to(out.dtype.element_ty), mask=is_dim)


@triton.jit
def turn_and_write_program(
    mixed, turns, sines_at, keys, values, query, slots, positions,
    mixed_row, slot_stride, head_stride, position_stride,
    HEADS: tl.constexpr, KV_HEADS: tl.constexpr, HEAD_DIM: tl.constexpr, ROTARY: tl.constexpr,
    DIMS: tl.constexpr,
):  # fmt: skip
    """One head of one new position."""
    new = tl.program_id(0)
    head = tl.program_id(1)
    slot = tl.load(slots + new)
    position = tl.load(positions + new)
    dims = tl.arange(0, DIMS)
    is_dim = dims < HEAD_DIM
    source = mixed + new.to(tl.int64) * mixed_row + head * HEAD_DIM
    value = tl.load(source + dims, mask=is_dim, other=0.0)
    if head < HEADS + KV_HEADS:
        is_turned = dims < ROTARY
        is_first = dims < ROTARY // 2
        partner = tl.where(is_first, dims + ROTARY // 2, dims - ROTARY // 2)
        other = tl.load(source + partner, mask=is_turned, other=0.0).to(tl.float32)
        other = tl.where(is_first, -other, other)
        angle = position * ROTARY + dims
        cosine = tl.load(turns + angle, mask=is_turned, other=1.0)
        sine = tl.load(turns + sines_at + angle, mask=is_turned, other=0.0)
        value = (value.to(tl.float32) * cosine + other * sine).to(value.dtype)
    if head < HEADS:
        tl.store(query + (new * HEADS + head) * HEAD_DIM + dims, value, mask=is_dim)
    else:
        place = slot.to(tl.int64) * slot_stride + position * position_stride + dims
        is_written = dims < tl.where(slot < 0, 0, HEAD_DIM)
        if head < HEADS + KV_HEADS:
            tl.store(keys + place + (head - HEADS) * head_stride, value, mask=is_written)
        else:
            lane = (head - HEADS - KV_HEADS) * head_stride
            tl.store(values + place + lane, value, mask=is_written)


@triton.jit
def squared_program(x, out, size, BLOCK: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    value = tl.load(x + at, mask=at < size, other=0.0).to(tl.float32)
    above = tl.maximum(value, 0.0)
    tl.store(out + at, (above * above).to(out.dtype.element_ty), mask=at < size)


@triton.jit
def gated_program(x, out, half, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    at = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    is_here = at < half
    gate = tl.load(x + row * 2 * half + at, mask=is_here, other=0.0).to(tl.float32)
    up = tl.load(x + row * 2 * half + half + at, mask=is_here, other=0.0).to(tl.float32)
    value = gate / (1.0 + tl.exp(-gate)) * up
    tl.store(out + row * half + at, value.to(out.dtype.element_ty), mask=is_here)


@triton.jit
def row_product_program(
    x, weight, scales, out, outs, ins,
    BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr, SCALED: tl.constexpr, ADD: tl.constexpr,
):  # fmt: skip
    """Some outputs of one row."""
    output = tl.program_id(0) * BLOCK_N + tl.arange(0, BLOCK_N)
    is_output = output < outs
    sums = tl.zeros([BLOCK_N, BLOCK_K], tl.float32)
    lane = output.to(tl.int64)[:, None] * ins
    for at in range(0, ins, BLOCK_K):
        place = at + tl.arange(0, BLOCK_K)
        is_place = place < ins
        value = tl.load(x + place, mask=is_place, other=0.0).to(tl.float32)
        factor = tl.load(
            weight + lane + place[None, :], mask=is_output[:, None] & is_place[None, :], other=0.0
        )
        sums += factor.to(tl.float32) * value[None, :]
    found = tl.sum(sums, 1)
    if SCALED:
        found *= tl.load(scales + output, mask=is_output, other=0.0)
    if ADD:
        found += tl.load(out + output, mask=is_output, other=0.0).to(tl.float32)
    tl.store(out + output, found.to(out.dtype.element_ty), mask=is_output)


@triton.jit(do_not_specialize=["rows"])
def rows_product_program(
    x, weight, scales, out, rows, outs, ins,
    ROWS: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr, SCALED: tl.constexpr,
    ADD: tl.constexpr,
):  # fmt: skip
    """Some outputs of all rows."""
    row = tl.arange(0, ROWS)
    is_row = row < rows
    output = tl.program_id(0) * BLOCK_N + tl.arange(0, BLOCK_N)
    is_output = output < outs
    lane = output.to(tl.int64)[None, :] * ins
    found = tl.zeros([ROWS, BLOCK_N], tl.float32)
    for at in range(0, ins, BLOCK_K):
        place = at + tl.arange(0, BLOCK_K)
        is_place = place < ins
        value = tl.load(
            x + row[:, None] * ins + place[None, :],
            mask=is_row[:, None] & is_place[None, :],
            other=0.0,
        )
        factor = tl.load(
            weight + lane + place[:, None], mask=is_output[None, :] & is_place[:, None], other=0.0
        )
        found += tl.dot(value, factor.to(value.dtype), input_precision="ieee")
    if SCALED:
        found *= tl.load(scales + output, mask=is_output, other=0.0)[None, :]
    target = out + row[:, None].to(tl.int64) * outs + output[None, :]
    is_target = is_row[:, None] & is_output[None, :]
    if ADD:
        found += tl.load(target, mask=is_target, other=0.0).to(tl.float32)
    tl.store(target, found.to(out.dtype.element_ty), mask=is_target)


@triton.jit(do_not_specialize=["rows"])
def half_bytes_product_program(
    x, codes, scales, lows, out, rows, outs, ins,
    ROWS: tl.constexpr, BLOCK_N: tl.constexpr, GROUP: tl.constexpr, ADD: tl.constexpr,
):  # fmt: skip
    """Some outputs of all rows; each byte holds two weights of a group, half a group apart."""
    HALF: tl.constexpr = GROUP // 2
    row = tl.arange(0, ROWS)
    is_row = row < rows
    output = tl.program_id(0) * BLOCK_N + tl.arange(0, BLOCK_N)
    is_output = output < outs
    place = tl.arange(0, HALF)
    num_groups = ins // GROUP
    code_lane = output.to(tl.int64)[None, :] * (ins // 2) + place[:, None]
    scale_lane = output.to(tl.int64) * num_groups
    found = tl.zeros([ROWS, BLOCK_N], tl.float32)
    for group in range(0, num_groups):
        value_at = x + row[:, None] * ins + group * GROUP + place[None, :]
        first = tl.load(value_at, mask=is_row[:, None], other=0.0)
        second = tl.load(value_at + HALF, mask=is_row[:, None], other=0.0)
        code = tl.load(codes + code_lane + group * HALF, mask=is_output[None, :], other=0)
        low_codes = (code & 15).to(tl.float32).to(first.dtype)
        high_codes = (code >> 4).to(tl.float32).to(first.dtype)
        part = tl.dot(first, low_codes, input_precision="ieee")
        part += tl.dot(second, high_codes, input_precision="ieee")
        whole = tl.sum(first.to(tl.float32), 1) + tl.sum(second.to(tl.float32), 1)
        scale = tl.load(scales + scale_lane + group, mask=is_output, other=0.0).to(tl.float32)
        low = tl.load(lows + scale_lane + group, mask=is_output, other=0.0).to(tl.float32)
        found += part * scale[None, :] + whole[:, None] * low[None, :]
    target = out + row[:, None].to(tl.int64) * outs + output[None, :]
    is_target = is_row[:, None] & is_output[None, :]
    if ADD:
        found += tl.load(target, mask=is_target, other=0.0).to(tl.float32)
    tl.store(target, found.to(out.dtype.element_ty), mask=is_target)
