"""A study with tuned arms → capability items for base and every tuned arm.

    items = measure_capability(study)

In-context arms run on the base weights; their context has no place in these
tasks, so they are not measured here.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mores import step as steps
from mores import store
from mores.errors import DataError
from mores.measure.capability.sizes import Support, supports
from mores.measure.capability.task import Task
from mores.measure.capability.tasks import load_tasks
from mores.progress import Progress, duration
from mores.records import TUNED_ARMS, Manifest, TaskItem, to_plain
from mores.study import ModelSpec, Study, folders
from mores.study.arms import ArmKey, arm_keys
from mores.tune.run import tuned_manifest

if TYPE_CHECKING:
    from mores.measure.capability.harness_tasks import HarnessTask
    from mores.weights.load import LoadedModel
    from mores.weights.resolved import ResolvedModel

ITEMS = "items.jsonl"


def measure_capability(study: Study, *, progress: Progress | None = None) -> list[TaskItem]:
    """Run the configured tasks on every model's base and tuned arms.

    Raises:
        ModelError: an arm has not been tuned.
        DataError: a task cannot be read, or two have the same name.
        AssetError: a bundled task could not be fetched.
        MeasureError: the lm-evaluation-harness is not installed, or cannot run its task.
    """
    progress = progress or Progress(quiet=True)
    tasks = load_tasks(study, progress.say)
    _refuse_same_names(tasks)
    found: list[TaskItem] = []
    for spec in study.config.models if tasks else ():
        found += _measure_model(study, spec, tasks, progress)
    return found


def _refuse_same_names(tasks: list[Task]) -> None:
    """Items, margins and results go by the task's name: a file's without its folder and suffix."""
    names = [task.name for task in tasks]
    for name in names:
        if names.count(name) > 1:
            raise DataError(
                f"two capability tasks are called {name!r}",
                where="capability.tasks",
                fix="name each task once, and rename the file if two have the same name",
            )


def read_items(study: Study, model: str) -> list[TaskItem]:
    """Return the items of a finished run.

    Raises:
        DataError: the step has not been run.
    """
    path = folders.model_folder(study, model) / "capability" / ITEMS
    return store.read_jsonl(path, TaskItem, unique=None)


def _measure_model(
    study: Study, spec: ModelSpec, tasks: list[Task], progress: Progress
) -> list[TaskItem]:
    from mores.weights.resolve import resolve

    folder = folders.model_folder(study, spec.name) / "capability"
    resolved = resolve(spec.name, say=progress.say)
    keys = [
        key
        for key in arm_keys(study.config.arms, study.config.train_seeds)
        if key.arm == "base" or key.arm in TUNED_ARMS
    ]
    inputs = {"model": resolved.digest, **{f"task {t.name}": t.digest for t in tasks}}
    for key in keys:
        if key.arm in TUNED_ARMS:
            inputs[key.name] = _tuned_digest(study, spec, key)
    config = {"tasks": [task.name for task in tasks]}
    why = folders.outdated(folder, inputs, config)
    if why is None:
        progress.say("capability: done before, nothing changed")
    else:
        progress.say(f"capability: {why}")
        _run(study, spec, resolved, keys, tasks, folder, inputs, config, progress)
    return read_items(study, spec.name)


def _tuned_digest(study: Study, spec: ModelSpec, key: ArmKey) -> str:
    return store.digest(tuned_manifest(study, spec, key).outputs)


def _run(
    study: Study,
    spec: ModelSpec,
    resolved: ResolvedModel,
    keys: list[ArmKey],
    tasks: list[Task],
    folder: Path,
    inputs: dict[str, str],
    config: dict[str, Any],
    progress: Progress,
) -> None:
    from mores.weights.load import load
    from mores.weights.machine import peak_memory_gb, set_threads

    planned = supports(tasks, study.config.capability)
    progress.say("capability: what these items can support, one training run, power .8:")
    for one in planned:
        progress.say(f"  {one.sentence}")
    set_threads()
    start = time.perf_counter()
    loaded = load(resolved, dtype=study.config.recipe.dtype)
    total = len(keys) * sum(len(task.items) for task in tasks)
    bar = progress.task("capability", total, "items")
    rows: list[TaskItem] = []
    for key in keys:
        with _arm(study, spec, loaded, key):
            for task in tasks:
                part = folder / "parts" / f"{_part_name(inputs, key, task)}.jsonl"
                if part.exists():
                    items = store.read_jsonl(part, TaskItem, unique=None)
                    bar.advance(len(items))
                else:
                    items = _task_items(loaded, spec, key, task, bar.advance)
                    store.write_jsonl(part, items)
                rows += items
    bar.finish()
    store.write_jsonl(folder / ITEMS, rows)
    manifest = Manifest(
        step="capability",
        inputs=inputs,
        outputs={ITEMS: store.digest_file(folder / ITEMS)},
        config=config,
        seed=study.config.seed,
        versions=steps.versions(),
        facts={task.name: _facts(task, one) for task, one in zip(tasks, planned, strict=True)},
    )
    steps.write_manifest(folder, manifest)
    for part in (folder / "parts").glob("*"):
        part.unlink()
    (folder / "parts").rmdir()
    seconds = time.perf_counter() - start
    steps.log_timing(
        study.run_folder,
        f"capability {spec.name}",
        seconds,
        items=total,
        peak_memory_gb=round(peak_memory_gb(), 2),
    )
    progress.say(f"capability: {total} items in {duration(seconds)}")


def _facts(task: Task, planned: Support) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "metric": task.metric,
        "chance": task.chance,
        "items": len(task.items),
        "planned": to_plain(planned),
    }
    if task.kind == "harness":
        facts["harness"] = _harness(task).facts
    return facts


def _harness(task: Task) -> HarnessTask:
    from mores.measure.capability.harness_tasks import HarnessTask

    assert isinstance(task, HarnessTask)
    return task


def _part_name(inputs: dict[str, str], key: ArmKey, task: Task) -> str:
    relevant = [inputs["model"], inputs.get(key.name, ""), task.name, task.digest, key.name]
    return store.digest(relevant).removeprefix("sha256:")[:24]


def _task_items(
    loaded: LoadedModel, spec: ModelSpec, key: ArmKey, task: Task, advance: Any
) -> list[TaskItem]:
    from mores.measure.capability.harness import score_harness
    from mores.measure.capability.score import score_items

    results = (
        score_harness(loaded, _harness(task), on_items=advance)
        if task.kind == "harness"
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


@contextmanager
def _arm(study: Study, spec: ModelSpec, loaded: LoadedModel, key: ArmKey) -> Iterator[None]:
    """Put one arm's weights in place, for every token of every pass."""
    from mores.sample.run import weights_in_place

    tuned = {key.name: folders.tune_folder(study, spec.name, key)}
    with weights_in_place(loaded, tuned, {key.weights}) as slices:
        slices[:] = [(key.weights, 0, 1 << 40)]
        yield
