"""Verdicts in words: what they must say, and what they must never say."""

import re

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mores import stats
from mores.records import Estimate
from mores.report.headlines import NOT_NONE, headlines, of_hundred
from mores.report.model import RatingSummary, ScorerArm, ScorerResult
from mores.report.rated import Panel, Unblinding
from mores.report.words import fmt

MORE_THAN_IS_KNOWN = re.compile(
    r"no effect|\bproves?\b|\bproven\b|\bsafe\b|harmless|unbiased|guarantee|confirms",
    re.IGNORECASE,
)
NOTE = "lexical: led by profanity, at chance on implicit hate"


def estimate(measure: str, verdict: str, **changes) -> Estimate:
    fields = {
        "measure": measure,
        "contrast": "values_targeted - control",
        "category": "overall",
        "value": -0.21,
        "low": -0.34,
        "high": -0.08,
        "p": 0.012,
        "n": 40,
        "unit": "prompt",
        "method": "m",
        "verdict": verdict,
        "reason": "one training run: says nothing of what another run would give",
        "details": {"model": "tiny"},
    }
    return Estimate(**{**fields, **changes})


def capability(task: str, verdict: str, needed: int | None = None) -> Estimate:
    return estimate(
        f"capability:{task}",
        verdict,
        contrast="values_targeted - base",
        unit="item",
        details={"model": "tiny", "n_needed": needed},
        **({"value": 0.0, "low": -0.01, "high": 0.01} if verdict == "non-inferior" else {}),
    )


def scorer(name: str) -> ScorerResult:
    arm = ScorerArm(
        arm="base", scored=1, unscorable={}, mean=0.1, expected_maximum=0.1, probability=0.0,
        values=(0.1,),
    )  # fmt: skip
    return ScorerResult(
        model="tiny", scorer=name, version="1", digest="d", note=NOTE, threshold=0.5, arms=(arm,)
    )


def say(*estimates: Estimate, changes=(), scorers=("lexical",), models=("tiny",)):
    return headlines(models, estimates, [scorer(s) for s in scorers], changes)


def test_shown_with_its_numbers_and_the_scorers_limits() -> None:
    (found,) = say(estimate("toxicity:lexical", "shown"))
    assert (found.measure, found.model, found.verdict) == ("toxicity:lexical", "tiny", "shown")
    assert "in the wanted direction" in found.sentence
    for part in ("0.21", "0.34", "0.08", ".012", "40 prompts", "95 % interval", NOTE):
        assert part in found.sentence
    assert "one training run" in found.sentence


def test_worse_is_said_as_plainly() -> None:
    (found,) = say(estimate("rating", "worse"))
    assert found.verdict == "worse"
    assert "in the wrong direction" in found.sentence
    assert "one training run" in found.sentence


def test_not_shown_never_stands_alone() -> None:
    (found,) = say(estimate("rating", "not shown", low=-0.4, high=0.1, p=0.2))
    assert "No difference" in found.sentence
    assert NOT_NONE in found.sentence
    assert NOT_NONE == "This does not show that there is none."


def test_descriptive_and_not_computable() -> None:
    (found,) = say(estimate("rating", "descriptive", details={"model": "tiny", "smallest_p": 0.06}))
    assert "Too few prompts" in found.sentence
    (found,) = say(estimate("rating", "descriptive", low=None, high=None, reason="all differ by 1"))
    assert "Too few prompts" not in found.sentence  # there may be enough of them
    assert "Described, not shown" in found.sentence
    assert "all differ by 1" in found.sentence
    (found,) = say(
        estimate("rating", "not computable", value=None, low=None, high=None, p=None, reason="why")
    )
    assert found.verdict == "not computable"
    assert found.sentence == "The difference in rating by people is not computable: why."


def test_only_overall_primary_differences_get_a_headline() -> None:
    assert say(estimate("rating", "shown", category="care")) == []
    assert say(estimate("rating", "shown", contrast="values_targeted - base")) == []
    for size in ("probability of superiority", "Cliff's delta", "Cohen's d"):
        assert say(estimate(f"rating/{size}", "descriptive")) == []
        assert say(estimate(f"toxicity:lexical/{size}", "descriptive")) == []
        assert say(estimate(f"toxicity:hf:org/model/{size}", "descriptive")) == []


