"""Two versions of a dataset, and what came of each: `mores diff OLD NEW`.

    diff = diff(load_study(Path("v1")), load_study(Path("v2")))

Effects are put side by side as each report gives them. They come from different tuning runs, and
often from different prompts or presets, so no difference between the two is computed or implied.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from mores import store
from mores.curate.text import count_words
from mores.records import BESIDE, Estimate, Example, Record
from mores.report.run import DATA, report_step
from mores.study import Study, folders
from mores.study.content import charter_digest, records_digest, samples_digest
from mores.tune.run import outdated_arms

CONTRAST = "values_targeted - control"


class DatasetDiff(Record, frozen=True, kw_only=True):
    """What changed between two sets of samples, by id."""

    name: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    kept: int
    categories: dict[str, tuple[int, int]]
    """Category → samples in the old and the new version."""
    words: tuple[int, int]
    """Words of all answers, old and new."""


class EffectPair(Record, frozen=True, kw_only=True):
    """The same measure in both reports; None where a report does not have it."""

    model: str
    measure: str
    old: Estimate | None
    new: Estimate | None


class StudyDiff(Record, frozen=True, kw_only=True):
    """Two versions of a study."""

    old: str
    new: str
    datasets: tuple[DatasetDiff, ...]
    effects: tuple[EffectPair, ...]
    notes: tuple[str, ...]
    """What makes the two hard to compare."""


def diff_examples(name: str, old: Sequence[Example], new: Sequence[Example]) -> DatasetDiff:
    """Compare two versions of a set of samples by id, question and answer."""
    before = {e.id: e for e in old}
    after = {e.id: e for e in new}
    same = [i for i in after if i in before]
    changed = [
        i
        for i in same
        if (before[i].category, before[i].prompt, before[i].completion)
        != (after[i].category, after[i].prompt, after[i].completion)
    ]
    counts = Counter(e.category for e in old), Counter(e.category for e in new)
    return DatasetDiff(
        name=name,
        added=tuple(i for i in after if i not in before),
        removed=tuple(i for i in before if i not in after),
        changed=tuple(changed),
        kept=len(same) - len(changed),
        categories={c: (counts[0][c], counts[1][c]) for c in sorted({*counts[0], *counts[1]})},
        words=(
            sum(count_words(e.completion) for e in old),
            sum(count_words(e.completion) for e in new),
        ),
    )


def diff(old: Study, new: Study) -> StudyDiff:
    """Put two versions of a study side by side: their samples, and what came of each.

    Args:
        old: the earlier version.
        new: the later version.

    Raises:
        DataError: a dataset or a report cannot be read.
    """
    datasets = (
        diff_examples("values", old.values.examples, new.values.examples),
        diff_examples("control", old.control.examples, new.control.examples),
    )
    before, after = _effects(old), _effects(new)
    notes = _notes(old, new, bool(before), bool(after))
    keys = [*before, *(key for key in after if key not in before)]
    return StudyDiff(
        old=f"{old.config.name} {old.config.version} ({old.config.preset})",
        new=f"{new.config.name} {new.config.version} ({new.config.preset})",
        datasets=datasets,
        effects=tuple(
            EffectPair(
                model=model,
                measure=measure,
                old=before.get((model, measure)),
                new=after.get((model, measure)),
            )
            for model, measure in keys
        ),
        notes=tuple(notes),
    )


def _effects(study: Study) -> dict[tuple[str, str], Estimate]:
    """Overall estimates of the primary contrast (capability: against base); none without report."""
    if _why_none(study):
        return {}
    path = folders.report_folder(study) / DATA
    rows = store.read_json(path).get("estimates", [])
    effects: dict[tuple[str, str], Estimate] = {}
    for row in rows:
        estimate = store.as_record(row, Estimate, path=path)
        capability = estimate.measure.startswith("capability:")
        against = estimate.contrast == ("values_targeted - base" if capability else CONTRAST)
        size = estimate.measure.endswith(BESIDE)  # a slash alone may belong to a scorer's name
        if against and estimate.category == "overall" and not size:
            effects[str(estimate.details.get("model", "")), estimate.measure] = estimate
    return effects


def _why_none(study: Study) -> str:
    """Why a study has no effects that could be compared, or nothing."""
    step = report_step(study)
    if step.manifest is None:
        if (step.folder / DATA).exists():
            return "its report was written by an earlier version (`mores report` writes it anew)"
        return f"no report under preset {study.config.preset}"
    if outdated := outdated_arms(study):
        changed = ", ".join(f"{arm} ({why})" for arm, why in outdated.items())
        return f"its arms are not of what it holds now: {changed}; `mores run` tunes them again"
    stale = step.stale()
    return f"its report {stale}" if stale else ""


def _notes(old: Study, new: Study, before: bool, after: bool) -> list[str]:
    notes = []
    for study, there in ((old, before), (new, after)):
        if not there:
            why = _why_none(study) or "its report has no values-targeted arm against control"
            notes.append(f"{study.folder}: {why}; no effects")
    if before and after:
        notes.append(
            "the two come from different tuning runs; a difference between them is not tested"
        )
        pairs = (
            ("preset", old.config.preset, new.config.preset),
            (
                "test prompts",
                records_digest(old.chosen_prompts),
                records_digest(new.chosen_prompts),
            ),
            ("charter", charter_digest(old.charter), charter_digest(new.charter)),
            ("recipe", store.digest(old.config.recipe), store.digest(new.config.recipe)),
            (
                "control set",
                samples_digest(old.control.examples),
                samples_digest(new.control.examples),
            ),
        )
        notes += [f"the {name} differs too" for name, a, b in pairs if a != b]
    return notes
