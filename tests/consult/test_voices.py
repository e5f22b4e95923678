"""The objection that is printed: with consent, without personal data, by rule."""

from __future__ import annotations

from mores.consult.voices import LONGEST, objection

LAW = "the law already says this"
CARE = "the law already says this and more"
ODD = "bananas"


def test_the_one_that_shares_most_words_with_the_others():
    found = objection([(ODD, True), (LAW, True), (CARE, True), ("", True)])
    # LAW and CARE share 5 of 7 words; ODD none. Of the two, the longer is taken.
    assert (found.gave_reasons, found.quotable, found.words) == (3, 3, CARE)


def test_without_consent_no_word_is_printed():
    assert objection([(LAW, False), (CARE, False)]).words == ""
    assert objection([(LAW, False), (CARE, False), (ODD, True)]).words == ODD
    assert objection([(LAW, False)]) == objection([(LAW, False), ("  ", True)])


def test_personal_data_is_held_back():
    found = objection([("write to ann.lee@hospital.org about it", True), (ODD, True)])
    assert (found.gave_reasons, found.quotable, found.words) == (2, 1, ODD)


def test_a_long_one_is_cut_and_says_so():
    found = objection([("word " * 400, True)])
    assert len(found.words) == LONGEST
    assert found.cut


def test_order_does_not_matter():
    rows = [(LAW, True), (CARE, True), (ODD, True)]
    assert objection(rows) == objection(rows[::-1])
