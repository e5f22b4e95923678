"""Exports of annotation tools → one flat row for each answer that a person gave.

    Label Studio   JSON: ``{"data": {...}, "annotations": [{"completed_by", "result"}]}``; a row has
                   the data, each control by its name, ``annotator``, ``annotation_id``,
                   ``lead_time`` and ``id``, as the tool's own CSV and JSON-MIN have them
    Argilla        ``{"fields": {...}, "responses": ..., "suggestions": ...}``, nested (version 2,
                   and 1 with its list of responses) or flat (``rating.responses``); a row has
                   fields, metadata, each question by its name, ``user_id`` and ``id``

What a machine suggested is never taken for a person's answer: it comes as
``<question>.suggestion``, which a caller has to ask for by that name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from mores.tables.notes import Notes

Plain = dict[str, Any]
Rows = Iterator[tuple[int, Plain]]

LABEL_STUDIO, ARGILLA = "label-studio", "argilla"
SKIPPED = "skipped by its annotator, left out"
UNANSWERED = "nobody answered, left out"
PREDICTED = "predictions of a model are not answers of people, left out"
DISCARDED = "draft or discarded response left out"
_VALUES = ("rating", "number", "choices", "text")
"""Keys under which Label Studio keeps what was answered."""


def tool_of(names: Iterable[str]) -> str:
    """Name the tool whose export has rows or columns like these; "" for none."""
    there = {name.strip().lower() for name in names}
    if {"data", "annotations"} <= there or {"annotator", "annotation_id"} <= there:
        return LABEL_STUDIO
    responses = any(name.endswith(".responses.users") for name in there)
    return ARGILLA if responses or {"fields", "responses"} <= there else ""


def answers(line: int, row: Plain, tool: str, notes: Notes) -> Rows:
    """Yield the answers of one row of an export, all with its line."""
    if tool == ARGILLA:
        yield from ((line, one) for one in _argilla(line, row, notes))
    elif isinstance(row.get("annotations"), list):
        yield from ((line, one) for one in _label_studio(line, row, notes))
    else:
        cancelled = row.pop("was_cancelled", None)
        if str(cancelled).strip().lower() in ("true", "1"):
            notes.add(SKIPPED, line)
        else:
            yield line, {name: _unwrapped(value) for name, value in row.items()}


# Label Studio ------------------------------------------------------------------------------


def _label_studio(line: int, task: Plain, notes: Notes) -> Iterator[Plain]:
    data = task["data"] if isinstance(task.get("data"), dict) else {}
    kept = [one for one in task["annotations"] if isinstance(one, dict)]
    if task.get("predictions"):
        notes.add(PREDICTED, line)
    if not kept:
        notes.add(UNANSWERED, line)
    for annotation in kept:
        if annotation.get("was_cancelled"):
            notes.add(SKIPPED, line)
            continue
        given: dict[str, list[Any]] = {}
        for result in annotation.get("result") or ():
            if isinstance(result, dict) and result.get("from_name"):
                given.setdefault(result["from_name"], []).append(result.get("value"))
        for name in given.keys() & data.keys():
            notes.say(f"{name!r} is in the task and among the answers: the answer counts")
        who = annotation.get("completed_by")
        if isinstance(who, dict):
            who = who.get("email") or who.get("id")
        yield {
            "id": task.get("id"),
            **data,
            **{name: _unwrapped(values) for name, values in given.items()},
            "annotator": None if who is None else str(who),
            "annotation_id": annotation.get("id"),
            "lead_time": annotation.get("lead_time"),
        }


def _unwrapped(value: Any) -> Any:
    """``[{"rating": 4}]``, ``{"choices": ["4"]}`` and the same as a text of JSON → 4."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            inner = _unwrapped(json.loads(value))
        except ValueError:
            return value
        return value if isinstance(inner, list | dict) else inner
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        return _unwrapped(value[0])
    if isinstance(value, dict):
        there = [name for name in _VALUES if name in value]
        if len(there) == 1:
            inner = value[there[0]]
            return inner[0] if isinstance(inner, list) and len(inner) == 1 else inner
    return value


# Argilla -----------------------------------------------------------------------------------


def _argilla(line: int, record: Plain, notes: Notes) -> Iterator[Plain]:
    nested = isinstance(record.get("fields"), dict)
    by_user = (_by_user if nested else _by_user_flat)(line, record, notes)
    if not by_user:
        notes.add(UNANSWERED, line)
    about = {"id": record.get("id") or record.get("external_id")}
    if nested:
        about |= {**(record.get("metadata") or {}), **record["fields"], **_suggested(record)}
    else:
        about |= {name: v for name, v in record.items() if ".responses" not in name}
    for user, given in by_user.items():
        for name in given.keys() & about.keys():
            notes.say(f"{name!r} is a field and a question: the answer counts")
        yield {**about, **given, "user_id": user}


def _by_user(line: int, record: Plain, notes: Notes) -> dict[str, Plain]:
    """Each person's answers: version 2 keeps a list for each question, version 1 one for all."""
    responses = record.get("responses") or {}
    people: dict[str, Plain] = {}
    if isinstance(responses, dict):
        given = [(name, one) for name, many in responses.items() for one in many or ()]
    else:
        given = [
            (name, {**response, "value": (answer or {}).get("value")})
            for response in responses
            for name, answer in (response.get("values") or {}).items()
        ]
    for name, one in given:
        _keep(people, name, one.get("value"), one.get("user_id"), one.get("status"), line, notes)
    return people


def _by_user_flat(line: int, record: Plain, notes: Notes) -> dict[str, Plain]:
    people: dict[str, Plain] = {}
    for key, values in record.items():
        if key.endswith(".responses") and isinstance(values, list):
            users = record.get(f"{key}.users") or []
            states = record.get(f"{key}.status") or [None] * len(values)
            for value, user, state in zip(values, users, states, strict=False):
                _keep(people, key.removesuffix(".responses"), value, user, state, line, notes)
    return people


def _keep(
    people: dict[str, Plain],
    name: str,
    value: Any,
    user: Any,
    status: Any,
    line: int,
    notes: Notes,
) -> None:
    if status in ("draft", "discarded"):
        notes.add(DISCARDED, line)
    else:
        people.setdefault("" if user is None else str(user), {})[name] = value


def _suggested(record: Plain) -> Plain:
    """What a machine suggested, under names that nobody takes for an answer."""
    suggestions = record.get("suggestions") or {}
    if isinstance(suggestions, list):  # version 1
        suggestions = {one.get("question_name"): one for one in suggestions}
    return {
        f"{name}.suggestion": one.get("value")
        for name, one in suggestions.items()
        if isinstance(one, dict)
    }
