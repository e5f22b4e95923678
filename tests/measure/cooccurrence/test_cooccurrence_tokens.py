from hypothesis import given
from hypothesis import strategies as st

from mores.measure.cooccurrence.tokens import own_words, words


def test_english_words_keep_inner_apostrophes_and_hyphens():
    text = "She was well-read--it wasn’t her 2nd book, 'tis O'Neil's."
    expected = ["she", "was", "well-read", "it", "wasn't", "her", "nd", "book", "tis", "o'neil's"]
    assert words(text) == expected


def test_letters_of_other_scripts_and_their_marks_stay_together():
    # हिन्दी has combining vowel signs, which \w would split off.
    assert words("Élan naïve — हिन्दी में ÇA²") == ["élan", "naïve", "हिन्दी", "में", "ça"]


def test_arabic_words_are_one_with_and_without_their_signs():
    assert words("قالَ الرَّجُلُ: مرحبـــا") == words("قال الرجل: مرحبا") == ["قال", "الرجل", "مرحبا"]


def test_composed_and_decomposed_letters_are_one_word():
    assert words("cafe\u0301 caf\u00e9") == ["café", "café"]


def test_invisible_characters_do_not_split_words():
    assert words("won\u00adder\u200dful") == ["wonderful"]


@given(st.text())
def test_every_word_is_a_word_of_itself(text):
    for word in words(text):
        assert words(word) == [word]


def test_own_words_cover_every_stem_and_the_possessive():
    assert own_words(["He was", "She was"]) == {"he", "was", "she", "he's", "was's", "she's"}
