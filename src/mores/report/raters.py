"""Ratings as people's: agreement by category and by declared group, severity of raters.

Takes completions and the ratings of people, gives estimates. The paired analysis by prompt
(`contrasts`) stays the main one: this checks it and shows who rated.

    rater_models("m", completions, ratings)
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from msgspec.structs import replace

from mores import stats
from mores.records import Completion, Estimate, Rating
from mores.report.contrasts import CONTRAST, PRIMARY, compare
from mores.report.observed import by_completion, observe
from mores.report.rated import GroupSummary, RaterModel, Severity

LEAST_RATERS = 5
"""Declared groups with fewer raters are not shown: one could be recognised."""
APPROXIMATE = "Wald's interval is too short where prompts are few: a check, not the main analysis"

Labels = tuple[Hashable, ...]
Declared = Mapping[str, Mapping[str, Sequence[str]]]
"""Question → answer → raters who gave it."""


def agreement(completions: Sequence[Completion], ratings: Sequence[Rating]) -> Estimate:
    """Krippendorff's alpha for ordinal ratings: these raters, other prompts."""
    prompt = {c.id: c.prompt_id for c in completions}
    table = stats.rating_table((r.rater, r.completion_id, r.value) for r in ratings)
    clusters = [prompt[item] for item in table.items]
    alpha = stats.krippendorff_alpha(table.values, "ordinal", clusters=clusters, unit="prompt")
    return replace(alpha, measure="Krippendorff's alpha")


def agreement_by_category(
    completions: Sequence[Completion], ratings: Sequence[Rating]
) -> tuple[Estimate, ...]:
    """One alpha a category that has ratings; it depends on the spread of ratings there."""
    category = {c.id: c.category for c in completions}
    names = list(dict.fromkeys(c.category for c in completions))
    rated = {n: [r for r in ratings if category.get(r.completion_id) == n] for n in names}
    return tuple(
        replace(agreement(completions, rows), category=n) for n, rows in rated.items() if rows
    )


def groups(
    models: Sequence[tuple[str, Sequence[Completion]]],
    ratings: Sequence[Rating],
    declared: Declared,
    seed: int,
) -> tuple[GroupSummary, ...]:
    """Agreement within each declared group, and the primary difference as its raters see it.

    Differences between groups are not tested: these are descriptions. A group with fewer than
    `LEAST_RATERS` raters with ratings is left out.
    """
    every = [c for _, rows in models for c in rows]
    summaries = []
    for question, answers in declared.items():
        for answer, members in answers.items():
            theirs = [r for r in ratings if r.rater in set(members)]
            raters = len({r.rater for r in theirs})
            if raters < LEAST_RATERS:
                continue
            summaries.append(
                GroupSummary(
                    question=question,
                    answer=answer,
                    raters=raters,
                    ratings=len(theirs),
                    agreement=agreement(every, theirs),
                    effects=tuple(
                        replace(
                            e,
                            p=None,
                            verdict=e.verdict if e.value is None else "descriptive",
                            scope="",
                        )
                        for name, rows in models
                        for e in _primary(name, rows, theirs, seed)
                    ),
                )
            )
    return tuple(summaries)


def _primary(
    model: str, completions: Sequence[Completion], ratings: Sequence[Rating], seed: int
) -> list[Estimate]:
    observed = observe(completions, by_completion(ratings))
    estimates = compare(observed, measure="rating", model=model, better="higher", seed=seed)
    return [
        e
        for e in estimates
        if e.measure == "rating" and e.contrast == CONTRAST and e.category == "overall"
    ]


def rater_model(
    model: str, completions: Sequence[Completion], ratings: Sequence[Rating]
) -> RaterModel | None:
    """Fit the primary contrast with and without the raters (cumulative link mixed model).

    Random intercepts: prompt, prompt × arm, completion (where prompts have several), rater.
    Raters are numbered, as their ids may be names.

    Returns:
        None without ratings of both arms of the primary contrast.
    """
    of = {c.id: c for c in completions if c.arm in PRIMARY}
    rated = [r for r in ratings if r.completion_id in of]
    rows = [of[r.completion_id] for r in rated]
    if {c.arm for c in rows} != set(PRIMARY):
        return None
    number = {name: i for i, name in enumerate(sorted({r.rater for r in rated}), 1)}
    values = [r.value for r in rated]
    arm = [float(c.arm == PRIMARY[0]) for c in rows]
    factors = _factors(rows)
    raters = tuple(number[r.rater] for r in rated)
    plain = stats.cumulative_link_mixed(values, {"arm": arm}, factors, severities=())
    full = stats.cumulative_link_mixed(
        values, {"arm": arm}, {**factors, "rater": raters}, severities=("rater",)
    )
    severity = full.severities["rater"] if full.converged else {}
    return RaterModel(
        model=model,
        contrast=CONTRAST,
        factors=(*factors, "rater"),
        effects=tuple(
            _named(model_fit.betas["arm"], name, model_fit.reason)
            for name, model_fit in (("with raters' severity", full), ("without", plain))
        ),
        spread=replace(full.variances["rater"], category="variance between raters"),
        severities=tuple(
            Severity(rater=f"rater {label}", severity=replace(e, category=f"rater {label}"))
            for label, e in sorted(severity.items(), key=lambda pair: str(pair[0]).zfill(9))
        ),
    )


def _named(effect: Estimate, name: str, reason: str) -> Estimate:
    """An effect with its row's name; a fit's own caveat travels with it."""
    notes = [effect.reason, reason if effect.value is not None else "", APPROXIMATE]
    joined = "; ".join(dict.fromkeys(n for n in notes if n))
    return replace(effect, measure="log-odds of a higher rating", category=name, reason=joined)


def _factors(rows: Sequence[Completion]) -> dict[str, Labels]:
    """Groupings of ratings that differ from one another and from the ratings themselves."""
    every: dict[str, Labels] = {
        "prompt": tuple(c.prompt_id for c in rows),
        "prompt × arm": tuple((c.prompt_id, c.arm) for c in rows),
        "completion": tuple(c.id for c in rows),
    }
    kept: dict[str, Labels] = {}
    sizes: set[int] = set()
    for name, labels in every.items():  # each refines the one before: equal sizes mean equal
        levels = len(set(labels))
        if 1 < levels < len(rows) and levels not in sizes:
            kept[name] = labels
            sizes.add(levels)
    return kept
