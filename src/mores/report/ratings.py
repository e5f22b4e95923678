"""What people rated, and what must be known beside it: absences, unblinding, guesses.

Takes a study, its completions and its ratings by people; gives a `RatingSummary`.

    rating_summary(study, [(model, completions)], ratings)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from msgspec.structs import replace

from mores import stats, store
from mores.rate.blind import key_path
from mores.rate.ratings import (
    COLLECTED_BY,
    GROUPS,
    blind_raters,
    current_unrateable,
)
from mores.records import Arm, Completion, Rating
from mores.report.contrasts import PRIMARY
from mores.report.judge_about import judges_now
from mores.report.judges import judge_summaries
from mores.report.model import RatingSummary
from mores.report.rated import Guesses, Panel, Unblinding
from mores.report.raters import (
    agreement,
    agreement_by_category,
    groups,
    rater_model,
)
from mores.study import Study, folders
from mores.study.arms import ArmKey, arm_keys

NONE = (
    "none yet; `mores rate serve STUDY` lets people rate, `mores rate import STUDY FILE` takes a "
    "CSV of completion_id,rater,value"
)
SEALED = "still blind; `mores rate unblind STUDY --who NAME` opens the sealed key"
UNRATED = "unblinded before anything was rated 1 to 5"


def rating_summary(
    study: Study, models: Sequence[tuple[str, Sequence[Completion]]], ratings: Sequence[Rating]
) -> RatingSummary:
    """Summarise ratings by people.

    Args:
        study: the study; its ratings folder says what the rating app collected.
        models: name of each base model and its completions.
        ratings: of these completions' texts, by people only.

    Raises:
        DataError: a damaged file.
    """
    collected = _kept(study, COLLECTED_BY)
    reason = "" if ratings else _why_none(study, collected)
    arms = _arms(study, models)
    blind, judges = blind_raters(study), judges_now(study)
    every, seed = [c for _, rows in models for c in rows], study.config.seed
    return RatingSummary(
        ratings=len(ratings),
        raters=len({r.rater for r in ratings}),
        rated=len({r.completion_id for r in ratings}),
        completions=sum(len(rows) for _, rows in models),
        agreement=agreement(every, ratings) if ratings else None,
        agreement_by=agreement_by_category(every, ratings),
        groups=groups(models, ratings, _kept(study, GROUPS) or {}, seed),
        mixed=tuple(m for m in (rater_model(n, c, ratings) for n, c in models) if m is not None),
        judges=judge_summaries(models, ratings, judges, seed, frozenset(blind)),
        judges_left_out=judges.left_out,
        means=_means(arms, ratings) if ratings else {},
        reason=reason,
        blind=len({r.rater for r in ratings} & blind),
        panels=_panels(models, ratings, blind),
        answers=_answers(arms, ratings) if ratings else {},
        cannot=_cannot(study, arms) if collected else {},
        **_about(collected),
    )


def _panels(
    models: Sequence[tuple[str, Sequence[Completion]]], ratings: Sequence[Rating], blind: set[str]
) -> tuple[Panel, ...]:
    found = []
    for name, rows in models:
        ids = {c.id for c in rows if c.arm in PRIMARY}
        raters = {r.rater for r in ratings if r.completion_id in ids}
        if raters:
            found.append(Panel(model=name, raters=len(raters), blind=len(raters & blind)))
    return tuple(found)


def _kept(study: Study, name: str) -> dict[str, Any] | None:
    """What the rating app left in a file, or None without it."""
    path = folders.ratings_folder(study) / name
    kept: dict[str, Any] | None = store.read_json(path) if path.exists() else None
    return kept


def _why_none(study: Study, collected: dict[str, Any] | None) -> str:
    if collected is not None:
        return UNRATED
    return SEALED if key_path(study).exists() else NONE


@dataclass(frozen=True)
class _Arm:
    """One arm of one model, and its completions."""

    label: str
    """Its name, with its model's where there are several."""
    arm: Arm
    ids: frozenset[str]


def _arms(study: Study, models: Sequence[tuple[str, Sequence[Completion]]]) -> list[_Arm]:
    keys = arm_keys(study.config.arms, study.config.train_seeds)
    return [
        _Arm(
            key.name if len(models) == 1 else f"{model} {key.name}",
            key.arm,
            frozenset(c.id for c in rows if ArmKey(c.arm, c.seed) == key),
        )
        for model, rows in models
        for key in keys
    ]


def _means(arms: Sequence[_Arm], ratings: Sequence[Rating]) -> dict[str, float | None]:
    values = {a.label: [r.value for r in ratings if r.completion_id in a.ids] for a in arms}
    return {label: float(np.mean(rated)) if rated else None for label, rated in values.items()}


def _answers(arms: Sequence[_Arm], ratings: Sequence[Rating]) -> dict[str, tuple[int, int]]:
    rated = {r.completion_id for r in ratings}
    return {a.label: (len(a.ids & rated), len(a.ids)) for a in arms}


def _cannot(study: Study, arms: Sequence[_Arm]) -> dict[str, int]:
    """Answers "cannot be rated" of the arms that were given to raters."""
    answers = current_unrateable(study)
    return {
        a.label: sum(answer.completion_id in a.ids for answer in answers)
        for a in arms
        if a.arm in study.config.rating.arms
    }


def _about(collected: dict[str, Any] | None) -> dict[str, Any]:
    """What the rating app said when it was unblinded."""
    if collected is None:
        return {}
    answers = collected["ratings"] + collected["cannot"]
    first = collected["first"]
    at = datetime.fromtimestamp(first["at"], UTC)
    return {
        "needed": collected["needed"],
        "missing": collected["needed"] - answers,
        "unblinded": Unblinding(
            at=at.strftime("%Y-%m-%d %H:%M UTC"),
            by=first["by"],
            answers=first["ratings"],
            later=answers - first["ratings"],
        ),
        "guesses": _guesses(collected["guesses"], collected["chance"]),
    }


def _guesses(found: dict[str, int], chance: float | None) -> Guesses | None:
    """Wilson's interval takes guesses as independent; those of one rater hardly are."""
    right, wrong, unsure = (found[name] for name in ("right", "wrong", "unsure"))
    if right + wrong + unsure == 0:
        return None
    share = stats.wilson(right, right + wrong, unit="guess")
    notes = [share.reason] if share.reason else []
    if chance is not None:
        notes.append(f"by chance alone about {chance:.2f}, as common arms are guessed more easily")
        notes.append("guesses of one rater are hardly independent, so the interval is too narrow")
    return Guesses(
        right=right,
        wrong=wrong,
        unsure=unsure,
        share=replace(share, measure="right guesses", reason="; ".join(notes)),
        chance=chance,
    )
