"""A task of the lm-evaluation-harness, by its name or from a local YAML file.

    task = load_harness_task("harness:tasks/local.yaml", items=200, seed=2021)

What is asked, how it is written and what counts as right is the harness's; the
items are drawn as for our own tasks. A group is one task whose items are those of
all its parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from mores import store
from mores.errors import DataError, MeasureError, did_you_mean
from mores.measure.capability.harness_data import check_task_file
from mores.measure.capability.harness_metric import Metric, choose_metric
from mores.measure.capability.harness_room import (
    HUB,
    PREFIX,
    harness_version,
    hub_allowed,
    offline,
    told,
)
from mores.measure.capability.task import Item, Task, drawn

FEWSHOT_SEED = 1234
"""The harness's own: with it, its command line shows the same examples."""


@dataclass(frozen=True)
class HarnessTask(Task):
    """A task that the harness asks and judges; ``items`` show what it asks."""

    value: Metric = field(default_factory=lambda: Metric("acc", "none"))
    parts: dict[str, Any] = field(default_factory=dict, compare=False)
    """Name → the harness's own object."""
    drawn: dict[str, list[int]] = field(default_factory=dict)
    """Name → numbers of the documents asked, in order; empty for all."""

    @property
    def metric(self) -> str:
        """What a value is."""
        return self.value.label

    @property
    def chance(self) -> float | None:
        """Accuracy of guessing; None where guessing has no meaning."""
        types = {part.OUTPUT_TYPE for part in self.parts.values()}
        if types != {"multiple_choice"} or self.value.label != "accuracy":
            return None
        return float(np.mean([1 / len(item.choices) for item in self.items]))

    @property
    def facts(self) -> dict[str, Any]:
        """What a reader needs to run the same with the harness alone."""
        return {
            "version": harness_version(),
            "metric": self.value.key,
            "shots": max(int(part.config.num_fewshot or 0) for part in self.parts.values()),
            "parts": {name: str(part.VERSION) for name, part in self.parts.items()},
        }


def load_harness_task(
    name: str, *, items: int = 0, seed: int = 0, metric: str = "", shots: int | None = None
) -> HarnessTask:
    """Load a task and draw items from it.

    Args:
        name: ``harness:`` and the name of a task, tag or group, or the path of a YAML file.
        items: how many documents to draw without replacement; 0 takes all.
        seed: decides which.
        metric: whose value an item has, as ``acc_norm`` or ``exact_match,strict-match``; by
            default the task's first metric that has one number an item and is better higher.
        shots: examples shown before each question; None leaves it to the task.

    Raises:
        MeasureError: the harness is not installed, or cannot load the task.
        DataError: no such task, damaged local data, data on the Hub that may not be fetched.
    """
    harness_version()
    with offline():
        parts = _load(name.removeprefix(PREFIX))
        for part in parts.values():
            if shots is not None or part.get_config("num_fewshot") is None:
                part.set_config("num_fewshot", shots or 0)
        value = choose_metric(name, parts, metric)
        numbers = _draw(parts, items, seed)
        with told(name, "write its questions"):
            asked = [_questions(part, numbers.get(key, [])) for key, part in parts.items()]
    rows: list[Item] = []
    for key, questions in zip(parts, asked, strict=True):
        head = f"{key}/" if len(parts) > 1 else ""
        rows += [_item(head, question) for question in questions]
    if not rows:
        raise DataError("no items", where=f"task {name!r}")
    return HarnessTask(
        Path(name).stem,
        "harness",
        tuple(rows),
        digest=store.digest([_settings(value, parts), [q for p in asked for q in p]]),
        value=value,
        parts=parts,
        drawn=numbers,
    )


@dataclass(frozen=True)
class _Question:
    """One document as the harness puts it to a model."""

    number: int
    requests: list[list[str]]
    gold: int | None
    choices: int
    """How many of the requests are choices; the rest are asked for comparison."""


