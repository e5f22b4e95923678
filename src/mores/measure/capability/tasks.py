"""Capability tasks: bundled ones by name, others from a local JSON Lines file or the harness.

The form of a line decides the kind of task:

    {"context", "choices": [...], "gold": 1}   multiple choice, accuracy
    {"context", "target"}                      last word, accuracy of the greedy answer
    {"good", "bad"}                            minimal pair, accuracy (also sentence_good/_bad)
    {"text"}                                   prose, bits per byte

``harness:NAME`` or ``harness:FILE.yaml`` is a task of the lm-evaluation-harness.

    task = load_task("piqa", items=200, seed=2021)
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

from mores import store
from mores.errors import DataError, did_you_mean
from mores.measure.capability.harness_room import PREFIX
from mores.measure.capability.harness_tasks import load_harness_task
from mores.measure.capability.task import Item, Kind, Task, drawn
from mores.study import Study
from mores.weights.assets import asset_folder

FORMS = 'write "context"+"choices"+"gold", "context"+"target", "good"+"bad", or "text"'


@dataclass(frozen=True)
class _Bundled:
    asset: str
    """Name of the asset that holds it; empty for our own data inside the package."""
    title: str
    by_length: bool = False


TASKS: dict[str, _Bundled] = {
    "lambada": _Bundled("capability-tasks", "last word of a passage (LAMBADA)"),
    "hellaswag": _Bundled("capability-tasks", "how a scene goes on (HellaSwag)", by_length=True),
    "piqa": _Bundled("capability-tasks", "everyday physics (PIQA)", by_length=True),
    "arc_easy": _Bundled("capability-tasks", "school science (ARC-Easy, validation)"),
    "minimal_pairs": _Bundled("", "grammar: which of two sentences is right (ours)"),
    "prose": _Bundled("", "plain prose in 24 registers (ours)"),
}


def load_tasks(study: Study, say: store.Say | None = None) -> list[Task]:
    """Read a study's configured tasks; see `load_task` for what it raises.

    A file in the study's folder comes before one in the folder where the program was started.
    """
    return [
        load_task(
            _located(t.task, study.folder),
            items=t.items,
            seed=study.config.seed,
            metric=t.metric,
            shots=t.shots,
            say=say,
        )
        for t in study.config.capability.tasks
    ]


def _located(task: str, folder: Path) -> str:
    kind = PREFIX if task.startswith(PREFIX) else ""
    there = folder / task.removeprefix(kind)
    return f"{kind}{there}" if there.is_file() else task


def load_task(
    name: str,
    *,
    items: int = 0,
    seed: int = 0,
    metric: str = "",
    shots: int | None = None,
    say: store.Say | None = None,
) -> Task:
    """Read a task and draw items from it.

    Args:
        name: a bundled task, the path of a JSON Lines file, or ``harness:`` with a name or a
            YAML file.
        items: how many to draw without replacement; 0 takes all.
        seed: decides which.
        metric: of a harness task, see `load_harness_task`.
        shots: of a harness task, see `load_harness_task`.
        say: where to announce a download.

    Raises:
        DataError: no such task or file, or a line of no known form.
        AssetError: bundled data could not be fetched.
        MeasureError: the harness is not installed or cannot load its task.
    """
    if name.startswith(PREFIX):
        return load_harness_task(name, items=items, seed=seed, metric=metric, shots=shots)
    if metric or shots is not None:
        raise DataError(
            "metric and shots are for tasks of the lm-evaluation-harness",
            where=f"task {name!r}",
            fix=f"leave them out, or name the task harness:{name}",
        )
    bundled = TASKS.get(name)
    if bundled is None and not Path(name).exists():
        known = list(TASKS)
        raise DataError(
            f"there is no capability task {name!r}{did_you_mean(name, known)}",
            fix=f"bundled tasks: {', '.join(known)}; or name a JSON Lines file, or a task of the "
            "lm-evaluation-harness as harness:NAME",
        )
    path = _bundled_path(name, bundled, say) if bundled else Path(name)
    rows = _items(path)
    kinds = {kind for kind, _ in rows}
    if len(kinds) > 1:
        raise DataError(f"items of several kinds: {', '.join(sorted(kinds))}", path=path)
    chosen = [rows[i][1] for i in drawn(len(rows), items, seed)]
    by_length = bundled.by_length if bundled else "choice" in kinds
    return Task(
        name if bundled else path.stem, kinds.pop(), tuple(chosen), by_length, store.digest(chosen)
    )


def _items(path: Path) -> list[tuple[Kind, Item]]:
    rows = []
    lines: dict[str, int] = {}
    for line, row in store.read_rows(path):
        kind, item = _item(row, path, line)
        if item.id in lines:
            raise DataError(
                f"id {item.id!r} was already used on line {lines[item.id]}",
                path=path,
                line=line,
                fix="give every item its own id: items are paired by it",
            )
        lines[item.id] = line
        rows.append((kind, item))
    if not rows:
        raise DataError("no items", path=path)
    return rows


def _bundled_path(name: str, bundled: _Bundled, say: store.Say | None) -> Path:
    if not bundled.asset:
        folder = resources.files("mores.measure.capability") / "data"
        return Path(str(folder / f"{name}.jsonl"))
    return asset_folder(bundled.asset, say=say) / f"{name}.jsonl"


def _item(row: dict[str, Any], path: Path, line: int) -> tuple[Kind, Item]:
    name = str(row.get("id", line))
    wrong = partial(DataError, path=path, line=line, where=f"id {name!r}", fix=FORMS)

    def text(field: str) -> str:
        value = row.get(field)
        if not isinstance(value, str):
            raise wrong(f"{field}: expected a text, found {json.dumps(value)[:40]}")
        return value

    def some(field: str) -> str:
        if not (value := text(field)):
            raise wrong(f"{field}: expected a text, found none")
        return value

    if "choices" in row:
        choices, gold = row["choices"], row.get("gold")
        if not isinstance(choices, list) or not all(isinstance(c, str) for c in choices):
            raise wrong("choices: expected a list of texts")
        if len(choices) < 2 or type(gold) is not int or not 0 <= gold < len(choices):
            raise wrong(
                "gold: expected the number of the right one from 0 on, found "
                f"{json.dumps(gold)[:40]} with {len(choices)} choices"
            )
        return "choice", Item(name, text("context"), tuple(choices), gold)
    if "target" in row:
        return "last_word", Item(name, text("context"), (some("target"),), 0)
    for form in (("good", "bad"), ("sentence_good", "sentence_bad")):
        if form[0] in row or form[1] in row:
            return "pair", Item(name, "", (some(form[0]), some(form[1])), 0)
    if "text" in row:
        return "text", Item(name, "", (some("text"),), 0)
    raise wrong("not an item of a known form")
