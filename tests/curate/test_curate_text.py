"""Words, runs and sentences."""

from hypothesis import given
from hypothesis import strategies as st

from mores.curate.text import (
    count_words,
    excerpt,
    is_unspaced,
    longest_run,
    printable,
    runs,
    sentences,
    words,
)

WORDS = st.lists(st.sampled_from("abc"), max_size=8)


def test_words_fold_case_quotes_and_width():
    assert words("Don’t STOP: it's ﬁve o'clock_sharp – 5½!") == (
        "don't", "stop", "it's", "five", "o'clock", "sharp", "51", "2"
    )  # fmt: skip


def test_runs():
    assert runs("abcd", 3) == [("a", "b", "c"), ("b", "c", "d")]
    assert runs("ab", 3) == []


def test_longest_run_takes_the_first_of_equal_ones():
    assert longest_run("xabyabz", "abab") == ("a", "b")
    assert longest_run("abc", "xyz") == ()


@given(a=WORDS, b=WORDS)
def test_longest_run_is_in_both_and_none_is_longer(a, b):
    run = longest_run(a, b)
    n = len(run)
    assert n == 0 or (run in runs(a, n) and run in runs(b, n))
    assert not set(runs(a, n + 1)) & set(runs(b, n + 1))


def test_sentences_end_at_marks_quotes_and_line_breaks():
    text = 'One, at 10.30. "Two?" Three!\n- four\n\n- five … six\n---'
    assert [words(s)[0] for s in sentences(text)] == ["one", "two", "three", "four", "five", "six"]


def test_counting_words_and_scripts_without_blanks():
    assert count_words("well-kept  tools,\nall of them") == 5
    assert count_words("这是一个没有空格的回答。") == 7  # 11 letters / 1.57 = 7.006
    assert count_words("我每天用 Python 3 写程序。") == 6  # 7 letters / 1.57 = 4.46, and two more
    assert is_unspaced("这是一个没有空格的回答。")
    assert not is_unspaced("The sign 出口 means exit.")
    assert not is_unspaced("12 34")


def test_words_keep_their_marks_and_arabic_ones_lose_them():
    assert words("कैसे हो आप?") == ("कैसे", "हो", "आप")
    assert words("قالَ مُحَمَّدٌ: مرحبـــا!") == words("قال محمد: مرحبا") == ("قال", "محمد", "مرحبا")


def test_sentences_of_other_scripts():
    assert sentences("ما هذا؟ هذا كتاب.") == ["ما هذا؟", "هذا كتاب."]
    assert sentences("「你好。」我很好！再见") == ["「你好。", "我很好！", "再见"]
    assert sentences("¿Qué? «¡Sí!» Bueno.") == ["¿Qué?", "«¡Sí!", "Bueno."]


def test_nothing_that_a_terminal_acts_on_is_printed():
    assert printable("a\x1b[31mb\ud800é") == "a\\x1b[31mb\\ud800é"
    assert excerpt("one\ntwo " + "x" * 80) == f'"one two {"x" * 51}…"'
