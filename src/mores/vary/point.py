"""One variant of a study → its tuned arms, their stance and their capability. Kept once made.

    point = measure(variant, split="validation", progress=progress)
    point.estimates      # stance and capability, as a report would compute them

A variant differs from its study in the recipe or in the samples, never in what it is measured on.
Base is the same for all of them and is measured once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mores import store
from mores.measure.capability.item import TaskItem
from mores.measure.capability.task import Task
from mores.measure.stance.item import StanceItem
from mores.progress import Progress
from mores.records import Estimate, Record, Split, to_plain
from mores.report.contrasts import compare
from mores.report.integrity import task_results
from mores.report.observed import observe_stance
from mores.step import Made, Step
from mores.study import ArmKey, ModelSpec, Study, folders
from mores.study.content import records_digest
from mores.tune.run import tune_arm, tuned_folders, tuned_keys, weight_digests

if TYPE_CHECKING:
    from mores.weights.resolve import ResolvedModel


STANCE_ITEMS = "stance.jsonl"
TASK_ITEMS = "items.jsonl"
BASE = ArmKey("base", 0)


class Point(Record, frozen=True, kw_only=True):
    """What one variant came to, for one model."""

    name: str
    model: str
    estimates: tuple[Estimate, ...]
    """Stance of each contrast, overall and by category, and each task's change against base."""
    last_loss: dict[str, float]
    """Tuned arm → its last training loss, in nats a token."""

    def estimate(self, measure: str, contrast: str) -> Estimate | None:
        """Return the overall estimate of a measure, or None where there is none."""
        found = (e for e in self.estimates if (e.measure, e.contrast) == (measure, contrast))
        return next((e for e in found if e.category == "overall"), None)


@dataclass(frozen=True)
class Measured:
    """The items of some arms of one model."""

    stance: list[StanceItem]
    tasks: list[TaskItem]


def measure(
    name: str,
    study: Study,
    variant: Study,
    spec: ModelSpec,
    *,
    split: Split,
    tasks: Sequence[Task],
    progress: Progress,
) -> Point:
    """Tune a variant's arms and measure them; what is done and current is kept.

    Args:
        name: what the variant is called.
        study: the study itself, below whose results base's are kept.
        variant: its variant.
        spec: one of its models.
        split: which stance pairs count; a search looks at ``validation`` only.
        tasks: capability tasks, loaded.
        progress: where to show how far it is.

    Raises:
        MoresError: what tuning raises.
    """
    from mores.weights.resolve import resolve

    resolved = resolve(spec.name, say=progress.say)
    # The preference arm has a rate of its own and needs base's answers: no part of a comparison.
    compared = tuple(arm for arm in variant.config.arms if arm != "preference")
    variant = variant.with_config(replace(variant.config, arms=compared))
    arms = [
        tune_arm(variant, spec, resolved, key, progress=progress) for key in tuned_keys(variant)
    ]
    of_base = study.variant("vary", study.config)
    base = _items(of_base, spec, resolved, [BASE], split, tasks, progress)
    own = _items(variant, spec, resolved, tuned_keys(variant), split, tasks, progress)
    margins = {t.name: t.margin for t in study.config.capability.tasks}
    _, changes = task_results(base.tasks + own.tasks, {t.name: _facts(t) for t in tasks}, margins)
    return Point(
        name=name,
        model=spec.name,
        estimates=(
            *compare(
                observe_stance(base.stance + own.stance),
                measure="stance",
                model=spec.name,
                better="higher",
                seed=study.config.seed,
            ),
            *changes,
        ),
        last_loss={arm.key.name: arm.log[-1]["loss"] for arm in arms},
    )


def _facts(task: Task) -> dict[str, Any]:
    return {"metric": task.metric, "chance": task.chance}


def _items(
    study: Study,
    spec: ModelSpec,
    resolved: ResolvedModel,
    keys: Sequence[ArmKey],
    split: Split,
    tasks: Sequence[Task],
    progress: Progress,
) -> Measured:
    own = weight_digests(study, spec)
    step = Step(
        "point",
        folders.model_folder(study, spec.name) / f"point-{split}",
        inputs={
            "model": resolved.digest,
            "pairs": records_digest(study.pairs(split)),
            **{f"task {task.name}": task.digest for task in tasks},
            **{key.name: own[key.name] for key in keys if key != BASE},
        },
        config={
            "format": spec.format,
            "seed": study.config.seed,
            "tasks": {
                t.name: to_plain(replace(t, margin=1.0)) for t in study.config.capability.tasks
            },
        },
        seed=study.config.seed,
    )
    step.run(
        partial(_score, study, spec, resolved, keys, split, tasks, step.folder, progress), say=_mute
    )
    return Measured(
        store.read_jsonl(step.folder / STANCE_ITEMS, StanceItem, unique=None),
        store.read_jsonl(step.folder / TASK_ITEMS, TaskItem, unique=None),
    )


def _mute(line: str) -> None:
    """Points are many: what each of them did is said once, at its end."""


def _score(
    study: Study,
    spec: ModelSpec,
    resolved: ResolvedModel,
    keys: Sequence[ArmKey],
    split: Split,
    tasks: Sequence[Task],
    folder: Path,
    progress: Progress,
) -> Made:
    from mores.measure.capability.run import task_items
    from mores.measure.stance.run import stance_items
    from mores.sample.weights import arm_in_place
    from mores.weights.load import load
    from mores.weights.machine import set_threads

    set_threads()
    loaded = load(resolved, dtype=study.config.recipe.dtype)
    tuned = {} if keys == [BASE] else tuned_folders(study, spec, _mute)
    pairs = study.pairs(split)
    bar = progress.task(
        "measure", len(keys) * (len(pairs) + sum(len(t.items) for t in tasks)), "items"
    )
    stance: list[StanceItem] = []
    items: list[TaskItem] = []
    for key in keys:
        with arm_in_place(loaded, tuned, key.weights):
            stance += stance_items(study, spec, loaded, key, pairs, bar.advance)
            for task in tasks:
                items += task_items(loaded, spec, key, task, bar.advance)
    bar.finish()
    store.write_jsonl(folder / STANCE_ITEMS, stance)
    store.write_jsonl(folder / TASK_ITEMS, items)
    return Made([STANCE_ITEMS, TASK_ITEMS])


def in_words(point: Point) -> str:
    """Say in one line what a point gains and what it costs."""
    parts = [f"{point.model} {point.name}:"]
    for contrast in ("values_targeted - control", "values_targeted - base"):
        e = point.estimate("stance", contrast)
        if e is not None and e.value is not None:
            span = "" if e.low is None or e.high is None else f" [{e.low:+.3f}, {e.high:+.3f}]"
            parts.append(
                f"stance {contrast.replace('values_targeted', 'values')} {e.value:+.3f}{span}"
            )
    for e in point.estimates:
        if e.measure.startswith("capability:") and e.contrast == "values_targeted - base":
            value = "none" if e.value is None else f"{e.value:+.3f}"
            parts.append(f"{e.measure.removeprefix('capability:')} {value}")
    return "  ".join(parts)
