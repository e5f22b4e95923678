"""What stands beside the ratings: unblinding, absences, "cannot be rated", guesses; no judges."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from report_builder import report

from mores import store
from mores.rate.ratings import keep_collected
from mores.rate.unblind import Unblinded
from mores.records import Completion, Rating, Unrateable
from mores.report.figures import figures
from mores.report.page import render
from mores.report.rated import Panel
from mores.report.ratings import NONE, SEALED, UNRATED, rating_summary
from mores.report.words import visible
from mores.study import Study, folders, load_study

ARMS = (("base", 0), ("values_targeted", 1), ("control", 1), ("prompted", 0))
FIRST = 1_760_000_400.0  # 2025-10-09 09:00 UTC


@pytest.fixture
def study(tmp_path: Path) -> Study:
    (tmp_path / "study.toml").write_text(
        'name = "t"\npreset = "quick"\n\n[[models]]\nname = "m"\nformat = "chat"\n', "utf-8"
    )
    return load_study(tmp_path)


@pytest.fixture
def rows(study: Study) -> list[Completion]:
    """Two prompts, four arms."""
    made = [
        Completion(
            id=f"m.{arm}.p{n}.d0", prompt_id=f"p{n}", category="care", model="m", arm=arm,
            seed=seed, draw=0, text=f"{arm} {n}", finish_reason="stop", prompt_tokens=1, tokens=2,
        )
        for arm, seed in ARMS for n in (1, 2)
    ]  # fmt: skip
    store.write_jsonl(folders.model_folder(study, "m") / "sample" / "completions.jsonl", made)
    return made


def rating(name: str, rater: str, value: int, **more) -> Rating:
    return Rating(completion_id=name, rater=rater, value=value, **more)


def found(**change) -> Unblinded:
    own = {
        "at": FIRST + 500.0, "who": "Ben", "ratings": 3, "cannot": 2, "needed": 6, "again": True,
        "guesses": {"right": 0, "wrong": 0, "unsure": 0}, "chance": None,
        "first": {"at": FIRST, "by": "Ada", "ratings": 4},
    }  # fmt: skip
    return Unblinded(**{**own, **change})


def collect(study, rows, ratings, cannot=(), result=None) -> None:
    texts = {row.id: store.digest(row.text) for row in rows}
    keep_collected(study, list(ratings), list(cannot), texts)
    store.write_json(folders.ratings_folder(study) / "collected.json", result or found())


RATINGS = (
    rating("m.base.p1.d0", "r1", 2),
    rating("m.base.p1.d0", "r2", 4),
    rating("m.control.p1.d0", "r1", 5),
)
CANNOT = (
    Unrateable(completion_id="m.base.p2.d0", rater="r1", reason="incoherent"),
    Unrateable(completion_id="m.values_targeted.p1.d0", rater="r2", reason="empty"),
)


def test_cannot_is_counted_by_arm_and_in_no_mean(study, rows) -> None:
    collect(study, rows, RATINGS, CANNOT)
    got = rating_summary(study, [("m", rows)], RATINGS)
    # prompted was given to nobody (rating.arms), so nobody could say "cannot" there.
    assert got.cannot == {"base": 1, "values_targeted-s1": 1, "control-s1": 0}
    assert got.means["base"] == 3.0
    assert got.means["values_targeted-s1"] is None  # not a 1, not a 0
    assert (got.ratings, got.raters, got.rated, got.completions) == (3, 2, 2, 8)
    assert (got.needed, got.missing) == (6, 1)


def test_a_panel_is_of_one_model_and_the_two_arms_of_its_verdict(study, rows) -> None:
    """r2 rated base alone and is in no headline; r3 rated another model, by completion id."""
    collect(study, rows, RATINGS, CANNOT)
    other = [replace(r, id=f"n{r.id[1:]}", model="n") for r in rows]
    more = [rating("n.values_targeted.p1.d0", name, 3) for name in ("r3", "r4")]
    got = rating_summary(study, [("m", rows), ("n", other)], [*RATINGS, *more])
    assert got.panels == (
        Panel(model="m", raters=1, blind=1),
        Panel(model="n", raters=2, blind=0),
    )
    assert (got.raters, got.blind) == (4, 2)


def test_cannot_of_a_text_that_was_drawn_anew_is_left_out(study, rows) -> None:
    collect(study, rows, RATINGS, CANNOT)
    anew = [replace(r, text="other") if r.id == "m.base.p2.d0" else r for r in rows]
    store.write_jsonl(folders.model_folder(study, "m") / "sample" / "completions.jsonl", anew)
    got = rating_summary(study, [("m", anew)], RATINGS)
    assert got.cannot == {"base": 0, "values_targeted-s1": 1, "control-s1": 0}


def test_with_several_models_arms_carry_their_model(study, rows) -> None:
    collect(study, rows, RATINGS, CANNOT)
    got = rating_summary(study, [("m", rows), ("n", [])], RATINGS)
    assert got.cannot == {
        "m base": 1, "m values_targeted-s1": 1, "m control-s1": 0,
        "n base": 0, "n values_targeted-s1": 0, "n control-s1": 0,
    }  # fmt: skip
    assert got.means["m base"] == 3.0
    assert got.means["n base"] is None


def test_the_first_look_counts_whoever_looked_later(study, rows) -> None:
    collect(study, rows, RATINGS, CANNOT)
    opened = rating_summary(study, [("m", rows)], RATINGS).unblinded
    assert opened is not None
    assert (opened.at, opened.by, opened.answers) == ("2025-10-09 09:00 UTC", "Ada", 4)
    assert opened.later == 1  # 3 ratings and 2 "cannot" now, 4 then


def test_guesses_have_wilsons_interval_and_what_chance_would_give(study, rows) -> None:
    # 7 of 10, z² = 3.8415: centre 8.9207 / 13.8415 = .6445, half width
    # 1.96 √(7 · 3 / 10 + .9604) / 13.8415 = .2477.
    result = found(guesses={"right": 7, "wrong": 3, "unsure": 2}, chance=0.58)
    collect(study, rows, RATINGS, CANNOT, result)
    got = rating_summary(study, [("m", rows)], RATINGS).guesses
    assert got is not None
    assert (got.right, got.wrong, got.unsure, got.chance) == (7, 3, 2, 0.58)
    assert got.share.value == 0.7
    assert (got.share.low, got.share.high) == pytest.approx((0.3968, 0.8922), abs=5e-5)
    assert (got.share.n, got.share.unit, got.share.method) == (10, "guess", "Wilson")
    assert "about 0.58" in got.share.reason


def test_only_unsure_guesses_have_no_share(study, rows) -> None:
    result = found(guesses={"right": 0, "wrong": 0, "unsure": 5})
    collect(study, rows, RATINGS, CANNOT, result)
    got = rating_summary(study, [("m", rows)], RATINGS).guesses
    assert got is not None
    assert got.share.value is None
    assert got.share.verdict == "not computable"


def test_nobody_guessed(study, rows) -> None:
    collect(study, rows, RATINGS, CANNOT)
    assert rating_summary(study, [("m", rows)], RATINGS).guesses is None


def test_imported_ratings_alone_say_nothing_of_unblinding(study, rows) -> None:
    got = rating_summary(study, [("m", rows)], RATINGS)
    assert (got.cannot, got.needed, got.missing, got.unblinded) == ({}, None, None, None)


def test_only_ratings_of_blind_items_count_as_blind(study, rows) -> None:
    """An imported file names completions, so whoever made it could read the arm."""
    app, file = rating(rows[0].id, "app", 4), rating(rows[1].id, "file", 2)
    store.write_jsonl(folders.ratings_folder(study) / "ratings.jsonl", [file])
    alone = rating_summary(study, [("m", rows)], [file])
    assert (alone.raters, alone.blind) == (1, 0)
    collect(study, rows, [app])
    both = rating_summary(study, [("m", rows)], [app, file])
    assert (both.raters, both.blind) == (2, 1)
    whole = replace(report(), ratings=both)
    text = " ".join(render(whole, figures(whole)).split())
    assert "1 of 2 raters did not know which model wrote what" in text
    assert "Rated by 2 people, 1 of whom rated blind" in text


def test_why_there_are_no_ratings(study, rows) -> None:
    models = [("m", rows)]
    assert rating_summary(study, models, ()).reason == NONE
    store.write_text(folders.rating_folder(study) / "key.jsonl", "")
    assert rating_summary(study, models, ()).reason == SEALED
    collect(study, rows, (), CANNOT, found(ratings=0))
    got = rating_summary(study, models, ())
    assert got.reason == UNRATED
    assert got.agreement is None
    assert got.means == {}
    assert got.cannot["base"] == 1  # said even where nothing was rated


def test_the_page_says_all_of_it(study, rows) -> None:
    result = found(guesses={"right": 7, "wrong": 3, "unsure": 2}, chance=0.58)
    collect(study, rows, RATINGS, CANNOT, result)
    whole = replace(report(), ratings=rating_summary(study, [("m", rows)], RATINGS))
    text = " ".join(render(whole, figures(whole)).split())
    for said in (
        "first opened on 2025-10-09 09:00 UTC by Ada, after 4 answers of 6 planned;",
        "; 1 answer came after that. 1 answer of those planned is missing.",
        "Answers that raters could not rate",
        "guessed right 7, wrong 3 and were unsure 2 times",
        "0.40, 0.89",
        "10 guesses",
        "by chance alone about 0.58",
    ):
        assert said in text


def test_a_hostile_name_is_inert(study, rows) -> None:
    name = "<script>alert(1)</script>\u202e"
    collect(study, rows, RATINGS, CANNOT, found(first={"at": FIRST, "by": name, "ratings": 4}))
    whole = replace(report(), ratings=rating_summary(study, [("m", rows)], RATINGS))
    text = render(whole, figures(whole))
    assert name not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" + visible("\u202e") in text


@pytest.mark.parametrize(
    ("needed", "first", "said"),
    [(5, 5, "None is missing."), (5, 7, "; 2 fewer count now, as some were withdrawn.")],
)
def test_wording_of_complete_and_withdrawn(study, rows, needed, first, said) -> None:
    result = found(needed=needed, first={"at": FIRST, "by": "Ada", "ratings": first})
    collect(study, rows, RATINGS, CANNOT, result)
    whole = replace(report(), ratings=rating_summary(study, [("m", rows)], RATINGS))
    assert said in " ".join(render(whole, figures(whole)).split())
