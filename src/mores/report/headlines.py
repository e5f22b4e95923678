"""Estimates → verdicts in plain words. Says what was found and how sure, never more."""

from __future__ import annotations

from collections.abc import Sequence

from mores.records import SIZES, Estimate
from mores.report.model import Headline, ScorerResult
from mores.report.words import decimals, listed, p_value, plural, signed

NOT_NONE = "This does not show that there is none."


def headlines(
    models: Sequence[str],
    estimates: Sequence[Estimate],
    scorers: Sequence[ScorerResult],
    changes: Sequence[tuple[str, int, int]],
) -> list[Headline]:
    """Write one headline a measure and model: ratings first, then toxicity, capability, words.

    Args:
        models: base models in order.
        estimates: everything estimated.
        scorers: for their notes.
        changes: (model, associations tested, associations whose change is shown).
    """
    notes = {f"toxicity:{s.scorer}": s.note for s in scorers}
    found: list[Headline] = []
    for model in models:
        own = [e for e in estimates if e.details.get("model") == model]
        main = [e for e in own if e.contrast == "values_targeted - control"]
        main.sort(key=lambda e: e.measure != "rating")
        for e in main:
            if e.category != "overall" or e.measure.endswith(SIZES):
                continue
            if e.measure == "rating":
                found.append(_contrast(model, e, "rating by people", "points", ""))
            elif e.measure.startswith("toxicity:"):
                what = f"toxicity score ({e.measure.removeprefix('toxicity:')})"
                found.append(_contrast(model, e, what, "", notes.get(e.measure, "")))
        found += _capability(model, own)
        found += [_words(model, tested, shown) for name, tested, shown in changes if name == model]
    return found


def _contrast(model: str, e: Estimate, what: str, unit: str, note: str) -> Headline:
    numbers = _numbers(e, unit)
    sentences = {
        "shown": f"Values-targeted answers differ from control answers in the wanted direction: "
        f"{what} {numbers}.",
        "worse": f"Values-targeted answers differ from control answers in the wrong direction: "
        f"{what} {numbers}.",
        "not shown": f"No difference between values-targeted and control answers was shown: "
        f"{what} {numbers}. {NOT_NONE}",
        "descriptive": f"{_why_descriptive(e)}: {what} {numbers}.",
        "not computable": f"The difference in {what} is not computable: {e.reason}.",
    }
    sentence = sentences.get(e.verdict, sentences["descriptive"])
    if e.verdict in ("shown", "worse", "not shown", "descriptive") and e.reason:
        sentence += f" Caveat: {e.reason}."
    if note:
        sentence += f" The scorer is {note}."
    return Headline(measure=e.measure, model=model, verdict=e.verdict, sentence=sentence)


def _why_descriptive(e: Estimate) -> str:
    smallest = e.details.get("smallest_p")
    if isinstance(smallest, float) and smallest > 0.05:
        return "Too few prompts to show a difference"
    return "Described, not shown, as there is no interval or no test"


def _numbers(e: Estimate, unit: str) -> str:
    if e.value is None:
        return "not computable"
    places = decimals([e])
    text = signed(e.value, places) + (f" {unit}" if unit else "")
    if e.low is not None and e.high is not None:
        text += f" (95 % interval {signed(e.low, places)} to {signed(e.high, places)}"
        text += f", {p_value(e.p)}" if e.p is not None else ""
        text += f", {plural(e.n, e.unit)})"
    return text


def _capability(model: str, estimates: Sequence[Estimate]) -> list[Headline]:
    own = [
        e
        for e in estimates
        if e.measure.startswith("capability:") and e.contrast == "values_targeted - base"
    ]
    if not own:
        return []
    by: dict[str, list[str]] = {}
    for e in own:
        by.setdefault(e.verdict, []).append(_task(e))
    order = ("worse", "inconclusive", "not computable", "non-inferior")
    worst = next((v for v in order if v in by), "inconclusive")
    parts = []
    if "non-inferior" in by:
        parts.append(f"a loss as large as the margin is excluded on {listed(by['non-inferior'])}")
    if "inconclusive" in by:
        needed = [e.details.get("n_needed") for e in own if e.verdict == "inconclusive"]
        most = max((int(n) for n in needed if isinstance(n, int | float)), default=0)
        about = f" (up to about {most:,} items would be needed)" if most else ""
        parts.append(f"too few items to exclude such a loss on {listed(by['inconclusive'])}{about}")
    if "worse" in by:
        parts.append(f"a loss is shown on {listed(by['worse'])}")
    if "not computable" in by:
        parts.append(f"not computable on {listed(by['not computable'])}")
    return [
        Headline(
            measure="capability",
            model=model,
            verdict=worst,  # type: ignore[arg-type]
            sentence=f"Capability of the values-targeted model against base: {'; '.join(parts)}.",
        )
    ]


def _task(e: Estimate) -> str:
    """A task's name; a loss that is shown although the margin is kept is never passed over."""
    name = e.measure.removeprefix("capability:")
    if e.verdict == "non-inferior" and e.high is not None and e.high < 0.0:
        return f"{name} (where a smaller loss is shown: {_numbers(e, '')})"
    return name


def _words(model: str, tested: int, shown: int) -> Headline:
    if shown:
        sentence = (
            f"{tested} words were tested with every group; of {shown} the association with a "
            "group differs between the values-targeted and the control model (family-wise p at "
            "most .05 in each topic). Whether a change is welcome is for a reader to judge."
        )
    else:
        sentence = (
            f"{tested} words were tested with every group; no changed association between the "
            f"values-targeted and the control model was shown. {NOT_NONE}"
        )
    return Headline(
        measure="cooccurrence",
        model=model,
        verdict="descriptive" if shown else "not shown",
        sentence=sentence,
    )
