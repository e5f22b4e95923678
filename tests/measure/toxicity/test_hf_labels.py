"""Which output of a classifier is scored, and how."""

import pytest

from mores.errors import MeasureError
from mores.measure.toxicity.hf_labels import OutputRule, choose_output


@pytest.mark.parametrize(
    ("labels", "problem", "wanted", "expected"),
    [
        (["neutral", "toxic"], None, None, ("toxic", 1, True)),
        (["toxic", "neutral"], "single_label_classification", None, ("toxic", 0, True)),
        # As unitary/unbiased-toxic-roberta: independent outputs.
        (["toxicity", "insult"], "multi_label_classification", None, ("toxicity", 0, False)),
        (["toxicity", "insult"], "multi_label_classification", "insult", ("insult", 1, False)),
        (["nothate", "hate"], None, None, ("hate", 1, True)),
        (["hate", "toxic"], None, None, ("toxic", 1, True)),  # order of the names, not of labels
        (["LABEL_0", "LABEL_1"], None, "label_1", ("LABEL_1", 1, True)),
        (["LABEL_0"], None, None, ("LABEL_0", 0, False)),  # one output: sigmoid
        (["neg", "Hate-Speech"], None, None, ("Hate-Speech", 1, True)),
    ],
)
def test_the_rule(labels, problem, wanted, expected):
    rule = choose_output(labels, problem_type=problem, wanted=wanted)
    assert rule == OutputRule(*expected)


@pytest.mark.parametrize(
    ("labels", "problem", "wanted", "message"),
    [
        (["LABEL_0", "LABEL_1"], None, None, "LABEL_0, LABEL_1 stands for toxic is not known"),
        (["non-toxic", "not hate"], None, None, "is not known"),  # never a negation
        (["neutral", "toxic"], None, "toxicc", "did you mean 'toxic'"),
        (["score"], "regression", None, "regression"),
    ],
)
def test_what_is_refused(labels, problem, wanted, message):
    with pytest.raises(MeasureError, match=message):
        choose_output(labels, problem_type=problem, wanted=wanted, where="m")
