"""Direct preference optimisation: the sample's answer is preferred to the base model's own.

reference = reference_logprobs(loaded, pairs)     # before the first step
row = accumulate(loaded, batch, reference, beta=0.1, micro_tokens=512)

The loss of a pair, in nats (Rafailov et al. 2023, equation 7; TRL's ``sigmoid``):

    -log σ(β [(log π(chosen) - log π_base(chosen)) - (log π(rejected) - log π_base(rejected))])

averaged over the pairs of a step. A question goes through the model once, its two answers as
branches. The gradient of a pair is that of a sum of token losses in which every token of the chosen
answer weighs +k and of the rejected one -k, with k = β σ(-margin) / pairs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mores.errors import DataError
from mores.records import Completion, Dataset
from mores.tune.batches import micro_batches
from mores.tune.group import ALONE, Group
from mores.weights.attention import Layout, Tree
from mores.weights.prompt import encode_answer, encode_completion, encode_prompt

if TYPE_CHECKING:
    import torch

    from mores.weights.loaded import LoadedModel


@dataclass(frozen=True)
class EncodedPair:
    """One question with the answer to prefer and the one to leave."""

    id: str
    prompt: tuple[int, ...]
    chosen: tuple[int, ...]
    """With what ends an answer."""
    rejected: tuple[int, ...]
    """Without an end where it was cut off: what it would have ended with is not known."""

    @property
    def size(self) -> int:
        """Tokens that a forward pass takes for it."""
        return len(self.prompt) + len(self.chosen) + len(self.rejected)

    @property
    def content(self) -> tuple[Any, ...]:
        """What a training run depends on."""
        return (self.id, self.prompt, self.chosen, self.rejected)


Reference = Mapping[str, tuple[float, float]]
"""Pair's id → base's log-probabilities of the chosen and the rejected answer, in nats."""


def encode_pairs(
    loaded: LoadedModel, dataset: Dataset, form: str, rejected: Mapping[str, Completion]
) -> list[EncodedPair]:
    """Encode every sample of a dataset with base's own answer to its question, in order.

    A sample whose rejected answer is empty or the sample's own is left out: there is nothing to
    prefer.

    Args:
        loaded: the model.
        dataset: the samples.
        form: ``chat`` or ``qa``.
        rejected: sample's id → base's own answer to its question.

    Raises:
        DataError: a sample has no answer of base's, a pair is longer than the model's context, or
            no pair is left.
    """
    pairs = []
    for example in dataset.examples:
        own = rejected.get(example.id)
        if own is None:
            raise DataError(
                "base has not answered the question of this sample",
                where=f"id {example.id!r}",
                fix="run `mores tune` again: it draws what is missing",
            )
        if not own.text or own.text == example.completion:
            continue
        encode = encode_completion if own.finish_reason == "stop" else encode_answer
        pair = EncodedPair(
            example.id,
            tuple(encode_prompt(loaded.tokenizer, form, example.prompt)),
            tuple(encode_completion(loaded.tokenizer, form, example.completion)),
            tuple(encode(loaded.tokenizer, form, own.text)),
        )
        longest = len(pair.prompt) + max(len(pair.chosen), len(pair.rejected))
        if longest > loaded.context:
            raise DataError(
                f"{longest} tokens with its prompt, but {loaded.name} reads {loaded.context}",
                where=f"id {example.id!r}",
                fix="shorten the answer or choose a model with a longer context; nothing is cut",
            )
        pairs.append(pair)
    if not pairs:
        raise DataError("no sample differs from base's own answer", where=dataset.name)
    return pairs


def reference_logprobs(
    loaded: LoadedModel, pairs: Sequence[EncodedPair], micro_tokens: int = 1024
) -> dict[str, tuple[float, float]]:
    """Return base's log-probabilities of both answers, by a model that is not trained yet."""
    import torch

    found = {}
    with torch.no_grad():
        for part in micro_batches([p.size for p in pairs], micro_tokens):
            own = [pairs[i] for i in part]
            states, targets = _answers(loaded, own)
            for pair, sums in zip(own, _sums(loaded, states, targets, own).tolist(), strict=True):
                found[pair.id] = (sums[0], sums[1])
    return found


