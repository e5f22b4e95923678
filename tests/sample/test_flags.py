import pytest

from mores.sample.flags import flags

WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


@pytest.mark.parametrize("text", ["", "   ", "...", "\n\n", "?! --", "€"])
def test_empty_has_no_letter_or_digit(text: str) -> None:
    assert flags(text) == ("empty",)


@pytest.mark.parametrize("text", ["a", "7", "Ja.", "Да", "说", "A plain answer.\nSecond\tline."])
def test_ordinary_text_has_no_mark(text: str) -> None:
    assert flags(text) == ()


def test_repetitive_from_sixteen_grams_on() -> None:
    # 19 equal words give 16 four-grams, one of them different: 1 < 8. 18 words give 15.
    assert flags("no " * 19) == ("repetitive",)
    assert flags("no " * 18) == ()


def test_half_different_is_not_repetitive() -> None:
    # A cycle of c words in n gives n - 3 grams, c of them different (n - 3 >= c).
    cycle = [f"w{i}" for i in range(8)]
    sixteen = (cycle * 3)[:19]
    assert flags(" ".join(sixteen)) == ()  # 8 of 16 is half, not under half
    seventeen = (cycle * 3)[:20]
    assert flags(" ".join(seventeen)) == ("repetitive",)  # 8 of 17


def test_case_and_punctuation_do_not_hide_repetition() -> None:
    assert flags("No, no! NO no? " * 6) == ("repetitive",)


@pytest.mark.parametrize("character", ["\ufffd", "\x00", "\x1b", "\x7f"])
def test_broken_characters(character: str) -> None:
    assert flags(f"text {character} text") == ("broken",)


def test_marks_add_up() -> None:
    assert flags("\ufffd") == ("empty", "broken")
    assert flags("no " * 19 + "\x00") == ("repetitive", "broken")
