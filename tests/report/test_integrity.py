"""Capability items to non-inferiority, by hand."""

import math

import pytest
from scipy import stats as scipy_stats

from mores.measure.capability.item import TaskItem
from mores.report.integrity import task_results


def items(task: str, arm: str, values: list[float | None], seed: int = 0) -> list[TaskItem]:
    return [
        TaskItem(
            task=task,
            item_id=f"i{n}",
            model="tiny",
            arm=arm,
            seed=seed,
            value=value,
            reason="" if value is not None else "too long",
        )
        for n, value in enumerate(values)
    ]


ACCURACY = {"pairs": {"metric": "accuracy", "chance": 0.5, "items": 100}}
PROSE = {"prose": {"metric": "bits per byte", "chance": None, "items": 4}}


def run(rows, facts=ACCURACY, margin: float = 0.05):
    return task_results(rows, facts, dict.fromkeys(facts, margin))


def test_accuracy_by_hand() -> None:
    # Of 100: base 80 right; values-targeted loses 2 of them and gains 1: difference -.01.
    base = [1.0] * 80 + [0.0] * 20
    tuned = [0.0] * 2 + [1.0] * 78 + [1.0] + [0.0] * 19
    (result,), (found,) = run(
        [*items("pairs", "base", base), *items("pairs", "values_targeted", tuned, 1)]
    )
    assert [(a.arm, a.mean, a.items, a.absent) for a in result.arms] == [
        ("base", 0.8, 100, 0),
        ("values_targeted-s1", 0.79, 100, 0),
    ]
    assert (result.metric, result.chance, result.margin) == ("accuracy", 0.5, 0.05)
    assert not result.near_chance
    assert found.value == pytest.approx(-0.01)
    assert (found.details["gains"], found.details["losses"]) == (1, 2)
    assert (found.measure, found.contrast) == ("capability:pairs", "values_targeted - base")
    assert (found.n, found.unit, found.category) == (100, "item", "overall")
    # The one-sided bound solves (b - c - n d) / sqrt(n (2 q + d (1 - d))) = 1.645 (Tango 1998).
    d, n = found.low, 100
    b = -3 + (2 * n + 1) * d
    q = (math.sqrt(b * b + 8 * n * 2 * d * (1 - d)) - b) / (4 * n)
    z = (-1 - n * d) / math.sqrt(n * (2 * q + d * (1 - d)))
    assert z == pytest.approx(scipy_stats.norm.ppf(0.95), abs=1e-6)
    assert found.verdict == ("non-inferior" if found.low > -0.05 else "inconclusive")
    assert "one training run" in found.reason
    assert found.scope == "in this run"


def test_runs_that_differ_are_in_the_bound() -> None:
    """One run of three loses ten points: averages over runs would bound the loss at 5.4."""
    base = [1.0] * 300
    runs = [[0.0] * 30 + [1.0] * 270, base, base]
    rows = items("pairs", "base", base)
    rows += [i for s, own in enumerate(runs, 1) for i in items("pairs", "values_targeted", own, s)]
    (_,), (found,) = run(rows, margin=0.06)
    assert found.value == pytest.approx(-0.1 / 3)
    mean, spread = -0.1 / 3, math.sqrt(30 * (1 / 9) / 300 - (0.1 / 3) ** 2)
    assert mean - 1.65 * spread / math.sqrt(300) > -0.06  # as it was: non-inferior
    assert found.low < -0.12  # runs at -.1, 0, 0: SE at least .1 / 3, two degrees of freedom
    assert (found.verdict, found.details["n_needed"]) == ("inconclusive", None)


def test_three_verdicts() -> None:
    base = [1.0] * 300 + [0.0] * 100
    same = base
    worse = [0.0] * 60 + base[60:]
    few = base[299:301]
    verdict = {}
    for name, own, against in (("same", same, base), ("worse", worse, base), ("few", few, few)):
        rows = [*items("pairs", "base", against), *items("pairs", "control", own, 1)]
        verdict[name] = run(rows)[1][0].verdict
    assert verdict == {"same": "non-inferior", "worse": "worse", "few": "inconclusive"}


def test_bits_per_byte_is_relative_and_fewer_is_better() -> None:
    # Base 1.0 2.0 0.5 1.0; values-targeted 1.1 1.8 0.5 1.02:
    # (base - arm) / base = -.1, +.1, 0, -.02; mean -.005.
    base, tuned = [1.0, 2.0, 0.5, 1.0], [1.1, 1.8, 0.5, 1.02]
    rows = [*items("prose", "base", base), *items("prose", "values_targeted", tuned, 1)]
    (result,), (found,) = run(rows, PROSE)
    assert found.value == pytest.approx(-0.005)
    assert (result.chance, result.near_chance) == (None, False)
    assert result.arms[1].mean == pytest.approx(1.105)
    # One-sided t bound of those four: mean - t(.95, 3) · s / 2.
    s = math.sqrt(sum((x + 0.005) ** 2 for x in (-0.1, 0.1, 0.0, -0.02)) / 3)
    assert found.low == pytest.approx(-0.005 - scipy_stats.t.ppf(0.95, 3) * s / 2)


