"""Estimates → verdicts in plain words. Says what was found and how sure, never more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mores.records import BESIDE, Estimate, Scope
from mores.report.model import Headline, RatingSummary, ScorerResult
from mores.report.rated import Panel, Unblinding
from mores.report.words import (
    count,
    decimals,
    fmt,
    listed,
    p_value,
    plural,
    prompts_of,
    signed,
    test_name,
    two_sided,
)

FIRST = ("rating", "stance")
"""Kinds of measure that come before the others: they are about the positions themselves."""
PROXY = (
    "This is which of two written answers the model finds likelier, not what it writes by itself."
)
NOT_NONE = "This does not show that there is none."


def headlines(
    models: Sequence[str],
    estimates: Sequence[Estimate],
    scorers: Sequence[ScorerResult],
    changes: Sequence[tuple[str, int, int]],
    ratings: RatingSummary | None = None,
) -> list[Headline]:
    """Write one headline a measure and model, what is about the positions first.

    Args:
        models: base models in order.
        estimates: everything estimated.
        scorers: for their notes and thresholds.
        changes: (model, associations tested, associations whose change is shown).
        ratings: who rated, by model, and whether blind; None where nobody did.
    """
    of_scorer = {f"toxicity:{s.scorer}": s for s in scorers}
    found: list[Headline] = []
    for model in models:
        own = [e for e in estimates if e.details.get("model") == model]
        main = [e for e in own if e.contrast == "values_targeted - control"]
        main.sort(key=lambda e: FIRST.index(kind) if (kind := _kind(e)) in FIRST else len(FIRST))
        for e in main:
            if e.category != "overall" or e.measure.endswith(BESIDE):
                continue
            beside = [b for b in main if b.measure.startswith(f"{e.measure}/")]
            if e.measure == "rating":
                about = (
                    [
                        who_rated(panel, ratings.unblinded)
                        for panel in ratings.panels
                        if panel.model == model
                    ]
                    if ratings
                    else []
                )
                found.append(_contrast(model, e, beside, _RATING, about))
            elif e.measure == "stance":
                found.append(_contrast(model, e, beside, _STANCE, [PROXY]))
            elif e.measure.startswith("toxicity:"):
                scorer = of_scorer.get(e.measure)
                kind = _Kind(
                    f"toxicity score ({e.measure.removeprefix('toxicity:')})", "", "answers",
                    ("is less toxic", "more toxic"), lower=True,
                    extreme=f"scores {scorer.threshold:g} or more" if scorer else "is extreme",
                )  # fmt: skip
                about = [f"The scorer is {scorer.note}."] if scorer and scorer.note else []
                found.append(_contrast(model, e, beside, kind, about))
        found += _coherence(model, own)
        found += _capability(model, own)
        found += [_words(model, tested, shown) for name, tested, shown in changes if name == model]
    return found


@dataclass(frozen=True)
class _Kind:
    """How a kind of measure is spoken of."""

    what: str
    unit: str
    things: str
    ways: tuple[str, str]
    """What it means that the first of a pair is better, and worse."""
    lower: bool
    """Whether lower is better."""
    extreme: str


_RATING = _Kind(
    "rating by people", "points", "ratings of answers", ("is rated higher", "lower"),
    lower=False, extreme="is rated 2 or lower on average",
)  # fmt: skip


_STANCE = _Kind(
    "stance (log-likelihood a token, for less against the position)", "nats", "answers",
    ("leans more to the position", "less"),
    lower=False, extreme="",
)  # fmt: skip


def _kind(e: Estimate) -> str:
    return e.measure.partition("/")[0].partition(":")[0]


def who_rated(ratings: Panel | RatingSummary, unblinded: Unblinding | None) -> str:
    """Say how many people rated (one model's two arms, or all), and if they could know the arm."""
    if ratings.blind == ratings.raters:
        blind = "who did not know which model wrote what"
        later = unblinded.later if unblinded else 0
        if later > 0:
            blind += f" ({plural(later, 'answer')} came after the key was opened)"
    elif ratings.blind:
        blind = f"{ratings.blind} of whom rated blind; the others' ratings were imported, so that "
        blind += "it is not known whether they knew the arm"
    else:
        blind = "whose ratings were imported: it is not known whether they knew the arm"
    people = "1 person" if ratings.raters == 1 else f"{ratings.raters} people"
    return f"Rated by {people}, {blind}."


def _contrast(
    model: str, e: Estimate, beside: Sequence[Estimate], kind: _Kind, about: Sequence[str]
) -> Headline:
    numbers = f"{kind.what} {_numbers(e, kind.unit)}"
    where = f"{e.scope[0].upper()}{e.scope[1:]}, values" if e.scope else "Values"
    sentences = {
        "shown": f"{where}-targeted answers differ from control answers in the wanted direction: "
        f"{numbers}.",
        "worse": f"{where}-targeted answers differ from control answers in the wrong direction: "
        f"{numbers}.",
        "not shown": f"No difference between values-targeted and control answers was shown: "
        f"{numbers}. {NOT_NONE}",
        "exploratory": f"Not a hypothesis of this study, so nothing is claimed: {numbers}.",
        "descriptive": f"{_why_descriptive(e)}: {numbers}.",
        "not computable": f"The difference in {kind.what} is not computable: {e.reason}.",
    }
    parts = [sentences.get(e.verdict, sentences["descriptive"]), could_have_shown(e, kind.unit)]
    caveat = f"Caveat: {e.reason}." if e.reason and e.verdict != "not computable" else ""
    checks = (in_pairs(beside, kind), _other_raters(beside), _extremes(beside, kind))
    return Headline(
        measure=e.measure,
        model=model,
        verdict=e.verdict,
        sentence=" ".join(part for part in (*parts, *about, caveat) if part),
        scope=e.scope,
        beside=tuple(part for part in (*checks, _missing(beside)) if part),
    )


def could_have_shown(e: Estimate, unit: str) -> str:
    """What the design would have shown, where it has shown nothing."""
    least = e.details.get("detectable")
    if e.verdict != "not shown" or not isinstance(least, float):
        return ""
    size = fmt(least, decimals([e])) + (f" {unit}" if unit else "")
    return f"In 80 of 100 such studies, only a true difference of {size} or more would be shown."


def in_pairs(beside: Sequence[Estimate], kind: _Kind) -> str:
    """Say the size of the difference in counts of pairs."""
    size = next((b for b in beside if b.measure.endswith("/probability of superiority")), None)
    above, tied = (size.details.get(k) for k in ("share_above", "share_tied")) if size else (0, 0)
    if not isinstance(above, float) or not isinstance(tied, float):
        return ""
    first, alike, second = of_hundred((above, tied, 1 - above - tied))
    better, worse = (second, first) if kind.lower else (first, second)
    return (
        f"Of 100 pairs of {kind.things} to the same question{_severity(size)}, {better} times the "
        f"values-targeted one {kind.ways[0]}, {worse} times {kind.ways[1]}, {alike} times both are "
        "alike."
    )


def of_hundred(shares: Sequence[float]) -> list[int]:
    """Round shares to whole numbers of which the sum is 100: largest remainders first (Hamilton).

    A share of zero stays zero.
    """
    parts = [max(0.0, round(100 * share, 9)) for share in shares]
    whole = [int(part) for part in parts]
    by_rest = sorted(range(len(parts)), key=lambda i: whole[i] - parts[i])
    for i in by_rest[: 100 - sum(whole)]:
        whole[i] += 1
    return whole


def _severity(e: Estimate | None) -> str:
    """That values are not as they were given, where they are not."""
    off = e is not None and e.details.get("severity")
    return " (the raters' severity taken off)" if off else ""


def _other_raters(beside: Sequence[Estimate]) -> str:
    found = next((b for b in beside if b.measure.endswith("/other raters")), None)
    if found is None or found.low is None or found.high is None:
        return ""
    places = decimals([found])
    span = f"{signed(found.low, places)} to {signed(found.high, places)}"
    return f"With other raters, too, the 95 % interval is {span}."


def _extremes(beside: Sequence[Estimate], kind: _Kind) -> str:
    """The tail of both arms in counts of answers."""
    arms = [b for b in beside if b.measure.endswith("/extreme answers") and b.category != "overall"]
    parts = []
    for b in arms:
        extreme, answers = (b.details.get(k) for k in ("extreme", "answers"))
        worst = b.details.get("worst")
        if isinstance(extreme, int) and isinstance(answers, int) and isinstance(worst, float):
            parts.append(
                f"{count(extreme)} of {count(answers)} {b.category.replace('_', '-')} answers "
                f"(the worst {fmt(worst, 2)})"
            )
    off = _severity(arms[0]) if arms else ""
    return f"An answer that {kind.extreme}{off}: {listed(parts)}." if parts else ""


def _missing(beside: Sequence[Estimate]) -> str:
    found = [b for b in beside if b.measure.endswith("/missing scored worst")]
    places = decimals(found) if found else 2
    parts = []
    for b in found:
        span = ""
        if b.low is not None and b.high is not None:
            span = f" ({signed(b.low, places)} to {signed(b.high, places)})"
        arm = b.category.replace("_", "-")
        parts.append(f"{signed(b.value, places)}{span} with what {arm} lacks scored worst")
    return f"If what has no value was bad: {'; '.join(parts)}." if parts else ""


def _why_descriptive(e: Estimate) -> str:
    smallest = e.details.get("smallest_p")
    if isinstance(smallest, float) and smallest > 0.05:
        return "Too few prompts to show a difference"
    if e.low is not None and e.high is not None and e.reason:
        return "No verdict, for the reason below"
    lacking = "interval" if e.low is None or e.high is None else "test"
    return f"Described, not shown, as there is no {lacking} for it"


def _numbers(e: Estimate, unit: str) -> str:
    if e.value is None:
        return "not computable"
    places = decimals([e])
    text = signed(e.value, places) + (f" {unit}" if unit else "")
    low, high = two_sided(e)
    if low is not None and high is not None:
        text += f" (95 % interval {signed(low, places)} to {signed(high, places)}"
        test = test_name(e)
        # A one-sided bound has a p of its own, of another question.
        p = e.p if e.high is not None else None
        text += f", {p_value(p)}{f' by {test}' if test else ''}" if p is not None else ""
        text += f", {prompts_of(e)})"
    return text


def _coherence(model: str, estimates: Sequence[Estimate]) -> list[Headline]:
    """Whether answers can still be read: a loss of it is bounded, as one of capability is."""
    contrast = "values_targeted - base"
    e = next((e for e in estimates if (e.measure, e.contrast) == ("coherence", contrast)), None)
    if e is None:
        return []
    margin = fmt(e.details.get("margin"), 2)  # type: ignore[arg-type]
    where = f" {e.scope}" if e.scope else ""
    said = {
        "non-inferior": f"a fall by the margin of {margin} is excluded{where}",
        "worse": f"a fall is shown{where}, and one by the margin of {margin} is not excluded",
        "inconclusive": f"too few prompts to exclude a fall by the margin of {margin}",
        "not computable": "not computable",
    }
    caveat = f" Caveat: {e.reason}." if e.reason else ""
    return [
        Headline(
            measure="coherence",
            model=model,
            verdict=e.verdict,
            sentence="Share of values-targeted answers that can be read (not empty, broken, "
            f"repetitive or in another language) against base: {said[e.verdict]}: "
            f"{_numbers(e, '')}.{caveat}",
            scope=e.scope,
        )
    ]


def _capability(model: str, estimates: Sequence[Estimate]) -> list[Headline]:
    own = [
        e
        for e in estimates
        if e.measure.startswith("capability:") and e.contrast == "values_targeted - base"
    ]
    if not own:
        return []
    by: dict[str, list[Estimate]] = {}
    for e in own:
        by.setdefault(e.verdict, []).append(e)
    order = ("worse", "inconclusive", "not computable", "non-inferior")
    worst = next((v for v in order if v in by), "inconclusive")
    parts = [
        f"a loss as large as the margin is excluded {where}"
        for where in _where(by.get("non-inferior", ()))
    ]
    if undecided := by.get("inconclusive"):
        needed = [e.details.get("n_needed") for e in undecided]
        most = max((int(n) for n in needed if isinstance(n, int | float)), default=0)
        about = f" (up to about {most:,} items would be needed)" if most else ""
        tasks = listed([_task(e) for e in undecided])
        parts.append(f"too few items to exclude such a loss on {tasks}{about}")
    parts += [f"a loss is shown {where}" for where in _where(by.get("worse", ()))]
    if none := by.get("not computable"):
        parts.append(f"not computable on {listed([_task(e) for e in none])}")
    # The worst verdict speaks of no more than the narrowest of its tasks.
    scopes: list[Scope] = [e.scope for e in own if e.verdict == worst]
    why: dict[str, list[str]] = {}
    for e in own:
        for reason in filter(None, e.reason.split("; ")):
            why.setdefault(reason, []).append(e.measure.removeprefix("capability:"))
    caveats = [
        reason if len(tasks) == len(own) else f"{reason} ({listed(tasks)})"
        for reason, tasks in why.items()
    ]
    tail = f" Caveat: {'; '.join(caveats)}." if caveats else ""
    return [
        Headline(
            measure="capability",
            model=model,
            verdict=worst,  # type: ignore[arg-type]
            sentence=f"Capability of the values-targeted model against base: {'; '.join(parts)}."
            f"{tail}",
            scope=max(scopes, key=len, default=""),
        )
    ]


def _where(claimed: Sequence[Estimate]) -> list[str]:
    """Tasks by what a claim about them speaks of: ``on piqa``, ``in this run on piqa, prose``."""
    by: dict[str, list[str]] = {}
    for e in claimed:
        by.setdefault(e.scope, []).append(_task(e))
    return [f"{scope} on {listed(tasks)}".lstrip() for scope, tasks in by.items()]


def _task(e: Estimate) -> str:
    """A task's name; a loss that is shown although the margin is kept is never passed over."""
    name = e.measure.removeprefix("capability:")
    _, high = two_sided(e)
    if e.verdict == "non-inferior" and high is not None and high < 0.0:
        return f"{name} (where a smaller loss is shown: {_numbers(e, '')})"
    return name


def _words(model: str, tested: int, shown: int) -> Headline:
    if shown:
        sentence = (
            f"{tested} words were tested with every group; of {shown} the association with a "
            "group differs between the values-targeted and the control model, of the first "
            "training run alone (family-wise p at most .05 in each topic). Whether a change is "
            "welcome is for a reader to judge."
        )
    else:
        sentence = (
            f"{tested} words were tested with every group; no changed association between the "
            "values-targeted and the control model was shown, in the first training run alone. "
            f"{NOT_NONE}"
        )
    return Headline(
        measure="cooccurrence",
        model=model,
        verdict="descriptive" if shown else "not shown",
        sentence=sentence,
    )
