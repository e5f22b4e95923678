"""The six measures of form."""

import pytest

from mores.curate.lint import Item
from mores.curate.style import measures
from mores.records import Example


def item(answer: str, question: str = "Why so?") -> Item:
    return Item("values", 1, Example(id="a", category="c", prompt=question, completion=answer))


def test_length_and_sentences():
    it = item("One two three. Four five!\n- six")
    assert measures.answer_length(it) == {"words": 7.0}  # the dash counts as in the published way
    assert measures.sentence_length(it) == {"words a sentence": 2.0}  # (3 + 2 + 1) / 3
    assert measures.sentence_length(item("…")) == {"words a sentence": None}


def test_moving_ratio_by_hand():
    # Windows of 3 in a b a b c: aba 2/3, bab 2/3, abc 3/3; mean 7/9.
    assert measures.moving_ratio(tuple("ababc"), 3) == pytest.approx(7 / 9)
    assert measures.moving_ratio(tuple("ab"), 3) is None


def test_length_does_not_shift_the_moving_ratio():
    cycle = tuple(f"w{i}" for i in range(20))
    assert measures.moving_ratio(cycle * 3) == measures.moving_ratio(cycle * 9) == 0.5


def test_punctuation_for_a_hundred_words():
    found = measures.punctuation(item("One, two, three? Yes; it's (four)."))
    # six words: 2 commas, 1 question mark, 1 semicolon, 2 brackets, 1 apostrophe
    expected = {"commas": 2, "question marks": 1, "semicolons": 1, "brackets": 2, "apostrophes": 1}
    assert {k: round(v * 6 / 100, 9) for k, v in found.items() if v} == expected


def test_layout_and_openers():
    text = "Well, see:\n\n- one\n- two\n1) three\n\n**End** of 2) it"
    assert measures.layout(item(text)) == {"list items": 3.0, "paragraphs": 3.0, "markup": 2.0}
    assert measures.openers(item(text)) == {
        'answers opening with "well"': 1.0,
        'questions opening with "why"': 1.0,
    }
