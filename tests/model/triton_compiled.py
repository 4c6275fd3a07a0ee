"""Compiles every Triton program to machine code of an H100, which needs no GPU."""

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from npc_engine.model.cuda import triton_programs as programs

H100 = GPUTarget("cuda", 90, 32)
SHARED_BYTES = 227 * 1024
"""What one program may use there."""
HEADS = {"GROUP": 3, "HEAD_DIM": 128, "DIMS": 128}
COUNTS = ("slots", "starts", "offsets", "counts", "positions")
FLOATS = ("partial", "best", "total", "turns")
LOOSE = ("splits", "rows")


def compiled(program, dtype: str, constants: dict, types: dict | None = None, **options):
    signature, values, attributes = {}, {}, {}
    for index, name in enumerate(program.arg_names):
        kind = (types or {}).get(name) or kind_of(name, dtype, constants)
        signature[name] = kind
        if kind == "constexpr":
            values[(index,)] = constants[name]
        elif name not in LOOSE and kind != "fp32":
            attributes[(index,)] = [["tt.divisibility", 16]]
    source = ASTSource(fn=program, signature=signature, constexprs=values, attrs=attributes)
    made = triton.compile(source, target=H100, options=options)
    assert made.metadata.shared <= SHARED_BYTES
    return made


def kind_of(name: str, dtype: str, constants: dict) -> str:
    if name in constants:
        return "constexpr"
    if name in COUNTS:
        return "*i32"
    if name in FLOATS:
        return "*fp32"
    if name in {"query", "keys", "values", "out", "mixed", "x", "weight", "codes", "lows"}:
        return f"*{dtype}"
    return {"scale": "fp32", "scales": "*fp32"}.get(name, "i32")


def compile_all(dtype: str) -> None:
    block = 64 if dtype == "bf16" else 32
    for width, rows in ((1, 16), (16, 64), (32, 128)):
        constants = {**HEADS, "WIDTH": width, "ROWS": rows, "BLOCK": block}
        many = rows > 64
        compiled(
            programs.attend_part_program,
            dtype,
            constants,
            num_warps=8 if many else 4,
            num_stages=2 if many else 3,
        )
        compiled(programs.attend_join_program, dtype, {**HEADS, "ROWS": rows, "SPLITS": 64})
    turning = {"HEADS": 24, "KV_HEADS": 8, "HEAD_DIM": 128, "ROTARY": 64, "DIMS": 128}
    compiled(programs.turn_and_write_program, dtype, turning, num_warps=1)
    compiled(programs.squared_program, dtype, {"BLOCK": 1024})
    compiled(programs.gated_program, dtype, {"BLOCK": 1024})
    for scaled in (False, True):
        types = {"weight": "*i8"} if scaled else {}
        kept = {"SCALED": scaled, "ADD": True}
        row = {**kept, "BLOCK_N": 8, "BLOCK_K": 1024}
        compiled(programs.row_product_program, dtype, row, types)
        for rows in (16, 32):
            several = {**kept, "ROWS": rows, "BLOCK_N": 32, "BLOCK_K": 128}
            compiled(programs.rows_product_program, dtype, several, types, num_stages=4)
    for rows in (16, 32):
        halves = {"ROWS": rows, "BLOCK_N": 32, "GROUP": 128, "ADD": True}
        types = {"codes": "*u8", "scales": "*bf16", "lows": "*bf16"}
        compiled(programs.half_bytes_product_program, dtype, halves, types, num_stages=4)


if __name__ == "__main__":
    for chosen in ("bf16", "fp32"):
        compile_all(chosen)
    print("all compiled")
