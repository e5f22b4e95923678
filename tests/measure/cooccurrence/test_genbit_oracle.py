"""Our counts and scores against the numbers that GenBit gets (MIT licence, Microsoft).

The sentences and numbers lie beside a checkout, in ``shared/data/genbit-oracle``, and are
never part of the project; without them these tests are skipped. That our definition is
right is tested without them too, in test_windows.py and test_window_bias.py.
"""

import json
from pathlib import Path

import pytest

from mores.measure.cooccurrence import count_terms, window_bias, window_counts

ORACLE = Path(__file__).resolve().parents[4] / "shared" / "data" / "genbit-oracle"
pytestmark = pytest.mark.skipif(
    not (ORACLE / "expected").is_dir(),
    reason="GenBit's numbers are not beside this checkout (shared/data/genbit-oracle)",
)

# GenBit lemmatises with a neural tagger. These are the forms in its corpus that it merges
# (or only renames), found from its counts.
LEMMAS = {
    "arrested": "arrest",
    "applications": "application",
    "broke": "break",
    "broken": "break",
    "called": "call",
    "cards": "card",
    "completed": "complete",
    "conditions": "condition",
    "confided": "confide",
    "encouraged": "encourage",
    "explained": "explain",
    "finished": "finish",
    "helped": "help",
    "informed": "inform",
    "issued": "issue",
    "issues": "issue",
    "left": "leave",
    "met": "meet",
    "notified": "notify",
    "operated": "operate",
    "paid": "pay",
    "paintings": "painting",
    "performed": "perform",
    "purchased": "purchase",
    "purchases": "purchase",
    "reading": "read",
    "recommended": "recommend",
    "repairing": "repair",
    "spoke": "speak",
    "taxes": "tax",
    "told": "tell",
    "warned": "warn",
    "weeks": "week",
}


def load(name):
    return json.loads((ORACLE / name).read_text("utf-8"))


def expected(name):
    return load(f"expected/winogender_en_50_{name}.json")


def sentences():
    return (ORACLE / "input" / "winogender_en_50.tsv").read_text("utf-8").splitlines()


def counted(texts, tokens):
    # GenBit's list of function words is a package of its own; those of this corpus are the
    # tokens that its table lacks.
    kept = expected("cooccurrence").keys()
    lists = {
        group: (ORACLE / "wordlists" / f"{group}.txt").read_text("utf-8").split("\n")
        for group in ("female", "male")
    }
    return window_counts(
        texts,
        {group: [w for w in own if w.strip()] for group, own in lists.items()},
        window=5,
        decay=0.95,
        exclude={t.lower() for t in tokens} - kept,
    )


@pytest.fixture(scope="module")
def tokens():
    return load("input/winogender_en_50_tokenized.tsv")


@pytest.fixture(scope="module")
def counts(tokens):
    return counted([tokens], tokens)  # all sentences as one text


@pytest.fixture(scope="module")
def bias(counts):
    return window_bias(counts, merge=LEMMAS)


def test_every_count_is_equal(counts):
    table = expected("cooccurrence")
    assert set(counts.vocabulary) == set(table)
    for i, word in enumerate(counts.vocabulary):
        assert counts.frequency[i] == table[word]["count"]
        for g, group in enumerate(counts.groups):
            assert counts.together[g, i] == pytest.approx(table[word][group], rel=1e-12, abs=0)


def test_statistics_are_equal(bias):
    found = expected("statistics_metrics")
    assert bias.cutoff == pytest.approx(found["frequency_cutoff"], rel=1e-12)
    assert len(bias.words) == found["num_words_considered"]
    assert bias.mentions == (
        found["freq_of_female_gender_definition_words"],
        found["freq_of_male_gender_definition_words"],
    )
    assert bias.divergence == pytest.approx(found["jsd"], rel=1e-9)


def test_scores_are_equal(bias):
    found = expected("overall_metrics")
    more = found["additional_metrics"]
    assert bias.score.value == pytest.approx(found["genbit_score"], rel=1e-12)
    assert bias.score.n == 73
    assert bias.ratio.mean() == pytest.approx(more["avg_bias_ratio"], rel=1e-12)
    assert abs(bias.ratio).mean() == pytest.approx(more["avg_bias_ratio_absolute"], rel=1e-12)
    mean = bias.conditional_ratio.mean()
    assert mean == pytest.approx(more["avg_bias_conditional"], rel=1e-12)


def test_every_word_is_equal(bias):
    table = expected("word_based_metrics")
    assert set(bias.words) == set(table)
    for i, word in enumerate(bias.words):
        found = {
            "frequency": bias.frequency[i],
            "female_count": bias.counts[0, i],
            "male_count": bias.counts[1, i],
            "bias_ratio": bias.ratio[i],
            "bias_conditional_ratio": bias.conditional_ratio[i],
            "female_conditional_prob": bias.conditional[0, i],
            "male_conditional_prob": bias.conditional[1, i],
            "binary_conditional_prob": bias.conditional[:, i].sum(),
        }
        assert found == pytest.approx(table[word], rel=1e-9)


def test_plain_counts_equal_those_of_our_own_tokenizer(counts):
    # The measure's usual counting, on the raw sentences: frequencies are equal but for the
    # parts of words with a hyphen (low-carb, cross-examined, X-ray), which we keep together.
    lines = sentences()
    ours = count_terms(lines, ["all"] * len(lines))
    frequency = dict(zip(ours.vocabulary, ours.totals.tolist(), strict=True))
    theirs = dict(zip(counts.vocabulary, counts.frequency.tolist(), strict=True))
    plain = [w for w in theirs if w.isalpha()]
    differ = {w for w in plain if frequency.get(w, 0) != theirs[w]}
    assert len(plain) > 380
    assert differ == {"carb", "cross", "examined", "ray"}


def test_what_the_differences_of_definition_come_to(tokens, counts):
    # The figures of docs/cooccurrence.md.
    words_only = window_bias(counted(sentences(), tokens), merge=LEMMAS)
    unmerged = window_bias(counts)
    assert (words_only.score.value, words_only.score.n) == (pytest.approx(0.3970, abs=5e-5), 72)
    assert (unmerged.score.value, unmerged.score.n) == (pytest.approx(0.4623, abs=5e-5), 77)
