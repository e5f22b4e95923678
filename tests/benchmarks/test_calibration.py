"""The calibration: its studies are what their names say, and its page says the worst row."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import calibration
import calibration_checks as checks
import calibration_more as more
from calibration_page import END, START, Rate, Row, in_short, page_text, renewed
from calibration_studies import Design, observed, one_study, ratings, truth

SMALL = Design("small", per_category=3, categories=2)


def drawn(design, seed=1):
    rng = np.random.default_rng(seed)
    table, who = ratings(design, rng)
    return table, who, observed(design, table, who, rng)


def test_a_plain_study_is_complete():
    table, who, rows = drawn(SMALL)
    assert table.shape == who.shape == (2, 1, 6, 1, 3)
    assert {o.arm for o in rows} == {"control", "values_targeted"}
    assert all(len(o.values) == len(set(o.raters)) == 3 and not o.cannot for o in rows)
    assert table.min() >= 1
    assert table.max() <= 5


def test_what_goes_wrong_goes_wrong():
    many = replace(SMALL, per_category=200)
    _, _, rows = drawn(replace(many, one_missing=True))
    assert sum(not o.values for o in rows) == 1
    _, _, rows = drawn(replace(many, missing=0.1))
    assert 0.07 < np.mean([not o.values for o in rows]) < 0.13
    table, _, rows = drawn(replace(many, worst_missing=0.2))
    lost = [o for o in rows if o.cannot]
    assert {o.arm for o in lost} == {"values_targeted"}
    assert len(lost) == 80
    kept = [np.mean(o.values) for o in rows if o.arm == "values_targeted" and o.values]
    assert np.mean(kept) > table[1].mean() + 0.2
    _, who, _ = drawn(replace(many, uneven=3.0))
    assert np.mean(who[1] < 3) > 0.6 > 0.4 > np.mean(who[0] < 3)
    table, _, _ = drawn(replace(many, per_category=3000, failures=0.05))
    assert table[1].mean() == pytest.approx(table[0].mean(), abs=0.05)
    assert np.mean(table[1].max(axis=-1) == 1) > np.mean(table[0].max(axis=-1) == 1) + 0.03


def test_the_truth_of_a_shift_is_that_of_the_scale():
    assert truth(SMALL) == 0.0
    # Slope of the scale: 1.0322 points for one latent unit (see test_assumed_spread).
    assert truth(replace(SMALL, shift=0.1)) == pytest.approx(0.1032, abs=0.002)


def test_every_kind_of_study_runs():
    every = calibration.jobs()
    wrong, last = [j for j in every if j.section == "wrong"], {j.section: j for j in every}
    for job in (*wrong, *last.values()):
        result = job.run(3)
        assert set(result.values()) <= {0.0, 1.0} or "category's holds" in result
        assert result, job.name


def test_runs_differ_where_they_are_said_to():
    shared = {"claimed", "claimed of these", "interval holds"}
    assert shared <= set(one_study(replace(SMALL, runs=3, run_sd=0.3), 1))
    assert "p < .05, in this run" in checks.judges(1, 0.1, 1)
    assert {"p < .05", "interval holds"} == set(checks.judges(3, 0.1, 1))


def rows():
    return [
        Row("null", "good", [Rate("claimed", 0.04, 400), Rate("claimed of these", 0.30, 400)]),
        Row("null", "one run, runs differ (SD .15)", [Rate("claimed of these", 0.25, 400)]),
        Row("wrong", "bad", [Rate("claimed", 0.055, 400), Rate("t test on ratings", 0.2, 400)]),
        Row("many", "five arms", [Rate("any claim", 0.06, 400)]),
        Row("sizes", "3 (SD 0.15)", [Rate("a slope is claimed", 0.075, 200)]),
        Row("sizes", "1 (SD 0.15)", [Rate("a slope is claimed", 0.0, 200)]),
        Row("capability", "3, loss 0 (SD 0.01)", [Rate("non-inferior", 0.5, 200)]),
        Row("capability", "3, loss 0.02 (SD 0.01)", [Rate("non-inferior", 0.05, 200)]),
        Row("effect", "shift", [Rate("shown", 0.6, 400)], predicted=0.62),
        Row("gates", "1", [Rate("pass", 0.2, 400)]),
    ]


def test_the_page_says_its_worst_row_of_all_sections():
    said = " ".join(in_short(rows()).split())
    assert "at most 7.5 % ± 3.7 of studies of any design here (three sizes" in said
    assert "up to 30.0 % ± 4.5 (good)" in said
    text = page_text(rows(), 400, 120.0, 1)
    assert in_short(rows()) in text
    assert "is let through in at most 5.0 % ± 3.0 (capability, runs: 3, loss 0.02" in said
    assert "| shift | 60.0 % ± 4.8 |  |  | 62 % |" in text
    assert "| 1 | 20.0 % ± 3.9 |" in text


def test_the_readme_is_renewed_between_its_marks_only():
    old = f"before\n{START}\nold\n{END}\nafter"
    new = renewed(old, rows(), "2026-11-26")
    assert new.startswith(f"before\n{START}\n")
    assert new.endswith(f"\n{END}\nafter")
    assert "in at most 7.5 % ± 3.7 of simulated studies (the worst of 5 figures" in " ".join(
        new.split()
    )
    with pytest.raises(ValueError, match="expected the marks"):
        renewed("no marks", rows(), "2026-11-26")


def tables(page):
    """Section, row and column of every figure of the page."""
    for part in page.split("\n## ")[1:]:
        lines = [one.strip("|").split("|") for one in part.splitlines() if one.startswith("|")]
        head = [cell.strip() for cell in lines[0]]
        for line in lines[2:]:
            name, *cells = (cell.strip() for cell in line)
            for column, cell in zip(head[1:], cells, strict=True):
                if cell:
                    yield part.split("\n")[0], name, column, cell


def test_the_readme_says_the_worst_row_of_the_page_as_it_is():
    """Every false claim of the method counts: slopes and many contrasts, too."""
    root = Path(__file__).parents[2]
    readme = " ".join((root / "README.md").read_text("utf-8").split())
    columns = {
        "claimed of the method",
        "any claim of the method",
        "a null category is claimed of the method",
        "shown of the method, though means are equal",
        "a trend is claimed",
        "a slope is claimed",
    }
    page = (root / "docs" / "calibration.md").read_text("utf-8")
    found = [cell for *_, column, cell in tables(page) if column in columns]
    worst = max(found, key=lambda cell: float(cell.split()[0]))
    assert len(found) > 30
    assert f"in at most {worst} of simulated studies (the worst of {len(found)} figures" in readme
    assert f"in at most {worst} of studies of any design" in " ".join(page.split())


def test_rows_that_decide_are_simulated_often_enough():
    """5 % is known to ± 2 in every row that speaks of the method."""
    for job in calibration.jobs():
        if job.decides:
            assert Rate("claimed", 0.05, job.studies(400, 640)).error <= 0.02
    deciding = {j.section for j in calibration.jobs() if j.decides}
    assert deciding >= {"null", "wrong", "many", "categories", "sizes", "capability", "gates"}


def test_what_the_hostile_reading_found_is_simulated():
    names = [job.name for job in calibration.jobs()]
    for part in ("control's at random", "raters a category", "raters of each size its own",
                 "categories of 60 and 4", "from 4.5 to 1", "words that have no score",
                 "lost items without a value"):  # fmt: skip
        assert any(part in name for name in names), part
    _, _, rows = drawn(replace(SMALL, sizes=(7, 2)))
    assert [len({o.prompt_id for o in rows if o.category == c}) for c in ("c0", "c1")] == [7, 2]
    _, _, rows = drawn(replace(SMALL, per_category=200, control_missing=0.24))
    lost = [o for o in rows if o.cannot]
    assert {o.arm for o in lost} == {"control"}
    assert 0.19 < len(lost) / 400 < 0.29
    for seed in range(5):
        assert more.hidden_harm(3, 0.15, seed) == {"pass": 0.0}
        assert more.hidden_loss(3, 0.03, seed) == {"non-inferior": 0.0}
