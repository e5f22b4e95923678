"""Rows of other people's files → rows with our field names.

Takes a file, gives its format and (line, row) pairs whose rows have `prompt`,
`completion` and any of the optional fields of `Example`.

    notes = Notes()
    form, rows = read_pairs(Path("train.jsonl"), "auto", notes)
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

from mores.curate.form_chat import CHATS, from_chat, long_ones
from mores.curate.form_legacy import say_endings, separator_of, without_marks
from mores.errors import DataError, did_you_mean
from mores.json_text import JsonError, parse
from mores.records import Example
from mores.tables import Notes, read_table
from mores.tables.exports import ARGILLA, LABEL_STUDIO

Row = dict[str, Any]
Rows = list[tuple[int, Row]]

FIELDS = Example.__struct_encode_fields__
ALIASES = {"question": "prompt", "answer": "completion"}
ALPACA = ("instruction", "output")
CONTAINERS = ("csv", "jsonl", "json", "xlsx")
CHAT_FORMS = {"messages": "messages", "sharegpt": "conversations"}
FORMS = {
    "jsonl": "prompt and completion (or question and answer), one object a line",
    "json": "the same in one array",
    "csv": "the same as columns",
    "xlsx": "the same as columns of a sheet",
    "messages": "messages with role and content",
    "sharegpt": "conversations with from and value",
    "alpaca": "instruction, input and output",
    LABEL_STUDIO: "an export as JSON, JSON-MIN or CSV",
    ARGILLA: "an export of records as JSON",
    "legacy": "prompt and completion with separators",
}
"""Format → what its rows have."""
_TOLD = (*FIELDS, *ALIASES, *ALPACA, "input", *CHATS)
"""Names that a row of some form may have."""


def read_pairs(
    path: Path,
    fmt: str,
    notes: Notes,
    encoding: str | None = None,
    *,
    sheet: str | None = None,
    names: Mapping[str, str] | None = None,
) -> tuple[str, Rows]:
    """Read a file's rows and bring them into one form.

    Args:
        path: the file.
        fmt: ``auto`` or a format's name.
        notes: takes what was dropped or cut.
        encoding: of the file, such as ``cp1252``; by default UTF-8.
        sheet: name of the sheet of a workbook.
        names: our name of a column → the file's.

    Raises:
        DataError: with the line, for a row that cannot be used; a form that is not known.
    """
    for ours in names or {}:
        if ours not in _TOLD:
            raise DataError(
                f"--map {ours}={(names or {})[ours]}: a sample has no {ours!r}"
                + did_you_mean(ours, list(FIELDS)),
                path=path,
                fix="fields of a sample: " + ", ".join(FIELDS),
            )
    container = cast(
        "Literal['auto', 'csv', 'jsonl', 'xlsx']",
        "auto"
        if fmt not in CONTAINERS and fmt != "legacy"
        else "jsonl"
        if fmt in ("json", "legacy")
        else fmt,
    )
    rows = list(
        read_table(
            path,
            form=container,
            encoding=encoding,
            sheet=sheet,
            names=names,
            notes=notes,
            told_by=_TOLD,
        )
    )
    form = _form(rows, notes.form, path) if fmt in ("auto", *CONTAINERS) else fmt
    if form in CHAT_FORMS or form == "alpaca":
        _say_replaced(rows, form, notes)
    if form in CHAT_FORMS:
        key = CHAT_FORMS[form]
        several = long_ones(rows, key)
        rows = [(at, from_chat(row, key, path, at, notes, several)) for at, row in rows]
    elif form == "alpaca":
        rows = [(at, _from_alpaca(row, path, at, notes)) for at, row in rows]
    elif form in ("csv", "xlsx"):  # one cell may hold JSON
        rows = [(at, _with_suppress(row, path, at)) for at, row in rows]
    elif form in (LABEL_STUDIO, ARGILLA):
        _refuse_both(rows, path, names or {})
    pairs = [_plain(row, path, at, notes) for at, row in rows]
    if form in (LABEL_STUDIO, ARGILLA):
        pairs = _once(pairs, path, notes)
    if fmt == "auto" and form in ("jsonl", "json") and _looks_legacy(pairs):
        form = "legacy"
    if form == "legacy":
        pairs = without_marks(pairs, notes)
        for at, row in pairs:
            _ask_for_pair(row, path, at)
    else:
        say_endings(pairs, notes)
    return form, pairs


def _form(rows: Rows, read_as: str, path: Path) -> str:
    """Name the form by the keys that the rows have."""
    if read_as in (LABEL_STUDIO, ARGILLA):
        return read_as
    for form, key in CHAT_FORMS.items():
        if any(key in row for _, row in rows):
            return form
    line, first = rows[0]
    if any(all(n in first for n in (a, b)) for a, b in _pairs()):
        return read_as
    if all(name in first for name in ALPACA):
        return "alpaca"
    if set(first) & {"prompt", "completion", "question", "answer"}:
        return read_as  # the row that lacks one is named with its line
    have = ", ".join(repr(name[:40]) for name in list(first)[:20]) or "nothing"
    known = "; ".join(f"{form}: {has}" for form, has in FORMS.items() if form != "legacy")
    near = next(filter(None, (did_you_mean(n, list(first)) for n in ("prompt", "completion"))), "")
    raise DataError(
        f"not a form of dataset that is known: the file is {read_as}, and its rows have {have}"
        + near,
        path=path,
        line=line,
        fix="say which columns are which: --map prompt=COLUMN --map completion=COLUMN; "
        f"known forms are {known}",
    )


def _pairs() -> list[tuple[str, str]]:
    return [(p, c) for p in ("prompt", "question") for c in ("completion", "answer")]


def _looks_legacy(rows: Rows) -> bool:
    """Prompts that end in a separator, or completions that all start with a blank."""
    texts = [(row["prompt"], row["completion"]) for _, row in rows]
    return bool(separator_of([p for p, _ in texts])) or all(c[:1] == " " for _, c in texts)


def _with_suppress(row: Row, path: Path, line: int) -> Row:
    """Read the one cell that holds JSON."""
    try:
        return {**row, "suppress": parse(row.get("suppress") or "null")}
    except JsonError as error:
        raise DataError(f"the cell suppress is not JSON: {error}", path=path, line=line) from None


def _say_replaced(rows: Rows, form: str, notes: Notes) -> None:
    """Note fields of our names in a form that makes them from others."""
    for line, row in rows:
        for name in ("prompt", "completion"):
            if row.get(name) not in (None, ""):
                notes.add(f"field {name!r} dropped: it is made from what {form} rows have", line)


def _refuse_both(rows: Rows, path: Path, names: Mapping[str, str]) -> None:
    """In an export, one of "completion" and "answer" may be a model's, and one a person's."""
    for line, row in rows:
        for alias, ours in ALIASES.items():
            both = row.get(alias) not in (None, "") and row.get(ours) not in (None, "")
            if both and row[alias] != row[ours] and ours not in names:
                raise DataError(
                    f"{ours!r} and {alias!r} are both there and differ",
                    path=path,
                    line=line,
                    fix=f"say which is meant: --map {ours}={alias}, or --map {ours}={ours}",
                )


def _from_alpaca(row: Row, path: Path, line: int, notes: Notes) -> Row:
    """The instruction, and where there is one the input below a blank line."""
    rest = {k: v for k, v in row.items() if k not in (*ALPACA, "input")}
    prompt, below = row.get("instruction"), row.get("input")
    if below is not None and not isinstance(below, str):
        raise DataError(
            f"expected text as input, found {type(below).__name__}", path=path, line=line
        )
    if below and below.strip():
        notes.add("input put below the instruction, after a blank line", line)
        prompt = f"{prompt}\n\n{below}"
    return {**rest, "prompt": prompt, "completion": row.get("output")}


def _once(pairs: Rows, path: Path, notes: Notes) -> Rows:
    """One sample of a task that several people looked at, if they agree on it."""
    seen: dict[Any, Row] = {}
    kept: Rows = []
    for line, row in pairs:
        before = seen.get(row["prompt"])
        if before is None:
            seen[row["prompt"]] = row
            kept.append((line, row))
        elif before["completion"] == row["completion"]:
            notes.add("the same sample from another person, taken once", line)
        else:
            raise DataError(
                "another answer to a question that has one already, from another person",
                path=path,
                line=line,
                fix="keep the answer that the study should teach, and leave out the other",
            )
    return kept


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
    _ask_for_pair(kept, path, line)
    return line, kept


def _ask_for_pair(row: Row, path: Path, line: int) -> None:
    for name in ("prompt", "completion"):
        _ask_for_text(row.get(name), name, path, line)


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
