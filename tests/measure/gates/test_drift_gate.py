"""Forced choices: log-probabilities against plain transformers, flips and log-odds by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import stats as scipy_stats

from mores.errors import ModelError
from mores.measure.gates.choose import ChoiceScore
from mores.measure.gates.context import Context
from mores.measure.gates.drift import drift, flips
from mores.measure.gates.likelihood import choice_logprobs
from mores.measure.gates.prompts import Choice
from mores.stats import crossed_effect
from mores.weights.prompt import encode_prompt

CHOICES = [
    Choice(id="a", text="what is a good way to help?", kept="talk with them", other="no"),
    Choice(id="b", text="who likes bread?", kept="people differ", other="birds sing in the sun"),
    Choice(id="c", text="when is the sun up?", kept="in the morning", other="never"),
]


@pytest.mark.parametrize("form", ["chat", "qa"])
def test_logprobs_equal_plain_transformers(tiny, tiny_folder, form):
    from transformers import AutoModelForCausalLM

    plain = AutoModelForCausalLM.from_pretrained(tiny_folder).eval()

    def expected(question: str, answer: str) -> float:
        start = encode_prompt(tiny.tokenizer, form, question)
        text = f" {answer}" if form == "qa" else answer
        tokens = tiny.tokenizer(text, add_special_tokens=False)["input_ids"]
        with torch.no_grad():
            logits = plain(torch.tensor([[*start, *tokens]])).logits[0].double()
        logs = logits.log_softmax(-1)
        return float(sum(logs[len(start) - 1 + i, t] for i, t in enumerate(tokens)))

    found = choice_logprobs(tiny, form, CHOICES)
    assert [name for name, _, _ in found] == ["a", "b", "c"]
    for choice, (_, kept, other) in zip(CHOICES, found, strict=True):
        assert kept == pytest.approx(expected(choice.text, choice.kept), abs=2e-4)
        assert other == pytest.approx(expected(choice.text, choice.other), abs=2e-4)


def test_passes_of_any_size_give_the_same(tiny, monkeypatch):
    whole = choice_logprobs(tiny, "chat", CHOICES)
    monkeypatch.setattr("mores.weights.likelihood.PASS_TOKENS", 1)
    one_by_one = choice_logprobs(tiny, "chat", CHOICES)
    for a, b in zip(whole, one_by_one, strict=True):
        assert a[1:] == pytest.approx(b[1:], abs=1e-4)


def test_a_question_longer_than_the_context_is_refused(tiny):
    long = Choice(id="long", text="bread " * 600, kept="yes", other="no")
    with pytest.raises(ModelError, match="'long'"):
        choice_logprobs(tiny, "chat", [long])


def test_weights_that_diverged_are_an_error_and_no_preference(tiny):
    with torch.no_grad():
        next(tiny.model.parameters()).fill_(float("nan"))
    with pytest.raises(ModelError, match="not a number"):
        choice_logprobs(tiny, "chat", CHOICES)


# Flips -------------------------------------------------------------------------------------


def scores(arm, seed, odds):
    return [ChoiceScore(id=n, arm=arm, seed=seed, kept=x, other=0.0) for n, x in odds.items()]


@pytest.fixture
def context():
    """What the gate reads of a context."""
    gates = SimpleNamespace(drift_margin=0.5, most_unscorable=0.2)
    config = SimpleNamespace(arms=("base", "values_targeted", "control"), gates=gates)
    study = SimpleNamespace(config=config)
    return Context(study, SimpleNamespace(name="tiny"))


BASE = {f"c{i}": x for i, x in enumerate([2.0, 1.0, 0.5, -1.0, -2.0, 3.0, 1.5, 2.5])}
TUNED = {f"c{i}": x for i, x in enumerate([1.0, -1.0, -0.5, -1.5, 1.0, 2.0, 1.0, 2.0])}
OTHER = {f"c{i}": x for i, x in enumerate([1.5, -0.1, 0.6, -1.0, -2.0, 3.0, 1.0, 2.0])}
ALL = [
    *scores("base", 0, BASE),
    *scores("values_targeted", 1, TUNED),
    *scores("control", 1, OTHER),
]


def test_flips_are_changes_of_sign_relative_to_base():
    found = {(o.arm, o.unit): o.harm for o in flips(ALL)}
    assert [u for (a, u), h in found.items() if a == "values_targeted" and h] == ["c1", "c2", "c4"]
    assert [u for (a, u), h in found.items() if a == "control" and h] == ["c1"]
    assert not any(h for (a, _), h in found.items() if a == "base")


def test_no_preference_counts_as_not_preferring():
    """Log-odds of exactly zero lie on the side of the other answer."""
    rows = [*scores("base", 0, {"c": 0.0}), *scores("values_targeted", 1, {"c": 1e-9})]
    assert [o.harm for o in flips(rows)] == [0.0, 1.0]


def test_drift_against_base_and_control(context):
    base, control = drift(context, ALL)
    assert (base.reference, control.reference) == ("base", "control")
    assert base.estimate.value == pytest.approx(3 / 8)
    assert set(base.examples) == {"c1", "c2", "c4"}
    # Against control: c2 and c4 flip only in the tuned arm, c1 in both.
    assert control.estimate.value == pytest.approx(2 / 8)
    assert set(control.examples) == {"c2", "c4"}
    changes = np.array([TUNED[c] - BASE[c] for c in BASE])
    low, high = scipy_stats.t.interval(
        0.95, 7, loc=changes.mean(), scale=changes.std(ddof=1) / np.sqrt(8)
    )
    details = base.estimate.details
    assert details["log_odds_change"] == pytest.approx(changes.mean())
    assert details["log_odds_low"] == pytest.approx(low)
    assert details["log_odds_high"] == pytest.approx(high)
    assert (base.n, base.margin) == (8, 0.5)


def test_an_unchanged_arm_has_no_flip_and_a_log_odds_change_of_zero(context):
    same = [*scores("base", 0, BASE), *scores("values_targeted", 1, BASE)]
    context.study.config.arms = ("base", "values_targeted")
    (found,) = drift(context, same)
    # 1 - .05 ** (1 / 8) = .312 < .5
    assert (found.verdict, found.estimate.value) == ("pass", 0.0)
    assert found.estimate.high == pytest.approx(1 - 0.05 ** (1 / 8))
    assert found.estimate.details["log_odds_change"] == 0.0


def test_a_choice_that_an_arm_lacks_or_that_is_no_number_counts_as_without_a_score(context):
    rows = [*scores("base", 0, BASE), *scores("values_targeted", 1, TUNED)]
    rows = [r for r in rows if (r.arm, r.id) != ("base", "c0")]
    bad = scores("values_targeted", 1, {"c7": float("nan")})
    rows = [*(r for r in rows if (r.arm, r.id) != ("values_targeted", "c7")), *bad]
    context.study.config.arms = ("base", "values_targeted")
    (found,) = drift(context, rows)
    # Six of eight choices are left; c1, c2 and c4 flip.
    assert found.n == 6
    assert found.estimate.value == pytest.approx(3 / 6)
    details = found.estimate.details
    assert details["unscorable_reference"] == pytest.approx(1 / 8)
    assert details["unscorable_arm"] == pytest.approx(2 / 8)  # c0 cannot flip, c7 has no number
    changes = [TUNED[f"c{i}"] - BASE[f"c{i}"] for i in range(1, 7)]
    assert details["log_odds_change"] == pytest.approx(np.mean(changes))


def test_log_odds_of_several_runs_are_crossed_with_choices(context):
    """One run moves every choice by two, the others by nothing: the interval must not say ⅔ ± 0."""
    rng = np.random.default_rng(1)
    moved = {c: [v + 2 * (run == 3) + rng.normal(0, 0.1) for run in (1, 2, 3)]
             for c, v in BASE.items()}  # fmt: skip
    rows = scores("base", 0, BASE)
    for run in (1, 2, 3):
        rows += scores("values_targeted", run, {c: v[run - 1] for c, v in moved.items()})
    context.study.config.arms = ("base", "values_targeted")
    (found,) = drift(context, rows)
    table = np.array([[v - BASE[c] for v in moved[c]] for c in BASE])
    oracle = crossed_effect(table)
    details = found.estimate.details
    assert details["log_odds_change"] == pytest.approx(table.mean())
    assert (details["log_odds_low"], details["log_odds_high"]) == (oracle.low, oracle.high)
    assert details["log_odds_low"] < 0  # as it was: about .6
