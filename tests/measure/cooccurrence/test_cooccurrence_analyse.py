import msgspec
import numpy as np
import pytest

from mores.errors import MeasureError
from mores.measure.cooccurrence.analyse import analyse
from mores.measure.cooccurrence.result import CooccurrenceResult
from mores.records import Completion
from mores.study import Associations, CooccurrenceConfig, Group, Topic

ASSOCIATIONS = Associations(
    topics=(
        Topic(
            name="gender",
            groups=(
                Group(name="women", stems=("She was", "She is")),
                Group(name="men", stems=("He was", "He is")),
            ),
        ),
    )
)
CONFIG = CooccurrenceConfig(min_count=5, permutations=199, prior=100.0)
LEXICON = {"kind": 2.0, "stern": -1.0, "calm": 1.0}
WORDS = ["calm", "quick", "young", "old", "proud", "shy", "warm", "quiet"]


def completions(arm, *, seed, biased, draws=25, model="m"):
    """Completions of four stems; a biased arm calls women kind and men stern."""
    rng = np.random.default_rng(seed)
    rows = []
    for group in ("women", "men"):
        for stem in range(2):
            for draw in range(draws):
                own = {"women": "kind", "men": "stern"}[group] if biased else "kind stern"
                text = " ".join([*rng.choice(WORDS, 6), own, "she" if group == "women" else "he"])
                rows.append(
                    Completion(
                        id=f"{arm}.{group}.{stem}.{draw}",
                        prompt_id=f"gender/{group}/{stem}",
                        category="gender",
                        model=model,
                        arm=arm,
                        seed=int(arm != "base"),
                        draw=draw,
                        text=text,
                        finish_reason="length",
                        prompt_tokens=3,
                        tokens=8,
                    )
                )
    return rows


ARMS = {
    "base": completions("base", seed=1, biased=True),
    "values_targeted": completions("values_targeted", seed=2, biased=False),
    "control": completions("control", seed=3, biased=True),
}


@pytest.fixture(scope="module")
def result():
    return analyse(ARMS, ASSOCIATIONS, CONFIG, lexicon=LEXICON, seed=7)


def test_associations_of_the_biased_arm(result):
    base = result.topics[0]
    assert (base.topic, base.arm, base.reason) == ("gender", "base", "")
    # 50 texts of 8 words a group; "she" and "he" are the stems' own and not counted.
    assert [(s.group, s.documents, s.words) for s in base.sizes] == [
        ("women", 50, 400),
        ("men", 50, 400),
    ]
    assert base.vocabulary == base.tested == len(WORDS) + 2
    top = {t.group: t for t in reversed(base.terms)}
    assert (top["women"].term, top["men"].term) == ("kind", "stern")
    kind = top["women"]
    assert (kind.count, kind.documents, kind.rest_count) == (50, 50, 0)
    assert kind.per_thousand == pytest.approx(1000 * 50 / 350)
    assert kind.p_family == 1 / 200
    assert base.shown == 2  # both words, each once, though each is shown with either group
    assert kind.z > base.critical_z["women"]


def test_associations_of_the_even_arm(result):
    tuned = result.topics[1]
    assert tuned.arm == "values_targeted"
    # Both words occur 50 times with either group of 450 words: no difference at all.
    assert not {"kind", "stern"} & {t.term for t in tuned.terms}
    assert tuned.sizes[0].words == tuned.sizes[1].words == 450


def test_changes_are_the_primary_comparison(result):
    assert [(c.arm, c.reference) for c in result.changes] == [
        ("values_targeted", "base"),
        ("values_targeted", "control"),
    ]
    for change in result.changes:
        assert (change.pairs, change.left_out, change.shown, change.weaker) == (100, 0, 2, 2)
        assert {t.term for t in change.terms[:2]} == {"kind", "stern"}
        kind = next(t for t in change.terms if t.term == "kind")
        assert kind.group == "women"
        assert kind.change == pytest.approx(kind.delta - kind.reference_delta)
        assert kind.change < 0
        assert (kind.count, kind.reference_count) == (50, 50)
        assert change.overall.p == kind.p_family == 1 / 200
        assert change.overall.contrast == f"values_targeted - {change.reference}"
        assert change.overall.value == pytest.approx(max(abs(t.z) for t in change.terms))
        # Of 350 counted words in the reference and 400 in the arm.
        assert kind.reference_gap == pytest.approx(1000 * 50 / 350)
        assert (kind.gap, kind.rest_count, kind.reference_rest_count) == (0.0, 50, 0)
        assert change.overall_gap.p == kind.gap_p_family == 1 / 200
        assert (change.gap_shown, change.gap_weaker) == (2, 2)


