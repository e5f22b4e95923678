"""Scorers side by side: counts, estimates where they belong, and warnings."""

import pytest
from msgspec.structs import replace

from mores import store
from mores.measure.english import why_not_english
from mores.measure.toxicity.draws import expected_maximum
from mores.measure.toxicity.result import ToxicitySummary
from mores.measure.toxicity.summary import Judged, summarise
from mores.measure.toxicity.warn import same_model
from mores.records import Completion, Score


def completions(arms=(("base", 0), ("values_targeted", 1)), prompts=3, draws=2):
    return [
        Completion(
            id=f"m.{arm}.p{p}.d{d}", prompt_id=f"p{p}", category="c", model="m", arm=arm,
            seed=seed, draw=d, text="x", finish_reason="stop", prompt_tokens=1, tokens=1,
        )
        for arm, seed in arms for p in range(prompts) for d in range(draws)
    ]  # fmt: skip


def judged(rows, values, name="s", threshold=0.5, versions=None):
    scores = [
        Score(
            completion_id=c.id, scorer=f"{name}!", version=(versions or {}).get(i, "1"),
            digest="sha256:0", attribute="toxicity", value=v, reason="" if v is not None else "odd",
        )
        for i, (c, v) in enumerate(zip(rows, values, strict=True))
    ]  # fmt: skip
    return Judged(scorer=name, note="a test", threshold=threshold, scores=scores)


VALUES = [0.1, 0.9, 0.2, 0.3, 0.6, 0.6, 0.1, 0.1, 0.2, 0.2, 0.3, 0.7]


def test_every_arm_and_every_pair(tmp_path):
    rows = completions()
    second = [None, *(1 - v for v in VALUES[1:])]
    found = summarise("m", rows, [judged(rows, VALUES, "a"), judged(rows, second, "b")], seed=5)
    assert (found.model, found.completions, found.prompts) == ("m", 12, 3)
    a, b = found.scorers
    assert (a.scorer, a.name, a.threshold, a.versions) == ("a", "a!", 0.5, {"1": 12})
    assert (b.completions, b.scored, b.unscored) == (12, 11, {"odd": 1})
    base, tuned = a.arms
    assert [base.arm, tuned.arm] == ["base", "values_targeted-s1"]
    assert base.draws == 2
    prompts = [c.prompt_id for c in rows[:6]]
    assert base.expected_maximum == expected_maximum(VALUES[:6], prompts, draws=2, rng=5)
    assert base.probability.value == pytest.approx(2 / 3)
    assert tuned.mean.value == pytest.approx((0.1 + 0.2 + 0.5) / 3)
    assert b.arms[0].unscored == {"odd": 1}
    (pair,) = found.agreement
    assert (pair.first, pair.second) == ("a", "b")
    assert (pair.both, pair.only_first, pair.only_second, pair.neither) == (11, 1, 0, 0)
    assert pair.spearman.value == pytest.approx(-1)
    assert pair.kappa.details["pairs"] == 11
    assert found.alpha is None
    store.write_json(tmp_path / "summary.json", found)
    path = tmp_path / "summary.json"
    assert store.as_record(store.read_json(path), ToxicitySummary, path=path) == found


def test_the_same_input_gives_the_same_record():
    rows = completions()
    both = [judged(rows, VALUES, "a"), judged(rows, VALUES[::-1], "b")]
    assert summarise("m", rows, both, seed=5) == summarise("m", rows, both, seed=5)


def test_three_scorers_have_an_alpha_and_three_pairs():
    rows = completions()
    found = summarise("m", rows, [judged(rows, VALUES, n) for n in "abc"], seed=5)
    assert len(found.agreement) == 3
    assert found.alpha.value == pytest.approx(1.0)


def test_arms_with_different_draws_are_compared_at_the_same_number():
    rows = completions((("base", 0),), draws=3) + completions((("control", 1),), draws=2)
    values = [0.1, 0.5, 0.9] * 3 + [0.1, 0.3] * 3
    (scorer,) = summarise("m", rows, [judged(rows, values)], seed=1).scorers
    assert [arm.draws for arm in scorer.arms] == [2, 2]
    # The maxima of the pairs of .1 .5 .9 are .5 .9 .9.
    assert scorer.arms[0].expected_maximum.value == pytest.approx(2.3 / 3)
    assert scorer.arms[1].expected_maximum.value == pytest.approx(0.3)


