"""Exports of annotation tools → one answer for each person who gave one.

    Label Studio   JSON: ``{"data": {...}, "annotations": [{"completed_by", "result"}]}``; the task
                   has the data and ``id``, the answer each control by its name, ``annotator``,
                   ``annotation_id`` and ``lead_time``. The tool's own CSV and JSON-MIN have all of
                   these beside each other: which is which is not told there
    Argilla        ``{"fields": {...}, "responses": ..., "suggestions": ...}``, nested (version 2,
                   and 1 with its list of responses) or flat (``rating.responses``); the task has
                   fields, metadata and ``id``, the answer each question by its name and ``user_id``

What a machine suggested is never taken for a person's answer: it comes as
``<question>.suggestion``, which a caller has to ask for by that name.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mores.errors import DataError
from mores.json_text import JsonError, parse
from mores.tables.notes import Notes

Plain = dict[str, Any]

LABEL_STUDIO, ARGILLA = "label-studio", "argilla"
SKIPPED = "skipped by its annotator, left out"
UNANSWERED = "nobody answered, left out"
PREDICTED = "predictions of a model are not answers of people, left out"
DISCARDED = "draft or discarded response left out"
_VALUES = ("rating", "number", "choices", "text")
"""Keys under which Label Studio keeps what was answered."""
_RESPONSES = (".responses", ".responses.users", ".responses.status")


@dataclass(frozen=True)
class Answer:
    """What one person said of one task."""

    line: int
    """Where the task begins."""
    task: Plain
    """What the task had before anybody saw it."""
    given: Plain
    """What the person gave, by the name of control or question, and who it was."""


@dataclass(frozen=True)
class Place:
    """Where a task stands, for messages."""

    path: Path
    line: int

    def wrong(self, message: str) -> DataError:
        """An error about this task."""
        return DataError(
            message, path=self.path, line=self.line, fix="export it again from the tool"
        )

    def object(self, value: Any, what: str) -> Plain:
        """Return an object, an empty one of null; anything else is refused."""
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.wrong(f"expected an object as {what}, found {type(value).__name__}")
        return value

    def list(self, value: Any, what: str) -> list[Any]:
        """Return a list, an empty one of null; anything else is refused."""
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.wrong(f"expected a list as {what}, found {type(value).__name__}")
        return value

    def name(self, value: Any, what: str) -> str:
        """Return a text; anything else is refused."""
        if not isinstance(value, str):
            raise self.wrong(f"expected text as {what}, found {type(value).__name__}")
        return value


def tool_of(names: Iterable[str]) -> str:
    """Name the tool whose export has rows or columns like these; "" for none."""
    there = {name.strip().lower() for name in names}
    if {"data", "annotations"} <= there or {"annotator", "annotation_id"} <= there:
        return LABEL_STUDIO
    responses = any(name.endswith(".responses.users") for name in there)
    return ARGILLA if responses or {"fields", "responses"} <= there else ""


def answers(line: int, row: Plain, tool: str, path: Path, notes: Notes) -> Iterator[Answer]:
    """Yield the answers of one row of an export.

    Raises:
        DataError: something in the row is not what the tool writes there.
    """
    at = Place(path, line)
    if tool == ARGILLA:
        yield from _argilla(at, row, notes)
    elif "annotations" in row and "data" in row:
        yield from _label_studio(at, row, notes)
    else:
        notes.flat = True
        rest = {n: v for n, v in row.items() if n.strip().lower() != "was_cancelled"}
        cancelled = [row[name] for name in row.keys() - rest.keys()]
        if any(str(value).strip().lower() in ("true", "1") for value in cancelled):
            notes.add(SKIPPED, line)
        else:
            yield Answer(line, {}, {name: _unwrapped(value) for name, value in rest.items()})


# Label Studio ------------------------------------------------------------------------------


def _label_studio(at: Place, task: Plain, notes: Notes) -> Iterator[Answer]:
    data = {"id": task.get("id"), **at.object(task["data"], "data")}
    annotations = at.list(task["annotations"], "annotations")
    if task.get("predictions"):
        notes.add(PREDICTED, at.line)
    if not annotations:
        notes.add(UNANSWERED, at.line)
    for one in annotations:
        annotation = at.object(one, "annotation")
        if annotation.get("was_cancelled"):
            notes.add(SKIPPED, at.line)
            continue
        results: dict[str, list[Any]] = {}
        for part in at.list(annotation.get("result"), "result"):
            result = at.object(part, "part of a result")
            if result.get("from_name"):  # relations between regions have none
                name = at.name(result["from_name"], "from_name")
                results.setdefault(name, []).append(result.get("value"))
        for name in results.keys() & data.keys():
            notes.say(f"{name!r} is in the task and among the answers: the answer counts")
        who = annotation.get("completed_by")
        if isinstance(who, dict):
            who = who.get("email") or who.get("id")
        given = {name: _unwrapped(values) for name, values in results.items()}
        about = {
            "annotator": None if who is None else str(who),
            "annotation_id": annotation.get("id"),
            "lead_time": annotation.get("lead_time"),
        }
        yield Answer(at.line, data, given | about)


def _unwrapped(value: Any) -> Any:
    """``[{"rating": 4}]``, ``{"choices": ["4"]}`` and the same as a text of JSON → 4."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            inner = _unwrapped(parse(value))
        except JsonError:
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


