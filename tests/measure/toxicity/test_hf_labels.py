"""Which output of a classifier is scored, and how."""

import pytest

from mores.errors import MeasureError
from mores.measure.toxicity.hf_labels import Outputs, choose_outputs


@pytest.mark.parametrize(
    ("labels", "problem", "wanted", "expected"),
    [
        (["neutral", "toxic"], None, None, (1, True)),
        (["toxic", "neutral"], "single_label_classification", None, (0, True)),
        # As unitary/unbiased-toxic-roberta: independent outputs.
        (["toxicity", "insult"], "multi_label_classification", None, (0, False)),
        (["toxicity", "insult"], "multi_label_classification", "insult", (1, False)),
        (["nothate", "hate"], None, None, (1, True)),
        (["hate", "toxic"], None, None, (1, True)),  # order of the names, not of labels
        (["LABEL_0", "LABEL_1"], None, "label_1", (1, True)),
        (["LABEL_0"], None, None, (0, False)),  # one output: sigmoid
        (["neg", "Hate-Speech"], None, None, (1, True)),
    ],
)
def test_the_rule(labels, problem, wanted, expected):
    column, softmax = expected
    asked = [wanted] if wanted else []
    outputs = choose_outputs(labels, problem_type=problem, wanted=asked)
    assert outputs == Outputs((column,), softmax)


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
        choose_outputs(labels, problem_type=problem, wanted=[wanted] if wanted else [], where="m")
