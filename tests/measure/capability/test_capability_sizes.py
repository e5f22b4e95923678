"""What a sample can support, against the published rule of thumb and by hand."""

import math

import pytest

from mores.errors import MeasureError
from mores.measure.capability import Task
from mores.measure.capability.sizes import support
from mores.measure.capability.task import Item


def task(items: int, kind: str = "choice") -> Task:
    choices = ("a",) if kind == "text" else (" a", " b")
    return Task("t", kind, tuple(Item(str(i), "c", choices, 0) for i in range(items)))


def test_five_hundred_items() -> None:
    # By hand: SE = sqrt(.1 / 500) = .01414; z = 1.6449 + .8416 = 2.4865; 2.4865 SE = .0352;
    # (2.4865 sqrt(.1) / .02)^2 = 1545.7. Student's t asks for a little more.
    found = support(task(500), 0.02)
    assert found.se == pytest.approx(0.0141421, abs=1e-6)
    assert found.smallest_margin == pytest.approx(0.03516, abs=2e-4)
    assert found.items_needed == pytest.approx(1546, abs=3)
    assert found.sentence == (
        "t: 500 items, margin 0.02; supports 0.0352 (SE 0.014 if 10 % of the items change): "
        f"too few, {found.items_needed} are needed"
    )


def test_the_three_answers_agree() -> None:
    needed = support(task(500), 0.02).items_needed
    enough, short = support(task(needed), 0.02), support(task(needed - 1), 0.02)
    assert enough.smallest_margin <= 0.02 < short.smallest_margin
    assert enough.power >= 0.8 > short.power
    assert enough.sentence.endswith(": enough")


def test_prose_has_no_spread_beforehand() -> None:
    found = support(task(24, "text"), 0.05)
    assert (found.se, found.smallest_margin, found.items_needed, found.power) == (None,) * 4
    # By hand: t(.95, 23) = 1.714, z = .842: .05 sqrt(24) / 2.57 = .095.
    assert found.largest_sd == pytest.approx(0.05 * math.sqrt(24) / 2.57, rel=0.01)
    assert "not known before" in found.sentence


def test_a_single_item() -> None:
    found = support(task(1), 0.02)
    assert found.sentence == "t: 1 items, margin 0.02; too few for any statement"
    assert found.items_needed > 1000


def test_nonsense_is_refused() -> None:
    with pytest.raises(MeasureError):
        support(task(10), 0.0)
