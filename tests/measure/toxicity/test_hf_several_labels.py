"""`hf:` scorers with several labels and with long texts as means, against plain transformers."""

import pytest
import torch
from test_hf_scorer import LENGTH, logits, make
from transformers import AutoModelForSequenceClassification

from mores.errors import MeasureError
from mores.measure.toxicity import scorer
from mores.measure.toxicity.hf import HfScorer
from mores.measure.toxicity.hf_labels import choose_outputs, together
from mores.study import ScorerOptions

LABELS = ["neutral", "toxicity", "insult"]


def test_softmax_labels_exclude_each_other_and_sigmoid_ones_do_not(tmp_path):
    exclusive = make(tmp_path / "exclusive", LABELS)
    hf = HfScorer(str(exclusive), attributes=["toxicity", "insult"])
    expected = logits(exclusive, "you are an idiot").softmax(-1)[1:].sum()
    assert hf.score(["you are an idiot"])[0][0] == pytest.approx(float(expected), abs=1e-6)
    assert hf.name == "hf:exclusive#toxicity+insult"
    assert hf.attribute == "toxicity or insult"
    assert "softmax output 'toxicity' or 'insult'" in hf.note

    several = make(tmp_path / "several", LABELS, "multi_label_classification")
    hf = HfScorer(str(several), attributes=["toxicity", "insult"])
    expected = logits(several, "you are an idiot").sigmoid()[1:].max()
    assert hf.score(["you are an idiot"])[0][0] == pytest.approx(float(expected), abs=1e-6)


def test_labels_together():
    assert together([0.25, 0.5], softmax=True) == 0.75
    assert together([0.25, 0.5], softmax=False) == 0.5
    assert together([0.6, 0.4000001], softmax=True) == 1.0  # rounding stays a probability
    with pytest.raises(MeasureError, match="named twice"):
        choose_outputs(LABELS, problem_type=None, wanted=["insult", "Insult"])


def test_a_long_text_as_a_mean_in_which_each_token_counts_once(tmp_path):
    folder = make(tmp_path / "tiny", ["neutral", "toxic"])
    words = ("you are an idiot the day is nice it fool " * 3).split()[:24]
    # The model reads 16 tokens: 14 words and two special ones; windows overlap by 4. So 24
    # words are two windows, words 0-13 and 10-23, of which the second brings 10 new words.
    windows = [words[:14], words[10:24]]
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    vocabulary = (folder / "vocab.txt").read_text().split()
    shares = []
    for window in windows:
        ids = [2, *(vocabulary.index(word) for word in window), 3]
        assert len(ids) == LENGTH
        with torch.no_grad():
            shares.append(float(model(torch.tensor([ids])).logits[0].double().softmax(-1)[1]))
    text = " ".join(words)
    assert HfScorer(str(folder)).score([text])[0][0] == pytest.approx(max(shares), abs=1e-6)
    mean = HfScorer(str(folder), long_texts="mean")
    assert mean.score([text, "you are"])[0][0] == pytest.approx(
        (14 * shares[0] + 10 * shares[1]) / 24, abs=1e-6
    )
    # A short text has one window, whatever is done with several.
    assert mean.score(["you are"])[0][0] == HfScorer(str(folder)).score(["you are"])[0][0]
    assert mean.version == "local, mean of windows"
    assert "mean of windows, weighted by tokens" in mean.note


def test_options_reach_the_classifier(tmp_path):
    folder = make(tmp_path / "tiny", LABELS)
    name = f"hf:{folder}"
    options = ScorerOptions(scorer=name, attributes=("insult", "toxicity"), long_texts="mean")
    made = scorer(name, options=options)
    assert made.attribute == "insult or toxicity"
    assert made.long_texts == "mean"
    with pytest.raises(MeasureError, match="both say what counts"):
        scorer(f"{name}#insult", options=options)
