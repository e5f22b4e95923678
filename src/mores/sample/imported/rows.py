"""A table of outputs → its rows, each checked against the study, with the line that it stands on.

rows = read_rows(Path("outputs.csv"), targets, Reading(...), notes)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mores.errors import DataError, did_you_mean
from mores.records import Prompt
from mores.study import ArmKey, ModelSpec, Study, arm_keys
from mores.tables import Notes, read_table

NEEDED = ("arm", "prompt", ("text", "file"))
OTHERS = ("model", "seed", "draw", "text", "file", "alt", "captions")
ALIASES = {"prompt": ("prompt_id",), "text": ("completion", "output"), "seed": ("train_seed",)}
LONGEST = 100_000
"""Characters of an answer, and of its alternative text."""

Place = tuple[str, ArmKey, str, int]
"""Model, arm, prompt, draw."""


@dataclass(frozen=True)
class Reading:
    """How the user says that the table is to be read."""

    encoding: str | None = None
    sheet: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    """Our name of a column → the table's."""
    arms: Mapping[str, str] = field(default_factory=dict)
    """The table's name of an arm → the study's."""


@dataclass(frozen=True)
class Row:
    """One answer as the table has it."""

    line: int
    text: str
    file: str = ""
    """Relative to the table; empty for a text."""
    alt: str = ""
    captions: str = ""


@dataclass(frozen=True)
class Targets:
    """What a study asks of imported outputs."""

    models: tuple[ModelSpec, ...]
    keys: tuple[ArmKey, ...]
    prompts: Mapping[str, Prompt]
    """Those that are put to the arms."""
    known: frozenset[str]
    """Ids of all prompts of the study."""
    draws: int

    @classmethod
    def of(cls, study: Study) -> Targets:
        """Read them off a study.

        Raises:
            DataError: no model of the study is imported.
        """
        models = tuple(spec for spec in study.config.models if spec.imported)
        if not models:
            raise DataError(
                "no model of this study has outputs from elsewhere",
                path=study.folder / "study.toml",
                fix='name it there: [[models]] name = "painter", engine = "imported", '
                'tuner = "none" (docs/outputs.md)',
            )
        return cls(
            models,
            tuple(arm_keys(study.config.arms, study.config.train_seeds)),
            {p.id: p for p in study.chosen_prompts},
            frozenset(p.id for p in study.prompts),
            study.config.sample.draws,
        )


def read_rows(path: Path, targets: Targets, reading: Reading, notes: Notes) -> dict[Place, Row]:
    """Read and check every row.

    What is held is bounded by what the study asks: a row outside of that is refused or noted, and
    none may come twice.

    Raises:
        DataError: what `read_table` raises, and with the line: an unknown model, arm, seed or
            prompt, a draw that the study does not ask for, neither text nor file or both, a
            place that has a row already.
    """
    table = read_table(
        path,
        NEEDED,
        others=OTHERS,
        encoding=reading.encoding,
        sheet=reading.sheet,
        names=reading.names,
        aliases=ALIASES,
        notes=notes,
    )
    rows: dict[Place, Row] = {}
    for line, cells in table:
        try:
            place = _place(cells, targets, reading.arms)
            if place[2] not in targets.prompts:
                notes.add("left out: a prompt that this preset does not put to the arms", line)
                continue
            if place in rows:
                raise UnfitRowError(f"{_said(place)} has a row already (line {rows[place].line})")
            # Only JSON can say that a system answered, and with nothing.
            rows[place] = _answer(cells, line, may_be_empty=notes.form in ("json", "jsonl"))
        except UnfitRowError as error:
            raise DataError(error.args[0], path=path, line=line, fix=error.fix) from None
    return rows


class UnfitRowError(Exception):
    """Why a row cannot be taken; `read_rows` says which row."""

    def __init__(self, message: str, fix: str = "keep one of the two") -> None:
        super().__init__(message)
        self.fix = fix


