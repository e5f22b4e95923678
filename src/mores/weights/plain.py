"""Token ids through any decoder, as transformers itself runs it: its own attention, its own cache.

The second way through a model, for architectures that do not give the same numbers through
`attention`: hybrids and state-space models, chunked or biased attention. It reads whole texts, one
a row, and decodes with ``generate``, which knows each architecture's cache. Nothing is shared
between texts that begin alike.

    states = hidden(loaded, ids, layout)
    stepwise(loaded, rows, choose, steps=100)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import torch

from mores.weights.attention import Layout
from mores.weights.quiet import quiet
from mores.weights.way import Way

TOKENS = 4096
"""Most tokens, padding counted, in one pass; bounds memory."""

Choose = Callable[[torch.Tensor], tuple[torch.Tensor, bool]]
"""Logits of shape (rows, vocabulary) → the next token of each row, and whether to go on."""


class Runs(Protocol):
    """What is needed of a `LoadedModel`."""

    model: Any
    way: Way

    @property
    def eos(self) -> int:
        """Id to pad with."""

    @property
    def device(self) -> torch.device:
        """Where the weights are."""

    def states(self, **inputs: torch.Tensor) -> torch.Tensor:
        """Run the model without a cache."""

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        """Apply the output layer."""


def hidden(loaded: Runs, ids: torch.Tensor, layout: Layout) -> torch.Tensor:
    """Run a flat row of trees text by text; return final states, shape (tokens, width).

    A branch is run with its prefix before it; the prefix's own states come from its first branch.
    """
    texts, starts = _texts(ids.tolist(), layout)
    states: list[torch.Tensor] = [torch.empty(0)] * len(texts)
    for block in _blocks([len(t) for t in texts], padded=loaded.way.padded):
        for i, state in zip(block, _read(loaded, [texts[i] for i in block]), strict=True):
            states[i] = state[starts[i] :]
    return torch.cat(states)


def _texts(ids: list[int], layout: Layout) -> tuple[list[list[int]], list[int]]:
    """Whole texts, and from where on the states of each are wanted."""
    texts, starts = [], []
    at = 0
    for tree in layout.trees:
        prefix = ids[at : at + tree.prefix]
        at += tree.prefix
        if not tree.branches:
            texts.append(prefix)
            starts.append(0)
        for number, length in enumerate(tree.branches):
            texts.append(prefix + ids[at : at + length])
            starts.append(tree.prefix if number else 0)
            at += length
    return texts, starts


def _blocks(lengths: Sequence[int], *, padded: bool) -> Iterator[list[int]]:
    """Which texts are read together: similar lengths, where texts may be padded at all."""
    order = sorted(range(len(lengths)), key=lambda i: (lengths[i], i))
    block: list[int] = []
    for i in order:
        if block and (not padded or (len(block) + 1) * lengths[i] > TOKENS):
            yield block
            block = []
        block.append(i)
    if block:
        yield block


def _read(loaded: Runs, texts: Sequence[Sequence[int]]) -> list[torch.Tensor]:
    """Final states of each text; shorter ones are padded on the right and masked."""
    ids, mask = _pad(loaded, texts, left=False)
    more = {} if mask.all() else {"attention_mask": mask}
    states = loaded.states(input_ids=ids, **more)
    return [states[i, : len(text)] for i, text in enumerate(texts)]


def _pad(
    loaded: Runs, texts: Sequence[Sequence[int]], *, left: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(map(len, texts))
    ids = torch.full((len(texts), longest), loaded.eos, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, text in enumerate(texts):
        place = slice(longest - len(text), longest) if left else slice(0, len(text))
        ids[row, place] = torch.tensor(text, dtype=torch.long)
        mask[row, place] = 1
    return ids.to(loaded.device), mask.to(loaded.device)


@torch.inference_mode()
def stepwise(loaded: Runs, rows: Sequence[Sequence[int]], choose: Choose, steps: int) -> None:
    """Decode rows side by side, token by token, until ``choose`` says that it is enough.

    Args:
        loaded: the model; `Way.steps` says how its rows may be decoded.
        rows: prompts, of one length each where rows must not be padded.
        choose: given the logits of all rows, in order.
        steps: most tokens a row.
    """
    if loaded.way.steps == "whole":
        _whole(loaded, rows, choose, steps)
    else:
        _generate(loaded, rows, choose, steps)


def _whole(loaded: Runs, rows: Sequence[Sequence[int]], choose: Choose, steps: int) -> None:
    """Read every text again for each token: for models whose cache gives other numbers."""
    texts = [list(row) for row in rows]
    for _ in range(steps):
        flat = torch.tensor([t for text in texts for t in text])
        lengths = torch.tensor([len(text) for text in texts])
        states = hidden(loaded, flat, Layout.of(lengths.tolist()))
        ends = (lengths.cumsum(0) - 1).to(states.device)
        tokens, going = choose(loaded.logits(states[ends]))
        if not going:
            return
        for text, token in zip(texts, tokens.tolist(), strict=True):
            text.append(token)


def _generate(loaded: Runs, rows: Sequence[Sequence[int]], choose: Choose, steps: int) -> None:
    """Let transformers keep its cache; each token is ours."""
    from transformers import GenerationConfig

    going = True

    def pick(_ids: Any, scores: torch.Tensor) -> torch.Tensor:
        nonlocal going
        tokens, going = choose(scores)
        forced = torch.full_like(scores, -torch.inf)
        return forced.scatter_(1, tokens.to(scores.device)[:, None], 0.0)

    def enough(ids: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        return torch.full((len(ids),), not going, device=ids.device)

    ids, mask = _pad(loaded, rows, left=True)
    own = loaded.model.generation_config
    # What the configuration leaves open would come from the model's file: penalties, beams, limits.
    loaded.model.generation_config = GenerationConfig()
    try:
        with quiet():
            loaded.model.generate(
                input_ids=ids,
                attention_mask=mask,
                generation_config=GenerationConfig(
                    max_new_tokens=steps, do_sample=False, use_cache=True, pad_token_id=loaded.eos
                ),
                logits_processor=[pick],
                stopping_criteria=[enough],
            )
    finally:
        loaded.model.generation_config = own