def accumulate(
    loaded: LoadedModel,
    batch: Sequence[EncodedPair],
    reference: Reference,
    *,
    beta: float,
    micro_tokens: int,
    group: Group = ALONE,
) -> dict[str, Any]:
    """Add the gradient of one step's pairs, divided among processes; return its losses.

    Returns:
        loss: mean over pairs, in nats; margin: mean of what is inside σ; preferred: share of pairs
        whose margin is above 0; tokens.
    """
    margins: list[float] = []
    for part, counts in group.passes([p.size for p in batch], micro_tokens):
        own = [batch[i] for i in part]
        found = _pass(loaded, own, reference, beta, len(batch) if counts else np.inf)
        margins += found if counts else []
    values = np.array(group.together(margins))
    return {
        "loss": float(np.logaddexp(0.0, -values).mean()),
        "margin": float(values.mean()),
        "preferred": float((values > 0).mean()),
        "tokens": sum(p.size for p in batch),
    }


def mean_loss(
    loaded: LoadedModel, pairs: Sequence[EncodedPair], reference: Reference, beta: float
) -> float:
    """Mean loss over pairs, in nats, without a gradient."""
    now = reference_logprobs(loaded, pairs)
    margins = [_margin(now[p.id], reference[p.id], beta) for p in pairs]
    return float(np.logaddexp(0.0, -np.array(margins)).mean())


def _pass(
    loaded: LoadedModel,
    own: Sequence[EncodedPair],
    reference: Reference,
    beta: float,
    pairs: float,
) -> list[float]:
    """Forward and backward of some pairs out of so many; their margins. Infinite: none counts."""
    import torch

    from mores.tune.loss import head_loss

    states, targets = _answers(loaded, own)
    sums = _sums(loaded, states.detach(), targets, own).tolist()
    margins = [
        _margin((one[0], one[1]), reference[pair.id], beta)
        for pair, one in zip(own, sums, strict=True)
    ]
    weights: list[float] = []
    for pair, margin in zip(own, margins, strict=True):
        k = beta / (1.0 + np.exp(margin)) / pairs
        weights += [k] * len(pair.chosen) + [-k] * len(pair.rejected)
    loss, _ = head_loss(loaded.head, states, targets, torch.tensor(weights, device=states.device))
    loss.backward()  # type: ignore[no-untyped-call]
    return margins


def _margin(now: tuple[float, float], base: tuple[float, float], beta: float) -> float:
    return beta * ((now[0] - base[0]) - (now[1] - base[1]))


def _answers(loaded: LoadedModel, own: Sequence[EncodedPair]) -> tuple[torch.Tensor, torch.Tensor]:
    """States that predict the answers' tokens, and these: chosen, then rejected, pair by pair."""
    import torch

    layout = Layout(tuple(Tree(len(p.prompt), (len(p.chosen), len(p.rejected))) for p in own))
    ids = [t for p in own for part in (p.prompt, p.chosen, p.rejected) for t in part]
    hidden = loaded.hidden(torch.tensor(ids), layout)
    sources: list[int] = []
    targets: list[int] = []
    start = 0
    for pair in own:
        start += len(pair.prompt)
        last = start - 1
        for answer in (pair.chosen, pair.rejected):
            # The question's last state predicts the first token, the answer's own ones the rest.
            sources += [last, *range(start, start + len(answer) - 1)]
            targets += answer
            start += len(answer)
    device = hidden.device
    return hidden[torch.tensor(sources, device=device)], torch.tensor(targets, device=device)


def _sums(
    loaded: LoadedModel, states: torch.Tensor, targets: torch.Tensor, own: Sequence[EncodedPair]
) -> torch.Tensor:
    """Log-probabilities of both answers, shape (pairs, 2), in nats."""
    import torch

    from mores.tune.loss import head_loss

    with torch.no_grad():
        ones = torch.ones(len(targets), device=states.device)
        _, losses = head_loss(loaded.head, states, targets, ones)
    sizes = [len(answer) for p in own for answer in (p.chosen, p.rejected)]
    sums = [-part.double().sum() for part in torch.split(losses, sizes)]
    return torch.stack(sums).reshape(len(own), 2).cpu()
