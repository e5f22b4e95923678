"""A study without people: names become labels, links and addresses are taken out.

    people = People.of(study)
    people.written(study)      {"values.jsonl": b"...", ...}: files that read otherwise in a pack

Whoever wrote, accepted, answers for or signed something, and who opened the key, is p1, p2 and so
on; who rated is r1, r2. Labels stand in the order of the names, so that no figure depends on them.
What people are told or say in free text is theirs to word: nothing here reads it.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit
from msgspec.structs import replace

from mores import store
from mores.measure.gates.labels import HEADER
from mores.rate.blind import key_path
from mores.rate.ratings import CANNOT, COLLECTED, COLLECTED_BY, GROUPS, RATINGS, read_ratings
from mores.records import Example, Prompt, StancePair, Variant, to_plain
from mores.study import Study, folders
from mores.study.charter import read_charter
from mores.study.files import LABELS, SIGNATURES
from mores.study.rewrite import rewrite_charter, rewrite_lines
from mores.study.signoff.keys import person, read_signers
from mores.study.signoff.signature import Signature, read_signatures
from mores.study.signoff.state import standing_lines
from mores.tables import read_table

RECORDS: dict[str, type[Example | Prompt | StancePair | Variant]] = {
    "values.jsonl": Example,
    "control.jsonl": Example,
    "prompts.jsonl": Prompt,
    "stance.jsonl": StancePair,
    "variants.jsonl": Variant,
}
TOLD = "rating.toml"
REACHED = ("contact", "completion_url", "completion_code")
"""What of rating.toml leads to somebody."""
BY_RATERS = (RATINGS, COLLECTED, CANNOT)


def labels(prefix: str, names: Iterable[str]) -> dict[str, str]:
    """Return name → label, such as r01; labels sort as the names do."""
    ordered = sorted(set(names))
    width = len(str(len(ordered)))
    return {name: f"{prefix}{number:0{width}}" for number, name in enumerate(ordered, 1)}


@dataclass(frozen=True)
class People:
    """The labels of everybody in a study."""

    names: Mapping[str, str]
    """Of whoever wrote, accepted, answers, signed or opened the key; by `person`."""
    raters: Mapping[str, str]

    @classmethod
    def of(cls, study: Study) -> People:
        """Find everybody whom a study's files name.

        Raises:
            DataError: a file cannot be read.
        """
        found = {one.accountable.who for one in study.charter.positions if one.accountable}
        for name, kind in RECORDS.items():
            for record in _records(study, name, kind):
                found |= {record.author, record.reviewer}
        found |= {line.by for line in read_signatures(study.folder)}
        opened = _json(study, COLLECTED_BY)
        found |= {opened["who"], opened["first"]["by"]} if opened else set()
        groups = _json(study, GROUPS) or {}
        raters = {one.rater for one in read_ratings(study)}
        raters |= {row["rater"] for row in _rows(study, CANNOT)}
        raters |= {one for answers in groups.values() for own in answers.values() for one in own}
        return cls(labels("p", {person(name) for name in found if name}), labels("r", raters))

    def label(self, name: str) -> str:
        """Return a person's label; nobody's is empty."""
        return self.names[person(name)] if name else ""

    def written(self, study: Study) -> dict[str, bytes]:
        """Return the files of a study that read otherwise without people, by their path in it."""
        runs = folders.ratings_folder(study).relative_to(study.folder).as_posix()
        files = {name: self._records(study, name, kind) for name, kind in RECORDS.items()}
        files |= {
            "charter.toml": self._charter(study),
            TOLD: _told(study),
            SIGNATURES: self._signatures(study),
            LABELS: labels_of(study.folder / LABELS),
        }
        files |= {f"{runs}/{name}": self._by_raters(study, name) for name in BY_RATERS}
        if still_blind(study):
            key = key_path(study).resolve().relative_to(study.folder.resolve())
            files[key.as_posix()] = b""  # its digest is named: it cannot become another
        files |= {
            f"{runs}/{GROUPS}": self._groups(study),
            f"{runs}/{COLLECTED_BY}": self._by(study),
        }
        return {name: data for name, data in files.items() if _differs(study, name, data)}

    def _records(
        self, study: Study, name: str, kind: type[Example | Prompt | StancePair | Variant]
    ) -> bytes:
        path = study.folder / name
        if not path.is_file():
            return b""
        rows = [
            replace(row, author=self.label(row.author), reviewer=self.label(row.reviewer))
            for row in _records(study, name, kind)
        ]
        return rewrite_lines(store.read_text(path), rows).encode()

    def _charter(self, study: Study) -> bytes:
        path = study.folder / "charter.toml"
        charter = read_charter(path)
        positions = tuple(
            one
            if one.accountable is None or not one.accountable.who
            else replace(
                one,
                accountable=replace(
                    one.accountable, who=self.label(one.accountable.who), contact=""
                ),
            )
            for one in charter.positions
        )
        return rewrite_charter(
            store.read_text(path), replace(charter, positions=positions), path=path
        ).encode()

    def _signatures(self, study: Study) -> bytes:
        """The lines that count, under labels: each has the id of what it now says."""
        lines = read_signatures(study.folder)
        faults, _ = standing_lines(lines, read_signers(study.folder))
        bad = {one.line for one in faults}
        ids: dict[str, str] = {}
        kept: list[Signature] = []
        for number, line in enumerate(lines, 1):
            if number in bad:
                continue
            fresh = replace(
                line,
                by=self.label(line.by),
                signature="",
                withdraws=ids.get(line.withdraws, ""),
            )
            fresh = replace(fresh, id=fresh.own_id)
            ids[line.id] = fresh.id
            kept.append(fresh)
        return as_lines(kept)

    def _by_raters(self, study: Study, name: str) -> bytes:
        rows = (row | {"rater": self.raters[row["rater"]]} for row in _rows(study, name))
        return as_lines(rows)

    def _groups(self, study: Study) -> bytes:
        groups = _json(study, GROUPS)
        if groups is None:
            return b""
        return as_json(
            {
                question: {a: [self.raters[one] for one in own] for a, own in answers.items()}
                for question, answers in groups.items()
            }
        )

    def _by(self, study: Study) -> bytes:
        opened = _json(study, COLLECTED_BY)
        if opened is None:
            return b""
        first = opened["first"] | {"by": self.label(opened["first"]["by"])}
        return as_json(opened | {"who": self.label(opened["who"]), "first": first})


def as_lines(rows: Iterable[Any]) -> bytes:
    """Return records or plain rows as JSON Lines, as `store.write_jsonl` writes them."""
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
    return "".join(encode(to_plain(row)) + "\n" for row in rows).encode()


def as_json(value: Any) -> bytes:
    """Return a value as JSON, as `store.write_json` writes it."""
    plain = to_plain(value)
    return (json.dumps(plain, ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode()


def _told(study: Study) -> bytes:
    path = study.folder / TOLD
    if not path.is_file():
        return b""
    text = store.read_text(path)
    document = tomlkit.parse(text)
    for key in REACHED:
        if document.get(key):
            document[key] = ""
    return document.as_string().encode()


def still_blind(study: Study) -> bool:
    """Whether there is a key to ratings that nobody has opened."""
    opened = folders.ratings_folder(study) / COLLECTED_BY
    return key_path(study).is_file() and not opened.is_file()


def labels_of(path: Path, without: Sequence[str] = ()) -> bytes:
    """Return a sheet of labels of answers without its other columns: one may say who labelled."""
    if not path.is_file():
        return b""
    columns = [name for name in HEADER if name not in without]
    text = io.StringIO()
    table = csv.DictWriter(text, columns, restval="", extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    table.writerows(row for _, row in read_table(path, ["id", "label"]))
    return text.getvalue().encode()


def _records(
    study: Study, name: str, kind: type[Example | Prompt | StancePair | Variant]
) -> list[Any]:
    path = study.folder / name
    return store.read_jsonl(path, kind) if path.is_file() else []


def _rows(study: Study, name: str) -> list[dict[str, Any]]:
    path = folders.ratings_folder(study) / name
    return [row for _, row in store.read_rows(path)] if path.is_file() else []


def _json(study: Study, name: str) -> dict[str, Any] | None:
    path = folders.ratings_folder(study) / name
    found: dict[str, Any] | None = store.read_json(path) if path.is_file() else None
    return found


def _differs(study: Study, name: str, data: bytes) -> bool:
    path = study.folder / name
    return path.is_file() and path.read_bytes() != data
