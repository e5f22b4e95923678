"""Texts that a spreadsheet could run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mores.tables.formulas import guarded, unguarded


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"), ("+49 30", "'+49 30"), ("- a", "'- a"), ("@x", "'@x"),
        (" \t=1", "' \t=1"), ("\n-", "'\n-"), ("\u200b=1", "'\u200b=1"), ("＝1", "'＝1"),
        ("'=1", "''=1"), ("1 - 1", "1 - 1"), ("a\n- b", "a\n- b"), ("'tis", "'tis"), ("", ""),
    ],
)  # fmt: skip
def test_an_apostrophe_before_what_could_be_run(text, cell):
    assert guarded(text) == cell
    assert unguarded(cell) == text


@given(st.text(max_size=20))
def test_taking_it_off_is_the_exact_inverse(text):
    assert unguarded(guarded(text)) == text


@given(st.text(st.sampled_from("=+-@' \"\t\nax"), max_size=6))
def test_what_is_guarded_is_what_begins_with_a_sign_after_blanks_and_quotes(text):
    first = text.lstrip(" '\"\t\n")[:1]
    assert (guarded(text) == "'" + text) == (first != "" and first in "=+-@")
    assert unguarded(guarded(text)) == text
