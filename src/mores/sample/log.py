"""Prompts of one's own log: a weighted sample of them, answered by base, values and control.

    sample_log(study, Path("log.jsonl"), most=200)
    log = read_log(study)                  what was taken, and what was left out and why
    log_step(study, spec, log)             for readers: is what lies there current?

Asked once a prompt and arm. These are no test prompts: they have no category of the charter, and
the report shows them apart, as what they are: this distribution.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from msgspec import Meta

from mores import store
from mores.curate.rules.personal_data import personal_data
from mores.errors import DataError, ModelError
from mores.execute import alone
from mores.progress import Progress
from mores.records import Arm, Completion, Count, Prompt, Record
from mores.sample.grid import Grid
from mores.sample.requests import Request, prompt_requests
from mores.step import Step
from mores.study import ModelSpec, Study, arm_keys
from mores.study.content import records_digest
from mores.tables import read_table
from mores.tune.run import known_base

if TYPE_CHECKING:
    from mores.weights.reader import Reader

LOG = "log"
FILE = "log.json"
NAMES = {"text": ("prompt", "question", "message", "query", "input")}
ARMS: tuple[Arm, ...] = ("base", "values_targeted", "control")
LONGEST = 4000
"""Characters of a prompt; a longer one is left out and counted, never cut."""


class LogPrompt(Record, frozen=True, kw_only=True):
    """One prompt that was taken."""

    id: str
    text: Annotated[str, Meta(min_length=1)]
    weight: Annotated[float, Meta(gt=0)]
    """How often it occurs, relative to the others."""


class Log(Record, frozen=True, kw_only=True):
    """What was taken from a log."""

    rows: Count
    """That it has."""
    left_out: dict[str, int]
    """Why → rows."""
    kept_weight: Annotated[float, Meta(ge=0, le=1)]
    """Share of the log's weight that is in rows not left out."""
    drawn: bool
    """Whether the prompts are a random sample of these rows; else they are all of them."""
    prompts: tuple[LogPrompt, ...]


def sample_log(
    study: Study, path: Path, *, most: int = 200, progress: Progress | None = None
) -> list[Completion]:
    """Take prompts from a log and put them to base, values-targeted and control arm.

    Rows that hold what looks like personal data are left out and counted: neither their text nor a
    part of it is kept. Of more rows than ``most`` that many are drawn, with replacement and with
    probability proportional to their weight, in one pass and bounded memory (a row takes the place
    of each prompt drawn so far with probability weight / weight so far; Chao 1982).

    Args:
        study: with tuned arms.
        path: a table with the column text (or prompt, question, message, query, input), and weight
            where rows count differently.
        most: prompts that are taken at most.
        progress: where to show how far it is.

    Raises:
        DataError: the file cannot be read, has no such column, or no row is left.
        ModelError: an arm has not been tuned.
    """
    progress = progress or Progress(quiet=True)
    with alone(study.run_folder):
        log = take(path, most, study.config.seed, study.charter.language, progress)
        place = study.run_folder / LOG / FILE
        before = place.read_bytes() if place.exists() else None
        store.write_json(place, log)
        progress.say(in_words(log))
        try:
            return [c for grid in _grids(study, log) for c in grid.run(progress)]
        except ModelError:  # nothing was asked: what was taken before stays
            if before is None:
                place.unlink()
            else:
                store.write_bytes(place, before)
            raise


def read_log(study: Study) -> Log | None:
    """Return what was taken from a log, or None where none was.

    Raises:
        DataError: the file is damaged.
    """
    path = study.run_folder / LOG / FILE
    return store.as_record(store.read_json(path), Log, path=path) if path.exists() else None


def log_step(study: Study, spec: ModelSpec, log: Log) -> Step:
    """The step that one model's answers to a log's prompts come from."""
    return _grid(study, spec, log).step(known_base(study, spec))


def log_prompts(log: Log) -> list[Prompt]:
    """Return what was taken as prompts; they have no category of the charter."""
    return [Prompt(id=p.id, category=LOG, text=p.text, split="test") for p in log.prompts]


def in_words(log: Log) -> str:
    """Say what was taken and what was left out."""
    out = ", ".join(f"{n} {why}" for why, n in log.left_out.items()) or "none"
    how = f"{len(log.prompts)} drawn" if log.drawn else "all taken"
    return (
        f"log: {log.rows} rows, {how}; left out: {out}; "
        f"{100 * log.kept_weight:.1f} % of its weight is in rows that were not"
    )


