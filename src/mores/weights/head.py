"""Final hidden states → logits, as the architecture does it: scaled, soft-capped, or otherwise.

    head = Head.of(model, hidden, logits)
    head(hidden)   # equals logits

A training loss that makes logits block by block needs to know what stands between the output
layer's product and the logits. It is found from one pass and held against it, so that an
architecture nobody has heard of is not scored with another's output.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

CAPS = ("final_logit_softcapping", "logits_soft_cap", "output_logit_soft_cap")
"""Settings under which architectures keep the cap c of c * tanh(logit / c)."""
CLOSE = 1e-4
"""Largest difference in float32, relative to the largest logit."""


@dataclass(frozen=True)
class Head:
    """What makes logits of final states: cap * tanh(scale * layer(states) / cap)."""

    layer: Any = None
    """The output layer; None where states are logits already, as the model itself makes them."""
    scale: float = 1.0
    cap: float | None = None

    def __call__(self, states: torch.Tensor) -> torch.Tensor:
        """Return logits: (..., width) → (..., vocabulary)."""
        if self.layer is None:
            return states
        logits: torch.Tensor = self.layer(states)
        if self.scale != 1.0:
            logits = logits * self.scale
        return logits if self.cap is None else self.cap * (logits / self.cap).tanh()

    @property
    def weight(self) -> torch.Tensor | None:
        """Weights of the output layer, shape (vocabulary, width)."""
        return None if self.layer is None else self.layer.weight

    @property
    def bias(self) -> torch.Tensor | None:
        """Its bias, shape (vocabulary,), if it has one."""
        return getattr(self.layer, "bias", None)

    @classmethod
    def of(cls, model: Any, hidden: torch.Tensor, logits: torch.Tensor) -> Head:
        """Find a model's head from the hidden states and logits of one pass.

        Args:
            model: a causal language model.
            hidden: final states of the model without its output layer, shape (tokens, width).
            logits: what the model makes of them, shape (tokens, vocabulary).

        Returns:
            A head that gives these logits; one without a layer where none was found.
        """
        import torch

        layer = model.get_output_embeddings()
        if not isinstance(layer, torch.nn.Linear):
            return cls()
        raw = layer(hidden).float()
        if raw.shape != logits.shape:
            return cls()
        config = model.config.get_text_config()
        caps = [c for name in CAPS if (c := getattr(config, name, None))]
        tolerance = CLOSE if hidden.dtype == torch.float32 else 5e-2
        for cap in (*caps, None):
            head = cls(layer, _scale(_uncapped(logits.float(), cap), raw, config), cap)
            if float((head(hidden) - logits).abs().max()) <= tolerance * float(logits.abs().max()):
                return head
        return cls()


def _uncapped(logits: torch.Tensor, cap: float | None) -> torch.Tensor:
    """What a cap was applied to."""
    if cap is None:
        return logits
    return cap * (logits / cap).clamp(-0.999999, 0.999999).atanh()


def _scale(wanted: torch.Tensor, raw: torch.Tensor, config: Any) -> float:
    """Least-squares factor from raw to wanted; the configuration's own figure where that is it."""
    found = float((wanted * raw).sum() / (raw * raw).sum())
    divisor = getattr(config, "logits_scaling", None)
    factors = [
        1.0,
        getattr(config, "logit_scale", None),
        getattr(config, "lm_head_multiplier", None),
        1.0 / divisor if divisor else None,
    ]
    near = [f for f in factors if f and abs(f - found) <= 0.01 * abs(f)]
    return float(near[0]) if near else found
