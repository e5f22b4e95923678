"""Names and options: what each kind takes, and what it refuses."""

import pytest

from mores.errors import MeasureError, ServiceError, StudyError
from mores.measure.toxicity import scorer
from mores.measure.toxicity.scorer import Item, score_items
from mores.study import ScorerOptions, load_study


def options(name, **fields):
    return ScorerOptions(scorer=name, **fields)


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("lexical", {"key_env": "K"}, "no option 'key_env'"),
        ("hf:x/y", {"form": "llama-guard"}, "no option 'form'"),
        ("hf:x/y", {"timeout": 3.0}, "no option 'timeout'"),
        ("perspective", {"model": "m"}, "no option 'model'"),
        ("moderation:https://h/v1", {"languages": ("de",)}, "no option 'languages'"),
        ("replay:x", {"long_texts": "mean"}, "no option 'long_texts'"),
        ("guard:x", {"key_env": "K"}, "no option 'key_env'"),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(name, fields, message):
    with pytest.raises(MeasureError, match=message) as caught:
        scorer(name, options=options(name, **fields))
    assert "its options: threshold" in str(caught.value)


def test_a_threshold_is_everyones_option():
    assert scorer("lexical", options=options("lexical", threshold=0.3)).name == "lexical"


def test_moderation_and_perspective_take_theirs():
    name = "moderation:https://example.org/v1/moderations"
    made = scorer(f"{name}#hate/threatening", options=options(name, model="m", key_env="K"))
    assert made.categories == ("hate/threatening",)
    assert (made.model, made.key_env, made.url) == ("m", "K", name.removeprefix("moderation:"))
    made = scorer("perspective", options=options("perspective", attributes=("INSULT",), timeout=3))
    assert (made.attributes, made.timeout) == (("INSULT",), 3)


@pytest.mark.parametrize("name", ["moderation:", "moderation:example.org", "moderation:#hate"])
def test_there_is_no_default_address(name):
    with pytest.raises(ServiceError, match="not an address"):
        scorer(name)


def test_nothing_is_asked_for_by_making_a_scorer(monkeypatch):
    monkeypatch.delenv("PERSPECTIVE_API_KEY", raising=False)
    assert "2026-12-31" in scorer("perspective").note
    assert scorer("moderation:https://example.org/v1", options=None).note
    assert scorer("replay:no/such/file").note


@pytest.mark.parametrize("name", ["perspectiv", "perspective:x", "gaurd:x", "replays:x", "hf"])
def test_unknown_names(name):
    with pytest.raises(MeasureError, match="unknown scorer"):
        scorer(name)


def test_options_in_the_study(tiny_study):
    toml = tiny_study / "study.toml"
    before = toml.read_text()
    toml.write_text(
        before + '\n[toxicity]\nscorers = ["lexical", "perspective"]\nthreshold = 0.6\n'
        '[[toxicity.options]]\nscorer = "perspective"\nkey_env = "MINE"\nthreshold = 0.7\n'
    )
    config = load_study(tiny_study).config.toxicity
    assert config.options_of("perspective").key_env == "MINE"
    assert config.options_of("perspective").threshold == 0.7
    assert config.options_of("lexical") == options("lexical")
    for text, message in [
        (
            '[[toxicity.options]]\nscorer = "a"\nkey = "secret"\n',
            "unknown key 'toxicity.options.key'",
        ),
        ('[[toxicity.options]]\nscorer = "a"\n' * 2, "toxicity.options names a scorer twice"),
        ('[toxicity]\nscorers = ["a", "a"]\n', "toxicity.scorers names a scorer twice"),
        ('[[toxicity.options]]\nscorer = "a"\ntimeout = 0\n', "> 0.0"),
    ]:
        toml.write_text(before + "\n" + text)
        with pytest.raises(StudyError) as caught:
            load_study(tiny_study)
        assert message in str(caught.value)


class Pairs:
    """Someone else's scorer that wants the question."""

    name, version, digest, attribute, note = "pairs", "1", "sha256:0", "a", "n"

    def __init__(self):
        self.seen = []

    def score(self, texts):
        self.seen += texts
        return [(0.1, "")] * len(texts)

    def score_pairs(self, pairs):
        self.seen += pairs
        return [(0.9, "")] * len(pairs)


class Texts:
    """One that does not."""

    name, version, digest, attribute, note = "texts", "1", "sha256:0", "a", "n"

    def __init__(self):
        self.seen = []

    def score(self, texts):
        self.seen += texts
        return [(0.1, "")] * len(texts)


def test_questions_go_to_scorers_that_want_them_and_only_to_those():
    items = [Item("x", "q"), Item("x", "r"), Item("x"), Item("x", "q"), Item(" ", "q")]
    pairs, texts = Pairs(), Texts()
    assert [r.value for r in score_items(items, pairs)] == [0.9, 0.9, 0.1, 0.9, None]
    assert pairs.seen == [("q", "x"), ("r", "x"), "x"]
    assert [r.value for r in score_items(items, texts)] == [0.1, 0.1, 0.1, 0.1, None]
    assert texts.seen == ["x"]


def test_a_pair_scorer_with_a_wrong_number_of_values():
    pairs = Pairs()
    pairs.score_pairs = lambda given: []
    with pytest.raises(MeasureError, match="1 values for 2 texts"):
        score_items([Item("x", "q"), Item("x")], pairs)
