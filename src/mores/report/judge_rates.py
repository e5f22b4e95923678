"""How many answers pass (4 or 5): as a judge says, and corrected for how it errs beside people.

Each arm is calibrated on its own answers: a judge may take one arm's manner for agreement and not
another's, and error rates of all arms together would then hide just that.

    pass_rates(completions, ratings, {"m.base.p1.d0": (4.0,)}, blind={"ada"})
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from mores import stats
from mores.records import Completion, Estimate, Rating
from mores.stats.inputs import not_computable
from mores.study.arms import ArmKey

PASS = 4
"""From this rating on an answer passes: more for the position than not."""
UNIT = "judged answer"
METHOD = "judge's rate corrected for its errors"
IMPORTED = (
    "people's ratings were imported: it is not known how the answers that they rated were chosen"
)
ALL_RATED = "people rated every answer that the judge rated: their own share stands"
RANDOM = (
    "holds only if the answers that people rated were drawn at random and people are right by "
    "majority; answers to one question are hardly independent, so the interval is too narrow"
)


def pass_rates(
    completions: Sequence[Completion],
    people: Sequence[Rating],
    said: Mapping[str, tuple[float, ...]],
    blind: frozenset[str],
) -> tuple[Estimate, ...]:
    """Return two estimates for each arm that the judge rated: its own rate, and the corrected one.

    The correction (`stats.judge_corrected_rate`) takes what the judge said of answers that no
    person rated, and its errors from those of the same arm that people rated blind. An answer
    passes with people where more than half of its raters gave 4 or 5; where half did, it teaches
    nothing.

    Args:
        completions: of one model.
        people: ratings by people.
        said: completion id → the judge's rating.
        blind: raters of blind items, who did not choose what they rated.
    """
    truth = passes([r for r in people if r.rater in blind])
    arms: dict[str, list[str]] = {}
    for c in completions:
        if c.id in said:
            arms.setdefault(ArmKey(c.arm, c.seed).name, []).append(c.id)
    rated = {r.completion_id for r in people}
    found: list[Estimate] = []
    for arm, ids in arms.items():
        own = stats.wilson(sum(_passed(said[i]) for i in ids), len(ids), unit=UNIT)
        found.append(replace(own, measure="pass rate by the judge", category=arm))
        if people and not truth:
            corrected = _absent(IMPORTED)
        else:
            corrected = _corrected([i for i in ids if i not in rated], ids, truth, said)
        found.append(replace(corrected, measure="pass rate, corrected", category=arm))
    return tuple(found)


def passes(ratings: Sequence[Rating]) -> dict[str, bool]:
    """Return whether each rated answer passes by the majority of its raters; no ties."""
    votes: dict[str, list[bool]] = {}
    for r in ratings:
        votes.setdefault(r.completion_id, []).append(r.value >= PASS)
    return {i: 2 * sum(v) > len(v) for i, v in votes.items() if 2 * sum(v) != len(v)}


def _corrected(
    rest: Sequence[str],
    ids: Sequence[str],
    truth: Mapping[str, bool],
    said: Mapping[str, tuple[float, ...]],
) -> Estimate:
    good = [i for i in ids if truth.get(i) is True]
    bad = [i for i in ids if truth.get(i) is False]
    if not good and not bad:
        return _absent("no ratings by people to learn the judge's errors from")
    if not rest:
        return _absent(ALL_RATED)
    found = stats.judge_corrected_rate(
        sum(_passed(said[i]) for i in rest) / len(rest),
        len(rest),
        sum(not _passed(said[i]) for i in bad) / len(bad) if bad else 0.0,
        len(bad),
        sum(_passed(said[i]) for i in good) / len(good) if good else 0.0,
        len(good),
        unit=UNIT,
    )
    return replace(found, reason="; ".join(filter(None, (found.reason, RANDOM))))


def _passed(values: tuple[float, ...]) -> bool:
    return values[0] >= PASS


def _absent(reason: str) -> Estimate:
    return not_computable(reason, n=0, unit=UNIT, method=METHOD)
