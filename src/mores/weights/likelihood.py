"""Log-probabilities of continuations: a context once, its continuations as branches.

Takes token ids, gives for each continuation the log-probability of its tokens given the context
(in nats), and whether each of them is the likeliest token.

    (told,) = likelihoods(loaded, [Encoded((1, 5, 9), ((4,), (7, 2)))])
    told.logprobs   # [-2.1, -7.5]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import torch

from mores.weights.attention import Layout, Tree

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel

PASS_TOKENS = 2048
"""Tokens in one forward pass; bounds memory."""
BLOCK = 512
"""Positions whose logits exist at the same time."""

OnItems = Callable[[int], None]


@dataclass(frozen=True)
class Encoded:
    """Token ids of a context, which is not empty, and of what may follow it."""

    context: tuple[int, ...]
    continuations: tuple[tuple[int, ...], ...]

    @property
    def size(self) -> int:
        """Tokens that a forward pass takes for it."""
        return len(self.context) + sum(map(len, self.continuations))

    @property
    def longest(self) -> int:
        """Tokens of the context with its longest continuation."""
        return len(self.context) + max(map(len, self.continuations))


@dataclass(frozen=True)
class Likelihood:
    """What the model makes of the continuations of one context."""

    logprobs: list[float]
    """Log-probability of each, in nats."""
    greedy: list[bool]
    """Whether each is what greedy decoding would give."""


@torch.inference_mode()
def likelihoods(
    loaded: LoadedModel, encoded: Sequence[Encoded], on_items: OnItems | None = None
) -> list[Likelihood]:
    """Return what the model makes of each, in order.

    Args:
        loaded: the model, with the weights that are to be measured.
        encoded: none longer than the model's context.
        on_items: told how many are done, after each forward pass.
    """
    done: dict[int, Likelihood] = {}
    sizes = [one.size for one in encoded]
    # Contexts of similar size go together.
    order = sorted(range(len(encoded)), key=lambda i: (sizes[i], i))
    for block in passes(order, sizes, PASS_TOKENS):
        done |= zip(block, _score(loaded, [encoded[i] for i in block]), strict=True)
        if on_items:
            on_items(len(block))
    return [done[i] for i in range(len(encoded))]


@torch.inference_mode()
def token_logprobs(
    loaded: LoadedModel, context: Sequence[int], tokens: Sequence[int]
) -> list[float]:
    """Return the log-probability of each token given all before it, in nats.

    Args:
        loaded: the model, with the weights that are to be measured.
        context: what stands before the first token; not empty.
        tokens: at least one; with the context no longer than the model's own.
    """
    hidden = loaded.hidden(
        torch.tensor([*context, *tokens]), Layout.of([len(context) + len(tokens)])
    )
    before = hidden[len(context) - 1 : -1]
    logprobs, _ = _token_logprobs(loaded, before, torch.tensor(tokens))
    found: list[float] = logprobs.tolist()
    return found


def passes(order: Iterable[int], sizes: Sequence[int], most: int) -> Iterator[list[int]]:
    """Cut places, in this order, into forward passes of at most so many tokens."""
    block: list[int] = []
    size = 0
    for index in order:
        if block and size + sizes[index] > most:
            yield block
            block, size = [], 0
        block.append(index)
        size += sizes[index]
    if block:
        yield block


def _score(loaded: LoadedModel, block: Sequence[Encoded]) -> Iterator[Likelihood]:
    layout = Layout(tuple(Tree(len(e.context), tuple(map(len, e.continuations))) for e in block))
    ids = [t for e in block for part in (e.context, *e.continuations) for t in part]
    hidden = loaded.hidden(torch.tensor(ids), layout)
    sources: list[int] = []
    targets: list[int] = []
    start = 0
    for one in block:
        start += len(one.context)
        last = start - 1
        for tokens in one.continuations:
            # The context's last state predicts the first token, the tokens' own states the rest.
            sources += [last, *range(start, start + len(tokens) - 1)]
            targets += tokens
            start += len(tokens)
    logprobs, greedy = _token_logprobs(loaded, hidden[torch.tensor(sources)], torch.tensor(targets))
    sizes = [len(tokens) for one in block for tokens in one.continuations]
    sums = iter([float(part.sum()) for part in torch.split(logprobs, sizes)])
    hits = iter([bool(part.all()) for part in torch.split(greedy, sizes)])
    for one in block:
        count = len(one.continuations)
        yield Likelihood(list(islice(sums, count)), list(islice(hits, count)))


def _token_logprobs(
    loaded: LoadedModel, hidden: torch.Tensor, targets: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probability of each target in nats, and whether it is the likeliest token."""
    logprobs, greedy = [], []
    for start in range(0, len(targets), BLOCK):
        part = targets[start : start + BLOCK].to(hidden.device)
        logits = loaded.logits(hidden[start : start + BLOCK]).float()
        picked = logits.gather(-1, part[:, None])[:, 0]
        logprobs.append((picked - logits.logsumexp(-1)).double().cpu())
        greedy.append((logits.argmax(-1) == part).cpu())
    return torch.cat(logprobs), torch.cat(greedy)