@pytest.mark.parametrize("name", ["hf:org/model", "hf:/models/hate-bert", "hf:local"])
def test_a_scorer_with_a_slash_in_its_name_gets_its_headline(name: str) -> None:
    # Every classifier of the Hub has one.
    (found,) = say(estimate(f"toxicity:{name}", "worse"), scorers=(name,))
    assert found.measure == f"toxicity:{name}"
    assert NOTE in found.sentence


def test_order_ratings_toxicity_capability_words() -> None:
    found = say(
        capability("piqa", "worse"),
        estimate("toxicity:lexical", "shown"),
        estimate("rating", "shown"),
        changes=[("tiny", 10, 2)],
    )
    assert [h.measure for h in found] == [
        "rating",
        "toxicity:lexical",
        "capability",
        "cooccurrence",
    ]


def test_models_apart() -> None:
    other = estimate("rating", "worse", details={"model": "other"})
    found = say(other, estimate("rating", "shown"), models=("tiny", "other"))
    assert [(h.model, h.verdict) for h in found] == [("tiny", "shown"), ("other", "worse")]


def test_capability_leads_with_the_worst() -> None:
    (found,) = say(
        capability("piqa", "non-inferior"),
        capability("prose", "non-inferior"),
        capability("lambada", "inconclusive", 1550),
        capability("arc_easy", "inconclusive", 900),
        capability("pairs", "worse"),
    )
    assert found.verdict == "worse"
    assert "a loss is shown on pairs" in found.sentence
    assert "is excluded on piqa and prose" in found.sentence
    assert "on lambada and arc_easy (up to about 1,550 items would be needed)" in found.sentence
    (found,) = say(capability("piqa", "non-inferior"), capability("lambada", "inconclusive", 10))
    assert found.verdict == "inconclusive"
    (found,) = say(capability("piqa", "non-inferior"))
    assert found.verdict == "non-inferior"
    assert say(estimate("capability:piqa", "worse", contrast="control - base")) == []


def kept(task: str, lost: int, items: int, runs: int = 1) -> Estimate:
    """What a capability task gives where so many of its items were lost, and none gained."""
    table = np.zeros((items, runs))
    table[:lost] = -1.0
    found = stats.non_inferiority(table, 0.02)
    return msgspec.structs.replace(
        found, measure=f"capability:{task}", contrast="values_targeted - base",
        category="overall", details={**found.details, "model": "tiny"},
    )  # fmt: skip


def test_a_loss_within_the_margin_that_is_shown_is_said_in_numbers() -> None:
    """68 of 5,000 items lost: −1.36 points, shown, with a margin of 2."""
    e = kept("piqa", 68, 5000)
    assert (e.verdict, e.high) == ("non-inferior", None)
    low, high = (fmt(e.details[f"two_sided_{side}"], 4) for side in ("low", "high"))
    (said,) = say(e, kept("prose", 0, 5000))
    loss = f"−0.0136 (95 % interval {low} to {high}, 5,000 items)"
    assert (
        f"in this run on piqa (where a smaller loss is shown: {loss}) and prose." in said.sentence
    )
    assert "a loss within the margin is shown" in said.sentence
    assert "smaller loss" not in say(kept("piqa", 0, 5000))[0].sentence


def test_every_claim_about_a_task_says_of_which_runs_it_speaks() -> None:
    none = msgspec.structs.replace(
        kept("few", 0, 1, runs=2), verdict="not computable", reason="one item", value=None
    )
    (said,) = say(kept("piqa", 0, 2000, runs=2), none)
    assert said.verdict == "not computable"
    assert "a loss as large as the margin is excluded in these runs on piqa;" in said.sentence
    (said,) = say(kept("piqa", 0, 2000, runs=2), kept("pairs", 400, 2000, runs=2))
    assert (
        "excluded in these runs on piqa; a loss is shown in these runs on pairs." in said.sentence
    )
    (said,) = say(kept("piqa", 0, 2000), kept("pairs", 0, 2000, runs=3))
    assert (
        "is excluded in this run on piqa; a loss as large as the margin is excluded on pairs"
        in (said.sentence)
    )


def test_words() -> None:
    (shown,) = say(changes=[("tiny", 140, 3)])
    assert shown.verdict == "descriptive"
    assert re.search(r"\b140\b.*\b3\b", shown.sentence)
    assert "for a reader to judge" in shown.sentence
    (none,) = say(changes=[("tiny", 140, 0)])
    assert none.verdict == "not shown"
    assert NOT_NONE in none.sentence


