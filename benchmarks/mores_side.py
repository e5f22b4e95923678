"""One measurement of mores, in a process of its own.

    python benchmarks/mores_side.py JOB.json RESULT.json

Takes a `Job`; writes a `Measurement`. Trains one arm and saves its adapter, or draws the answers of
all arms, with the same calls that `mores tune` and `mores sample` make.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import torch

from mores import store
from mores.records import Dataset, Decoding
from mores.study.arms import ArmKey
from mores.weights.attention import Layout
from mores.weights.load import load
from mores.weights.loaded import LoadedModel
from mores.weights.machine import peak_memory_gb, set_threads
from mores.weights.resolve import resolve
from workload import (
    ARMS,
    FORM,
    Job,
    Measurement,
    Workload,
    flop_parameters,
    gpu_peak_gb,
    prompts,
    synchronise,
    training_examples,
)

if TYPE_CHECKING:
    from mores.sample.requests import Request
    from mores.sample.row import Drawn


def measure(job: Job) -> Measurement:
    """Load the model, then do one stage against the clock."""
    set_threads()
    if job.stage == "train":
        import peft  # noqa: F401 - on both sides imports count as starting, not as the stage
    loaded = load(resolve(job.workload.model_folder), dtype=job.workload.dtype)
    parameters = flop_parameters(loaded.model)
    if loaded.device.type == "cuda":  # what a GPU does once belongs to the start, on both sides
        ids = torch.arange(256)
        with torch.no_grad():
            loaded.logits(loaded.hidden(ids, Layout.of([len(ids)])))
    synchronise()
    start = time.perf_counter()
    tokens, rows = _train(loaded, job) if job.stage == "train" else _sample(loaded, job)
    synchronise()
    return Measurement(
        stage=job.stage,
        stage_seconds=time.perf_counter() - start,
        tokens=tokens,
        rows=rows,
        # Samples that do not fit are refused with an error, so that none can be dropped or cut.
        dropped=0,
        truncated=0,
        other_labels=0,
        peak_gb=peak_memory_gb(),
        gpu_peak_gb=gpu_peak_gb(),
        parameters=parameters,
    )


def adapter_folder(job_folder: str, arm: str) -> Path:
    """Where a trained arm is kept."""
    return Path(job_folder) / arm


def _train(loaded: LoadedModel, job: Job) -> tuple[int, int]:
    from mores.tune.adapters import save_tuned
    from mores.tune.encode import encode_dataset
    from mores.tune.loop import fit

    work = job.workload
    examples = training_examples(work, job.arm)
    samples = encode_dataset(loaded, Dataset(name=job.arm, examples=tuple(examples)), FORM)
    folder = adapter_folder(job.folder, job.arm)
    # With a folder it writes checkpoints, as `mores tune` does: they are part of the price.
    result = fit(loaded, samples, work.recipe, seed=job.seed, folder=folder)
    save_tuned(loaded, work.recipe, folder, work.model_folder)
    store.write_jsonl(folder / "log.jsonl", result.log)
    return result.tokens, len(samples)


def _sample(loaded: LoadedModel, job: Job) -> tuple[int, int]:
    from mores.sample.weights import adapted, swapped

    keys = [ArmKey("base", 0), *(ArmKey(arm, job.seed) for arm in ARMS)]
    folders = {key.weights: adapter_folder(job.folder, key.arm) for key in keys[1:]}
    texts: list[dict[str, str | int]] = []
    if job.workload.method == "lora":
        with adapted(loaded, folders):
            texts = draw(loaded, job.workload, keys, job.seed)
    else:
        texts = draw(loaded, job.workload, keys[:1], job.seed)
        for key in keys[1:]:
            with swapped(loaded, folders[key.weights]):
                texts += draw(loaded, job.workload, [key], job.seed)
    store.write_jsonl(Path(job.folder) / "completions.jsonl", texts)
    return sum(int(row["tokens"]) for row in texts), len(texts)


def draw(
    loaded: LoadedModel,
    work: Workload,
    keys: list[ArmKey],
    seed: int,
    batch_rows: int = 0,
) -> list[dict[str, str | int]]:
    """Draw one answer of each arm to each prompt.

    Args:
        loaded: the base model, adapters installed.
        work: prompts and decoding.
        keys: arms.
        seed: seed of the draws.
        batch_rows: rows decoded side by side; 0 lets mores plan.

    Returns:
        A row for each completion: arm, prompt id, text, tokens.
    """
    from mores.sample.requests import Request
    from mores.weights.prompt import decode, encode_prompt

    requests = [
        Request(key, p.id, p.category, 0, tuple(encode_prompt(loaded.tokenizer, FORM, p.text)))
        for key in keys
        for p in prompts(work)
    ]
    return [
        {
            "arm": request.key.name,
            "prompt_id": request.prompt_id,
            "text": decode(loaded.tokenizer, result.ids),
            "tokens": len(result.ids),
        }
        for request, result in drawn(loaded, requests, work.decoding, seed, batch_rows)
    ]


def drawn(
    loaded: LoadedModel,
    requests: Sequence[Request],
    decoding: Decoding,
    seed: int,
    batch_rows: int = 0,
) -> Iterator[tuple[Request, Drawn]]:
    """Draw in the units that mores plans; the one place where benchmarks sample with mores."""
    from mores.sample.decoder import Decoder
    from mores.sample.plan import found_gb, plan_units, rows_side_by_side

    limit = decoding.max_new_tokens
    sizes: dict[str, Any] = {"batch_rows": batch_rows, "memory_gb": found_gb(loaded)}
    for unit in plan_units(loaded, requests, limit, **sizes):
        width = rows_side_by_side(loaded, unit, limit, **sizes)
        answers = Decoder(loaded).draw(unit, decoding, seed, width)
        yield from zip(unit, answers, strict=True)


def main() -> None:
    """Read a job, measure it, write what was found."""
    job = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Job)
    Path(sys.argv[2]).write_bytes(msgspec.json.encode(measure(job)))


if __name__ == "__main__":
    main()
