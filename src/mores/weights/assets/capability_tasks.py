"""Four public capability tasks from the request files of an evaluation package.

Takes gzipped JSON Lines with one line for each (item, choice), gives one JSON
Lines file for each task with one line an item:

    lambada.jsonl                              {"id", "context", "target"}
    hellaswag.jsonl, piqa.jsonl, arc_easy.jsonl  {"id", "context", "choices", "gold"}

Target and choices begin with the space that follows the context, so that
``context + choice`` is the text to score. The package scores every choice also
without its question (ids from 1,000,000 on); those lines are left out.

    convert_capability_tasks([Path(".../piqa/rc_0shot/requests.jsonl.gz")], target)
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mores import store
from mores.errors import AssetError

ITEMS = {"lambada": 5153, "hellaswag": 10042, "piqa": 1838, "arc_easy": 570}
"""Task → number of items of the package version in the table."""

UNCONDITIONAL = 1_000_000


def convert_capability_tasks(members: Sequence[Path], target: Path) -> None:
    """Write one file for each member; the task's name is the member's second last folder.

    Raises:
        AssetError: a member is damaged, an unknown task, or has another number of items.
    """
    for member in members:
        task = member.parent.parent.name
        convert_task(task, member, target / f"{task}.jsonl", expected=ITEMS.get(task, -1))


def convert_task(task: str, source: Path, target: Path, *, expected: int) -> None:
    """Convert the requests of one task (see `convert_capability_tasks`)."""
    docs: dict[int, list[dict[str, Any]]] = {}
    try:
        for request in _requests(source):
            if request["doc_id"] < UNCONDITIONAL:
                docs.setdefault(request["doc_id"], []).append(request)
        rows = [_row(task, number, docs[number]) for number in sorted(docs)]
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
        detail = f"{type(error).__name__}: {error}"
        raise AssetError(f"cannot be read: {detail}", path=source.name, where=task) from None
    if len(rows) != expected:
        raise AssetError(
            f"expected {expected} items, found {len(rows)}", path=source.name, where=task
        )
    store.write_jsonl(target, rows)


def _requests(source: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(source, "rt", encoding="utf-8", newline="\n") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def _row(task: str, number: int, requests: list[dict[str, Any]]) -> dict[str, Any]:
    requests = sorted(requests, key=lambda request: int(request["idx"]))
    contexts = {request["request"]["context"] for request in requests}
    choices = [request["request"]["continuation"] for request in requests]
    complete = [*range(len(requests[0]["doc"]["choices"]))]
    if len(contexts) != 1 or [request["idx"] for request in requests] != complete:
        raise ValueError(f"item {number}: choices are missing or belong to several contexts")
    head = {"id": f"{task}-{number}", "context": contexts.pop()}
    if task == "lambada":
        return {**head, "target": choices[0]}
    gold = int(requests[0]["label"])
    if not 0 <= gold < len(choices):
        raise ValueError(f"item {number}: the right choice {gold} does not exist")
    return {**head, "choices": choices, "gold": gold}
