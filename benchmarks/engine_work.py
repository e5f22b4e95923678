"""Prepares what the sampling engines are asked: `python engine_work.py WORKLOAD.json FOLDER`.

Trains both arms' adapters with mores on a few samples and writes the prompts of all five arms of
the study as token ids. Prints, as JSON, the rows, the adapters and their rank. Nothing is timed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec

from engine_ask import Row
from mores.study import load_study
from mores.study.arms import arm_keys
from mores_side import adapter_folder, measure
from workload import ARMS, FORM, PRESET, Job, Workload, prompts


def rows(work: Workload, tokenizer: Any, context: int, draws: int = 1) -> list[Row]:
    """Every prompt of every arm, as token ids."""
    from mores.sample.requests import prompt_requests

    study = load_study(Path(work.study), preset=PRESET)
    model = SimpleNamespace(name="model", tokenizer=tokenizer, context=context)
    keys = arm_keys(study.config.arms, (1,))
    requests = prompt_requests(model, FORM, keys, prompts(work), draws, study.charter, study.values)
    return [
        Row(
            id=f"{r.key.arm}/{r.prompt_id}/{r.draw}",
            arm=r.key.arm,
            adapter=r.key.arm if r.key.arm in ARMS else "",
            ids=list(r.ids),
        )
        for r in requests
    ]


def prepare(work: Workload, folder: Path) -> dict[str, Any]:
    """Train the adapters and encode the prompts."""
    from transformers import AutoConfig, AutoTokenizer

    for arm in ARMS:
        measure(
            Job(side="mores", stage="train", arm=arm, seed=1, folder=str(folder), workload=work)
        )
    config = AutoConfig.from_pretrained(work.model_folder)
    tokenizer = AutoTokenizer.from_pretrained(work.model_folder)
    return {
        "rows": rows(work, tokenizer, config.max_position_embeddings),
        "adapters": {arm: str(adapter_folder(str(folder), arm)) for arm in ARMS},
        "rank": work.recipe.lora_rank,
    }


if __name__ == "__main__":
    asked = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Workload)
    print(json.dumps(prepare(asked, Path(sys.argv[2]))))
