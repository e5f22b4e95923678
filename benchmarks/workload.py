"""The work that both sides of the benchmark are given: data, recipe, decoding, sizes.

    workload = Workload(model_folder="...", study="examples/wellbeing")
    training = training_examples(workload, "values_targeted")

Takes a study folder; gives samples, prompts and settings that are the same for mores and for TRL.
Nothing here is timed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from mores.records import Arm, Decoding, Example, Prompt, Recipe, Record
from mores.study import load_study

T = TypeVar("T")
Side = Literal["mores", "trl"]
SIDES: tuple[Side, ...] = ("mores", "trl")
ARMS: tuple[Arm, ...] = ("values_targeted", "control")
PRESET = "palms-2021"
FORM = "chat"


class Workload(Record, frozen=True, kw_only=True):
    """One benchmark's work. Both sides read it from the same file."""

    model_folder: str
    study: str = "examples/wellbeing"
    method: Literal["full", "lora"] = "lora"
    samples: int = 72
    """Training samples of each arm."""
    held_out: int = 8
    """Last samples of the values set, trained by neither side; with 0 all are trained."""
    epochs: int = 1
    batch_size: int = 4
    learning_rate: float = 1e-3
    prompts: int = 40
    max_new_tokens: int = 64
    temperature: float = 0.7
    peer_batch: int = 40
    """Rows a call of `generate`; mores plans its own batches from its memory limit."""
    dtype: Literal["float32", "bfloat16"] = "float32"

    @property
    def recipe(self) -> Recipe:
        """Settings of the training run, in mores' own words.

        No warm-up: the first warm-up step of transformers has a learning rate of zero, ours has
        not. Prompt weight 0: TRL cannot weigh prompts, so only answers are trained on both sides.
        """
        return Recipe(
            method=self.method,
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            schedule="cosine",
            warmup=0.0,
            prompt_weight=0.0,
            dtype=self.dtype,
        )

    @property
    def decoding(self) -> Decoding:
        """How text is drawn; no top-p and no top-k on either side."""
        return Decoding(temperature=self.temperature, max_new_tokens=self.max_new_tokens)


class Job(Record, frozen=True, kw_only=True):
    """One measurement, made in a process of its own."""

    side: Side
    stage: Literal["train", "sample"]
    arm: str = ""
    """Arm to train; empty for sampling."""
    seed: int
    folder: str
    """Where this side keeps its adapters and completions in this repeat."""
    workload: Workload


class Measurement(Record, frozen=True, kw_only=True):
    """What one process measured of itself; the parent adds the wall time from outside."""

    stage: str
    stage_seconds: float
    """Encoding, training and saving, or encoding and drawing; without start-up and loading."""
    tokens: int
    """Training: tokens without padding, over all epochs. Sampling: tokens drawn, without ends."""
    rows: int
    dropped: int
    """Samples that never reached the model."""
    truncated: int
    """Samples that reached it with fewer tokens than they have."""
    other_labels: int
    """Samples whose token ids or trained positions differ from mores' encoding."""
    peak_gb: float
    """Largest resident memory of the process."""
    gpu_peak_gb: float | None
    """Largest memory allocated on the GPU, or None without one."""
    parameters: int
    """Weights that take part in matrix products: all but an untied input embedding."""
    wall_seconds: float = 0.0
    """From the start of the process to its end."""


def evenly(items: Sequence[T], count: int) -> list[T]:
    """Return ``count`` items evenly spaced over the sequence, in order; all if it has fewer."""
    if count >= len(items):
        return list(items)
    return [items[i * len(items) // count] for i in range(count)]


def training_examples(workload: Workload, arm: str) -> list[Example]:
    """Samples that an arm is trained on: spread over the categories, held-out ones left out."""
    examples = load_study(Path(workload.study), preset=PRESET).dataset(arm).examples
    return evenly(examples[: len(examples) - workload.held_out], workload.samples)


def held_out_examples(workload: Workload) -> list[Example]:
    """The last samples of the values set; eight where none is held out, to compare the sides."""
    examples = load_study(Path(workload.study), preset=PRESET).values.examples
    return list(examples[-(workload.held_out or 8) :])


def prompts(workload: Workload) -> list[Prompt]:
    """Prompts that every arm answers."""
    study = load_study(Path(workload.study))
    known = {name for p in study.prompts for name in p.presets}
    chosen = [
        p
        for p in study.prompts
        if p.split == "test" and (PRESET in p.presets or PRESET not in known)
    ]
    return evenly(chosen, workload.prompts)


def flop_parameters(model: Any) -> int:
    """Number of weights that take part in matrix products.

    An input embedding is a table look-up; where it doubles as the output layer it counts once.
    """
    total = sum(p.numel() for n, p in model.named_parameters() if "lora_" not in n)
    table, head = model.get_input_embeddings(), model.get_output_embeddings()
    tied = head is not None and table.weight.data_ptr() == head.weight.data_ptr()
    return int(total if tied else total - table.weight.numel())


def gpu_peak_gb() -> float | None:
    """Largest memory that torch has held on the GPU, in GB."""
    import torch

    return torch.cuda.max_memory_allocated() / 1e9 if torch.cuda.is_available() else None


def synchronise() -> None:
    """Wait until the GPU has done what it was given, so that a clock means what it says."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()


def source_digest() -> str:
    """Digest of the sources measured, so that a result can be told from a later one's."""
    import mores

    root = Path(mores.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def child_environment(threads: int) -> dict[str, str]:
    """Environment of a measured process: the same threads for both sides, no network, no noise."""
    return {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
        "TRANSFORMERS_VERBOSITY": "error",
    }