# Taking ----------------------------------------------------------------------------------------


@dataclass
class _Taken:
    """What is kept of the rows so far."""

    most: int
    rng: np.random.Generator
    first: list[tuple[str, float]] = field(default_factory=list)
    """The first rows, as long as there are no more than ``most``."""
    slots: list[str] = field(default_factory=list)
    weight: float = 0.0
    rows: int = 0

    def add(self, text: str, weight: float) -> None:
        self.rows += 1
        self.weight += weight
        if self.rows <= self.most:
            self.first.append((text, weight))
        if not self.slots:
            self.slots = [text] * self.most
            return
        count = int(self.rng.binomial(self.most, weight / self.weight))
        for place in self.rng.choice(self.most, size=count, replace=False) if count else ():
            self.slots[int(place)] = text


def take(path: Path, most: int, seed: int, language: str, progress: Progress) -> Log:
    """Read a log once and return a sample of its prompts; see `sample_log`.

    Raises:
        DataError: a weight is no number or below zero, no row is left, ``most`` is below 1.
    """
    if most < 1:
        raise DataError(f"expected at least 1 prompt, found {most}", where="--most")
    taken = _Taken(most, np.random.default_rng([seed, most]))
    left_out: Counter[str] = Counter()
    rows, whole = 0, 0.0
    task = progress.task("log", 0, "rows")
    for text, weight in _rows(path):
        rows, whole = rows + 1, whole + weight
        task.advance()
        if why := _unusable(text, weight, language):
            left_out[why] += 1
        else:
            taken.add(text, weight)
    task.finish()
    if not taken.rows:
        raise DataError(
            f"no row is left of {rows}: {dict(left_out) or 'it is empty'}",
            path=path,
            fix="give a table with the column text, without personal data",
        )
    drawn = taken.rows > most
    counted: dict[str, float] = {}
    for text, weight in [(text, 1.0) for text in taken.slots] if drawn else taken.first:
        counted[text] = counted.get(text, 0.0) + weight
    return Log(
        rows=rows,
        left_out=dict(sorted(left_out.items())),
        kept_weight=min(1.0, taken.weight / whole) if whole else 0.0,
        drawn=drawn,
        prompts=tuple(
            LogPrompt(id=f"log-{number:04d}", text=text, weight=weight)
            for number, (text, weight) in enumerate(counted.items(), 1)
        ),
    )


def _rows(path: Path) -> Iterator[tuple[str, float]]:
    for line, row in read_table(path, ("text",), aliases=NAMES):
        said = row.get("weight")
        try:
            weight = 1.0 if said is None or said == "" else float(said)
        except (TypeError, ValueError):
            weight = math.nan
        if not (math.isfinite(weight) and weight >= 0):
            raise DataError(
                f"expected a weight of 0 or more, found {said!r}",
                path=path,
                where=f"line {line}",
                fix="say how often the prompt occurs, or leave the column out",
            )
        yield " ".join(str(row["text"] or "").split()), weight


def _unusable(text: str, weight: float, language: str) -> str:
    """Why a row is left out, or nothing."""
    if not text:
        return "empty"
    if weight == 0:
        return "of weight 0"
    if len(text) > LONGEST:
        return f"longer than {LONGEST} characters"
    kinds = [kind for kind, _ in personal_data(text, language)]
    return f"with what looks like {kinds[0]}" if kinds else ""


# Asking ----------------------------------------------------------------------------------------


def _grids(study: Study, log: Log) -> list[Grid]:
    return [_grid(study, spec, log) for spec in study.config.models if not spec.imported]


def _grid(study: Study, spec: ModelSpec, log: Log) -> Grid:
    arms = [arm for arm in study.config.arms if arm in ARMS]
    keys = arm_keys(arms, study.config.train_seeds)
    prompts = log_prompts(log)

    def build(model: Reader) -> list[Request]:
        return prompt_requests(model, spec.format, keys, prompts, 1, study.charter, study.values)

    inputs = {"prompts": records_digest(prompts), "log": store.digest(log)}
    extra: dict[str, Any] = {"format": spec.format, "draws": 1}
    decoding = study.config.sample.decoding
    return Grid(study, spec, LOG, keys, decoding, inputs, extra, build)
