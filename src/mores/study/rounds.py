"""The rounds of a study: each version of the values set that was put to the test prompts.

    add_round(study, verdicts)     rounds.jsonl beside study.toml; the same version only once
    history(study)                 all rounds, oldest first

Every look at the test prompts that leads to another version of the samples makes them less of a
test. The report prints the rounds, and warns from the second on.
"""

from __future__ import annotations

from pathlib import Path

from mores import store
from mores.records import Record
from mores.study.content import records_digest, samples_digest
from mores.study.study import Study

FILE = "rounds.jsonl"


class Round(Record, frozen=True, kw_only=True):
    """One version of the values samples, and what the report said of it."""

    number: int
    preset: str
    values: str
    """Digest of the values samples."""
    control: str
    prompts: str
    """Digest of the test prompts that were looked at."""
    samples: int
    verdicts: dict[str, str]
    """Headline subject → verdict."""
    asked: tuple[str, ...] = ()
    """Ids of the test prompts; empty in files of earlier versions."""


def rounds_path(study: Study) -> Path:
    """Where the rounds are kept."""
    return study.folder / FILE


def history(study: Study) -> list[Round]:
    """Return the rounds so far, oldest first.

    Raises:
        DataError: the file cannot be read.
    """
    path = rounds_path(study)
    return store.read_jsonl(path, Round, unique="number") if path.exists() else []


def add_round(study: Study, verdicts: dict[str, str]) -> list[Round]:
    """Note that this version was put to the test prompts; return all rounds.

    The same samples under the same preset are the same round: its verdicts are brought up to date.
    """
    known = history(study)
    values = samples_digest(study.values.examples, [r.values for r in known])
    control = samples_digest(study.control.examples, [r.control for r in known])
    prompts = records_digest(study.chosen_prompts)
    mine = (study.config.preset, values, control, prompts)
    number = next(
        (r.number for r in known if (r.preset, r.values, r.control, r.prompts) == mine),
        len(known) + 1,
    )
    fresh = Round(
        number=number,
        preset=study.config.preset,
        values=values,
        control=control,
        prompts=prompts,
        samples=len(study.values.examples),
        verdicts=verdicts,
        asked=tuple(p.id for p in study.chosen_prompts),
    )
    every = [fresh if r.number == number else r for r in known]
    if number > len(known):
        every.append(fresh)
    if every != known:
        store.write_jsonl(rounds_path(study), every)
    return every


def looks(rounds: list[Round], study: Study) -> int:
    """How many versions of the values set have been put to these test prompts, or to some of them.

    A prompt is known by its id, whatever set it is in and however it was reworded.
    """
    prompts, mine = records_digest(study.chosen_prompts), {p.id for p in study.chosen_prompts}
    return len({r.values for r in rounds if r.prompts == prompts or mine & set(r.asked)})
