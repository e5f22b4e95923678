"""One measurement of the peer: the careful script that a user would write today.

    python benchmarks/trl_peer.py JOB.json RESULT.json

TRL's `SFTTrainer` in the format and on the labels that mores trains on, PEFT adapters, then
`generate` in batches. Takes a `Job`; writes a `Measurement`. Where the careful script has a choice,
it takes the faster one:

- no activation checkpointing, no logging, no intermediate saves, float32 on the CPU (TRL's own
  default there is bfloat16, which is many times slower on most x86 chips);
- answers only are trained, `max_length=None`, so that nothing is cut or dropped;
- prompts of similar length share a `generate` batch, padded on the left;
- one base model serves all arms; an adapter is merged before its answers are drawn and unmerged
  afterwards, which is faster than applying it at every step.

Samples come in mores' order, so that both sides see the same batches.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import torch

from mores import store
from mores.weights.machine import peak_memory_gb
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


def measure(job: Job) -> Measurement:
    """Load the model, then do one stage against the clock."""
    # Imports are part of starting, as they are at the top of the user's script.
    import peft  # noqa: F401
    from transformers import AutoModelForCausalLM, AutoTokenizer

    if job.stage == "train":
        import datasets  # type: ignore[import-not-found]  # noqa: F401
        from trl import SFTTrainer  # type: ignore[import-not-found]  # noqa: F401
    work = job.workload
    tokenizer = AutoTokenizer.from_pretrained(work.model_folder)
    model = AutoModelForCausalLM.from_pretrained(
        work.model_folder, dtype=getattr(torch, work.dtype)
    )
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    parameters = flop_parameters(model)
    if model.device.type == "cuda":  # what a GPU does once belongs to the start, on both sides
        with torch.no_grad():
            model(torch.arange(256, device=model.device)[None])
    synchronise()
    start = time.perf_counter()
    facts = (
        _train(model, tokenizer, job) if job.stage == "train" else _sample(model, tokenizer, job)
    )
    synchronise()
    seconds = time.perf_counter() - start
    if "trainer" in facts:  # looked at after the clock has stopped
        facts = _training_facts(facts["trainer"], tokenizer, job)
    return Measurement(
        stage=job.stage,
        stage_seconds=seconds,
        peak_gb=peak_memory_gb(),
        gpu_peak_gb=gpu_peak_gb(),
        parameters=parameters,
        **facts,
    )


class SameOrder(torch.utils.data.Sampler[int]):
    """The order in which mores visits the samples, epoch by epoch."""

    def __init__(self, samples: int, batch_size: int, seed: int) -> None:
        self.samples, self.batch_size, self.seed = samples, batch_size, seed
        self.epoch = 0

    def __len__(self) -> int:
        return self.samples

    def __iter__(self) -> Iterator[int]:
        from mores.tune.batches import epoch_batches

        batches = epoch_batches(self.samples, self.batch_size, self.seed, self.epoch)
        self.epoch += 1
        return iter([i for batch in batches for i in batch])


def _train(model: Any, tokenizer: Any, job: Job) -> dict[str, Any]:
    from datasets import Dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    work, recipe = job.workload, job.workload.recipe
    rows = [
        {
            "prompt": tokenizer.apply_chat_template(
                [{"role": "user", "content": e.prompt}], tokenize=False, add_generation_prompt=True
            ),
            "completion": e.completion,
        }
        for e in training_examples(work, job.arm)
    ]
    order = SameOrder(len(rows), work.batch_size, job.seed)

    class Trainer(SFTTrainer):  # type: ignore[misc]
        def _get_train_sampler(self, *_: Any, **__: Any) -> SameOrder:
            return order

    folder = Path(job.folder) / job.arm
    trainer = Trainer(
        model=model,
        processing_class=tokenizer,
        train_dataset=Dataset.from_list(rows),
        peft_config=LoraConfig(
            r=recipe.lora_rank,
            lora_alpha=recipe.lora_alpha,
            lora_dropout=0.0,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        )
        if work.method == "lora"
        else None,
        args=SFTConfig(
            output_dir=str(folder),
            num_train_epochs=work.epochs,
            per_device_train_batch_size=work.batch_size,
            learning_rate=recipe.learning_rate,
            lr_scheduler_type=recipe.schedule,
            warmup_steps=0,
            weight_decay=recipe.weight_decay,
            max_grad_norm=recipe.clip_norm,
            seed=job.seed,
            max_length=None,
            completion_only_loss=True,
            gradient_checkpointing=False,
            bf16=work.dtype == "bfloat16",
            use_cpu=not torch.cuda.is_available(),
            report_to="none",
            logging_strategy="no",
            save_strategy="no",
            disable_tqdm=True,
        ),
    )
    trainer.train()
    trainer.save_model(str(folder))
    return {"trainer": trainer}


def _training_facts(trainer: Any, tokenizer: Any, job: Job) -> dict[str, Any]:
    """Compare what TRL trained on with mores' encoding of the same samples."""
    from mores.weights.prompt import encode_completion, encode_prompt

    lost = {"truncated": 0, "other_labels": 0}
    examples = training_examples(job.workload, job.arm)
    kept = list(trainer.train_dataset)
    sizes = 0
    for example, row in zip(examples, kept, strict=False):
        prompt = encode_prompt(tokenizer, FORM, example.prompt)
        answer = encode_completion(tokenizer, FORM, example.completion)
        ids = list(row["input_ids"])
        sizes += len(ids)
        lost["truncated"] += len(ids) < len(prompt) + len(answer)
        lost["other_labels"] += (ids, trained(row)) != (
            [*prompt, *answer],
            [False] * len(prompt) + [True] * len(answer),
        )
    return {
        "tokens": sizes * job.workload.epochs,
        "rows": len(kept),
        "dropped": len(examples) - len(kept),
        **lost,
    }


