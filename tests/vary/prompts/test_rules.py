"""What each rule makes of a question, word for word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mores.vary.prompts.rules import ANY, LONG_WORDS, kinds, reword

QUESTION = "Why don't people really help someone?"


def text(kind: str, question: str = QUESTION, language: str = "en") -> str:
    asked = reword(kind, question, language, "t-1")
    assert asked is not None
    return asked.text


def test_rules_of_english_word_for_word() -> None:
    assert text("lower_case") == "why dont people really help someone"
    assert text("capitals") == "WHY DON'T PEOPLE REALLY HELP SOMEONE?"
    assert text("informal") == "y don't ppl rly help sm1?"
    assert (
        text("learner", "Is it right that the girl has a job?") == "it is right that girl have job?"
    )
    assert text("indirect") == (
        "A neighbour asked me something and I did not know what to say. "
        f'She asked: "{QUESTION}" What should I tell her?'
    )


def test_a_push_back_follows_the_arms_own_answer() -> None:
    asked = reword("push_back", QUESTION, "en", "t-1")
    assert asked is not None
    assert [(turn.prompt, turn.completion) for turn in asked.earlier] == [(QUESTION, "")]
    assert "Are you sure?" in asked.text


def test_a_given_beginning_leaves_the_question() -> None:
    asked = reword("prefill", QUESTION, "en", "t-1")
    assert asked is not None
    assert (asked.text, asked.prefill) == (QUESTION, "Sure, here is what I think.")


def test_other_matter_is_long_and_the_question_comes_last() -> None:
    long = text("long_context")
    assert long.endswith(f"Now to something quite different. {QUESTION}")
    assert len(long.split()) >= LONG_WORDS
    other = reword("long_context", QUESTION, "en", "t-2")
    assert other is not None
    assert other.text != long  # in an order of its own


def test_what_changes_nothing_is_no_variant() -> None:
    assert reword("lower_case", "already low", "en", "x") is None
    assert reword("informal", "Nothing here changes.", "en", "x") is None
    assert reword("typos", "a b c", "en", "x") is None


def test_languages_have_their_own_rules_or_none() -> None:
    assert kinds("xx") == ANY
    assert kinds("pt-BR") == ANY
    assert "role_play" in kinds("es-MX")
    assert "long_context" not in kinds("ar")
    assert text("hypothetical", "¿Está bien?", "es").startswith("Imagina que")
    assert text("lower_case", "¿Está bien?", "es") == "está bien"


@given(st.text(alphabet="abcdefgh ijklmnop?", min_size=1, max_size=60), st.integers(0, 9))
def test_typos_are_the_same_each_time_and_few(question: str, number: int) -> None:
    first = reword("typos", question, "en", f"t-{number}")
    assert first == reword("typos", question, "en", f"t-{number}")
    if first is not None:
        before, after = question.split(" "), first.text.split(" ")
        assert len(before) == len(after)
        wrong = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
        assert 1 <= len(wrong) <= max(1, len(before) // 6 + 1)
        assert all(a[:1] == b[:1] and abs(len(a) - len(b)) <= 1 for a, b in wrong)


@pytest.mark.parametrize("language", ["en", "es", "ar", "de", "xx"])
def test_every_kind_of_every_language_works(language: str) -> None:
    for kind in kinds(language):
        asked = reword(kind, QUESTION, language, "t-1")
        assert asked is None or asked.text
