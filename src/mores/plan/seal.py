"""A sealed plan: what a study means to show, fixed and hashed before anything is sampled.

    sealed = seal_plan(study, now=datetime.now(UTC))     runs/<preset>/sealed-plan.json
    status = seal_status(study)                          what differs from it now

The file holds hypotheses, the primary contrast, margins, exclusions, seeds, settings and the
digests of all data files and of the base models, and the digest of all this. Whoever keeps that
digest elsewhere (a letter, a registry) can prove later that the plan is the one that was sealed.
The report says what was sealed, when, and where the study deviated; a study without a seal is said
to have none.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from msgspec import field

from mores import store
from mores.errors import StudyError
from mores.records import Record, to_plain
from mores.step import read_manifest
from mores.study import Study, folders
from mores.study.files import LATER, file_digests
from mores.study.layers import flatten
from mores.tune.base import base_of
from mores.tune.run import known_base

FILE = "sealed-plan.json"
RESULTS = (
    "sample",
    "stems",
    "stance",
    "coherence",
    "toxicity",
    "capability",
    "cooccurrence",
    "gates",
)
"""Steps whose files mean that something was seen. Validation prompts may be looked at."""
ALPHA = 0.05
PRIMARY = "values_targeted - control"
EXCLUSIONS = (
    "a completion that a scorer cannot score has no value there; it is counted, never 0",
    'an output that a rater marks "cannot be rated" has no rating from that rater, never a 1',
    "gold and practice items are never part of a result",
    "outputs that name their model stay in; the report says how many there are",
    "a prompt without a value in one of the two arms leaves that comparison; it is counted",
)


class Hypothesis(Record, frozen=True, kw_only=True):
    """One thing that the study means to show, or to exclude."""

    measure: str
    contrast: str
    claim: str
    """``higher``, ``lower``, or ``non-inferior``."""
    margin: float | None = None
    primary: bool = False


class SealedPlan(Record, frozen=True, kw_only=True):
    """What was fixed."""

    study: str
    version: str
    preset: str
    sealed: str
    """UTC, ISO 8601."""
    mores_version: str
    hypotheses: tuple[Hypothesis, ...]
    alpha: float
    adjustment: str
    exclusions: tuple[str, ...]
    seeds: dict[str, Any]
    settings: dict[str, Any]
    """Every setting by its dotted key."""
    files: dict[str, str]
    """Data file → digest."""
    models: dict[str, str] = field(default_factory=dict)
    """Base model → digest of its weights; empty in plans of earlier versions."""
    digest: str = ""
    """Of everything above."""


class SealStatus(Record, frozen=True, kw_only=True):
    """How the study stands to its sealed plan."""

    sealed: str
    """When, or empty where there is no seal."""
    digest: str
    primary: str
    intact: bool
    """Whether the file is the one that was sealed."""
    deviations: tuple[str, ...]
    """What differs now, one sentence each."""


def plan_path(study: Study) -> Path:
    """Where the sealed plan is kept."""
    return study.run_folder / FILE


def seal_plan(study: Study, *, now: datetime) -> SealedPlan:
    """Fix the plan of a study; once, before sampling.

    Raises:
        StudyError: it was sealed before, or something has been sampled already.
    """
    path = plan_path(study)
    if path.exists():
        raise StudyError(
            "this plan was sealed before",
            path=path,
            fix="a changed plan is a new study: give it another preset or folder",
        )
    sampled = sorted(
        path
        for step in RESULTS
        for path in study.run_folder.glob(f"*/{step}/*")
        if path.is_file() or step == "gates"
    )
    if sampled:
        raise StudyError(
            "there are answers or results already; a plan sealed now would prove nothing",
            path=sampled[0],
            fix="seal before `mores sample` or `mores run`",
        )
    models = {spec.name: base_of(spec).digest for spec in study.config.models}
    plan = _plan(study, now, models)
    store.write_json(path, plan)
    return plan


def read_plan(study: Study) -> SealedPlan | None:
    """Return the sealed plan, or None where there is none.

    Raises:
        DataError: the file cannot be read as one.
    """
    path = plan_path(study)
    if not path.exists():
        return None
    return store.as_record(store.read_json(path), SealedPlan, path=path)


def intact(plan: SealedPlan) -> bool:
    """Whether a plan is the one that was sealed: nothing in it was edited since."""
    return plan.digest == _digest(plan)


def hypotheses_of(study: Study) -> dict[str, tuple[str, ...]]:
    """Return the contrasts that have a verdict, by measure, in the order in which they are tested.

    Those of the sealed plan; without one, or where it was edited, the primary contrast alone of the
    primary measures: ratings by people, stance, and the study's first toxicity scorer. What is not
    among them is exploratory.
    """
    sealed = read_plan(study)
    if sealed is None or not intact(sealed):
        return {measure: (PRIMARY,) for measure, _ in _primary_measures(study)}
    found: dict[str, tuple[str, ...]] = {}
    for h in sorted(sealed.hypotheses, key=lambda h: h.contrast != PRIMARY):
        if h.claim != "non-inferior":  # a margin of its own decides those
            found[h.measure] = (*found.get(h.measure, ()), h.contrast)
    return found


def seal_status(study: Study) -> SealStatus | None:
    """Compare the study as it is with its sealed plan; None where nothing was sealed."""
    sealed = read_plan(study)
    if sealed is None:
        return None
    whole = intact(sealed)
    used = {name: _used(study, name) or digest for name, digest in sealed.models.items()}
    now = _plan(study, datetime.now(UTC), used)
    deviations = [] if whole else ["the sealed plan was edited after sealing: its digest differs"]
    deviations += _differences("setting", sealed.settings, now.settings)
    deviations += _differences("file", sealed.files, _files_as_sealed(study, sealed, now))
    deviations += _differences("base model", sealed.models, now.models)
    if not set(now.hypotheses) <= set(sealed.hypotheses):  # earlier versions sealed more of them
        deviations.append("the hypotheses differ from those that were sealed")
    primary = next((h.contrast for h in sealed.hypotheses if h.primary), "")
    return SealStatus(
        sealed=sealed.sealed,
        digest=sealed.digest,
        primary=primary,
        intact=whole,
        deviations=tuple(deviations),
    )


def _plan(study: Study, now: datetime, models: dict[str, str]) -> SealedPlan:
    config = study.config
    plan = SealedPlan(
        study=config.name,
        version=config.version,
        preset=config.preset,
        sealed=now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        mores_version=version("mores"),
        hypotheses=tuple(_hypotheses(study)),
        alpha=ALPHA,
        adjustment="in order: against base only if against control is claimed, categories only if "
        "their overall difference is, with Holm over them",
        exclusions=EXCLUSIONS,
        seeds={"evaluation": config.seed, "training": list(config.train_seeds)},
        settings=_settings(study),
        # study.toml is compared setting by setting: a comment in it is no deviation.
        files={n: d for n, d in file_digests(study).items() if n not in ("study.toml", *LATER)},
        models=models,
    )
    return SealedPlan(**{**_fields(plan), "digest": _digest(plan)})


def _settings(study: Study) -> dict[str, Any]:
    """Every setting by its dotted key, but where tasks run and who must sign: no result differs."""
    plain = to_plain(study.config)
    del plain["execute"], plain["signoff"]
    settings: dict[str, Any] = json.loads(json.dumps(dict(flatten(plain))))  # tuples become lists
    return settings


def _fields(plan: SealedPlan) -> dict[str, Any]:
    return {name: getattr(plan, name) for name in SealedPlan.__struct_fields__}


def _digest(plan: SealedPlan) -> str:
    fields = {**to_plain(plan), "digest": ""}
    if not plan.models:  # sealed before models were
        del fields["models"]
    return store.digest(fields)


def _files_as_sealed(study: Study, sealed: SealedPlan, now: SealedPlan) -> dict[str, str]:
    """The digests to compare with: a plan of an earlier version knew fewer files."""
    if sealed.models:
        return now.files
    paths = {name: study.folder / name for name in sealed.files}
    return {name: store.digest_file(path) for name, path in paths.items() if path.is_file()}


def _used(study: Study, name: str) -> str | None:
    """Digest of the base weights that were tuned or sampled; None where none have been."""
    spec = next((spec for spec in study.config.models if spec.name == name), None)
    if spec is None:
        return None
    drawn = read_manifest(folders.model_folder(study, name) / "sample")
    return drawn.inputs.get("model") if drawn else known_base(study, spec)


def _primary_measures(study: Study) -> list[tuple[str, str]]:
    """Ratings by people, stance and the first toxicity scorer; others are exploratory."""
    scorers = study.config.toxicity.scorers[:1]
    stance = [("stance", "higher")] if study.pairs("test") else []
    return [("rating", "higher"), *stance, *((f"toxicity:{name}", "lower") for name in scorers)]


def _hypotheses(study: Study) -> list[Hypothesis]:
    """The primary one, the same measures against base, and no loss of capability."""
    found = []
    for contrast in (PRIMARY, "values_targeted - base"):
        for measure, claim in _primary_measures(study):
            first = contrast == PRIMARY and measure == "rating"
            found.append(Hypothesis(measure=measure, contrast=contrast, claim=claim, primary=first))
    found += [
        Hypothesis(
            measure=f"capability:{task.name}",
            contrast="values_targeted - base",
            claim="non-inferior",
            margin=task.margin,
        )
        for task in study.config.capability.tasks
    ]
    return found


def _differences(kind: str, sealed: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """One sentence for each key whose value is not the sealed one."""
    lines = []
    for name in sorted(set(sealed) | set(now)):
        before, after = sealed.get(name), now.get(name)
        if before == after:
            continue
        if kind == "file":
            what = (
                "is missing now" if after is None else "is new" if before is None else "was changed"
            )
            lines.append(f"{name} {what} since sealing")
        else:
            lines.append(f"{kind} {name}: sealed {before!r}, now {after!r}")
    return lines