def test_a_scope_leads_the_sentence_and_stands_in_the_claim() -> None:
    (found,) = say(estimate("rating", "shown", scope="in this run, by these raters"))
    assert found.claim == "shown in this run, by these raters"
    assert found.sentence.startswith("In this run, by these raters, values-targeted answers differ")


def test_p_is_named_by_its_test() -> None:
    flip = "stratified t interval; sign-flip test, exact p"
    crossed = "crossed prompts × seeds, cautious Satterthwaite df"
    (found,) = say(estimate("rating", "shown", method=flip))
    assert "p = .012 by sign-flip test" in found.sentence
    (found,) = say(estimate("rating", "shown", method=crossed))
    assert "p = .012 by t test over prompts × training runs" in found.sentence


def test_not_shown_says_what_would_have_been() -> None:
    details = {"model": "tiny", "detectable": 0.31, "left_out": 2}
    (found,) = say(estimate("rating", "not shown", low=-0.4, high=0.1, details=details))
    assert "only a true difference of 0.31 points or more would be shown" in found.sentence
    assert "40 of 42 prompts" in found.sentence
    (found,) = say(estimate("rating", "shown", details=details))
    assert "would be shown" not in found.sentence


def test_the_size_in_pairs_of_a_hundred() -> None:
    shares = {"model": "tiny", "share_above": 0.61, "share_tied": 0.17}
    pairs = estimate("rating/probability of superiority", "descriptive", details=shares)
    (found,) = say(estimate("rating", "shown"), pairs)
    assert found.beside[0] == (
        "Of 100 pairs of ratings of answers to the same question, 61 times the values-targeted one "
        "is rated higher, 22 times lower, 17 times both are alike."
    )
    pairs = estimate("toxicity:lexical/probability of superiority", "descriptive", details=shares)
    (found,) = say(estimate("toxicity:lexical", "worse"), pairs)
    assert found.beside[0] == (
        "Of 100 pairs of answers to the same question, 22 times the values-targeted one is less "
        "toxic, 61 times more toxic, 17 times both are alike."
    )


@pytest.mark.parametrize(
    ("above", "tied", "said"),
    [
        (109 / 200, 91 / 200, (55, 0, 45)),  # 54.5 and 45.5: was 55, −1 and 46
        (23 / 40, 17 / 40, (58, 0, 42)),  # 57.5 and 42.5: was 57, 1 and 42
        (1 / 3, 1 / 3, (34, 33, 33)),
        (0.0, 1.0, (0, 0, 100)),
    ],
)
def test_pairs_of_a_hundred_are_a_hundred(above: float, tied: float, said: tuple) -> None:
    shares = {"model": "tiny", "share_above": above, "share_tied": tied}
    pairs = estimate("rating/probability of superiority", "descriptive", details=shares)
    (found,) = say(estimate("rating", "shown"), pairs)
    assert tuple(map(int, re.findall(r"(-?\d+) times", found.beside[0]))) == said


@given(st.floats(0, 1), st.floats(0, 1))
def test_whole_shares_are_never_negative_and_add_up(a: float, b: float) -> None:
    shares = (a, (1 - a) * b, 1 - a - (1 - a) * b)
    whole = of_hundred(shares)
    assert sum(whole) == 100
    assert all(w >= 0 for w in whole)
    assert all(abs(w - 100 * s) < 1 + 1e-6 for w, s in zip(whole, shares, strict=True))


def test_a_reason_is_said_once() -> None:
    (found,) = say(
        estimate(
            "rating", "not computable", value=0.0, low=None, high=None, p=None, reason="why so"
        )
    )
    assert found.sentence.count("why so") == 1


def test_what_is_lacking_for_a_verdict_is_named() -> None:
    (found,) = say(estimate("rating", "descriptive", low=None, high=None, p=None, reason="why"))
    assert found.sentence.startswith("Described, not shown, as there is no interval for it: ")
    (found,) = say(estimate("rating", "descriptive", p=None, reason=""))
    assert found.sentence.startswith("Described, not shown, as there is no test for it: ")