def _said(place: Place) -> str:
    model, key, prompt, draw = place
    return f"model {model!r}, arm {key.name}, prompt {prompt!r}, draw {draw}"


def _place(cells: Mapping[str, Any], targets: Targets, arms: Mapping[str, str]) -> Place:
    model = _model(_cell(cells, "model"), targets.models)
    prompt = _cell(cells, "prompt")
    if prompt not in targets.known:
        near = did_you_mean(prompt, sorted(targets.known))
        raise UnfitRowError(
            f"unknown prompt {prompt!r}{near}", "prompts are those of prompts.jsonl"
        )
    key = _key(_cell(cells, "arm"), _cell(cells, "seed"), targets.keys, arms)
    draw = _whole(_cell(cells, "draw") or "0", "draw")
    if draw >= targets.draws:
        raise UnfitRowError(
            f"draw {draw}: the study asks for {targets.draws}, counted from 0",
            "count draws from 0, or set sample.draws in study.toml",
        )
    return model, key, prompt, draw


def _cell(cells: Mapping[str, Any], name: str) -> str:
    value = cells.get(name)
    if isinstance(value, bool | list | dict):
        raise UnfitRowError(f"{name}: expected a text or number, found {type(value).__name__}", "")
    return "" if value is None else str(value).strip()


def _whole(text: str, name: str) -> int:
    number = text.removesuffix(".0")
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise UnfitRowError(
            f"{name}: expected a whole number from 0 on, found {text!r}", "such as 0"
        )
    return int(number)


def _model(name: str, models: Sequence[ModelSpec]) -> str:
    known = [spec.name for spec in models]
    if not name and len(known) == 1:
        return known[0]
    if name not in known:
        said = f"unknown model {name!r}{did_you_mean(name, known)}" if name else "no model"
        raise UnfitRowError(said, f"models of study.toml that are imported: {', '.join(known)}")
    return name


def _key(name: str, seed: str, keys: Sequence[ArmKey], arms: Mapping[str, str]) -> ArmKey:
    arm = arms.get(name, name)
    own = [key for key in keys if key.arm == arm]
    if not own:
        known: list[str] = list(dict.fromkeys(key.arm for key in keys))
        raise UnfitRowError(
            f"unknown arm {name!r}{did_you_mean(name, known)}" if name else "no arm",
            f"arms of study.toml: {', '.join(known)}; another name of one is told by "
            f"--arm {name or 'theirs'}={known[-1]}",
        )
    if not seed and len(own) == 1:
        return own[0]
    seeds = ", ".join(str(key.seed) for key in own)
    number = _whole(seed, "seed") if seed else None
    found = next((key for key in own if key.seed == number), None)
    if found is None:
        what = f"seed {number} of arm {arm}" if seed else f"no seed for arm {arm}"
        raise UnfitRowError(f"{what}: the study has {seeds}", "seeds are train_seeds in study.toml")
    return found


def _answer(cells: Mapping[str, Any], line: int, *, may_be_empty: bool) -> Row:
    file, text = _cell(cells, "file"), cells.get("text")
    if not isinstance(text, str | None):
        raise UnfitRowError(f"text: expected a text, found {type(text).__name__}", "quote it")
    given = text or ""
    if file and given.strip():
        raise UnfitRowError(
            "text and file", "give one of the two; what describes a file is its alt"
        )
    said_empty = may_be_empty and text is not None and "file" not in cells
    if not file and not given.strip() and not said_empty:
        raise UnfitRowError(
            "neither text nor file",
            "leave the row out where there is no answer: it counts as absent, not as empty; an "
            'answer that is empty is {"text": ""} in JSON, without a file',
        )
    row = Row(line, given, file, _cell(cells, "alt"), _cell(cells, "captions"))
    if max(len(row.text), len(row.alt)) > LONGEST:
        raise UnfitRowError(f"more than {LONGEST} characters", "shorten it, alike in every arm")
    if (row.alt or row.captions) and not file:
        raise UnfitRowError("alt or captions without a file", "they describe a file")
    return row
