"""How far a tune has gone from its base on texts that no position is about, and the way back.

anchor = Anchor.of(loaded, anchor_samples(loaded, "chat"))    # before the first step
anchor.pull(loaded, weight=1.0, step=0)                       # adds to the gradients

The divergence is KL(base, tuned) of the next token, in nats, averaged over positions of fixed
neutral texts (`mores.weights.neutral`): what base would say there keeps its probability. It is the
penalty by which learning without forgetting (Li and Hoiem 2016) and tuning from preferences
(Ziegler et al. 2019, section 2) hold on to the first model, taken forward so that nothing base
knows is dropped. Nothing here is about the positions, so it does not pull against them.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mores.tune.encode import EncodedSample, encode_sample
from mores.tune.group import ALONE, Group
from mores.weights.attention import Layout
from mores.weights.neutral import neutral_texts
from mores.weights.prompt import encode_text

if TYPE_CHECKING:
    import torch

    from mores.weights.head import Head
    from mores.weights.loaded import LoadedModel

TEXTS = 4
"""Texts of one step; the steps go round all of them."""
BLOCK = 64
"""Positions whose logits exist at the same time, twice: of base and of the tuned model."""


def anchor_samples(loaded: LoadedModel, form: str) -> list[EncodedSample]:
    """Encode the neutral texts: questions with answers in the arm's own form, and plain prose."""
    samples = []
    for text in neutral_texts():
        if text.prompt:
            samples.append(encode_sample(loaded, form, text.id, text.prompt, text.answer))
        else:
            ids = tuple(encode_text(loaded.tokenizer, text.answer))
            samples.append(EncodedSample(id=text.id, ids=ids, prompt_length=1))
    # In turn, so that every step sees both kinds.
    return [s for start in range(TEXTS * 2) for s in samples[start :: TEXTS * 2]]


@dataclass(frozen=True)
class Anchor:
    """What base makes of the texts."""

    samples: tuple[EncodedSample, ...]
    states: tuple[torch.Tensor, ...]
    """Base's final states at the positions that predict each text's answer, (positions, width)."""
    head: Head
    """Base's output layer: a copy where the tune trains it."""

    @classmethod
    def of(cls, loaded: LoadedModel, samples: Sequence[EncodedSample]) -> Anchor:
        """Read the texts with a model that has not been trained yet."""
        import torch

        with torch.no_grad():
            states = tuple(_states(loaded, [sample]) for sample in samples)
        weight = loaded.head.weight
        trained = weight is not None and weight.requires_grad
        head = copy.deepcopy(loaded.head) if trained else loaded.head
        return cls(tuple(samples), states, head)

    def pull(self, loaded: LoadedModel, weight: float, step: int, group: Group = ALONE) -> float:
        """Add the gradient of ``weight`` times the divergence of one step's texts.

        Args:
            loaded: the model in training.
            weight: of the divergence, beside a loss in nats a token.
            step: decides which texts; those of a resumed run are the same.
            group: the processes that share them.

        Returns:
            The divergence itself, in nats a token.
        """
        import torch

        chosen = [(TEXTS * step + i) % len(self.samples) for i in range(TEXTS)]
        positions = sum(len(self.states[i]) for i in chosen)
        sizes = [self.samples[i].size for i in chosen]
        ((part, counts),) = group.passes(sizes, sum(sizes))
        own = [chosen[i] for i in sorted(part)]
        base = torch.cat([self.states[i] for i in own])
        hidden = _states(loaded, [self.samples[i] for i in own])
        # The blocks' gradients gather here first: the model is then walked back through once.
        tuned = hidden.detach().requires_grad_()
        total = 0.0
        for start in range(0, len(base), BLOCK):
            block = slice(start, start + BLOCK)
            divergence = self._divergence(loaded.head, base[block], tuned[block]) / positions
            divergence = divergence if counts else 0.0 * divergence
            (weight * divergence).backward()  # type: ignore[no-untyped-call]
            total += float(divergence.detach())
        hidden.backward(tuned.grad)  # type: ignore[no-untyped-call]
        return sum(group.together([total]))

    def _divergence(self, head: Head, base: torch.Tensor, tuned: torch.Tensor) -> torch.Tensor:
        """Sum over positions of KL(base, tuned) in nats."""
        import torch

        with torch.no_grad():
            expected = self.head(base).float().log_softmax(-1)
        found = head(tuned).float().log_softmax(-1)
        return torch.nn.functional.kl_div(found, expected, reduction="sum", log_target=True)


def _states(loaded: LoadedModel, samples: Sequence[EncodedSample]) -> torch.Tensor:
    """Final states at the positions that predict the answers' tokens."""
    import torch

    ids = torch.tensor([i for s in samples for i in s.ids])
    hidden = loaded.hidden(ids, Layout.of([s.size for s in samples]))
    sources: list[int] = []
    at = 0
    for s in samples:
        sources += range(at + s.prompt_length - 1, at + s.size - 1)
        at += s.size
    return hidden[torch.tensor(sources, device=hidden.device)]
