"""What judges found, in a line each: named, counted, with its interval, and without a verdict.

judge_lines(report.ratings.judges)
"""

from __future__ import annotations

from collections.abc import Sequence

from mores.report.contrasts import CONTRAST
from mores.report.judge_summary import JudgeSummary
from mores.report.judges import OPINION
from mores.report.words import contrast_label, count, decimals, fmt, plural, prompts_of, signed

ONE_FAMILY = "All judges are of one family ({family}), and models of one family err alike: no more "
ONE_FAMILY += "than this description can be had from them."


def judge_lines(judges: Sequence[JudgeSummary]) -> list[str]:
    """Return a line for each judge and model, and one where all judges are of one family."""
    several = len({judge.model for judge in judges}) > 1
    lines = [judge_line(judge, several=several) for judge in judges]
    families = {judge.family.strip().casefold() for judge in judges}
    if len(families) == 1 and (family := families.pop()):
        lines.append(ONE_FAMILY.format(family=family))
    return lines


def judge_line(judge: JudgeSummary, *, several: bool = False) -> str:
    """Return what one judge found of one model.

    Args:
        judge: its summary.
        several: whether the model must be named.
    """
    who = f"{judge.judge} ({judge.family})" if judge.family else judge.judge
    without = sum(judge.absent.values())
    parts = [f"{plural(judge.ratings, 'answer')} rated"]
    if without:
        parts.append(f"{count(without)} not")
    about = f" on {judge.model}" if several else ""
    return (
        f"Judge {who}{about}: {', '.join(parts)}; {_difference(judge)}{_order(judge)}; {OPINION}."
    )


def _difference(judge: JudgeSummary) -> str:
    found = next((e for e in judge.differences if e.contrast == CONTRAST), None)
    if found is None or found.value is None:
        return f"no difference {contrast_label(CONTRAST)}"
    places = decimals([found])
    span = "no interval"
    if found.low is not None and found.high is not None:
        span = f"95 % interval {signed(found.low, places)} to {signed(found.high, places)}"
    value = signed(found.value, places)
    return f"{contrast_label(CONTRAST)} {value} points ({span}, {prompts_of(found)})"


def _order(judge: JudgeSummary) -> str:
    share = judge.consistency
    if share is None or share.value is None:
        return ""
    return f"; alike in both orders, within one point: {fmt(share.value, 2)} of {share.n} texts"
