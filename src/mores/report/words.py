"""Numbers, arms, measures and verdicts as people read them. One place, so that all pages agree.

Takes values of records, gives short plain strings (never markup).

    python -c "from mores.report.words import p_value; print(p_value(0.0124))"
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from statistics import median

from mores.records import CONTEXT_ARMS, TUNED_ARMS, Charter, Estimate, Verdict
from mores.report.model import Report

MINUS = "\u2212"
ABSENT = "\u2014"

MEANINGS: dict[Verdict, str] = {
    "shown": "A difference in the intended direction, beyond what chance explains in this design.",
    "not shown": "No difference is shown. This does not show that there is no effect.",
    "worse": "A difference in the unwanted direction is shown.",
    "non-inferior": "A loss as large as the margin is excluded.",
    "inconclusive": "Neither a loss nor its absence is shown: the data do not decide.",
    "exploratory": "Tested, but no hypothesis of this study: it claims nothing, as of several such "
    "tests one is soon below p = .05 by chance.",
    "descriptive": "Descriptive only: described, not tested. Nothing follows beyond these texts.",
    "not computable": "The number could not be computed; the reason stands with it.",
}
"""Verdict → what it says and what it does not say."""

SCOPES: dict[str, str] = {
    "in this run": "Of these weights, from one training run of each arm. Where runs differ, "
    "another may show nothing or the contrary: with a spread between runs of .15 (.30) of the "
    "ratings' latent scale, about a third (three fifths) of studies without an effect of the "
    "method show one in one run (docs/calibration.md).",
    "in these runs": "Of the weights at hand, from two training runs of each arm. Runs are in the "
    "test, yet two are too few to tell how far runs lie apart: with a spread between runs of .15 "
    "(.30) of the ratings' latent scale, 6 % (8 %) of studies without an effect of the method show "
    "one, where 5 % is meant (400 simulated studies each, so ± 2.6 at most).",
    "by these raters": "Of what these raters saw: with the spread between raters allowed for (or "
    "where it cannot be told), it is not shown, so other raters may see nothing.",
}
"""Part of a scope → what it says."""

_ARMS = {
    "base": "base",
    "values_targeted": "values-targeted",
    "control": "control",
    "preference": "preference",
    "prompted": "prompted (statement in context)",
    "few_shot": "few-shot (3 samples in context)",
}
_DIRECTIONS = {
    "toxicity": ("less toxic", "more toxic"),
    "stance": ("leans less to the position", "leans more"),
    "rating": ("rated lower", "rated higher"),
    "coherence": ("reads worse", "reads better"),
    "capability": ("loses", "gains"),
}
_PARTS = (
    "probability of superiority",
    "Cliff's delta",
    "Cohen's d",
    "sentiment",
    "sentiment-gap",
    "share-gap",
    "total-variation",
    "other raters",
    "missing scored worst",
    "extreme answers",
    "near-training questions",
)
_SEEDED = re.compile(r"^(.+)-s(\d+)$")
# Characters that reorder, hide or break text; joiners stay, since scripts and emoji need them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """Return the text with control, bidirectional and invisible characters spelt out.

    A model can write characters that turn the following text around or hide it; they
    become ``⟨U+202E⟩``. Line ends are unified; tabs and new lines stay.
    """
    text = text.replace("\r\n", "\n")
    return _UNSEEN.sub(lambda found: f"\u27e8U+{ord(found.group()):04X}\u27e9", text)


def fmt(value: float | None, decimals: int = 3) -> str:
    """Return a number with a true minus sign, or a dash where there is none.

    ``fmt(-0.0004, 3)`` is ``0.000``: a rounded zero has no sign.
    """
    if value is None:
        return ABSENT
    text = f"{value:,.{decimals}f}"
    if not text.strip("-0.,"):
        return text.lstrip("-")
    return text.replace("-", MINUS)


def signed(value: float | None, decimals: int = 3) -> str:
    """Return a difference with its sign, ``+0.12`` or ``−0.12``; zero has none."""
    text = fmt(value, decimals)
    plus = value is not None and value > 0 and text.strip("0.,")
    return f"+{text}" if plus else text


def count(number: int) -> str:
    """Return a whole number with thousands marked: ``12,345``."""
    return f"{number:,}".replace("-", MINUS)


def quantity(value: float) -> str:
    """Return a cost: counts in full, the enormous as a power of ten (``3.4 × 10¹⁵``)."""
    if abs(value) < 1e12:
        return count(round(value))
    power = math.floor(math.log10(abs(value)))
    raised = str(power).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{fmt(value / 10**power, 1)} × 10{raised}"


def plural(number: int, word: str) -> str:
    """Return ``1 prompt``, ``2 prompts``, ``3 categories``, ``4 guesses``."""
    if number == 1:
        return f"1 {word}"
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{count(number)} {word[:-1]}ies"
    if word.endswith("s"):
        return f"{count(number)} {word}es"
    return f"{count(number)} {word}s"


def p_value(p: float | None) -> str:
    """Return ``p = .012``, ``p < .001``, ``p = 1`` or a dash (APA style: no leading zero)."""
    if p is None:
        return ABSENT
    if p < 0.001:
        return "p < .001"
    if p > 0.999:
        return "p = 1" if p == 1 else "p > .999"
    return f"p = {p:.3f}".replace("0.", ".")


def decimals(estimates: Iterable[Estimate]) -> int:
    """Return how many decimals a table of these estimates needs.

    Two digits of the typical interval's half width, so that a column lines up and neither
    promises precision that is not there nor rounds a difference away. From 1 to 6.
    """
    widths = [width for estimate in estimates if (width := _width(estimate)) > 0]
    if not widths:
        return 3
    return min(6, max(1, 1 - math.floor(math.log10(median(widths) / 2))))


def _width(estimate: Estimate) -> float:
    low, high = two_sided(estimate)
    if low is not None and high is not None and high > low:
        return high - low
    return abs(estimate.value or 0.0)


def two_sided(estimate: Estimate) -> tuple[float | None, float | None]:
    """Return the two-sided interval: low and high, or the one kept in the details."""
    if estimate.high is not None:
        return estimate.low, estimate.high
    low, high = (estimate.details.get(f"two_sided_{side}") for side in ("low", "high"))
    if isinstance(low, int | float) and isinstance(high, int | float):
        return float(low), float(high)
    return None, None


def interval(estimate: Estimate, places: int) -> str:
    """Return the interval as text; a one-sided bound is said to be one."""
    low, high = two_sided(estimate)
    parts = []
    if low is not None and high is not None:
        parts.append(f"[{fmt(low, places)}, {fmt(high, places)}]")
    elif estimate.high is not None:
        parts.append(f"at most {fmt(estimate.high, places)}")
    if estimate.low is not None and estimate.high is None:
        parts.append(f"one-sided bound {fmt(estimate.low, places)}")
    return "; ".join(parts) or "no interval"


KEPT: dict[str, str] = {
    "non-inferior": "most is kept",
    "worse": "most is lost",
    "not computable": "nothing to keep",
}
"""Verdict on the share of an effect → how it is printed; else the verdict itself."""


def kept_claim(kept: Estimate) -> str:
    """Say what became of an effect; most is more than one minus the margin.

    Where no effect was shown there is nothing to keep.
    """
    if kept.verdict == "not computable" and "original" not in kept.details:
        return "not computable"
    return f"{KEPT.get(kept.verdict, kept.verdict)} {kept.scope}".strip()


def arm_label(name: str, *, with_seed: bool = True) -> str:
    """Return an arm's readable name: ``values_targeted-s1`` → ``values-targeted, seed 1``."""
    if name in _ARMS:
        return _ARMS[name]
    found = _SEEDED.match(name)
    if not found or found.group(1) not in TUNED_ARMS:
        return name
    label = _ARMS[found.group(1)]
    return f"{label}, seed {found.group(2)}" if with_seed else label


