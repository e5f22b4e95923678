"""Rows of other people's files → rows with our field names.

Takes a file, gives its format and (line, row) pairs whose rows have `prompt`,
`completion` and any of the optional fields of `Example`.

    notes = Notes()
    form, rows = read_pairs(Path("train.jsonl"), "auto", notes)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mores.errors import DataError
from mores.records import Example
from mores.tables import form_of, read_table

Row = dict[str, Any]
Rows = list[tuple[int, Row]]

FIELDS = Example.__struct_encode_fields__
ALIASES = {"question": "prompt", "answer": "completion"}
PAIR = (("prompt", "question"), ("completion", "answer"))

_SEPARATOR = re.compile(r"(?:\s*\n\n###(?:\n\n)?|\s*\n\n---\n\n|\s*->|\s+###)\s*$")
_STOP = re.compile(r"(?:\s+END|\s*###|\n)\s*$")


class Notes:
    """What an import dropped, stripped or made up, with the lines concerned."""

    def __init__(self) -> None:
        self._lines: dict[str, list[int]] = {}

    def add(self, what: str, line: int) -> None:
        """Note one thing about one line."""
        self._lines.setdefault(what, []).append(line)

    def lines(self) -> tuple[str, ...]:
        """Return one sentence for each kind of note, with its first lines."""
        return tuple(f"{what}: {_count(lines)}" for what, lines in self._lines.items())


def read_pairs(path: Path, fmt: str, notes: Notes, encoding: str | None = None) -> tuple[str, Rows]:
    """Read a file's rows and bring them into one form.

    Args:
        path: the file.
        fmt: ``auto`` or a format's name.
        notes: takes what was dropped or stripped.
        encoding: of the file, such as ``cp1252``; by default UTF-8.

    Raises:
        DataError: with the line, for a row that cannot be used.
    """
    if fmt == "csv" or (fmt == "auto" and form_of(path, encoding) == "csv"):
        table = read_table(path, PAIR, form="csv", encoding=encoding)
        return "csv", [
            _plain(_with_suppress(row, path, line), path, line, notes) for line, row in table
        ]
    rows = list(read_table(path, form="jsonl", encoding=encoding))
    if fmt == "auto":
        fmt = _guess([row for _, row in rows])
    if fmt == "messages":
        rows = [(line, _from_messages(row, path, line, notes)) for line, row in rows]
    pairs = [_plain(row, path, line, notes) for line, row in rows]
    if fmt == "legacy":
        pairs = [(line, _without_marks(row, path, line, notes)) for line, row in pairs]
    return fmt, pairs


def _with_suppress(row: Row, path: Path, line: int) -> Row:
    """Read the one cell that holds JSON."""
    try:
        return {**row, "suppress": json.loads(row.get("suppress") or "null")}
    except json.JSONDecodeError as error:
        raise DataError(
            f"the cell suppress is not JSON: {error.msg}", path=path, line=line
        ) from None


def _guess(rows: list[Row]) -> str:
    """Name the form: by the key ``messages``, or by marks that every row has."""
    if any("messages" in row for row in rows):
        return "messages"
    prompts = [row.get("prompt") for row in rows]
    completions = [row.get("completion") for row in rows]
    ended = all(isinstance(p, str) and _SEPARATOR.search(p) for p in prompts)
    spaced = all(isinstance(c, str) and c[:1] == " " for c in completions)
    return "legacy" if rows and (ended or spaced) else "jsonl"


def _plain(row: Row, path: Path, line: int, notes: Notes) -> tuple[int, Row]:
    """Rename known aliases, drop fields that a sample does not have, ask for text."""
    kept: Row = {}
    for key, value in row.items():
        name = key if key in FIELDS else ALIASES.get(key, key)
        if name not in FIELDS or (name != key and name in row):
            notes.add(f"field {key!r} dropped", line)
        elif value is not None and value != "":
            kept[name] = value
    if isinstance(kept.get("id"), int):
        kept["id"] = str(kept["id"])
    for name in ("prompt", "completion"):
        _ask_for_text(kept.get(name), name, path, line)
    return line, kept


def _ask_for_text(value: object, name: str, path: Path, line: int) -> None:
    alias = {new: old for old, new in ALIASES.items()}[name]
    if not isinstance(value, str) or not value.strip():
        shown = "nothing" if value is None else "an empty one" if isinstance(value, str) else ""
        found = shown or f"{type(value).__name__}"
        raise DataError(
            f"expected text as {name} (or {alias}), found {found}",
            path=path,
            line=line,
            fix="every row needs a question and its answer",
        )
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise DataError(
            f"the {name} holds half of a surrogate pair, which no file can keep",
            path=path,
            line=line,
            fix="restore the character it was part of",
        )


# messages ----------------------------------------------------------------------------------


def _from_messages(row: Row, path: Path, line: int, notes: Notes) -> Row:
    """Turn one user turn and one assistant turn into a row; other keys are kept."""
    turns = row.get("messages")
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        raise DataError(
            "expected messages, a list of objects with role and content",
            path=path,
            line=line,
            fix='such as {"messages": [{"role": "user", "content": "..."}, ...]}',
        )
    if turns and turns[0].get("role") in ("system", "developer"):
        notes.add(f"{turns[0]['role']} message dropped", line)
        turns = turns[1:]
    roles = [str(turn.get("role")) for turn in turns]
    if roles != ["user", "assistant"]:
        raise DataError(
            "expected exactly one user turn and then one assistant turn, found "
            + (", ".join(roles) or "none"),
            path=path,
            line=line,
            fix="split a longer conversation into one question and one answer each",
        )
    for turn in turns:
        _check_turn(turn, path, line, notes)
    rest = {key: value for key, value in row.items() if key != "messages"}
    prompt, completion = (_content(turn, path, line) for turn in turns)
    return {**rest, "prompt": prompt, "completion": completion}


def _check_turn(turn: Row, path: Path, line: int, notes: Notes) -> None:
    if turn.get("weight") == 0:
        raise DataError(
            "the answer has weight 0, which means that it is not to be trained on",
            path=path,
            line=line,
            fix="leave this conversation out",
        )
    for key, value in turn.items():
        if key not in ("role", "content", "weight") and value is not None:
            notes.add(f"{key!r} of the {turn['role']} message dropped", line)


def _content(turn: Row, path: Path, line: int) -> str:
    content = turn.get("content")
    if isinstance(content, list) and all(
        isinstance(p, dict) and p.get("type") == "text" and isinstance(p.get("text"), str)
        for p in content
    ):
        return "".join(part["text"] for part in content)
    if not isinstance(content, str):
        raise DataError(
            f"expected text as content of the {turn['role']} turn, found "
            f"{json.dumps(content)[:60]}",
            path=path,
            line=line,
            fix="only text can be imported: no images, no tool calls",
        )
    return content


# The older prompt and completion format of hosted APIs ---------------------------------------


def _without_marks(row: Row, path: Path, line: int, notes: Notes) -> Row:
    """Strip the prompt's separator, the completion's leading blank and its stop sequence."""
    prompt, separators = _SEPARATOR.subn("", row["prompt"])
    completion, stops = _STOP.subn("", row["completion"])
    start = completion.removeprefix(" ")
    for name, text in (("prompt", prompt), ("completion", start)):
        _ask_for_text(text, name, path, line)
    for what, count in (
        ("separator stripped from the prompt", separators),
        ("stop sequence stripped from the completion", stops),
        ("leading blank stripped from the completion", start != completion),
    ):
        if count:
            notes.add(what, line)
    return {**row, "prompt": prompt, "completion": start}


def _count(lines: Iterable[int], shown: int = 5) -> str:
    every = list(lines)
    rest = f" and {len(every) - shown} more" if len(every) > shown else ""
    return f"{'line' if len(every) == 1 else 'lines'} {', '.join(map(str, every[:shown]))}{rest}"
