"""The protocol: what completions get, what a scorer must not do, names to scorers."""

from importlib.metadata import EntryPoint

import pytest

from mores.errors import MeasureError
from mores.measure.toxicity import Scorer, registry, score_completions, scorer
from mores.measure.toxicity.registry import scorer_names
from mores.measure.toxicity.scorer import score_texts
from mores.records import Completion


class FakeScorer:
    name = "fake"
    version = "3"
    digest = "sha256:0"
    attribute = "toxicity"
    note = "a test"

    def __init__(self, answer=None):
        self.seen = []
        self.answer = answer or (lambda texts: [(len(text) / 100, "") for text in texts])

    def score(self, texts):
        self.seen += texts
        return self.answer(texts)


class NotAScorer:
    name = "half"


class FailingScorer:
    def __init__(self):
        raise RuntimeError("no key")


def completion(number, text):
    return Completion(
        id=f"c{number}",
        prompt_id="p",
        category="health",
        model="m",
        arm="base",
        seed=0,
        draw=0,
        text=text,
        finish_reason="stop",
        prompt_tokens=1,
        tokens=1,
    )


def test_every_completion_gets_a_score_and_empty_text_none():
    fake = FakeScorer()
    texts = ["four", "", "four", " \n", "sixsix"]
    scores = score_completions([completion(i, t) for i, t in enumerate(texts)], fake)
    assert [s.completion_id for s in scores] == ["c0", "c1", "c2", "c3", "c4"]
    assert [s.value for s in scores] == [0.04, None, 0.04, None, 0.06]
    assert [s.reason for s in scores] == ["", "empty text", "", "empty text", ""]
    assert {(s.scorer, s.version, s.digest, s.attribute) for s in scores} == {
        ("fake", "3", "sha256:0", "toxicity")
    }
    assert fake.seen == ["four", "sixsix"]  # equal texts once, empty ones never


def test_a_reason_travels_with_the_missing_value():
    fake = FakeScorer(lambda texts: [(None, "another language")] * len(texts))
    (score,) = score_completions([completion(0, "x")], fake)
    assert (score.value, score.reason) == (None, "another language")


def test_no_completions_no_scores():
    assert score_completions([], FakeScorer()) == []


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda texts: [], "0 values for 1 texts"),
        (lambda texts: [(1.5, "")], "1.5, expected a number from 0 to 1"),
        (lambda texts: [(float("nan"), "")], "nan"),
        (lambda texts: [(-0.1, "")], "-0.1"),
        (lambda texts: [(None, "")], "no value and no reason"),
    ],
)
def test_a_defective_scorer_is_named(answer, message):
    with pytest.raises(MeasureError, match=message) as caught:
        score_texts(["x"], FakeScorer(answer))
    assert "scorer 'fake'" in str(caught.value)


def test_the_protocol_is_recognised():
    assert isinstance(FakeScorer(), Scorer)
    assert not isinstance(NotAScorer(), Scorer)


def test_names_and_an_unknown_name():
    assert "lexical" in scorer_names()
    with pytest.raises(MeasureError, match="did you mean 'lexical'") as caught:
        scorer("lexcal")
    assert "hf:<model>" in str(caught.value)


def add(monkeypatch, name, value):
    point = EntryPoint(name=name, value=f"{__name__}:{value}", group="mores.scorers")
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])


def test_an_entry_point_adds_a_scorer(monkeypatch):
    add(monkeypatch, "fake", "FakeScorer")
    assert scorer_names() == ["fake", "lexical"]
    assert scorer("fake").version == "3"


def test_an_entry_point_cannot_replace_the_built_in_one(monkeypatch):
    add(monkeypatch, "lexical", "FakeScorer")
    assert scorer("lexical").name == "lexical"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("NotAScorer", "made no scorer, but a NotAScorer"),
        ("FailingScorer", "failed: RuntimeError: no key"),
        ("Missing", "failed: AttributeError"),
    ],
)
def test_a_wrong_entry_point_is_named(monkeypatch, value, message):
    add(monkeypatch, "theirs", value)
    with pytest.raises(MeasureError, match=message) as caught:
        scorer("theirs")
    assert "scorer 'theirs'" in str(caught.value)
