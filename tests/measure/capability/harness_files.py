"""Small local tasks of the lm-evaluation-harness, one of each form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

SENTENCE = "what is a good way to help the friend who asks for some time and care because é"
WORDS = SENTENCE.split()


def some(rng: np.random.Generator, low: int, high: int) -> str:
    return " ".join(rng.choice(WORDS, size=int(rng.integers(low, high))).tolist())


def rows(kind: str, count: int = 14) -> list[dict[str, Any]]:
    rng = np.random.default_rng(5)
    if kind == "choice":
        return [
            {
                "question": some(rng, 3, 20),
                "choices": [some(rng, 1, 6) for _ in range(int(rng.integers(2, 5)))],
                "gold": int(rng.integers(0, 2)),
            }
            for _ in range(count)
        ]
    return [{"context": some(rng, 3, 20), "target": some(rng, 1, 2)} for _ in range(count)]


FORMS: dict[str, dict[str, Any]] = {
    "choice": {
        "output_type": "multiple_choice",
        "doc_to_text": "Question: {{question}}\nAnswer:",
        "doc_to_choice": "choices",
        "doc_to_target": "gold",
        "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}],
    },
    "last_word": {
        "output_type": "loglikelihood",
        "doc_to_text": "context",
        "doc_to_target": "target",
        "metric_list": [
            {"metric": "perplexity", "aggregation": "perplexity", "higher_is_better": False},
            {"metric": "acc", "aggregation": "mean", "higher_is_better": True},
        ],
    },
    "prose": {
        "output_type": "loglikelihood_rolling",
        "doc_to_text": "",
        "doc_to_target": "context",
        "metric_list": [{"metric": "bits_per_byte"}],
    },
    "answer": {
        "output_type": "generate_until",
        "doc_to_text": "context",
        "doc_to_target": "target",
        "generation_kwargs": {"until": ["\n"], "max_gen_toks": 4},
        "metric_list": [{"metric": "exact_match"}],
    },
}
KINDS = {"choice": "choice", "last_word": "target", "prose": "target", "answer": "target"}


def write_task(folder: Path, form: str, *, data: str | None = None, **more: Any) -> Path:
    """Write a task and its data; ``data`` replaces the lines, ``more`` the settings."""
    file = folder / f"{form}.jsonl"
    lines = "".join(json.dumps(row) + "\n" for row in rows(KINDS[form]))
    file.write_text(lines if data is None else data, encoding="utf-8")
    config = {
        "task": f"local_{form}",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(file)}},
        "test_split": "test",
        **FORMS[form],
        **more,
    }
    path = folder / f"{form}.yaml"
    path.write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
    return path
