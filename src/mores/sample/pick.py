"""Next-token choice by inverse cumulative probability.

The uniform number u of a row picks the token at which the cumulative
probability, most likely token first, passes u. Only the most likely tokens are
sorted; a row whose u falls beyond them is settled from the rest in vocabulary
order. Sorting all of 49,152 logits a row takes longer than the model's own
output layer.
"""

from __future__ import annotations

import torch

from mores.records import Decoding

FIRST = 64
"""Tokens sorted for every row."""
SECOND = 2048
"""Tokens sorted for rows whose nucleus is wider than that."""


def pick(logits: torch.Tensor, u: torch.Tensor, decoding: Decoding) -> torch.Tensor:
    """Choose one token a row.

    Args:
        logits: shape (rows, vocabulary).
        u: numbers in [0, 1), shape (rows,).
        decoding: temperature 0 takes the most likely token; top-k is applied before top-p.

    Returns:
        Token ids, shape (rows,).
    """
    if decoding.temperature == 0.0:
        return logits.argmax(-1)
    scaled = logits.float() / decoding.temperature
    vocabulary = scaled.shape[-1]
    wide = min(max(FIRST, decoding.top_k), vocabulary)
    chosen, settled = _among_top(scaled, u, decoding, wide)
    for wider in (SECOND, vocabulary):
        if settled.all():
            break
        rows = (~settled).nonzero()[:, 0]
        if decoding.top_p >= 1.0 and not decoding.top_k:
            chosen[rows] = _beyond_top(scaled[rows], u[rows], wide)
            break
        chosen[rows], settled[rows] = _among_top(
            scaled[rows], u[rows], decoding, min(wider, vocabulary)
        )
    return chosen


def _among_top(
    scaled: torch.Tensor, u: torch.Tensor, decoding: Decoding, width: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Choose among the ``width`` most likely tokens; say for which rows that settles it."""
    values, ids = scaled.topk(width, dim=-1)
    if decoding.top_k:
        values = values[:, : decoding.top_k]
        total = values.logsumexp(-1, keepdim=True)
    else:
        total = scaled.logsumexp(-1, keepdim=True)
    cumulative = (values - total).double().exp().cumsum(-1)
    reach = cumulative[:, -1]
    complete = torch.full_like(reach, bool(decoding.top_k) or width == scaled.shape[-1]).bool()
    if decoding.top_p < 1.0:
        # The nucleus ends with the first token at which the sum reaches top_p.
        last = (cumulative < decoding.top_p).sum(-1).clamp(max=cumulative.shape[-1] - 1)
        mass = cumulative.gather(-1, last[:, None])[:, 0]
        settled = complete | (reach >= decoding.top_p)
    else:
        last = torch.full_like(ids[:, 0], cumulative.shape[-1] - 1)
        mass = torch.where(complete, reach, torch.ones_like(reach))
        settled = complete | (u < reach)
    rank = (cumulative <= (u * mass)[:, None]).sum(-1)
    rank = torch.minimum(rank, last)
    return ids.gather(-1, rank[:, None])[:, 0], settled


def _beyond_top(scaled: torch.Tensor, u: torch.Tensor, width: int) -> torch.Tensor:
    """Choose for rows whose u lies beyond the most likely tokens: the rest in vocabulary order."""
    # In float32 the sum of the most likely can miss 1 by more than the rest's whole mass.
    scaled = scaled.double()
    total = scaled.logsumexp(-1, keepdim=True)
    values, ids = scaled.topk(width, dim=-1)
    top = (values - total).exp().cumsum(-1)
    reach = top[:, -1]
    rest = (scaled - total).exp().scatter(-1, ids, 0.0).cumsum(-1)
    beyond = _first_above(rest, u - reach)
    within = ids.gather(-1, _first_above(top, u)[:, None])[:, 0]
    return torch.where((u >= reach) & (rest[:, -1] > 0.0), beyond, within)


def _first_above(cumulative: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Place at which each row's sum passes its target; at most the last that adds any mass."""
    rank = (cumulative <= target.clamp(min=0.0)[:, None]).sum(-1)
    # Rounding can leave the sum a little below 1: then take the last token with any mass.
    last = (cumulative < cumulative[:, -1:]).sum(-1)
    return torch.minimum(rank, last)