def trained(row: dict[str, Any]) -> list[bool]:
    """Which tokens of one of TRL's rows carry loss."""
    if "labels" in row:
        return [label != -100 for label in row["labels"]]
    return [bool(m) for m in row["completion_mask"]]


def _sample(model: Any, tokenizer: Any, job: Job) -> dict[str, Any]:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    work = job.workload
    model.eval()
    tokenizer.padding_side = "left"
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    texts = answers(model, tokenizer, work, "base", job.seed)
    if work.method == "lora":
        model = PeftModel.from_pretrained(model, str(Path(job.folder) / ARMS[0]), ARMS[0])
        model.load_adapter(str(Path(job.folder) / ARMS[1]), ARMS[1])
        for arm in ARMS:
            model.set_adapter(arm)
            model.merge_adapter([arm])
            texts += answers(model, tokenizer, work, arm, job.seed)
            model.unmerge_adapter()
    else:
        for arm in ARMS:
            del model
            model = AutoModelForCausalLM.from_pretrained(
                Path(job.folder) / arm, dtype=getattr(torch, work.dtype)
            ).to("cuda" if torch.cuda.is_available() else "cpu")
            texts += answers(model, tokenizer, work, arm, job.seed)
    store.write_jsonl(Path(job.folder) / "completions.jsonl", texts)
    return {
        "tokens": sum(row["tokens"] for row in texts),
        "rows": len(texts),
        "dropped": 0,
        "truncated": 0,
        "other_labels": 0,
    }


def answers(
    model: Any, tokenizer: Any, work: Workload, arm: str, seed: int
) -> list[dict[str, Any]]:
    """Draw one answer of one arm to each prompt, in batches of prompts of similar length."""
    texts = [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": p.text}], tokenize=False, add_generation_prompt=True
        )
        for p in prompts(work)
    ]
    texts.sort(key=len)
    torch.manual_seed(seed)
    rows = []
    for at in range(0, len(texts), work.peer_batch):
        batch = tokenizer(
            texts[at : at + work.peer_batch],
            padding=True,
            add_special_tokens=False,
            return_tensors="pt",
        ).to(model.device)
        with torch.inference_mode():
            out = model.generate(
                **batch,
                do_sample=work.temperature > 0,
                temperature=work.temperature,
                top_p=1.0,
                top_k=0,
                max_new_tokens=work.max_new_tokens,
                pad_token_id=tokenizer.pad_token_id,
            )
        for ids in out[:, batch["input_ids"].shape[1] :].tolist():
            rows.append({"arm": arm, **_answer(tokenizer, ids)})
    return rows


def _answer(tokenizer: Any, ids: Sequence[int]) -> dict[str, Any]:
    """Cut a row at its end-of-text token; count as mores counts."""
    eos = tokenizer.eos_token_id
    drawn = list(ids[: ids.index(eos)]) if eos in ids else list(ids)
    return {"text": tokenizer.decode(drawn, skip_special_tokens=True), "tokens": len(drawn)}


def main() -> None:
    """Read a job, measure it, write what was found."""
    job = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Job)
    Path(sys.argv[2]).write_bytes(msgspec.json.encode(measure(job)))


if __name__ == "__main__":
    main()
