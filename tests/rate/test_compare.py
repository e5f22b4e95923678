"""Side by side after unblinding: the arms of one prompt and draw, with ratings and scores."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from app import Clock, consent, join, make_site, make_study, owner, rate_all

from mores import store
from mores.measure.toxicity.run import scores_folder
from mores.rate.blind import read_key
from mores.rate.compare import compared
from mores.rate.db.facts import read_facts
from mores.rate.db.tables import revealed
from mores.rate.unblind import unblind
from mores.records import Score
from mores.sample import read_completions

ARMS = ["base", "values_targeted-s1", "control-s1"]
# Ratings of the three raters by arm; None: cannot be rated.
GIVEN = {"base": (1, 2, 3), "values_targeted": (5, 5, 5), "control": (2, None, 4)}


def outputs(prompt: str, arm: str, draw: int) -> str:
    name = "As the SmolLM2 model, I say " if arm == "base" and prompt == "p1" else "I say "
    return f"{name}{prompt} {arm} {draw}."


@pytest.fixture
def site(tmp_path: Path):
    """Four prompts in two categories, two draws, three arms; rated as `GIVEN` says."""
    study = make_study(tmp_path / "study", draws=2, outputs=outputs)
    made = make_site(study, now=Clock())
    key = {k.item_id: k for k in read_key(study, made.facts.key_digest)}
    for n in range(3):
        me = join(made)
        consent(me)
        assert len(rate_all(me, lambda name, n=n: GIVEN[key[name].arm][n] or "cannot")) == 24
    yield made
    made.database.close()


def rows_of(site, study="own"):
    with site.database.read() as tx:
        return compared(tx, read_facts(tx), site.study if study == "own" else None)


def opened(site):
    unblind(site.database, site.study, who="Ada", now=site.now())
    return rows_of(site)


def test_empty_before_unblinding(site) -> None:
    assert rows_of(site) == []


def test_one_row_a_prompt_and_draw_in_the_charters_order(site) -> None:
    rows = opened(site)
    assert [(r.category, r.prompt[-2], r.draw) for r in rows] == [
        ("topic-1", "1", 0), ("topic-1", "1", 1), ("topic-1", "3", 0), ("topic-1", "3", 1),
        ("topic-2", "2", 0), ("topic-2", "2", 1), ("topic-2", "4", 0), ("topic-2", "4", 1),
    ]  # fmt: skip
    assert {r.title for r in rows} == {"Topic 1", "Topic 2"}
    assert all(sorted(c.arm for c in r.cells) == sorted(ARMS) for r in rows)


def test_every_cell_has_its_own_text_ratings_and_mean(site) -> None:
    for row in opened(site):
        cells = {c.arm: c for c in row.cells}
        for arm, cell in cells.items():
            own = f"p{row.prompt[-2]} {arm.removesuffix('-s1')} {row.draw}."
            assert cell.output.endswith(own)
        assert cells["base"].ratings == (1, 2, 3)
        assert (cells["base"].mean, cells["base"].cannot) == (2.0, 0)
        # "cannot be rated" is counted apart: it is in no mean.
        assert cells["control-s1"].ratings == (2, 4)
        assert (cells["control-s1"].mean, cells["control-s1"].cannot) == (3.0, 1)
        # The widest: 2 and 4, with the sample standard deviation √2.
        assert row.spread == pytest.approx(2**0.5)


def test_an_output_that_nobody_rated_has_no_mean(tmp_path: Path) -> None:
    site = make_site(make_study(tmp_path / "study"), now=Clock())
    rows = opened(site)
    assert {(c.ratings, c.mean, c.cannot) for r in rows for c in r.cells} == {((), None, 0)}
    assert {r.spread for r in rows} == {None}
    site.database.close()


def test_flags_stand_with_the_output_that_names_its_model(site) -> None:
    flagged = [(r.prompt[-2], r.draw, c.arm) for r in opened(site) for c in r.cells if c.flags]
    assert flagged == [("1", 0, "base"), ("1", 1, "base")]


def test_scores_of_the_studys_first_scorer(site) -> None:
    done = read_completions(site.study, "smollm2-135m")
    folder = scores_folder(site.study, "smollm2-135m", "lexical")
    scores = [
        Score(
            completion_id=row.id, scorer="lexical", version="1", digest="d",
            attribute="toxicity", value=None if row.draw else n / 100, reason="too long",
        )
        for n, row in enumerate(done)
    ]  # fmt: skip
    store.write_jsonl(folder / "scores.jsonl", scores)
    wanted = {row.text: score.value for row, score in zip(done, scores, strict=True)}
    rows = opened(site)
    found = {c.output: c.score for r in rows for c in r.cells}
    assert found == wanted
    # Where the app runs without the study, there are none.
    assert {c.score for r in rows_of(site, None) for c in r.cells} == {None}


def test_the_page_filters_and_sorts(site) -> None:
    me = owner(site)
    unblind(site.database, site.study, who="Ada", now=site.now())
    page = me.get("/owner/compare?category=topic-1").text
    assert "What about 1?" in page
    assert "What about 2?" not in page
    page = me.get("/owner/compare?arm=base").text
    assert "p1 base 0." in page
    assert "p1 control 0." not in page
    for query in ("sort=disagreement", "sort=low", "sort=high", "sort=x", "page=999", "page=-1"):
        assert me.get(f"/owner/compare?{query}").status_code == 200
    assert "p1 base" not in me.get("/owner/compare?category=nowhere").text


def test_an_arms_column_does_not_depend_on_what_its_model_is_called(site) -> None:
    me = owner(site)
    unblind(site.database, site.study, who="Ada", now=site.now())
    with site.database.write() as tx:  # as if a second model had been rated, named like an arm
        tuned = revealed.c.arm == "values_targeted"
        tx.execute(revealed.update().where(tuned).values(model="org/base-1"))
    page = me.get("/owner/compare").text
    names = re.findall(r'<option value="([^"]+/(?:base|control-s1|values_targeted-s1))"', page)
    assert names == [
        "smollm2-135m/base",
        "org/base-1/values_targeted-s1",
        "smollm2-135m/control-s1",
    ]
