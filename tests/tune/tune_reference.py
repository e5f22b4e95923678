"""The reference of the tuning tests: padded batches in plain transformers and torch."""

from __future__ import annotations

import torch

from mores.tune.encode import EncodedSample


def padded(samples: list[EncodedSample], pad: int) -> dict[str, torch.Tensor]:
    """The samples as one padded batch, with the weight of predicting each token."""
    longest = max(s.size for s in samples)
    ids = torch.full((len(samples), longest), pad)
    mask = torch.zeros(len(samples), longest, dtype=torch.long)
    answer = torch.zeros(len(samples), longest, dtype=torch.bool)
    prompt = torch.zeros(len(samples), longest, dtype=torch.bool)
    for row, sample in enumerate(samples):
        ids[row, : sample.size] = torch.tensor(sample.ids)
        mask[row, : sample.size] = 1
        answer[row, sample.prompt_length : sample.size] = True
        prompt[row, 1 : sample.prompt_length] = True
    return {"ids": ids, "mask": mask, "answer": answer, "prompt": prompt}


def reference_loss(
    model, samples: list[EncodedSample], prompt_weight: float, pad: int = 1
) -> torch.Tensor:
    """Weighted mean loss of a padded batch, from the model's own logits with torch's own loss."""
    batch = padded(samples, pad)
    logits = model(input_ids=batch["ids"], attention_mask=batch["mask"], use_cache=False).logits
    losses = torch.nn.functional.cross_entropy(
        logits[:, :-1].flatten(0, 1), batch["ids"][:, 1:].flatten(), reduction="none"
    )
    weights = (batch["answer"] + prompt_weight * batch["prompt"])[:, 1:].flatten()
    return (losses * weights).sum() / weights.sum()
