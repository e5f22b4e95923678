"""A model in memory: what it is, and how token ids go through it.

hidden = loaded.hidden(flat_ids, Layout.of([len(flat_ids)]))
logits = loaded.logits(hidden)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mores.weights import attention, plain
from mores.weights.attention import Layout
from mores.weights.cascade import KeyValueStore
from mores.weights.head import Head
from mores.weights.reader import Reader, context_of, ends_of
from mores.weights.way import Way

if TYPE_CHECKING:
    import torch


@dataclass
class LoadedModel:
    """A causal language model with its tokenizer, and the way that it is run."""

    name: str
    model: Any
    tokenizer: Any
    digest: str
    head: Head = field(default_factory=Head)
    way: Way = field(default_factory=Way)
    quantised: str = ""
    """Method by which the weights are quantised, such as ``bitsandbytes``; empty where not."""

    @property
    def parameters(self) -> int:
        """Number of base weights, tied ones counted once, adapters not counted."""
        return sum(p.numel() for n, p in self.model.named_parameters() if "lora_" not in n)

    @property
    def context(self) -> int:
        """Longest text in tokens that the model was made for."""
        return context_of(self.model.config)

    @property
    def eos(self) -> int:
        """Id of the end-of-text token that training appends and sampling stops at."""
        return int(self.tokenizer.eos_token_id)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        device: torch.device = next(self.model.parameters()).device
        return device

    @property
    def decoder(self) -> Any:
        """The model without its output layer; itself where there is no such part."""
        own = self.model.base_model
        return own if own is not self.model else getattr(self.model, "model", own)

    @property
    def ends(self) -> frozenset[int]:
        """Ids that end a text: the tokenizer's, the configuration's, and what ends a chat turn."""
        return ends_of(self.tokenizer, self.model.generation_config)

    @property
    def reader(self) -> Reader:
        """What asking it needs to know."""
        return Reader(self.name, self.tokenizer, self.context, self.ends)

    def hidden(self, ids: torch.Tensor, layout: Layout) -> torch.Tensor:
        """Run a flat row of token ids; return final states, shape (tokens, width)."""
        if not self.way.flat:
            return plain.hidden(self, ids, layout)
        with attention.using(layout):
            return self.forward(ids, layout.positions())

    def forward(self, ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """Run one flat row inside an attention context: (tokens,) → (tokens, width)."""
        return self.states(
            input_ids=ids[None].to(self.device), position_ids=positions[None].to(self.device)
        )[0]

    def step(self, ids: torch.Tensor, *stores: KeyValueStore) -> torch.Tensor:
        """Add one token to each row of the stores: (rows,) → final states (rows, width)."""
        import torch

        lengths = torch.cat([store.lengths for store in stores])
        with attention.stepping(*stores):
            return self.states(
                input_ids=ids[:, None].to(self.device),
                position_ids=lengths[:, None].to(self.device),
            )[:, 0]

    def states(self, **inputs: torch.Tensor) -> torch.Tensor:
        """Run the model as transformers does, without a cache; return what `head` takes."""
        if self.head.layer is None:
            logits: torch.Tensor = self.model(**inputs, use_cache=False).logits
            return logits
        states: torch.Tensor = self.decoder(**inputs, use_cache=False).last_hidden_state
        return states

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        """Apply the output layer: (..., width) → (..., vocabulary)."""
        return self.head(states)
