"""Loss of saved adapters on the held-out samples: one and the same function for both sides.

    python benchmarks/held_out_loss.py WORKLOAD.json FOLDER... > losses.json

Takes the folders of trained arms (an adapter in PEFT's form, or a full model) and gives for each
its mean loss in nats over all answer tokens of the held-out samples. Plain transformers and PEFT,
one sample a pass: neither mores' attention nor TRL's loss is involved. The empty name stands for
the base model.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from mores.weights.prompt import encode_completion, encode_prompt
from workload import FORM, Workload, held_out_examples


def held_out_losses(workload: Workload, folders: Sequence[str]) -> list[float]:
    """Return the held-out loss of each folder's model, in nats a token."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(workload.model_folder)
    pairs = [
        (
            encode_prompt(tokenizer, FORM, e.prompt),
            encode_completion(tokenizer, FORM, e.completion),
        )
        for e in held_out_examples(workload)
    ]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    losses = []
    for folder in folders:
        full = bool(folder) and workload.method == "full"
        model = AutoModelForCausalLM.from_pretrained(
            folder if full else workload.model_folder, dtype=getattr(torch, workload.dtype)
        ).to(device)
        if folder and not full:
            from peft import PeftModel

            model = PeftModel.from_pretrained(model, folder)
        losses.append(mean_answer_loss(model.eval(), pairs))
    return losses


def mean_answer_loss(model: Any, pairs: Sequence[tuple[list[int], list[int]]]) -> float:
    """Mean negative log-likelihood of answer tokens, all samples' tokens weighing the same.

    Args:
        model: any causal language model.
        pairs: prompt ids and answer ids of each sample.

    Returns:
        Nats a token.
    """
    import torch

    total, count = 0.0, 0
    for prompt, answer in pairs:
        ids = torch.tensor([prompt + answer], device=model.device)
        with torch.inference_mode():
            # The position before a token predicts it.
            logits = model(input_ids=ids, use_cache=False, logits_to_keep=len(answer) + 1).logits
            losses = torch.nn.functional.cross_entropy(
                logits[0, :-1].float(), ids[0, len(prompt) :], reduction="none"
            )
        total += float(losses.double().sum())
        count += len(answer)
    return total / count


def main() -> None:
    """Print the losses of the folders named on the command line, as a JSON list."""
    workload = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Workload)
    print(json.dumps(held_out_losses(workload, sys.argv[2:])))


if __name__ == "__main__":
    main()