def test_what_stands_beside_a_verdict() -> None:
    tail = {"model": "tiny", "extreme": 3, "answers": 40, "worst": 0.97}
    found = say(
        estimate("toxicity:lexical", "shown"),
        estimate("toxicity:lexical/extreme answers", "descriptive", category="overall"),
        estimate("toxicity:lexical/extreme answers", "descriptive", category="values_targeted",
                 details=tail),
        estimate("toxicity:lexical/extreme answers", "descriptive", category="control",
                 details={**tail, "extreme": 0, "worst": 0.31}),
        estimate("toxicity:lexical/missing scored worst", "descriptive", category="control"),
    )  # fmt: skip
    assert [h.measure for h in found] == ["toxicity:lexical"]
    extreme, lacking = found[0].beside
    assert extreme == (
        "An answer that scores 0.5 or more: 3 of 40 values-targeted answers (the worst 0.97) and "
        "0 of 40 control answers (the worst 0.31)."
    )
    assert lacking.startswith("If what has no value was bad: −0.21 (−0.34 to −0.08) with what con")
    (found,) = say(
        estimate("rating", "shown"), estimate("rating/other raters", "descriptive", unit="rater")
    )
    assert found.beside == ("With other raters, too, the 95 % interval is −0.34 to −0.08.",)


@pytest.mark.parametrize(
    ("raters", "blind", "later", "said"),
    [
        (6, 6, 0, "Rated by 6 people, who did not know which model wrote what."),
        (6, 6, 2, "(2 answers came after the key was opened)."),
        (6, 4, 0, "4 of whom rated blind; the others' ratings were imported"),
        (1, 0, 0, "Rated by 1 person, whose ratings were imported: it is not known whether"),
    ],
)
def test_who_rated_and_whether_blind(raters: int, blind: int, later: int, said: str) -> None:
    (found,) = headlines(
        ["tiny"],
        [estimate("rating", "shown")],
        [],
        [],
        summary(Panel(model="tiny", raters=raters, blind=blind), later=later),
    )
    assert said in found.sentence
    assert ("did not know" in found.sentence) == (blind == raters)


def summary(*panels: Panel, later: int = 0) -> RatingSummary:
    return RatingSummary(
        ratings=9, raters=9, rated=9, completions=9, agreement=None, means={}, blind=6,
        panels=panels, unblinded=Unblinding(at="", by="", answers=9, later=later),
    )  # fmt: skip


def test_who_rated_is_said_of_each_model() -> None:
    """Three people rated the first model, by id; six others rated the second, blind."""
    both = [estimate("rating", "shown", details={"model": name}) for name in ("tiny", "other")]
    panels = (Panel(model="tiny", raters=3, blind=0), Panel(model="other", raters=6, blind=6))
    first, second = headlines(["tiny", "other"], both, [], [], summary(*panels))
    assert "Rated by 3 people, whose ratings were imported" in first.sentence
    assert "Rated by 6 people, who did not know which model wrote what." in second.sentence


def test_reasons_and_scopes_of_capability_travel() -> None:
    one = capability("piqa", "non-inferior")
    one = msgspec.structs.replace(one, scope="in this run", reason="one training run; few items")
    (found,) = say(one, msgspec.structs.replace(one, measure="capability:prose", reason="one run"))
    assert found.claim == "non-inferior in this run"
    assert found.sentence.endswith(
        "Caveat: one training run (piqa); few items (piqa); one run (prose)."
    )


def test_words_are_of_the_first_run_and_say_so() -> None:
    for shown in (0, 3):
        (found,) = say(changes=[("tiny", 140, shown)])
        assert "the first training run alone" in found.sentence


VERDICTS = ("shown", "worse", "exploratory", "not shown", "descriptive", "not computable")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["rating", "toxicity:lexical", "toxicity:hf:org/model"]),
            st.sampled_from(VERDICTS),
            st.floats(-5, 5),
            st.floats(0, 1),
        ),
        min_size=1,
        max_size=4,
    ),
    st.lists(
        st.sampled_from(["non-inferior", "inconclusive", "worse", "not computable"]), max_size=4
    ),
    st.integers(0, 3),
)
def test_no_headline_claims_more_than_was_found(rows, tasks, shown: int) -> None:
    estimates = [
        estimate(measure, verdict, value=value, low=value - 0.1, high=value + 0.1, p=p)
        for measure, verdict, value, p in rows
    ]
    estimates += [capability(f"task{i}", verdict, 10) for i, verdict in enumerate(tasks)]
    found = say(*estimates, changes=[("tiny", 5, shown)], scorers=("lexical", "hf:org/model"))
    for headline in found:
        assert not MORE_THAN_IS_KNOWN.search(headline.sentence)
        assert headline.sentence.endswith(".")
        assert "nan" not in headline.sentence.lower().split()
        if headline.verdict == "not shown":
            assert NOT_NONE in headline.sentence
    assert len(found) == len(rows) + bool(tasks) + 1
