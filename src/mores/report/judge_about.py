"""Which judges' ratings are of what there is now, and what `mores judge` found of each.

found = judges_now(study)
found.judgements["qwen3-32b"], found.about.get("qwen3-32b"), found.left_out
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mores.errors import DataError
from mores.rate.judge.items import judge_items
from mores.rate.judge.prompt import read_prompt
from mores.rate.judge.result import JudgeResult
from mores.rate.judge.run import judge_step, read_result
from mores.rate.ratings import current_judgements, current_unjudged
from mores.records import Rating, Unrateable
from mores.step import MANIFEST, NOT_RUN, Step
from mores.study import Study, folders

GONE = "is in study.toml no more, so that it cannot be told whether its ratings are of now"


@dataclass(frozen=True)
class JudgesNow:
    """Ratings by language models that count."""

    judgements: dict[str, list[Rating]] = field(default_factory=dict)
    unjudged: dict[str, list[Unrateable]] = field(default_factory=dict)
    about: dict[str, JudgeResult] = field(default_factory=dict)
    """What `mores judge` found; nothing of ratings that were imported."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Judge → why its ratings are not shown."""


def judges_now(study: Study) -> JudgesNow:
    """Return what may be shown.

    Raises:
        DataError: a damaged file.
    """
    said, unjudged = current_judgements(study), current_unjudged(study)
    steps, reason = _steps(study)
    about: dict[str, JudgeResult] = {}
    left_out: dict[str, str] = {}
    for name in dict.fromkeys([*(one.name for one in study.config.judges), *said]):
        step = steps.get(name)
        if step is None:
            if reason or (folders.judge_folder(study, name) / MANIFEST).exists():
                left_out[name] = reason or GONE
            continue
        why = step.stale()
        if why == NOT_RUN and name in said:
            continue  # imported under this name
        if why:
            left_out[name] = f"`mores judge` {why}"
        elif result := read_result(step):
            about[name] = result
    return JudgesNow(
        {name: rows for name, rows in said.items() if name not in left_out},
        {name: rows for name, rows in unjudged.items() if name not in left_out},
        about,
        left_out,
    )


def _steps(study: Study) -> tuple[dict[str, Step], str]:
    """The step of each judge of study.toml as it would be made now, or why that cannot be told."""
    if not study.config.judges:
        return {}, ""
    try:
        items, prompt = judge_items(study), read_prompt(study)
    except DataError as error:
        return {}, error.message
    return {one.name: judge_step(study, one, items, prompt) for one in study.config.judges}, ""
