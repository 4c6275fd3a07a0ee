"""Attention of one unpadded row over cached keys, registered with `transformers`.

On a CPU in bfloat16, one query against 3,500 keys takes a sixth of the time of the stock function,
which copies the keys of every shared head. Knows no model and no cache.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

NAME = "npc_engine_row"
_MAX_GROUPED = 8
"""Queries up to which the heads sharing keys are laid side by side as rows."""


def row_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **kwargs: object,
) -> tuple[Tensor, None]:
    """Causal attention where the last query sees the last key.

    Args:
        module: Not read.
        query: (1, heads, new, head_dim).
        key: (1, kv_heads, all, head_dim); the new positions are its last.
        value: As `key`.
        attention_mask: Not read: one row without padding needs none.
        scaling: Factor on the scores; None is one over the root of head_dim.
        dropout: Not read.
        kwargs: Not read.

    Returns:
        (1, new, heads, head_dim), and no weights.
    """
    num_new, num_all = query.shape[2], key.shape[2]
    if num_new <= _MAX_GROUPED:
        kv_heads, head_dim = key.shape[1], key.shape[3]
        grouped = query.reshape(1, kv_heads, -1, head_dim)  # (1, kv_heads, group * new, head_dim)
        mask = _mask(query, num_all).repeat(grouped.shape[2] // num_new, 1) if num_new > 1 else None
        out = scaled_dot_product_attention(grouped, key, value, attn_mask=mask, scale=scaling)
        out = out.reshape(query.shape)
    else:
        out = scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=_mask(query, num_all) if num_new < num_all else None,
            is_causal=num_new == num_all,
            scale=scaling,
            enable_gqa=True,
        )
    return out.transpose(1, 2).contiguous(), None


def _mask(query: Tensor, num_all: int) -> Tensor:
    """(new, all): what each new position sees."""
    num_new = query.shape[2]
    ones = torch.ones(num_new, num_all, dtype=torch.bool, device=query.device)
    return ones.tril(num_all - num_new)


def register() -> None:
    """Make the function known to `transformers` under `NAME`; may be repeated."""
    AttentionInterface.register(NAME, row_attention)