def short_arm(name: str) -> str:
    """Return an arm's name for a place with little room: without the brackets."""
    return arm_label(name).partition(" (")[0]


def arm_kind(name: str) -> str:
    """Return the kind of arm that a name with or without a seed belongs to."""
    found = _SEEDED.match(name)
    kind = found.group(1) if found else name
    return kind if kind in ("base", *TUNED_ARMS, *CONTEXT_ARMS) else "other"


def arm_labels(report: Report) -> dict[str, str]:
    """Return a label for each arm of a report; seeds are named only where they differ."""
    names = dict.fromkeys(arm.name for model in report.models for arm in model.arms)
    seeds: dict[str, set[str]] = {}
    for name in names:
        seeds.setdefault(arm_kind(name), set()).add(name)
    return {name: arm_label(name, with_seed=len(seeds[arm_kind(name)]) > 1) for name in names}


def contrast_label(contrast: str) -> str:
    """Return ``values_targeted - control`` as ``values-targeted − control``."""
    return f" {MINUS} ".join(short_arm(part) for part in contrast.split(" - "))


def category_label(category: str, charter: Charter) -> str:
    """Return a category's title from the charter, ``All categories`` for overall."""
    if category in ("overall", ""):
        return "All categories"
    known = {position.category: position.title for position in charter.positions}
    return known.get(category, category)


