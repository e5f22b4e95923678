"""What is exported: one row an answer, oldest first, with the facts of the study."""

from __future__ import annotations

from pathlib import Path

import pytest
from app import START, Clock, consent, form, join, make_site, make_study, rate_all, rate_one

from mores.rate.blind import read_key
from mores.rate.db.release import forget
from mores.rate.export.formats import to_csv, to_jsonl, to_parquet
from mores.rate.export.rows import export_rows, iso, study_facts
from mores.rate.self_names import RULE
from mores.rate.unblind import unblind

TEXTS = """version = "1"
practice_pass = 0.5
task = "Say how well it fits."

[[practice]]
id = "p"
category = "topic-1"
prompt = "?"
output = "!"
low = 1
high = 2
feedback = "Because."

[[gold]]
id = "g"
category = "topic-1"
prompt = "?"
output = "!"
low = 5
high = 5

[[groups]]
id = "age"
question = "How old are you?"
options = ["18 to 40", "over 40"]
"""
NAMED = "As SmolLM2,"
KINDS = ["sqlite", "postgresql"]


@pytest.fixture(params=KINDS)
def site(request: pytest.FixtureRequest, tmp_path: Path):
    where = request.getfixturevalue("postgres_database") if request.param != "sqlite" else None
    study = make_study(
        tmp_path / "study", prompts=2, per_item=7, seats=7, min_cell=2, rating_toml=TEXTS,
        outputs=lambda prompt, arm, draw: f"{NAMED if arm == 'base' else 'Then'} I say {prompt}.",
    )  # fmt: skip
    made = make_site(study, where, now=Clock())
    yield made
    made.database.close()


def rater(site, **fields):
    me = join(site)
    consent(me, **fields)
    assert rate_one(me, 1)  # practice, right at once
    assert me.submit("/next").status_code == 303
    return me


def test_one_row_an_answer_in_the_order_of_time(site) -> None:
    me = rater(site)
    site.now.step(10.0)
    name = rate_one(me, 3, remark="hm", flag="yes")
    site.now.step(10.0)
    changed = form(me.get(f"/answer/{name}").text)
    assert me.submit("/rate", {**changed, "answer": "5", "seconds": "2"}).status_code == 303
    site.now.step(10.0)
    skipped = rate_one(me, "skip")
    rows = export_rows(site.database)
    said = [(r.item_id, r.revision, r.answer, r.value, r.current) for r in rows[1:]]
    assert said == [
        (name, 1, "rate", 3, False),
        (name, 2, "rate", 5, True),
        (skipped, 1, "skip", None, True),
    ]
    assert [r.at for r in rows] == [iso(START + s) for s in (0.0, 10.0, 20.0, 30.0)]
    assert [(r.remark, r.flagged, r.seconds) for r in rows[1:3]] == [
        ("hm", True, 4.2),
        ("", False, 2.0),
    ]
    assert {r.rater for r in rows} == {me.rater}
    assert rows[3].reason == "other"


def test_only_study_items_count(site) -> None:
    rate_all(rater(site), lambda name: 5)
    rows = export_rows(site.database)
    assert {(r.kind, r.counted) for r in rows} == {
        ("practice", False),
        ("gold", False),
        ("study", True),
    }
    assert sum(r.counted for r in rows) == 6


def test_what_does_not_count(site) -> None:
    me = rater(site)
    rate_one(me, "cannot")
    rate_one(me, "skip")
    rate_all(me, 2)
    gone = rater(site)
    rate_all(gone, 2)
    with site.database.write() as tx:
        forget(tx, gone.rater, ratings="withdraw", now=site.now())
    rows = [r for r in export_rows(site.database) if r.kind == "study"]
    counted = [r for r in rows if r.counted]
    assert {r.answer for r in counted} == {"rate", "cannot"}
    assert {r.rater for r in counted} == {me.rater}
    assert {(r.answer, r.value, r.current) for r in rows if r.rater == gone.rater} == {
        ("rate", 2, False),
        ("withdraw", None, True),
    }


def test_outputs_that_name_their_model_carry_the_flag(site) -> None:
    rate_all(rater(site))
    named = {k.item_id for k in read_key(site.study, site.facts.key_digest) if k.arm == "base"}
    flags = {r.item_id: r.item_flags for r in export_rows(site.database)}
    assert flags == {name: (RULE,) if name in named else () for name in flags}
    assert len(named & set(flags)) == 2


def test_declared_groups_below_the_least_cell_are_left_out(site) -> None:
    people = [rater(site, group_age=answer) for answer in ("18 to 40", "18 to 40", "over 40")]
    for me in people:
        rate_one(me)
    groups = {r.rater: r.groups for r in export_rows(site.database)}
    assert [groups[me.rater] for me in people] == [{"age": "18 to 40"}, {"age": "18 to 40"}, {}]


def test_names_and_links_are_in_no_export(site) -> None:
    me = join(site, label="Grace Hopper")
    consent(me)
    rate_all(me)
    rows, facts = export_rows(site.database), study_facts(site.database)
    for data in (to_csv(rows), to_jsonl(rows), to_parquet(rows), repr(facts).encode()):
        for secret in ("Grace", "Hopper", me.link, me.cookie):
            assert secret.encode() not in data


def test_the_facts_of_a_study(site) -> None:
    fresh = study_facts(site.database)
    assert (fresh.started, fresh.last, fresh.raters_consented, fresh.raters_rated) == (
        None,
        None,
        0,
        0,
    )
    join(site)
    me = rater(site)
    site.now.step(60.0)
    rate_all(me)
    facts = study_facts(site.database)
    assert (facts.study, facts.items, facts.practice, facts.gold) == ("trial", 6, 1, 1)
    assert (facts.per_item, facts.seats, facts.seed, facts.min_cell) == (7, 7, 2021, 2)
    assert (facts.task, facts.practice_pass) == ("Say how well it fits.", 0.5)
    assert [c.id for c in facts.categories] == ["topic-1", "topic-2"]
    assert (facts.started, facts.last) == (iso(START), iso(START + 60.0))
    assert (facts.raters_consented, facts.raters_rated) == (1, 1)
    assert facts.languages == ("en",)
    assert len(facts.interface_languages) >= 3
    assert (facts.arms, facts.unblinded) == (None, None)
    unblind(site.database, site.study, who="Ada", now=site.now())
    opened = study_facts(site.database)
    assert opened.arms == ("base", "control", "values_targeted")
    assert (opened.unblinded.who, opened.unblinded.at, opened.unblinded.ratings) == (
        "Ada",
        iso(START + 60.0),
        6,
    )


def test_times_are_utc_to_the_millisecond() -> None:
    assert iso(0.0) == "1970-01-01T00:00:00.000Z"
    assert iso(1_760_000_400.1234) == "2025-10-09T09:00:00.123Z"
