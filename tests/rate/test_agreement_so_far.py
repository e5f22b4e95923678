"""Agreement on the owner's page: over all arms together, with the figures of `mores.stats`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from app import Clock, consent, join, make_site, make_study, owner, rate_all, rate_one

from mores.rate.agreement import agreement_by_category
from mores.rate.db.facts import read_facts
from mores.rate.db.release import forget
from mores.rate.db.tables import item
from mores.rate.export.rows import export_rows
from mores.stats import krippendorff_alpha

GOLD = """version = "1"

[[gold]]
id = "g"
category = "topic-1"
prompt = "?"
output = "!"
low = 5
high = 5
"""


@pytest.fixture
def site(tmp_path: Path):
    made = make_site(make_study(tmp_path / "study", rating_toml=GOLD), now=Clock())
    yield made
    made.database.close()


def found(site):
    with site.database.read() as tx:
        return agreement_by_category(tx, read_facts(tx))


def rater(site, value, most=10_000):
    me = join(site)
    consent(me)
    rate_all(me, value, most=most)
    return me


def test_nothing_is_rated(site) -> None:
    assert found(site) == (None, [])


def test_one_rater_cannot_agree(site) -> None:
    rater(site, 3)
    overall, rows = found(site)
    assert overall["value"] is None
    assert overall["reason"]
    assert [row["title"] for row in rows] == ["Topic 1", "Topic 2"]


def test_full_agreement(site) -> None:
    for _ in range(3):
        rater(site, lambda name: int(name, 16) % 5 + 1)
    overall, _ = found(site)
    assert (overall["value"], overall["n"]) == (1.0, 12)  # gold items are not among them


def test_the_same_as_the_statistic_on_what_counts(site) -> None:
    """Answers differ, some cannot be rated, one rater withdraws: the rest is a plain table."""
    people = [
        rater(site, lambda name: int(name, 16) % 5 + 1),
        rater(site, lambda name: "cannot" if name < "3" else int(name, 16) % 4 + 1),
        rater(site, 4, most=5),
    ]
    gone = people[2]
    with site.database.write() as tx:
        forget(tx, gone.rater, ratings="withdraw", now=site.now())
    overall, rows = found(site)
    own = [r for r in export_rows(site.database) if r.counted and r.answer == "rate"]
    assert {r.rater for r in own} == {people[0].rater, people[1].rater}
    with site.database.read() as tx:
        asked = dict(tx.execute(sa.select(item.c.id, item.c.prompt)).all())
    assert len(set(asked.values())) < len({r.item_id for r in own})  # arms share prompts
    for got, chosen in [(overall, own)] + [
        (row, [r for r in own if r.category == f"topic-{row['title'][-1]}"]) for row in rows
    ]:
        names = sorted({r.item_id for r in chosen})
        raters = sorted({r.rater for r in chosen})
        table = np.full((len(raters), len(names)), np.nan)
        for r in chosen:
            table[raters.index(r.rater), names.index(r.item_id)] = r.value
        wanted = krippendorff_alpha(table, clusters=[asked[name] for name in names], unit="prompt")
        assert (got["value"], got["low"], got["high"], got["n"]) == (
            wanted.value,
            wanted.low,
            wanted.high,
            wanted.details["items"],
        )


def test_it_says_nothing_by_arm_and_shows_on_the_page(site) -> None:
    for _ in range(2):
        rater(site, lambda name: int(name, 16) % 5 + 1)
    overall, rows = found(site)
    assert set(overall) == {"value", "low", "high", "n", "reason"}
    assert {frozenset(row) for row in rows} == {frozenset({*overall, "title"})}
    page = owner(site).get("/owner")
    assert page.status_code == 200
    assert "1.00" in page.text


def test_a_look_changes_nothing_and_gives_the_same_again(site) -> None:
    for value in (2, lambda name: int(name, 16) % 5 + 1):
        me = join(site)
        consent(me)
        for _ in range(6):
            rate_one(me, value)
    assert found(site) == found(site)
