"""One side of the quick benchmark, started once and then told what to do, line by line.

    python benchmarks/smoke_side.py mores ASK.json STUDY

The sides are `mores` and `plain`: `generate`, and a training step as it is written by hand, with a
model of transformers, an adapter of PEFT, a padded batch and AdamW. Lines in: ``encode``,
``sample``, ``train`` and, after each step, ``step``. Lines out are JSON, with the seconds since the
line was read.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from engine_ask import Ask, Engine, Row

if TYPE_CHECKING:
    import torch

    from mores.records import Recipe
    from mores.tune.encode import EncodedSample

SAMPLES, BATCH = 12, 4
"""The shortest values samples, one epoch."""
PROMPTS = 16
SEED = 1

OnStep = Callable[[float], None]
"""Called with a step's loss when it is done; returns when the next one may begin."""


class Side(Protocol):
    """A model in memory."""

    engine: Engine

    def train(self, samples: list[EncodedSample], recipe: Recipe, on_step: OnStep) -> None:
        """Train an adapter for an epoch."""
        ...


class Mores:
    """What `mores sample` and `mores tune` run."""

    def __init__(self, ask: Ask) -> None:
        import peft  # noqa: F401 - training needs it: it belongs to the start on both sides

        from engine_mores import Mores as Sampler

        self.engine = Sampler(ask)

    def train(self, samples: list[EncodedSample], recipe: Recipe, on_step: OnStep) -> None:
        """Train as `mores tune` does."""
        from mores.tune.loop import fit

        def done(_step: int, _steps: int, row: dict[str, Any]) -> None:
            on_step(row["loss"])

        fit(self.engine.loaded, samples, recipe, seed=SEED, on_step=done)


class Plain:
    """What a careful user would write with transformers and PEFT."""

    def __init__(self, ask: Ask) -> None:
        import peft  # noqa: F401

        from engine_generate import Generate

        self.engine = Generate(ask)

    def train(self, samples: list[EncodedSample], recipe: Recipe, on_step: OnStep) -> None:
        """Train step by step, on mores' samples in mores' order."""
        import torch
        from peft import LoraConfig, get_peft_model

        from mores.tune.batches import epoch_batches, learning_rate

        torch.manual_seed(SEED)  # as there: the adapters start with the same numbers
        config = LoraConfig(
            r=recipe.lora_rank,
            lora_alpha=recipe.lora_alpha,
            lora_dropout=0.0,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        )
        model = get_peft_model(self.engine.model, config).train()
        trained = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(trained, weight_decay=recipe.weight_decay, fused=True)
        batches = epoch_batches(len(samples), recipe.batch_size, SEED, 0)
        for number, batch in enumerate(batches):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(recipe, number, len(batches))
            loss = model(**padded([samples[i] for i in batch])).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, recipe.clip_norm)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            on_step(loss.item())


def padded(samples: list[EncodedSample]) -> dict[str, torch.Tensor]:
    """Return a batch of samples padded on the right, whose answers are the labels."""
    import torch

    longest = max(s.size for s in samples)
    ids = torch.zeros(len(samples), longest, dtype=torch.long)
    mask, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
    for number, sample in enumerate(samples):
        own = torch.tensor(sample.ids)
        ids[number, : sample.size] = own
        mask[number, : sample.size] = 1
        labels[number, sample.prompt_length : sample.size] = own[sample.prompt_length :]
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def gap(side: Plain, ids: list[int], first: int, second: int) -> float:
    """How far the logits of two tokens are apart after a text."""
    import torch

    with torch.inference_mode():
        logits = side.engine.model(torch.tensor([ids])).logits[0, -1]
    return float((logits[first] - logits[second]).abs())


def encode(ask: Ask, study: str) -> tuple[list[Row], list[EncodedSample]]:
    """Return the prompts that the base model answers, and what is trained on."""
    from transformers import AutoTokenizer

    from mores.study import load_study
    from mores.tune.encode import EncodedSample
    from mores.weights.prompt import encode_completion, encode_prompt
    from workload import FORM, Workload, prompts

    tokenizer = AutoTokenizer.from_pretrained(ask["model"])
    work = Workload(model_folder=ask["model"], study=study, prompts=PROMPTS)
    rows = [
        Row(id=p.id, arm="base", adapter="", ids=encode_prompt(tokenizer, FORM, p.text))
        for p in prompts(work)
    ]
    samples = []
    for example in load_study(Path(study)).values.examples:
        prompt = encode_prompt(tokenizer, FORM, example.prompt)
        answer = encode_completion(tokenizer, FORM, example.completion)
        samples.append(EncodedSample(example.id, (*prompt, *answer), len(prompt)))
    return rows, sorted(samples, key=lambda s: (s.size, s.id))[:SAMPLES]


def recipe_of(ask: Ask) -> Recipe:
    """One epoch without what a plain step has not: weights of prompts, and a rate that rises."""
    from mores.records import Recipe

    dtype: Any = ask["dtype"]
    return Recipe(epochs=1, batch_size=BATCH, prompt_weight=0.0, warmup=0.0, dtype=dtype)


class Wire:
    """Lines from and to the parent. What libraries print goes elsewhere."""

    def __init__(self) -> None:
        self.out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self.since = time.perf_counter()

    def read(self) -> str:
        """Return the next line, empty at the end; the clock starts."""
        line = sys.stdin.readline().strip()
        self.since = time.perf_counter()
        return line

    def say(self, **told: Any) -> None:
        """Answer, with the seconds since the last line came."""
        told["seconds"] = time.perf_counter() - self.since
        self.out.write(json.dumps(told) + "\n")
        self.out.flush()


def main() -> None:
    """Load, say so, and do what the lines say until there are no more."""
    wire = Wire()
    ask: Ask = json.loads(Path(sys.argv[2]).read_text("utf-8"))
    side: Any = {"mores": Mores, "plain": Plain}[sys.argv[1]](ask)
    wire.say(ready=True)

    def on_step(loss: float) -> None:
        wire.say(loss=loss)
        wire.read()

    while line := wire.read():
        if line == "sample":
            wire.say(answers=side.engine.draw(ask))
        elif line.startswith("gap "):
            wire.say(gap=gap(side, *json.loads(line.removeprefix("gap "))))
        elif line == "encode":
            ask["rows"], samples = encode(ask, sys.argv[3])
            wire.say(rows=ask["rows"], steps=-(-len(samples) // BATCH))
        elif line == "train":
            side.train(samples, recipe_of(ask), on_step)


if __name__ == "__main__":
    main()