def _argilla(at: Place, record: Plain, notes: Notes) -> Iterator[Answer]:
    task: Plain = {"id": record.get("id") or record.get("external_id")}
    if "fields" in record and "responses" in record:
        responses = list(_nested(at, record))
        task |= at.object(record.get("metadata"), "metadata")
        task |= {**at.object(record["fields"], "fields"), **_suggested(at, record)}
    else:
        responses = list(_flat(at, record))
        task |= {name: v for name, v in record.items() if not name.endswith(_RESPONSES)}
    people: dict[str, Plain] = {}
    for question, value, user, status in responses:
        if status in ("draft", "discarded"):
            notes.add(DISCARDED, at.line)
            continue
        given = people.setdefault("" if user is None else str(user), {})
        if question in given:
            raise at.wrong(f"two answers to {question!r} of one person, or of nobody named")
        given[question] = value
    if not people:
        notes.add(UNANSWERED, at.line)
    for user, given in people.items():
        for name in given.keys() & task.keys():
            notes.say(f"{name!r} is a field and a question: the answer counts")
        yield Answer(at.line, task, {**given, "user_id": user})


Response = tuple[str, Any, Any, Any]
"""Question, answer, person, status."""


def _nested(at: Place, record: Plain) -> Iterator[Response]:
    """Version 2 keeps a list for each question, version 1 one for all."""
    responses = record["responses"]
    if isinstance(responses, dict):
        for name, many in responses.items():
            for one in at.list(many, f"responses to {name!r}"):
                given = at.object(one, "response")
                if given:
                    yield name, given.get("value"), given.get("user_id"), given.get("status")
        return
    for one in at.list(responses, "responses"):
        response = at.object(one, "response")
        for name, answer in at.object(response.get("values"), "values").items():
            value = at.object(answer, f"answer to {name!r}").get("value")
            yield name, value, response.get("user_id"), response.get("status")


def _flat(at: Place, record: Plain) -> Iterator[Response]:
    """Lists side by side; in a CSV as texts."""
    for key in [key for key in record if key.endswith(".responses")]:
        values = _listed(at, record[key], key)
        users = _listed(at, record.get(f"{key}.users"), f"{key}.users") or [None] * len(values)
        states = _listed(at, record.get(f"{key}.status"), f"{key}.status") or [None] * len(values)
        if not len(values) == len(users) == len(states):
            raise at.wrong(f"expected a user for each of the {len(values)} answers of {key!r}")
        for value, user, state in zip(values, users, states, strict=True):
            yield key.removesuffix(".responses"), value, user, state


def _listed(at: Place, cell: Any, what: str) -> list[Any]:
    """A list, or a cell that holds one: as JSON, or as data frames write it."""
    if not isinstance(cell, str):
        return at.list(cell, what)
    if not cell.strip():
        return []
    try:
        return at.list(parse(cell), what)
    except JsonError:
        pass
    try:
        return at.list(ast.literal_eval(cell.strip()), what)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        raise at.wrong(f"expected a list as {what!r}, found {cell[:40]!r}") from None


def _suggested(at: Place, record: Plain) -> Plain:
    """What a machine suggested, under names that nobody takes for an answer."""
    suggestions = record.get("suggestions")
    if isinstance(suggestions, list):  # version 1
        parts = [at.object(one, "suggestion") for one in suggestions]
        suggestions = {at.name(one.get("question_name"), "question_name"): one for one in parts}
    return {
        f"{name}.suggestion": at.object(one, "suggestion").get("value")
        for name, one in at.object(suggestions, "suggestions").items()
    }
