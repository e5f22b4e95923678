"""Kill -9 under load, as in `make soak` but for seconds; and its judge can fail."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
import sqlalchemy as sa
from app import consent, join, make_site, make_study, rate_all, run

from mores.rate.db.progress import rater_lines
from mores.rate.db.tables import event, slot
from rating_client import Given, Ledger, forms
from rating_judge import Tally, judge
from rating_soak import soak, table

# Under kill -9 ---------------------------------------------------------------------------------


def in_order(tally, *, kills, ratings):
    """Nothing lost, doubled, above or below k, unknown or otherwise than sent; no error logged."""
    assert tally.good, table([tally])
    assert tally.killed >= kills
    assert tally.acknowledged >= ratings
    assert tally.counts["lost"] > 0  # requests were in flight when it was killed
    assert tally.counts["status 500"] == 0


SIZES = pytest.mark.parametrize(
    ("kills", "ratings"), [(3, 80), pytest.param(8, 300, marks=pytest.mark.long)]
)


@SIZES
def test_sqlite_loses_nothing(tmp_path, kills, ratings):
    tally = run(soak(tmp_path, kills=kills, ratings=ratings, seed=11))
    in_order(tally, kills=kills, ratings=ratings)


@SIZES
def test_postgresql_loses_nothing(tmp_path, postgres_server, kills, ratings):
    running = soak(tmp_path, kills=kills, ratings=ratings, seed=2, postgres=postgres_server)
    try:
        tally = run(running)
    finally:
        postgres_server.start()
    in_order(tally, kills=kills, ratings=ratings)
    assert {name.partition(" ")[0] for name in tally.kills} == {"app", "postmaster"}


# The judge -------------------------------------------------------------------------------------


@pytest.fixture
def rated(tmp_path):
    """A full study of 2 prompts x 3 arms, k = 3, and the ledger of its three raters."""
    study = make_study(tmp_path / "study", prompts=2, categories=1)
    site = make_site(study)
    for _ in range(3):
        me = join(site)
        consent(me)
        rate_all(me, 2)
    with site.database.read() as tx:
        rows = list(tx.execute(sa.select(event)))
    people = {name: number for number, name in enumerate(sorted({row.rater for row in rows}))}
    given = {
        row.key: Given(row.key, people[row.rater], row.item, row.revision, row.kind, row.value)
        for row in rows
    }
    yield site, study, given
    site.database.close()


def judged(rated, given=None):
    site, study, whole = rated
    tally = Tally("sqlite")
    judge(site.database, study, whole if given is None else given, tally)
    return tally


def test_a_full_study_is_in_order(rated):
    tally = judged(rated)
    assert tally.good
    assert tally.acknowledged == 18  # 6 items x 3


def test_the_judge_misses_a_rating_that_is_gone(rated):
    first = next(iter(rated[2].values()))
    tally = judged(rated, {**rated[2], "gone": replace(first, key="gone")})
    assert (tally.lost, tally.unknown, tally.differ, tally.good) == (1, 0, 0, False)


def test_the_judge_finds_a_rating_that_nobody_was_told_of(rated):
    tally = judged(rated, dict(list(rated[2].items())[1:]))
    assert (tally.lost, tally.unknown, tally.good) == (0, 1, False)


@pytest.mark.parametrize(
    "change", [{"value": 3}, {"item": "other"}, {"revision": 2}, {"kind": "cannot", "value": None}]
)
def test_the_judge_compares_what_is_kept_with_what_was_sent(rated, change):
    key, first = next(iter(rated[2].items()))
    tally = judged(rated, {**rated[2], key: replace(first, **change)})
    assert (tally.differ, tally.good) == (1, False)


def test_the_judge_finds_a_rating_under_another_name(rated):
    key, first = next(iter(rated[2].items()))
    other = (first.person + 1) % 3
    tally = judged(rated, {**rated[2], key: replace(first, person=other)})
    # Whoever is met first fixes whose name is whose: one answer or more then stands apart.
    assert tally.differ >= 1
    assert not tally.good


def test_the_judge_counts_items_below_k(rated):
    site = rated[0]
    with site.database.write() as tx:
        one = tx.execute(sa.select(slot).limit(1)).one()
        for trigger in tx.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'event'"
        ).scalars():
            tx.exec_driver_sql(f'DROP TRIGGER "{trigger}"')
        tx.execute(event.delete().where(event.c.item == one.item, event.c.rater == one.rater))
    tally = judged(rated)
    assert (tally.lost, tally.below, tally.above, tally.good) == (1, 1, 0, False)
    assert any("done without an answer" in text for text in tally.broken)


def test_an_error_in_the_log_is_not_in_order():
    assert Tally("sqlite").good
    assert not Tally("sqlite", errors=Counter({"ValueError: x": 1})).good
    assert not Tally("sqlite", broken=["rater 1: 404"]).good


def test_an_answer_sent_twice_is_acknowledged_once():
    ledger = Ledger()
    answer = Given("key", 1, "item", 1, "rate", 4)
    ledger.acknowledge(answer)
    ledger.acknowledge(answer)
    assert (list(ledger.given), ledger.counts["twice"]) == (["key"], 1)


def test_forms_are_read_by_their_address():
    html = '<form action="/a"><input type="hidden" name="x" value="1&amp;2"></form><form action=/b>'
    assert forms(html) == {"/a": {"x": "1&2"}, "/b": {}}


# What the load run found -----------------------------------------------------------------------


def test_the_page_of_raters_asks_no_more_for_more_raters(tmp_path):
    site = make_site(make_study(tmp_path / "study", prompts=2, categories=1))
    asked: list[str] = []
    counts = []

    @sa.event.listens_for(site.database.engine, "before_cursor_execute")
    def note(_connection, _cursor, statement, *_):
        asked.append(statement)

    for _ in range(2):
        consent(join(site))
        asked.clear()
        with site.database.read() as tx:
            rater_lines(tx)
        counts.append(len(asked))
    site.database.close()
    assert counts[0] == counts[1]
