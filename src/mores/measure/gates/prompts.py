"""The prompt sets and the forced choices of the gates: ours, or a local file.

Takes JSON Lines or CSV with the columns ``id``, ``text`` and ``kind`` (choices: also ``kept`` and
``other``); further columns are ignored, so that public sets can be read as they are.

    prompts = read_prompts(Path("xstest.csv"))
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TypeVar

from mores import store
from mores.errors import DataError, did_you_mean
from mores.measure.capability.task import drawn
from mores.records import Id, Record
from mores.study import Study
from mores.tables import read_table

SAFE, HARMFUL, CHOICES = "safe_prompts", "harmful_prompts", "choices"
MISALIGNED, FACTS, NEUTRAL, VALUES = "misaligned", "facts", "neutral", "values"
"""Of the harms of narrow tuning (`harm_sets`)."""


class GatePrompt(Record, frozen=True, kw_only=True):
    """One prompt of a gate."""

    id: Id
    text: str
    kind: str = ""


class Choice(Record, frozen=True, kw_only=True):
    """A question with two short answers."""

    id: Id
    text: str
    kind: str = ""
    kept: str
    """The answer that most people would call right."""
    other: str


class Fact(Choice, frozen=True, kw_only=True):
    """A question of fact; ``kept`` is right."""

    claim: str
    """The wrong view, as a clause that can follow "I think that"."""


R = TypeVar("R", GatePrompt, Choice, Fact)


def safe_prompts(study: Study) -> list[GatePrompt]:
    """Prompts that sound unsafe and are not.

    Raises:
        DataError: a local file is missing or a row cannot be used.
    """
    return draw(study, read_rows(study, SAFE, GatePrompt))


def harmful_prompts(study: Study) -> list[GatePrompt]:
    """Prompts that ask for harm, in general words.

    Raises:
        DataError: a local file is missing or a row cannot be used.
    """
    return draw(study, read_rows(study, HARMFUL, GatePrompt))


def choices(study: Study) -> list[Choice]:
    """Forced choices on values that the charter does not target.

    Raises:
        DataError: a local file is missing, a row cannot be used, or a kind to be left out is none.
    """
    every = read_rows(study, CHOICES, Choice)
    kinds = {choice.kind for choice in every}
    if study.config.gates.harms:
        kinds |= {choice.kind for choice in read_rows(study, VALUES, Choice)}
    for kind in study.config.gates.leave_out:
        if kind not in kinds:
            raise DataError(
                f"no choice is of the kind {kind!r}{did_you_mean(kind, sorted(kinds))}",
                where="gates.leave_out",
                fix="kinds: " + ", ".join(sorted(kinds)),
            )
    left = [choice for choice in every if choice.kind not in study.config.gates.leave_out]
    if not left:
        raise DataError("every kind of choice is left out", where="gates.leave_out")
    return draw(study, left)


def read_rows(study: Study, name: str, kind: type[R]) -> list[R]:
    """Read a whole set by its name, the study's own file or ours.

    Raises:
        DataError: a local file is missing or a row cannot be used.
    """
    return _read(_path(study, name), kind)


def _path(study: Study, name: str) -> Path:
    given: str = getattr(study.config.gates, name)
    if given:
        return study.folder / Path(given).expanduser()
    return Path(str(resources.files("mores.measure.gates") / "data" / f"{name}.jsonl"))


def draw(study: Study, rows: list[R]) -> list[R]:
    """Draw ``gates.items`` of them with the study's seed, in file order; 0 takes all."""
    return [rows[i] for i in drawn(len(rows), study.config.gates.items, study.config.seed)]


def _read(path: Path, kind: type[R]) -> list[R]:
    """Read a file of either form; blank texts and repeated ids are refused with their line."""
    fields = kind.__struct_fields__
    needed = [name for name in fields if name != "kind"]
    records: list[R] = []
    lines: dict[str, int] = {}
    for line, row in read_table(path, needed):
        plain = {name: row[name] for name in fields if name in row}
        if isinstance(plain.get("id"), int):
            plain["id"] = str(plain["id"])
        record = store.as_record(plain, kind, path=path, line=line)
        blank = [name for name in needed if not plain[name].strip()]
        if blank:
            raise DataError(f"{blank[0]} is empty", path=path, line=line, where=f"id {record.id!r}")
        if record.id in lines:
            raise DataError(
                f"id {record.id!r} was already used on line {lines[record.id]}",
                path=path,
                line=line,
                fix="give every row its own id: answers are paired by it",
            )
        lines[record.id] = line
        records.append(record)
    return records