def test_one_draw():
    rows = completions(draws=1)
    (scorer,) = summarise("m", rows, [judged(rows, VALUES[:6])], seed=1).scorers
    assert scorer.arms[0].expected_maximum.verdict == "not computable"
    assert scorer.arms[0].probability.value is not None


def warnings(rows, *scorers, model="m"):
    return list(summarise(model, rows, scorers, seed=1).warnings)


def test_no_warning_where_there_is_nothing_to_beware_of():
    rows = completions()
    assert warnings(rows, judged(rows, VALUES, "a"), judged(rows, VALUES, "b")) == []


def test_scorers_that_disagree_on_coverage():
    rows = completions()
    half = [None if i % 2 else v for i, v in enumerate(VALUES)]
    (line,) = warnings(rows, judged(rows, VALUES, "a"), judged(rows, half, "b"))
    assert line.startswith("a and b do not cover the same completions: 6 by both, 6 by the first")


def test_a_scorer_that_covers_one_arm_less():
    rows = completions()
    (line,) = warnings(rows, judged(rows, [*VALUES[:6], None, *VALUES[7:]], "a"))
    assert line.startswith("a covers the arms unevenly: 83 % of values_targeted-s1, 100 % of base")


def test_a_scorer_that_scored_nothing():
    rows = completions()
    lines = warnings(rows, judged(rows, [None] * 12, "a"))
    assert lines == ["a scored none of 12 completions"]


def test_a_service_that_changed_while_it_was_asked():
    rows = completions()
    (line,) = warnings(rows, judged(rows, VALUES, "a", versions={0: "2026-01"}))
    assert line == "a answered in more than one version (2026-01: 1, 1: 11)"


def test_perspective_is_dated():
    rows = completions()
    (line,) = warnings(rows, judged(rows, VALUES, "perspective#INSULT"))
    assert "2026-12-31" in line


def test_a_scorer_with_the_judged_models_name():
    rows = completions()
    name = "guard:someone/SmolLM2-135M-guard"
    (line,) = warnings(rows, judged(rows, VALUES, name), model="HuggingFaceTB/SmolLM2-135M")
    assert "has the name of the judged model SmolLM2-135M" in line


@pytest.mark.parametrize(
    ("model", "scorer", "same"),
    [
        ("smollm2-135m", "hf:org/smollm2-135m", True),
        ("smollm2-135m", "hf:folders/SmolLM2_135M#toxic", True),
        ("org/SmolLM2-135M-Instruct", "guard:SmolLM2-135M", True),
        ("models/Llama-3.2-1B.gguf", "guard:meta-llama/Llama-Guard-3-1B", False),
        ("smollm2-135m", "lexical", False),
        ("smollm2-135m", "moderation:https://smollm2-135m.example/v1", False),
        ("smollm2-135m", "replay:smollm2-135m/raw.jsonl", False),
        ("m", "hf:org/hap-38m", False),  # a letter occurs in many names
    ],
)
def test_when_names_are_the_same(model, scorer, same):
    assert same_model(model, scorer) is same


def test_texts_too_short_to_tell_their_language_are_counted():
    rows = completions()
    texts = ["Te odio", "Du bist dumm", "Damn, damn, damn", *["I hate you all"] * 9]
    rows = [replace(c, text=t) for c, t in zip(rows, texts, strict=True)]
    values = [0.1, 0.2, None, *VALUES[3:]]
    assert all(why_not_english(t) == "" for t in texts[:2])  # what they are not
    found = summarise("m", rows, [judged(rows, values, "lexical"), judged(rows, VALUES)], seed=5)
    (said,) = [w for w in found.warnings if "too short" in w]
    assert said.startswith("lexical scored 2 texts of 3 words or fewer")
