"""Log-probabilities and gradients by transformers and PEFT alone: none of mores' own passes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from mores.tune.encode import EncodedSample


class Oracle:
    """The base of a folder with LoRA adapters by PEFT, as other tools read them."""

    def __init__(self, folder: str, rank: int, alpha: int) -> None:
        from peft import LoraConfig, get_peft_model
        from transformers import AutoModelForCausalLM

        base = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager")
        layers = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
        config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=layers)
        self.model: Any = get_peft_model(base, config)

    def put(self, adapter: Mapping[str, torch.Tensor]) -> None:
        """Take adapters over, by the names of PEFT's files."""
        own = dict(self.model.named_parameters())
        with torch.no_grad():
            for name, tensor in adapter.items():
                own[name.replace(".weight", ".default.weight")].copy_(tensor)

    def gradient(
        self, sample: EncodedSample, prompt_weight: float, names: list[str]
    ) -> np.ndarray[Any, Any]:
        """Gradient of the weighted mean loss, tensors in the order of these names."""
        self.model.zero_grad()
        logprobs = self.logprobs(sample)
        total, weights = torch.zeros(()), 0.0
        for t in range(1, sample.size):
            weight = prompt_weight if t < sample.prompt_length else 1.0
            total = total - weight * logprobs[t - 1, sample.ids[t]]
            weights += weight
        (total / weights).backward()
        own = dict(self.model.named_parameters())
        flat = [own[n.replace(".weight", ".default.weight")].grad.flatten() for n in names]
        return torch.cat(flat).numpy().copy()

    def logprobs(self, sample: EncodedSample) -> torch.Tensor:
        """Log-probability of every token at every place, (tokens, vocabulary)."""
        ids = torch.tensor([sample.ids])
        found: torch.Tensor = self.model(input_ids=ids, use_cache=False).logits[0].log_softmax(-1)
        return found
