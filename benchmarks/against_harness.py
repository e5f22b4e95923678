"""Our capability runner against the lm-evaluation-harness: same items, same model, one process.

    make bench-capability                               # 100 items a task, 2 repeats
    python benchmarks/against_harness.py --items 20 --repeats 1
    python benchmarks/against_harness.py --model FOLDER

Both sides take turns on one model in memory and who begins changes from repeat to repeat. Texts,
choices and scoring rule are the same (`acc`, or `acc_bytes` where we compare by byte). The harness
runs with the fastest of several batch sizes, found on a few items of each task beforehand. Fails
where an item's verdict differs or a log-probability differs by more than float error.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.metadata
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mores.measure.capability.harness import score_harness
from mores.measure.capability.harness_tasks import HarnessTask, load_harness_task
from mores.measure.capability.score import ItemResult, score_items
from mores.measure.capability.task import Task
from mores.measure.capability.tasks import load_task

TASKS = ("lambada", "hellaswag", "piqa", "arc_easy")
BATCHES = (1, 4, 16)
TRIAL = 8
"""Items on which the batch size is chosen."""
TOLERANCE = 1e-4
"""Largest relative difference of a log-probability in float32: sums run in another order."""


@dataclass
class Row:
    """What was measured on one task, in seconds a repeat."""

    task: str
    items: int
    batch: int
    ours: list[float]
    harness: list[float]
    gap: float = 0.0

    @property
    def ratio(self) -> float:
        """How many times as long the harness takes, medians."""
        return statistics.median(self.harness) / statistics.median(self.ours)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return 1 where numbers differ."""
    options = parse(arguments)
    import torch

    from mores.weights.load import load
    from mores.weights.machine import set_threads
    from mores.weights.resolve import resolve

    set_threads()
    if options.threads:
        torch.set_num_threads(options.threads)
    loaded = load(resolve(options.model))
    rows, wrong = [], []
    with tempfile.TemporaryDirectory() as folder:
        for name in options.tasks:
            task = load_task(name, items=options.items, seed=2021)
            twin = harness_twin(task, Path(folder))
            row, found = compare(loaded, task, twin, options.repeats)
            rows.append(row)
            wrong += found
            print(line(row), flush=True)
    print()
    print(table(rows, options.model))
    for text in wrong:
        print(f"DIFFERENT: {text}")
    return 1 if wrong else 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--items", type=int, default=100, help="items a task; 0 takes all")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--threads", type=int, default=0, help="0: one a core")
    parser.add_argument("--tasks", nargs="+", default=list(TASKS))
    return parser.parse_args(arguments)


def harness_twin(task: Task, folder: Path) -> HarnessTask:
    """Write a task of ours as a task of the harness, with the same texts and rule, and load it."""
    data, path = folder / f"{task.name}.jsonl", folder / f"{task.name}.yaml"
    rows = [twin_row(item, task.kind) for item in task.items]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    metric = "acc_bytes" if task.by_length else "acc"
    path.write_text(json.dumps(twin_config(task, data, metric)), encoding="utf-8")  # JSON is YAML
    return load_harness_task(f"harness:{path}", metric=metric)


def twin_row(item: Any, kind: str) -> dict[str, Any]:
    """One item as a line of the twin's data."""
    if kind == "last_word":
        return {"context": item.context, "target": item.choices[0]}
    return {"context": item.context, "choices": list(item.choices), "gold": item.gold}


def twin_config(task: Task, data: Path, metric: str) -> dict[str, Any]:
    """The twin's settings."""
    last = task.kind == "last_word"
    own = {"doc_to_target": "target"} if last else {"doc_to_choice": "choices"}
    return {
        "task": f"twin_{task.name}",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(data)}},
        "test_split": "test",
        "output_type": "loglikelihood" if last else "multiple_choice",
        "doc_to_text": "context",
        "doc_to_target": "gold",
        "target_delimiter": "",
        "metric_list": [{"metric": metric, "aggregation": "mean", "higher_is_better": True}],
        **own,
    }


def compare(loaded: Any, task: Task, twin: HarnessTask, repeats: int) -> tuple[Row, list[str]]:
    """Time both sides in turns; say where their numbers differ."""
    batch = fastest_batch(loaded, twin)
    sides: dict[str, Callable[[], list[ItemResult]]] = {
        "ours": lambda: score_items(loaded, task),
        "harness": lambda: score_harness(loaded, twin, batch_size=batch),
    }
    row = Row(task.name, len(task.items), batch, [], [])
    found: dict[str, list[ItemResult]] = {}
    for repeat in range(repeats):
        for side in list(sides) if repeat % 2 == 0 else list(sides)[::-1]:
            start = time.perf_counter()
            found[side] = sides[side]()
            getattr(row, side).append(time.perf_counter() - start)
    wrong, row.gap = differences(task, found["ours"], found["harness"])
    return row, wrong


def fastest_batch(loaded: Any, twin: HarnessTask) -> int:
    """Choose the harness's batch size on the first few items, after a pass to warm up."""
    name = next(iter(twin.parts))
    few = replace(twin, items=twin.items[:TRIAL], drawn={name: list(range(TRIAL))})
    if len(twin.items) <= TRIAL:
        few = twin
    seconds = {}
    for batch in (BATCHES[0], *BATCHES):
        start = time.perf_counter()
        score_harness(loaded, few, batch_size=batch)
        seconds[batch] = time.perf_counter() - start
    return min(seconds, key=seconds.__getitem__)


def differences(
    task: Task, ours: Sequence[ItemResult], harness: Sequence[ItemResult]
) -> tuple[list[str], float]:
    """Sentences about items whose numbers differ, and the largest relative gap."""
    wrong, largest = [], 0.0
    for item, a, b in zip(task.items, ours, harness, strict=True):
        if a.value != b.value:
            wrong.append(f"{task.name} {item.id}: ours {a.value}, harness {b.value}")
        if a.logprob is None or b.logprob is None:
            wrong.append(f"{task.name} {item.id}: no log-probability ({a.reason}{b.reason})")
            continue
        gap = abs(a.logprob - b.logprob) / max(1.0, abs(b.logprob))
        largest = max(largest, gap)
        if not gap <= TOLERANCE:
            wrong.append(f"{task.name} {item.id}: ours {a.logprob}, harness {b.logprob}")
    return wrong, largest


def line(row: Row) -> str:
    """One row for people who wait."""
    return (
        f"{row.task:<10} {row.items} items  ours {statistics.median(row.ours):.1f} s, "
        f"harness {statistics.median(row.harness):.1f} s (batch {row.batch}), "
        f"ratio {row.ratio:.2f}, largest relative gap {row.gap:.1e}"
    )


def table(rows: Sequence[Row], model: str) -> str:
    """All rows as Markdown, with what was used."""
    import torch

    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}"
        for name in ("lm_eval", "torch", "transformers")
    )
    head = (
        f"{dt.datetime.now(dt.UTC):%Y-%m-%d}, {model}, {versions}, threads: "
        f"{torch.get_num_threads()}, {len(rows[0].ours)} interleaved repeats, medians.\n\n"
        "| task | items | ours, s | harness, s | its batch | harness / ours |\n"
        "|---|---|---|---|---|---|\n"
    )
    return head + "\n".join(
        f"| {r.task} | {r.items} | {statistics.median(r.ours):.1f} "
        f"| {statistics.median(r.harness):.1f} | {r.batch} | {r.ratio:.2f} |"
        for r in rows
    )


if __name__ == "__main__":
    sys.exit(main())
