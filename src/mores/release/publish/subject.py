"""What is published: a study, its current report, and the names that its parts go by elsewhere.

subject(study)    refuses a report that is not current, and arms of other samples than there are now
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from mores import store
from mores.errors import DataError
from mores.records import TUNED_ARMS
from mores.report.model import ArmSummary, ModelSummary, Report
from mores.report.run import DATA, report_step
from mores.step import TIMINGS
from mores.study import ModelSpec, Study, folders, slug
from mores.tune.run import outdated_arms
from mores.weights.assets.table import Asset, read_table

_HUB_ID = re.compile(r"[\w][\w.-]*/[\w.-]+")


@dataclass(frozen=True)
class Subject:
    """A study and what its report says of it."""

    study: Study
    report: Report
    digest: str
    """Of report.json."""
    made: datetime
    """When the last step ended, UTC, to the second: a record's time, so that the same results give
    the same bytes."""

    @property
    def name(self) -> str:
        """The study's name as part of ids."""
        return slug(self.study.config.name)

    def spec(self, model: ModelSummary) -> ModelSpec:
        """Return what the study says of a model."""
        return next(s for s in self.study.config.models if s.name == model.name)

    def arms(self) -> Iterator[tuple[ModelSummary, ArmSummary]]:
        """Yield every arm of every model, in order."""
        yield from ((model, arm) for model in self.report.models for arm in model.arms)

    def tuned(self) -> Iterator[tuple[ModelSummary, ArmSummary]]:
        """Yield the arms that have weights of their own."""
        yield from ((model, arm) for model, arm in self.arms() if arm.arm in TUNED_ARMS)


def subject(study: Study) -> Subject:
    """Read a study's report to publish it.

    Raises:
        DataError: there is no report, it is not of what there is now, or an arm was tuned on other
            samples or by another recipe than the study has now.
    """
    step = report_step(study)
    path = step.folder / DATA
    if why := step.stale():
        raise DataError(f"the report {why}", path=path, fix=f"run `mores report {study.folder}`")
    if outdated := outdated_arms(study):
        arms = ", ".join(f"{arm} ({why})" for arm, why in outdated.items())
        raise DataError(
            f"arms are not of the study's samples and recipe as they are now: {arms}",
            path=study.folder,
            fix=f"run `mores run {study.folder}`, or bring back the files that they were tuned on",
        )
    report = store.as_record(store.read_json(path), Report, path=path)
    return Subject(study, report, store.digest_file(path), _made(study))


def _made(study: Study) -> datetime:
    path = study.run_folder / TIMINGS
    ended = [
        float(row["finished"])
        for _, row in (store.iter_rows(path) if path.exists() else ())
        if isinstance(row.get("finished"), int | float)
    ]
    report = folders.report_folder(study) / DATA
    return datetime.fromtimestamp(int(max(ended, default=report.stat().st_mtime)), UTC)


def setting(report: Report, key: str) -> str | None:
    """Return a setting of the report as text; None where it has none of that name."""
    value = next((s.value for s in report.settings if s.key == key), None)
    if value is None:
        return None
    plain = json.loads(value)
    return plain if isinstance(plain, str) else value


def asset_of(model: str) -> Asset | None:
    """Return the asset that a base model is, or None where it is none."""
    return next((a for a in read_table() if a.kind == "model" and a.name == model), None)


def hub_id(model: str) -> str:
    """Return a base model's id on the Hugging Face Hub; empty where none is known."""
    if asset := asset_of(model):
        return asset.upstream
    local = model.endswith(".gguf") or not _HUB_ID.fullmatch(model)
    return "" if local else model


def arm_id(subject: Subject, model: ModelSummary, arm: ArmSummary) -> str:
    """Return ``study/model-arm``, the name that an arm goes by in published forms."""
    return f"{subject.name}/{slug(model.name)}-{arm.name}"
