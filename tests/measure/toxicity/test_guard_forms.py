"""The forms of guard models: data files, exact strings, and numbers from hand-made logits."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mores.errors import DataError, MeasureError
from mores.measure.toxicity.guard_form import guard_form, shipped_forms
from mores.measure.toxicity.guard_read import parse, probability, read_guard
from mores.measure.toxicity.raw import RawAnswer

LLAMA = ("safe", "unsafe")
YES = ("No", "Yes")
TAG = ("no", "yes")


@pytest.mark.parametrize(
    ("text", "harmful", "categories", "start"),
    [
        ("safe", False, (), 0),
        ("\n\nsafe", False, (), 2),
        ("safe\n", False, (), 0),
        ("unsafe\nS1", True, ("S1",), 0),
        ("\n\nunsafe\nS1,S10", True, ("S1", "S10"), 2),
        ("unsafe\nS1, S10", True, ("S1", "S10"), 0),
        ("unsafe \n\nO3\n", True, ("O3",), 0),
    ],
)
def test_llama_guard_says(text, harmful, categories, start):
    found = parse(text, "categories", LLAMA)
    assert (found.harmful, found.categories, found.start) == (harmful, categories, start)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Safe",
        "safely",
        "unsafe",  # the second line is missing
        "unsafe\n",
        "unsafe\nS1,",
        "unsafe\nviolence",
        "unsafe S1",
        "safe\nS1",
        "safe because it is kind",
        "not safe",
        "I cannot help with that.",
        "unsafe\nS1\nunsafe\nS2",
    ],
)
def test_llama_guard_does_not_say(text):
    assert parse(text, "categories", LLAMA) is None


@pytest.mark.parametrize(
    ("text", "harmful", "start"),
    [
        ("Yes", True, 0),
        (" No", False, 1),
        ("No.", False, 0),
        ("Yes\n<confidence> High </confidence>", True, 0),  # Granite Guardian 3.2
        ("Yes, because", True, 0),
    ],
)
def test_granite_guardian_says(text, harmful, start):
    found = parse(text, "first word", YES)
    assert (found.harmful, found.start) == (harmful, start)


@pytest.mark.parametrize("text", ["", "Yesterday", "None", "yes", "Failed", "<score> yes </score>"])
def test_granite_guardian_does_not_say(text):
    assert parse(text, "first word", YES) is None


@pytest.mark.parametrize(
    ("text", "harmful", "start"),
    [
        ("<score> yes </score>", True, 8),
        ("<score>no</score>", False, 7),
        ("<think>yes or no</think>\n<score> NO </score>", False, 33),
    ],
)
def test_granite_guardian_33_says(text, harmful, start):
    found = parse(text, "score tag", TAG)
    assert (found.harmful, found.start) == (harmful, start)


@pytest.mark.parametrize(
    "text",
    ["yes", "<score> maybe </score>", "<score> yes", "<score> yes </score><score> no </score>"],
)
def test_granite_guardian_33_does_not_say(text):
    assert parse(text, "score tag", TAG) is None


def test_the_probability_is_the_softmax_of_two_logits():
    # e^0 / (e^0 + e^-1) with the word for harmful one higher.
    assert probability({"No": 2.0, "Yes": 3.0}, YES) == pytest.approx(0.7310585786300049)
    assert probability({"No": -5.0, "Yes": -5.0}, YES) == 0.5
    assert probability({"No": math.log(3), "Yes": 0.0}, YES) == pytest.approx(0.25)
    assert probability({"No": 1e4, "Yes": -1e4}, YES) == 0.0
    assert probability({"No": -1e4, "Yes": 1e4}, YES) == 1.0
    assert probability({"No": 1.0}, YES) is None
    assert probability({"No": 1.0, "Yes": math.nan}, YES) is None
    assert probability({"No": 1.0, "Yes": "x"}, YES) is None


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_the_two_words_share_all_probability(a, b):
    one = probability({"No": a, "Yes": b}, YES)
    other = probability({"No": b, "Yes": a}, YES)
    assert 0.0 <= one <= 1.0
    assert one + other == pytest.approx(1.0)


def kept(style, words, verdicts, reason=""):
    return RawAnswer(
        text="sha256:0",
        kind="guard",
        request={"answer": style, "words": list(words)},
        response={"verdicts": verdicts},
        reason=reason,
    )


def test_llama_guards_value_is_the_probability_of_unsafe():
    logits = {"safe": 0.0, "unsafe": math.log(4)}
    answer = kept("categories", LLAMA, {"": {"text": "unsafe\nS1,S10", "logits": logits}})
    assert read_guard(answer).value == pytest.approx(0.8)
    # Of single categories it gives no probability: named or not.
    assert read_guard(answer, ["S10"]).value == 1.0
    assert read_guard(answer, ["S3", "S9"]).value == 0.0


def test_the_highest_policy_counts_and_others_can_be_read_later():
    answer = kept(
        "next token",
        YES,
        {
            "harassment": {"logits": {"No": 0.0, "Yes": -math.log(9)}},
            "hate speech": {"logits": {"No": 0.0, "Yes": math.log(3)}},
        },
    )
    assert read_guard(answer).value == pytest.approx(0.75)
    assert read_guard(answer, ["harassment"]).value == pytest.approx(0.1)
    reading = read_guard(answer, ["violence"])
    assert reading.value is None
    assert reading.reason == "was not asked about 'violence', but about harassment, hate speech"


def test_an_answer_without_its_form_has_no_value_but_a_reason():
    said = {"text": "I will not judge this.", "logits": {}}
    reading = read_guard(kept("categories", LLAMA, {"": said}))
    assert reading.value is None
    assert reading.reason == "the guard's answer does not have its form: 'I will not judge this.'"
    fine = {"text": "Yes", "logits": {"No": 0.0, "Yes": 1.0}}
    # One policy without a verdict: the highest of the others is not the value.
    reading = read_guard(kept("first word", YES, {"harm": fine, "violence": said}))
    assert reading.value is None
    unclear = {"text": "Yes", "logits": {}}
    assert "not one of its two tokens" in read_guard(kept("first word", YES, {"": unclear})).reason
    assert read_guard(kept("first word", YES, {}, reason="too long")).reason == "too long"
    assert read_guard(kept("first word", YES, {})).reason == "the answer holds no verdicts"


@pytest.mark.parametrize(
    ("model", "form"),
    [
        ("meta-llama/Llama-Guard-3-1B", "llama-guard"),
        ("folders/LlamaGuard-7b", "llama-guard"),
        ("google/shieldgemma-2b", "shieldgemma"),
        ("ibm-granite/granite-guardian-3.2-5b", "granite-guardian"),
        ("ibm-granite/granite-guardian-3.3-8b", "granite-guardian-3.3"),
    ],
)
def test_the_form_follows_from_the_models_name(model, form):
    assert guard_form(model).name == form


def test_forms_say_where_they_come_from():
    forms = shipped_forms()
    assert list(forms) == ["granite-guardian-3.3", "granite-guardian", "llama-guard", "shieldgemma"]
    assert all(form.source and form.version for form in forms.values())
    assert {form.answer for form in forms.values()} == {
        "categories",
        "first word",
        "score tag",
        "next token",
    }
    assert len(forms["llama-guard"].categories) == 14


def test_how_the_policy_reaches_each_template():
    forms = shipped_forms()
    assert forms["llama-guard"].arguments("") == {}
    assert forms["shieldgemma"].arguments("P") == {"guideline": "P"}
    assert forms["granite-guardian"].arguments("harm") == {"guardian_config": {"risk_name": "harm"}}
    assert forms["granite-guardian-3.3"].arguments("harm") == {
        "guardian_config": {"criteria_id": "harm"}
    }


def test_unknown_forms():
    with pytest.raises(MeasureError, match="does not say which form") as caught:
        guard_form("SmolLM2-135M")
    assert "shieldgemma" in str(caught.value)
    with pytest.raises(MeasureError, match="did you mean 'llama-guard'"):
        guard_form("x", "llamaguard")


def test_a_form_of_ones_own(tmp_path):
    path = tmp_path / "mine.toml"
    good = (
        'name = "mine"\nversion = "1"\nsource = "us"\nanswer = "first word"\n'
        'words = ["fine", "bad"]\ntemplate = "Q {prompt} A {answer}: "\n'
    )
    path.write_text(good)
    assert guard_form("x", str(path)).words == ("fine", "bad")
    for change, message in [
        ('template = "Q {prompt}"', "template must hold {answer} exactly once"),
        ('template = "{prompt} {answer} {answer}"', "template must hold {answer} exactly once"),
        ('default = ["x"]', "default names no policy of this form: x"),
        ("pattern = 1", "unknown field 'pattern'"),
    ]:
        key = change.split(" ")[0]
        kept_lines = [line for line in good.splitlines() if not line.startswith(key)]
        path.write_text("\n".join([*kept_lines, change]))
        with pytest.raises(DataError, match=r"mine\.toml") as caught:
            guard_form("x", str(path))
        assert message in str(caught.value)