def measure_label(measure: str) -> str:
    """Return ``toxicity:lexical`` as ``Toxicity (lexical)`` and so on.

    An effect size follows after a comma: ``Toxicity (lexical), Cohen's d``.
    """
    whole, _, part = measure.rpartition("/")
    # A scorer's name may hold a slash itself.
    if whole and part in _PARTS:
        return f"{measure_label(whole)}, {part.replace('-', ' ')}"
    kind, _, what = measure.partition(":")
    name = {
        "toxicity": "Toxicity",
        "stance": "Stance",
        "rating": "Human ratings",
        "coherence": "Coherence",
        "capability": "Capability",
        "cooccurrence": "Words that go with groups",
    }.get(kind, kind.replace("_", " "))
    return f"{name} ({what.replace('_', ' ')})" if what else name


def directions(measure: str) -> tuple[str, str]:
    """Return what a negative and a positive difference mean."""
    return _DIRECTIONS.get(measure.partition(":")[0], ("lower", "higher"))


def listed(words: Sequence[str]) -> str:
    """Return ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def reasons(counts: dict[str, int]) -> str:
    """Return ``3 too long, 1 empty``, or ``none``."""
    return ", ".join(f"{count(n)} {why}" for why, n in counts.items() if n) or "none"


def test_name(estimate: Estimate) -> str:
    """Return the test behind an estimate's p, or nothing where its method names none."""
    if "sign-flip" in estimate.method:
        return "sign-flip test"
    if estimate.method.startswith("crossed"):
        return "t test over prompts × training runs"
    return ""


def prompts_of(estimate: Estimate) -> str:
    """Return the units behind an estimate: ``40 prompts``, ``38 of 40 prompts``."""
    left_out = estimate.details.get("left_out")
    if isinstance(left_out, int) and left_out and estimate.unit == "prompt":
        return f"{count(estimate.n)} of {plural(estimate.n + left_out, 'prompt')}"
    return plural(estimate.n, estimate.unit)


def caveat(estimate: Estimate, places: int) -> str:
    """Return what must stand beside an estimate: its reason, and what it could have shown."""
    least = estimate.details.get("detectable")
    could = ""
    if estimate.verdict == "not shown" and isinstance(least, float):
        could = f"80 % power only for {fmt(least, places)} or more"
    return "; ".join(part for part in (could, estimate.reason) if part)


def plain(value: object) -> object:
    """Jinja's finalize: every string that a template prints goes through `visible`."""
    return visible(value) if type(value) is str else value
