"""A record as the cells of a row, and a row's changed cells as a record again.

    cells = as_cells("values", row)                 {"id": "v-01", ..., "suppress": "M101: short"}
    row = from_cells("values", changed, row, cells)

A cell that was not changed is not read back: what a spreadsheet cannot show exactly stays as it is
in the file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from mores.errors import DataError
from mores.records import ANSWERED, ASKED
from mores.study.parts import Part

Cells = dict[str, str]
_SAMPLE = ("id", "category", "prompt", "completion", "why", "author", "reviewer", "accepted",
           "license", "source", "suppress")  # fmt: skip
COLUMNS: dict[Part, tuple[str, ...]] = {
    "positions": ("category", "title", "statement", "why", "basis", "accountable", "contact",
                  "nobody"),
    "values": _SAMPLE,
    "control": _SAMPLE,
    "prompts": ("id", "category", "text", "split", "kind", "presets", "near", "author", "reviewer",
                "accepted", "suppress", "language", "prefill", "earlier"),
    "stance": ("id", "category", "prompt", "aligned", "opposed", "split", "author", "reviewer",
               "accepted", "suppress", "language", "prefill", "earlier"),
}  # fmt: skip
"""Columns of each sheet; every field of the record is in one."""
DIGEST = "digest"
"""Column with what each cell was when it was exported."""
NAMES = ("id", "category", "split", "kind", "near", "accepted")
"""Cells whose blanks at the ends mean nothing."""
_ANSWERS = {"accountable": "who", "contact": "contact", "nobody": "nobody"}
_FORCES = ("binding", "soft", "regional")
_VERSION, _SHORT = "1:", 12
_TURN = re.compile(rf"^{ASKED}(.*?)\n{ANSWERED}(.*?)\s*(?=^{ASKED}|\Z)", re.DOTALL | re.MULTILINE)


def as_cells(part: Part, row: Mapping[str, Any]) -> Cells:
    """Return a row of `mores.study.parts.rows_of` as texts, by column."""
    return {column: _flat(_SHOW.get(column, _plain)(row, column)) for column in COLUMNS[part]}


def from_cells(part: Part, cells: Cells, row: Mapping[str, Any], before: Cells) -> dict[str, Any]:
    """Return a row with what was changed in its cells.

    Args:
        part: of the study.
        cells: as they should be.
        row: as it is; empty for a new one.
        before: cells of that row.

    Raises:
        DataError: a list that cannot be read; ``where`` is the column.
    """
    fresh = dict(row)
    for column in COLUMNS[part]:
        text = cells[column]
        if row and text == before[column]:
            continue
        if column in _ANSWERS:
            fresh["accountable"] = _accountable(cells)
        elif column in _READ:
            fresh[column] = _READ[column](text, row)
        elif text or row:
            fresh[column] = text
    return fresh


def digest_of(part: Part, cells: Cells) -> str:
    """What stands in the column of digests: a short digest of every cell, in declared order."""
    return _VERSION + "".join(_short(cells[column]) for column in COLUMNS[part])


def split_digest(part: Part, digest: str) -> Cells | None:
    """Return column → short digest; None where it is not one that mores wrote."""
    columns, rest = COLUMNS[part], digest.removeprefix(_VERSION)
    if not re.fullmatch(rf"[0-9a-f]{{{_SHORT * len(columns)}}}", rest) or rest == digest:
        return None
    return {c: rest[n * _SHORT : (n + 1) * _SHORT] for n, c in enumerate(columns)}


def was(digest: str, *texts: str) -> str | None:
    """Return the text that has this short digest; None where it is none of them."""
    return next((text for text in texts if _short(text) == digest), None)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:_SHORT]


def _flat(text: str) -> str:
    """Line ends as workbooks keep them."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _plain(row: Mapping[str, Any], column: str) -> str:
    text = str(row.get(column) or "")
    return text.strip() if column in NAMES else text


def _answer(row: Mapping[str, Any], column: str) -> str:
    return str((row.get("accountable") or {}).get(_ANSWERS[column], ""))


def _names(row: Mapping[str, Any], column: str) -> str:
    names = row[column]
    odd = [name for name in names if re.search(r"[,\n]", name) or name != name.strip()]
    if odd:
        raise DataError(
            f"the name {odd[0]!r} in {column} cannot stand in a list", fix="give it another name"
        )
    return ", ".join(names)


def _reasons(row: Mapping[str, Any], column: str) -> str:
    return "\n".join(f"{rule}: {' '.join(why.split())}" for rule, why in row[column].items())


def _turns(row: Mapping[str, Any], column: str) -> str:
    return "\n".join(
        f"{ASKED}{turn['prompt']}\n{ANSWERED}{turn['completion']}" for turn in row.get(column, ())
    )


def _read_turns(text: str, _: Mapping[str, Any]) -> list[dict[str, str]]:
    found = [
        {"prompt": one[1].strip(), "completion": one[2].strip()} for one in _TURN.finditer(text)
    ]
    if _TURN.sub("", text).strip():
        raise DataError(
            f"expected lines that begin with {ASKED!r} and {ANSWERED!r} in turn, found {text!r}",
            where="earlier",
            fix=f"write {ASKED}... and below it {ANSWERED}...",
        )
    return found


def _sources(row: Mapping[str, Any], column: str) -> str:
    return "\n".join(map(_source, row[column]))


def _source(entry: Any) -> str:
    source, force = (entry, "") if isinstance(entry, str) else (entry["source"], entry["force"])
    return " ".join(source.split()) + (f" [{force}]" if force else "")


def _read_names(text: str, _: Mapping[str, Any]) -> list[str]:
    return [name.strip() for name in re.split(r"[,\n]", text) if name.strip()]


def _read_reasons(text: str, row: Mapping[str, Any]) -> dict[str, str]:
    known = row.get("suppress", {})
    found = {}
    for line in filter(str.strip, text.split("\n")):
        rule, colon, why = (part.strip() for part in line.partition(":"))
        if not (rule and colon and why):
            raise DataError(
                f"expected a rule and its reason on each line, found {line.strip()!r}",
                where="suppress",
                fix="such as M101: the short answer is the point",
            )
        same = " ".join(known.get(rule, "").split()) == why
        found[rule] = known[rule] if same else why
    return found


def _read_sources(text: str, row: Mapping[str, Any]) -> list[Any]:
    known = {_source(entry): entry for entry in row.get("basis", ())}
    found: list[Any] = []
    for line in map(str.strip, filter(str.strip, text.split("\n"))):
        named = re.fullmatch(rf"(.+?)\s*\[({'|'.join(_FORCES)})\]", line)
        entry = {"source": named[1], "force": named[2]} if named else line
        found.append(known.get(line, entry))
    return found


def _accountable(cells: Cells) -> dict[str, str] | None:
    said = {name: cells[column].strip() for column, name in _ANSWERS.items()}
    return {k: v for k, v in said.items() if v} or None


_SHOW: dict[str, Callable[[Mapping[str, Any], str], str]] = {
    **dict.fromkeys(_ANSWERS, _answer),
    "presets": _names,
    "suppress": _reasons,
    "basis": _sources,
    "earlier": _turns,
}
_READ: dict[str, Callable[[str, Mapping[str, Any]], Any]] = {
    "presets": _read_names,
    "suppress": _read_reasons,
    "basis": _read_sources,
    "earlier": _read_turns,
}