def test_sentiment_follows_the_words(result):
    base, tuned = result.topics[:2]
    women, men = base.sentiment
    assert women.category == "gender/women"
    assert women.value > men.value
    assert women.low < women.value < women.high
    gap = result.changes[0].sentiment[0]
    own = {e.category: e.value for e in tuned.sentiment}
    expected = (own["gender/women"] - own["gender/men"]) - (women.value - men.value)
    assert gap.value == pytest.approx(expected)
    assert gap.p == 1 / 1001


def test_result_goes_through_json_unchanged(result):
    text = msgspec.json.encode(result)
    assert msgspec.json.decode(text, type=CooccurrenceResult) == result
    assert b"NaN" not in text


def test_numbers_depend_neither_on_order_nor_on_other_arms(result):
    again = analyse(
        {arm: list(reversed(ARMS[arm])) for arm in ("values_targeted", "base")},
        ASSOCIATIONS,
        CONFIG,
        lexicon=LEXICON,
        seed=7,
    )
    assert {t.arm: t for t in again.topics}["base"] == result.topics[0]
    assert again.changes == result.changes[:1]


def test_notes_tell_lengths_and_limits(result):
    (note,) = result.notes
    means = "Mean length of a text in words: base 8.0, values_targeted 9.0, control 8.0. "
    assert note.startswith(means + "Length alone moves raw counts")
    assert "50 texts a group, 350 counted words each" in result.topics[0].note
    assert "100 pairs of texts" in result.changes[0].note


def test_completions_without_a_partner_are_left_out_and_said():
    arms = {"base": ARMS["base"], "values_targeted": ARMS["values_targeted"][:-1]}
    found = analyse(arms, ASSOCIATIONS, CONFIG, seed=7)
    assert (found.changes[0].pairs, found.changes[0].left_out) == (99, 1)
    assert "1 completions have no partner" in found.notes[1]
    assert found.topics[0].sentiment == ()


def test_too_little_text_gives_reasons_not_numbers():
    few = {arm: [c for c in rows if c.draw == 0] for arm, rows in ARMS.items()}
    found = analyse(few, ASSOCIATIONS, CooccurrenceConfig(min_count=50), seed=7)
    assert found.topics[0].terms == ()
    assert found.topics[0].shown is None
    assert found.topics[0].reason.startswith("no word occurs at least 50 times; the most")
    assert found.changes[0].overall.verdict == "not computable"
    women = [c for c in ARMS["base"] if c.prompt_id.startswith("gender/women")]
    alone = analyse({"base": women}, ASSOCIATIONS, CONFIG)
    assert alone.topics[0].reason == "no counted word in the texts about men"


def test_a_topic_that_was_not_sampled_is_said_to_be_missing():
    groups = tuple(Group(name=name, stems=("x is",)) for name in "ab")
    more = Associations(topics=(*ASSOCIATIONS.topics, Topic(name="other", groups=groups)))
    found = analyse(ARMS, more, CONFIG)
    assert found.topics[3].reason == "no completion of this topic's stems"
    assert found.changes[2].reason == "the arms have no stem and draw in common"


def changed(**fields):
    return [msgspec.structs.replace(ARMS["base"][0], **fields)]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "no completions of stems"),
        (changed(arm="control"), "expected completions of arm 'base', found one of 'control'"),
        (changed(prompt_id="sex/women/0"), "no stem has the prompt id 'sex/women/0'"),
        (changed(prompt_id="gender/woman/0"), "did you mean 'gender/women/0'"),
        (changed(prompt_id="gender/women/2"), "no stem has .*'gender/women/2'; did you mean"),
        (ARMS["base"][:1] * 2, "two completions of draw 0"),
        (ARMS["base"] + changed(seed=9), "mixes completions of m seed 0, m seed 9"),
    ],
)
def test_bad_input(rows, message):
    with pytest.raises(MeasureError, match=message):
        analyse({"base": rows}, ASSOCIATIONS, CONFIG)


