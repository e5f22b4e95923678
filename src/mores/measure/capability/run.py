"""A study with tuned arms → capability items for base and every tuned arm.

    items = capability(study)

In-context arms run on the base weights; their context has no place in these
tasks, so they are not measured here.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mores import store
from mores.errors import DataError
from mores.execute import alone
from mores.measure.capability.harness_tasks import HarnessTask
from mores.measure.capability.item import TaskItem
from mores.measure.capability.sizes import Support, supports
from mores.measure.capability.task import Task, item_tokens
from mores.measure.capability.tasks import load_tasks
from mores.progress import Progress, duration
from mores.progress import Task as Bar
from mores.records import to_plain
from mores.step import Made, Step
from mores.store.lines import read_records
from mores.study import ArmKey, ModelSpec, Study, folders
from mores.study.files import task_files
from mores.tune.base import models_here
from mores.tune.run import known_base, tuned_folders, tuned_keys, weight_digests
from mores.weights.rates import planned_seconds

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel
    from mores.weights.resolve import ResolvedModel

ITEMS = "items.jsonl"
CAPABILITY = "capability"


def capability(study: Study, *, progress: Progress | None = None) -> list[TaskItem]:
    """Run the configured capability tasks on base and tuned arms.

    Args:
        study: with tuned arms.
        progress: where to show how far it is.

    Raises:
        ModelError: an arm has not been tuned.
        DataError: a task cannot be read, or two have the same name.
        AssetError: a bundled task could not be fetched.
        MeasureError: the lm-evaluation-harness is not installed, or cannot run its task.
    """
    from mores.weights.resolve import resolve

    progress = progress or Progress(quiet=True)
    tasks = load_tasks(study, progress.say)
    _refuse_same_names(tasks)
    items: list[TaskItem] = []
    with alone(study.run_folder):
        for spec in models_here(study, CAPABILITY, progress.say) if tasks else ():
            resolved = resolve(spec.name, say=progress.say)
            tuned = tuned_folders(study, spec, progress.say)
            step = _step(study, spec, resolved.digest, tasks)
            make = partial(_run, study, spec, resolved, tuned, tasks, step, progress)
            step.run(make, say=progress.say)
            items += read_items(study, spec.name)
    return items


def _refuse_same_names(tasks: Sequence[Task]) -> None:
    """Items, margins and results go by the task's name: a file's without its folder and suffix."""
    names = [task.name for task in tasks]
    for name in names:
        if names.count(name) > 1:
            raise DataError(
                f"two capability tasks are called {name!r}",
                where="capability.tasks",
                fix="name each task once, and rename the file if two have the same name",
            )


def _step(
    study: Study, spec: ModelSpec, base: str | None, tasks: Sequence[Task] | None = None
) -> Step:
    """What a model's items come from.

    Args:
        study: as it is now.
        spec: one of its models.
        base: digest of the base model; see `mores.tune.run.known_base`.
        tasks: those configured; readers do without, and only their settings are then compared.
    """
    configured = study.config.capability.tasks
    digests = {task.name: task.digest for task in tasks or ()}
    return Step(
        CAPABILITY,
        folders.model_folder(study, spec.name) / CAPABILITY,
        inputs={
            "model": base,
            **{f"task {name}": digests.get(name) for name in (t.name for t in configured)},
            **weight_digests(study, spec),
            **task_files(study),
        },
        config={
            "seed": study.config.seed,  # items are drawn with it
            # Margins judge the items; they do not decide which there are.
            "tasks": {t.name: to_plain(replace(t, margin=1.0)) for t in configured},
        },
        seed=study.config.seed,
        log=study.run_folder,
        in_parts=True,
    )


def items_step(study: Study, spec: ModelSpec) -> Step:
    """The step that items come from, for readers: are they of the weights that are there now?"""
    return _step(study, spec, known_base(study, spec))


def read_items(study: Study, model: str) -> list[TaskItem]:
    """Return the items of a finished run.

    Raises:
        DataError: the step has not been run.
    """
    path = folders.model_folder(study, model) / CAPABILITY / ITEMS
    return read_records(path, TaskItem, unique=None)


def _run(
    study: Study,
    spec: ModelSpec,
    resolved: ResolvedModel,
    tuned: dict[str, Path],
    tasks: Sequence[Task],
    step: Step,
    progress: Progress,
) -> Made:
    from mores.weights.load import load
    from mores.weights.machine import peak_memory_gb, set_threads

    able = supports(tasks, study.config.capability)
    progress.say("capability: what these items can support, one training run, power .8:")
    for one in able:
        progress.say(f"  {one.sentence}")
    set_threads()
    start = time.perf_counter()
    loaded = load(resolved, dtype=study.config.recipe.dtype)
    keys = [ArmKey("base", 0), *tuned_keys(study)]
    total = len(keys) * sum(len(task.items) for task in tasks)
    tokens = len(keys) * item_tokens(tasks, loaded.tokenizer)
    planned = planned_seconds(resolved.digest, study.config.recipe.method, read=tokens)
    bar = progress.task(CAPABILITY, total, "items", planned=planned)
    rows: list[TaskItem] = []
    for key in keys:
        rows += _arm_items(loaded, spec, key, tuned, tasks, step, bar)
    bar.finish()
    store.write_jsonl(step.folder / ITEMS, rows)
    progress.say(f"capability: {total} items in {duration(time.perf_counter() - start)}")
    return Made(
        [ITEMS],
        facts={task.name: _facts(task, one) for task, one in zip(tasks, able, strict=True)},
        timing={
            "model": spec.name,
            "items": total,
            "peak_memory_gb": round(peak_memory_gb(), 2),
        },
    )


def _arm_items(
    loaded: LoadedModel,
    spec: ModelSpec,
    key: ArmKey,
    tuned: dict[str, Path],
    tasks: Sequence[Task],
    step: Step,
    bar: Bar,
) -> list[TaskItem]:
    """One arm's items of all tasks, kept task by task."""
    from mores.sample.weights import arm_in_place

    rows: list[TaskItem] = []
    with arm_in_place(loaded, tuned, key.weights):
        for task in tasks:
            weights = step.inputs.get(key.name, "")
            part = step.part([step.inputs["model"], weights, task.name, task.digest, key.name])
            if part.exists():
                items = read_records(part, TaskItem, unique=None)
                bar.skip(len(items))
            else:
                items = task_items(loaded, spec, key, task, bar.advance)
                store.write_jsonl(part, items)
            rows += items
    return rows


def _facts(task: Task, planned: Support) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "metric": task.metric,
        "chance": task.chance,
        "items": len(task.items),
        "planned": to_plain(planned),
    }
    if isinstance(task, HarnessTask):
        facts["harness"] = task.facts
    return facts


def task_items(
    loaded: LoadedModel, spec: ModelSpec, key: ArmKey, task: Task, advance: Any
) -> list[TaskItem]:
    """Score every item of a task with one arm, whose weights are in place."""
    from mores.measure.capability.harness import score_harness
    from mores.measure.capability.score import score_items

    results = (
        score_harness(loaded, task, on_items=advance)
        if isinstance(task, HarnessTask)
        else score_items(loaded, task, on_items=advance)
    )
    return [
        TaskItem(
            task=task.name,
            item_id=result.item_id,
            model=spec.name,
            arm=key.arm,
            seed=key.seed,
            value=result.value,
            logprob=result.logprob,
            reason=result.reason,
        )
        for result in results
    ]