def _load(name: str) -> dict[str, Any]:
    from lm_eval.tasks import TaskManager

    if name.endswith((".yaml", ".yml")):
        path = Path(name)
        config = check_task_file(path)
        manager = TaskManager(include_path=str(path.resolve().parent), include_defaults=False)
        source = config.get("dataset_path")
        # By a group's path the harness would look for its list of tasks; by its name it finds it.
        wanted = config.get("group", name)
    else:
        manager, wanted = _known(), name
        if name not in manager.task_index:
            raise DataError(
                f"the harness has no task {name!r}{did_you_mean(name, manager.all_tasks)}",
                fix="see `lm_eval ls tasks`; or name a YAML file, such as harness:tasks/mine.yaml",
            )
        entry = manager.task_index[name]
        source = (entry.cfg or {}).get("dataset_path")
    try:
        with told(name, "load it"):
            parts: dict[str, Any] = manager.load([wanted])["tasks"]
    except MeasureError as error:
        if hub_allowed() or not isinstance(error.__cause__, (ConnectionError, FileNotFoundError)):
            raise
        raise DataError(
            f"its data {f'({source}) ' if source else ''}are not on this machine, "
            "and mores fetches none by itself",
            where=f"task {name!r}",
            fix=f"set {HUB}=1 to let the harness fetch from the Hugging Face Hub, or write a "
            "YAML file with `dataset_path: json` and local `data_files`",
        ) from error
    if not parts:
        raise DataError("a group without tasks", where=f"task {name!r}")
    return parts


@cache
def _known() -> Any:
    """The harness's own tasks; listing them takes seconds."""
    from lm_eval.tasks import TaskManager

    return TaskManager()


def _draw(parts: dict[str, Any], items: int, seed: int) -> dict[str, list[int]]:
    """Draw over all parts together; nothing where all are asked."""
    pool = [(key, n) for key, part in parts.items() for n in range(len(part.eval_docs))]
    if not items or items >= len(pool):
        return {}
    numbers: dict[str, list[int]] = {}
    for i in drawn(len(pool), items, seed):
        numbers.setdefault(pool[i][0], []).append(pool[i][1])
    for key in set(parts) - set(numbers):
        del parts[key]
    return numbers


def _questions(part: Any, numbers: list[int]) -> list[_Question]:
    part.set_fewshot_seed(FEWSHOT_SEED)
    part.build_all_requests(samples=numbers or None, rank=0, world_size=1)
    asked: dict[int, list[Any]] = {}
    for instance in part.instances:
        asked.setdefault(instance.doc_id, []).append(instance)
    return [_question(part, numbers[n] if numbers else n, rows) for n, rows in asked.items()]


def _question(part: Any, number: int, instances: Sequence[Any]) -> _Question:
    doc = instances[0].doc
    requests = [[str(argument) for argument in one.args] for one in instances]
    if part.OUTPUT_TYPE != "multiple_choice":
        return _Question(number, requests, 0, len(requests))
    choices = list(part.doc_to_choice(doc))
    gold = part.doc_to_text(doc) if part.multiple_input else part.doc_to_target(doc)
    if isinstance(gold, str) and gold in choices:
        gold = choices.index(gold)
    right = gold if isinstance(gold, int) and 0 <= gold < len(choices) else None
    return _Question(number, requests, right, len(choices))


def _item(head: str, question: _Question) -> Item:
    """Show a question as an item; the gold of one with several right answers is -1."""
    first = question.requests[0]
    context = first[0] if len(first) > 1 else ""
    choices = tuple(request[-1] for request in question.requests[: question.choices])
    gold = -1 if question.gold is None else question.gold
    return Item(f"{head}{question.number}", context, choices, gold)


def _settings(value: Metric, parts: dict[str, Any]) -> list[Any]:
    """What decides the results beside the questions; no paths, which differ between machines."""
    names = ("output_type", "generation_kwargs", "filter_list", "process_results", "repeats")
    settings = [
        [name, str(part.VERSION), *(str(part.dump_config().get(n)) for n in names)]
        for name, part in parts.items()
    ]
    return [harness_version(), value.key, settings]