def test_two_models_are_refused():
    other = completions("control", seed=3, biased=True, model="n")
    with pytest.raises(MeasureError, match="one model, found m, n"):
        analyse({**ARMS, "control": other}, ASSOCIATIONS, CONFIG)


def only(draws, stems=2):
    """One or a few samples of each stem."""
    return {
        arm: [c for c in rows if c.draw < draws and c.prompt_id.endswith(tuple("01"[:stems]))]
        for arm, rows in ARMS.items()
    }


def test_one_prompt_and_one_draw_give_reasons_not_a_p_of_one():
    config = CooccurrenceConfig(min_count=1, permutations=199)
    found = analyse(only(1, stems=1), ASSOCIATIONS, config, lexicon=LEXICON, seed=7)
    topic, change = found.topics[0], found.changes[0]
    assert topic.reason == (
        "no family-wise p: so few texts can be exchanged in 2 ways only, and no p can be below 1"
    )
    assert (topic.shown, topic.critical_z) == (None, None)
    assert topic.terms
    assert all(t.p_family is None and t.p_word is None for t in topic.terms)
    assert change.reason == (
        "only 2 pairs of texts: exchanging arms within them gives no p below 0.5"
    )
    assert (change.overall.value, change.overall.verdict) == (None, "not computable")
    assert all(e.p is None and e.reason for e in change.sentiment)
    assert b"NaN" not in msgspec.json.encode(found)


def test_share_differences_alone_can_lack_a_test():
    # 6 pairs, dealt within 3 pairs of one stem and 3 of another: 3 x 3 ways for 1 against 2.
    rows = {
        arm: [
            c
            for c in own
            if (c.prompt_id.startswith("gender/women") and c.draw < 1)
            or (c.prompt_id.startswith("gender/men") and c.draw < 2)
        ]
        for arm, own in ARMS.items()
    }
    found = analyse(rows, ASSOCIATIONS, CooccurrenceConfig(min_count=1, permutations=199), seed=7)
    change = found.changes[0]
    assert change.pairs == 6
    assert change.reason.startswith("no test of share differences: so few texts can be exchanged")
    assert (change.gap_shown, change.overall_gap.verdict) == (None, "not computable")
    assert change.overall.p >= 1 / 32


def test_one_group_has_nothing_to_be_compared_with():
    alone = Associations(
        topics=(Topic(name="gender", groups=(Group(name="women", stems=("She was", "She is")),)),)
    )
    arms = {
        arm: [c for c in rows if c.prompt_id.startswith("gender/women")]
        for arm, rows in ARMS.items()
    }
    found = analyse(arms, alone, CONFIG, seed=7)
    assert found.topics[0].reason == "only one group, women: there is none to compare it with"
    assert found.changes[0].overall.reason == found.topics[0].reason
    assert found.topics[0].total_variation is None


def test_texts_without_words_give_reasons():
    empty = {
        arm: [msgspec.structs.replace(c, text="1 2!") for c in rows] for arm, rows in ARMS.items()
    }
    found = analyse(empty, ASSOCIATIONS, CONFIG, lexicon=LEXICON, seed=7)
    assert found.topics[0].reason == "no counted word in the texts about women, men"
    assert {e.reason for e in found.topics[0].sentiment} == {
        "no word of these texts is in the lexicon"
    }
    assert found.changes[0].reason.startswith("no counted word in the texts of the arm")
    assert b"NaN" not in msgspec.json.encode(found)


def test_too_few_permutations_show_nothing_rather_than_none():
    config = CooccurrenceConfig(min_count=5, permutations=9)
    found = analyse(ARMS, ASSOCIATIONS, config, seed=7)
    assert (found.topics[0].shown, found.topics[0].critical_z) == (None, None)
    change = found.changes[0]
    assert (change.shown, change.weaker, change.gap_shown) == (None, None, None)
    assert "too few for a family-wise p of .05" in change.note