def test_an_item_without_a_value_is_no_zero() -> None:
    # Absent in base, absent in the arm, absent in both: none is a loss, none is a pair.
    base = [1.0, None, 1.0, None, *[1.0] * 60]
    tuned = [1.0, 1.0, None, None, *[1.0] * 60]
    (result,), (found,) = run(
        [*items("pairs", "base", base), *items("pairs", "values_targeted", tuned, 1)]
    )
    assert [(a.items, a.absent, a.mean) for a in result.arms] == [(64, 2, 1.0), (64, 2, 1.0)]
    assert (found.n, found.value) == (61, 0.0)


def test_items_that_only_the_tuned_arm_lacks_decide_a_non_inferior() -> None:
    """200 of 1,000 lost would be 20 points; 5 of 1,000 would be half a point, margin 2."""
    base = [1.0] * 800 + [0.0] * 200

    def found(tuned, reference=base):
        rows = [*items("pairs", "base", reference), *items("pairs", "values_targeted", tuned, 1)]
        return run(rows, margin=0.02)[1][0]

    many = found([None] * 200 + base[200:])
    assert (many.verdict, many.n, many.value) == ("inconclusive", 800, 0.0)
    assert (
        "800 of 1,000 items have a value in values-targeted, 1,000 of 1,000 in base" in many.reason
    )
    assert "with the others lost the bound is -0.2" in many.reason
    few = found([None] * 5 + base[5:])
    assert few.claim == "non-inferior in this run"
    assert few.reason.startswith("995 of 1,000 items have a value in values-targeted")
    # What base lacks may have been right; what no arm has is no item of the task.
    wrong = [0.0] * 40 + base[40:]
    assert found(wrong, [None] * 40 + base[40:]).verdict == "inconclusive"
    both = [None] * 40 + base[40:]
    assert found(both, both).claim == "non-inferior in this run"


def test_prose_without_a_value_has_no_worst() -> None:
    base = [1.0] * 60
    rows = [
        *items("prose", "base", base),
        *items("prose", "values_targeted", [None, *[1.0] * 58, 1.001], 1),
    ]
    _, (found,) = run(rows, PROSE)
    assert found.verdict == "inconclusive"
    assert "what the others might have been has no bound" in found.reason


def test_nothing_to_compare_is_not_computable() -> None:
    rows = [
        *items("pairs", "base", [None] * 5),
        *items("pairs", "values_targeted", [None] * 5, 1),
    ]
    (result,), (found,) = run(rows)
    assert [a.mean for a in result.arms] == [None, None]
    assert (found.verdict, found.value) == ("not computable", None)
    assert found.reason


def test_seeds_are_averaged_in_an_item() -> None:
    # Item 0: lost in one seed of two: -½; item 1: gained in both: +1; mean over 4 items .125.
    base = [1.0, 0.0, 1.0, 0.0]
    rows = [
        *items("pairs", "base", base),
        *items("pairs", "control", [0.0, 1.0, 1.0, 0.0], 1),
        *items("pairs", "control", [1.0, 1.0, 1.0, 0.0], 2),
    ]
    (result,), (found,) = run(rows)
    assert found.value == pytest.approx(0.125)
    assert found.details["seeds"] == 2
    assert "one training run" not in found.reason
    assert found.scope == "in these runs"
    assert [a.arm for a in result.arms] == ["base", "control-s1", "control-s2"]


@pytest.mark.parametrize(
    ("right", "near"),
    # Two standard errors of guessing 100 times at .5 are .10.
    [(50, True), (59, True), (61, False), (90, False), (30, True)],
)
def test_near_chance(right: int, near: bool) -> None:
    base = [1.0] * right + [0.0] * (100 - right)
    (result,), (found,) = run(
        [*items("pairs", "base", base), *items("pairs", "values_targeted", base, 1)]
    )
    assert result.near_chance is near
    assert ("close to guessing" in found.reason) is near


def test_tasks_and_arms_in_order() -> None:
    rows = [
        row
        for arm, seed in (("base", 0), ("values_targeted", 1), ("control", 1))
        for task in ("pairs", "prose")
        for row in items(task, arm, [1.0, 2.0] if task == "prose" else [1.0, 0.0], seed)
    ]
    results, found = task_results(rows, {**ACCURACY, **PROSE}, {"pairs": 0.02, "prose": 0.05})
    assert [(r.task, r.margin) for r in results] == [("pairs", 0.02), ("prose", 0.05)]
    assert [(e.measure, e.contrast) for e in found] == [
        ("capability:pairs", "values_targeted - base"),
        ("capability:pairs", "control - base"),
        ("capability:prose", "values_targeted - base"),
        ("capability:prose", "control - base"),
    ]
    assert {e.details["model"] for e in found} == {"tiny"}
    assert task_results([], {}, {}) == ([], [])
