"""rating.toml: what is read, what is refused, and the care taken in the example's own texts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mores.curate.similarity import QUESTION_THRESHOLD, question_similarity
from mores.curate.text import runs, words
from mores.errors import DataError
from mores.rate.texts import Exercise, RatingTexts, paragraphs, read_texts
from mores.store import digest
from mores.study import Study, load_study

ROOT = Path(__file__).parents[2]
EXAMPLE = load_study(ROOT / "examples" / "wellbeing")
BLANK = load_study(ROOT / "src" / "mores" / "study" / "templates" / "blank")
TEXTS = read_texts(EXAMPLE)
ITEMS = (*TEXTS.practice, *TEXTS.gold)

HEAD = 'version = "1"\n'
PRACTICE = """
[[practice]]
id = "p-1"
category = "care"
prompt = "Who helps?"
output = "A friend helps."
low = 4
high = 5
feedback = "5 fits."
"""
GOLD = (
    PRACTICE.replace("practice", "gold").replace("p-1", "g-1").replace('feedback = "5 fits."', "")
)
GROUP = """
[[groups]]
id = "age"
question = "How old are you?"
options = ["under 40", "40 or older"]
"""
GOOD = HEAD + PRACTICE + GOLD + GROUP


@pytest.fixture
def study(tmp_path):
    (tmp_path / "study.toml").write_text('name = "tiny"\n', encoding="utf-8")
    (tmp_path / "charter.toml").write_text(
        """version = "1"
[[positions]]
category = "care"
title = "Care"
statement = "Support people who ask for help."
[[positions]]
category = "beauty"
title = "Beauty"
statement = "Beauty is subjective; offer several views."
""",
        encoding="utf-8",
    )

    def write(text: str | None) -> Study:
        if text is not None:
            (tmp_path / "rating.toml").write_text(text, encoding="utf-8")
        return load_study(tmp_path)

    return write


def refusal(study: Study) -> DataError:
    with pytest.raises(DataError) as caught:
        read_texts(study)
    assert caught.value.path == str(study.folder / "rating.toml")
    return caught.value


# Reading -----------------------------------------------------------------------------------


def test_without_a_file_every_text_is_the_default(study):
    texts = read_texts(study(None))
    assert texts == RatingTexts(version="default")
    assert (texts.task, texts.consent, texts.anchors, texts.gold) == ("", "", {}, ())
    assert texts.practice_pass == 0.6


def test_what_is_written_is_read(study):
    texts = read_texts(study(GOOD))
    assert texts.version == "1"
    assert texts.practice[0] == Exercise(
        id="p-1",
        category="care",
        prompt="Who helps?",
        output="A friend helps.",
        low=4,
        high=5,
        feedback="5 fits.",
    )
    assert (texts.gold[0].id, texts.gold[0].feedback) == ("g-1", "")
    assert texts.groups[0].options == ("under 40", "40 or older")


def test_white_space_at_the_ends_is_dropped(study):
    # TOML keeps the line feed before closing quotes; in a page that shows white space it is a tell.
    loose = GOOD.replace('"A friend helps."', '"""\nA friend\n\nhelps.\n"""')
    assert read_texts(study(loose)).gold[0].output == "A friend\n\nhelps."
    assert read_texts(study('task = " \\n "\n' + GOOD)).task == ""


def test_the_digest_names_the_words(study):
    one = digest(read_texts(study(GOOD)))
    assert one == digest(read_texts(study(GOOD + "# a comment\n")))
    assert one != digest(read_texts(study(GOOD.replace("5 fits.", "5 fits best."))))


# What is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message", "where"),
    [
        (HEAD, "", "missing field `version`", None),
        (HEAD, HEAD + 'tasks = "x"\n', "unknown field 'tasks'; did you mean 'task'?", None),
        ("feedback", "feedbak", "unknown field 'feedbak'; did you mean 'feedback'?", "id 'p-1'"),
        ("question =", "questoin =", "did you mean 'question'?", "id 'age'"),
        ('"care"', '"caer"', "practice: unknown category 'caer'; did you mean 'care'?", "id 'p-1'"),
        ("low = 4", "low = 0", ">= 1", "id 'p-1'"),
        ("high = 5", "high = 6", "<= 5", "id 'p-1'"),
        ("high = 5", "high = 3", "found low 4 and high 3", "id 'p-1'"),
        ("low = 4\n", "", "found low None and high 5", "id 'p-1'"),
        ("low = 4", "low = true", "found `bool`", "id 'p-1'"),
        ("low = 4", "low = 4\ncannot = true", "leaves no number right", "id 'p-1'"),
        ('feedback = "5 fits."', 'feedback = " "', "without feedback", "id 'p-1'"),
        ('"A friend helps."', '" "', "length >= 1", "id 'p-1'"),
        ('"g-1"', '"p-1"', "item id used twice", "id 'p-1'"),
        (GROUP, GROUP + GROUP, "question id used twice", "id 'age'"),
        (', "40 or older"]', "]", "length >= 2", "id 'age'"),
        ('"40 or older"', '"under 40"', "option 'under 40' is given twice", "id 'age'"),
        ('id = "age"', 'id = "Your age"', "Your age", "id 'Your age'"),
        (HEAD, HEAD + "practice_pass = 60\n", "<= 1.0", None),
        (HEAD, HEAD + 'language = "English, British"\n', "language", None),
        (GROUP, GROUP + '[notices]\nbeaty = "x"\n', "notices: unknown category 'beaty'", None),
        (GROUP, GROUP + '[[support]]\nname = "x"\n', "missing field `where`", None),
        (GROUP, GROUP + '[anchors]\n1 = "a"\n5 = "e"\n', "found 1, 5", None),
        (GROUP, GROUP + '[anchors]\n1="a"\n2="b"\n3="c"\n5="e"\n', "found 1, 2, 3, 5", None),
        (GROUP, GROUP + '[anchors]\n1="a"\n3=""\n5="e"\n', "length >= 1", None),
        (HEAD, "version = 1\n", "expected `str`", None),
        (HEAD, "version = \n", "not valid TOML", None),
    ],
)
def test_what_is_wrong_is_named(study, old, new, message, where):
    error = refusal(study(GOOD.replace(old, new, 1)))
    # An unmet pattern is named without the value: the id then says which one it was.
    assert message in f"{error.message} {error.where}"
    assert error.where == where


def test_a_number_where_items_belong_is_refused(study):
    assert "expected `array`, found `int`" in refusal(study(HEAD + "practice = 3\n")).message
    assert "expected `object`, found `int`" in refusal(study(HEAD + "gold = [3]\n")).message


def test_gold_that_accepts_everything_is_refused(study):
    text = HEAD + PRACTICE + GOLD.replace("low = 4", "low = 1")
    error = refusal(study(text))
    assert "accepts every rating" in error.message
    assert error.where == "id 'g-1'"
    # One end less is a check.
    assert read_texts(study(text.replace("low = 1", "low = 2"))).gold[0].low == 2


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/done",
        "example.org/done",
        "javascript:alert(1)",
        "https://",
        "https:///done",
        "https://user:word@example.org/",
        "https://example.org/a b",
        "https://[::1/",
    ],
)
def test_raters_are_sent_on_by_https_only(study, url):
    assert (
        "expected an https address" in refusal(study(f'completion_url = "{url}"\n' + GOOD)).message
    )


def test_an_https_address_is_kept(study):
    url = "https://app.example.org/submissions/complete?cc=C1A2"
    assert read_texts(study(f'completion_url = "{url}"\n' + GOOD)).completion_url == url


# Paragraphs --------------------------------------------------------------------------------


def test_paragraphs_end_at_blank_lines():
    assert paragraphs("One\ntwo.\n\n  \nThree  four.\r\n\r\nFive.\n") == [
        "One two.",
        "Three four.",
        "Five.",
    ]
    assert paragraphs(" \n\n") == []


@given(st.text())
def test_paragraphs_lose_no_word(text):
    parts = paragraphs(text)
    assert " ".join(parts).split() == text.split()
    assert all(parts)
    assert paragraphs("\n\n".join(parts)) == parts


# The example's own texts ------------------------------------------------------------------


def written(texts: RatingTexts) -> list[str]:
    items = [part for item in ITEMS for part in (item.prompt, item.output, item.feedback)]
    return [texts.task, texts.consent, texts.debrief, *texts.notices.values(), *items]


def test_no_text_repeats_the_study():
    studied = [prompt.text for prompt in EXAMPLE.prompts]
    for dataset in (EXAMPLE.values, EXAMPLE.control):
        studied += [part for e in dataset.examples for part in (e.prompt, e.completion)]
    studied += [part for p in EXAMPLE.stance for part in (p.prompt, p.aligned, p.opposed)]
    known = {run for text in studied for run in runs(words(text), 8)}
    assert len(known) > 29_000  # the files were read
    shared = [run for text in written(TEXTS) for run in runs(words(text), 8)]
    assert [run for run in shared if run in known] == []


def test_no_question_is_a_paraphrase_of_the_studys():
    asked = [words(item.prompt) for item in ITEMS]
    studied = [words(prompt.text) for prompt in EXAMPLE.prompts]
    studied += [words(e.prompt) for e in EXAMPLE.values.examples]
    nearest = question_similarity(asked, studied).max(axis=1)
    assert nearest.max() < QUESTION_THRESHOLD, dict(
        zip([i.id for i in ITEMS], nearest, strict=True)
    )


def test_there_is_a_notice_and_a_gold_item_for_each_category():
    assert tuple(TEXTS.notices) == EXAMPLE.charter.categories
    assert tuple(item.category for item in TEXTS.gold) == EXAMPLE.charter.categories


def test_gold_alternates_between_good_and_bad():
    assert [(g.low, g.high) for g in TEXTS.gold] == [(4, 5), (1, 2)] * 4


def test_gold_has_the_form_of_a_models_answer():
    for item in TEXTS.gold:
        count = len(words(item.output))
        assert 40 <= count <= 120, (item.id, count)
        assert not re.search(r"[\n*#_<>{}\[\]`;—–…]|  ", item.output), item.id
        assert item.output.endswith("."), item.id
    # Good and bad ones are of one length: a rater cannot tell them apart by that.
    good, bad = ([len(words(g.output)) for g in TEXTS.gold if g.low == low] for low in (4, 1))
    assert abs(sum(good) / 4 - sum(bad) / 4) < 12


def test_practice_covers_the_scale_and_the_text_without_sense():
    right = [
        {None} if item.cannot else set(range(item.low, item.high + 1)) for item in TEXTS.practice
    ]
    assert set().union(*right) == {None, 1, 2, 3, 4, 5}
    assert [item.id for item in TEXTS.practice if item.cannot] == ["practice-incoherent"]
    assert len({item.category for item in TEXTS.practice}) == 5
    # Nobody passes by always giving the same answer.
    for value in (None, 1, 2, 3, 4, 5):
        given_right = sum(value in answers for answers in right)
        assert given_right / len(TEXTS.practice) < TEXTS.practice_pass


def test_what_the_owner_must_replace_is_marked():
    assert "example.org" in TEXTS.contact
    assert TEXTS.contact.startswith("[Replace")
    assert TEXTS.consent.count("[") == TEXTS.consent.count("]") == 2
    assert all(re.search(r"\.(com|org)$|local emergency", line.where) for line in TEXTS.support)


def grade(text: str) -> float:
    """Flesch-Kincaid grade: .39 words/sentence + 11.8 syllables/word - 15.59."""
    found = re.findall(r"[a-z']+", text.lower())
    syllables = 0
    for word in found:
        groups = len(re.findall(r"[aeiouy]+", word))
        silent = word.endswith("e") and not word.endswith("le") and groups > 1
        syllables += max(1, groups - silent)
    ends = len(re.findall(r"[.!?:](?=[\])\"]*(?:\s|$))", text)) or 1
    return 0.39 * len(found) / ends + 11.8 * syllables / len(found) - 15.59


def test_the_grade_is_the_textbooks():
    # 6 words, 1 sentence, 6 syllables: .39 * 6 + 11.8 - 15.59 = -1.45 (Kincaid et al., 1975).
    assert grade("The cat sat on the mat.") == pytest.approx(-1.45)


@pytest.mark.parametrize("part", ["task", "consent", "debrief"])
def test_every_paragraph_is_in_plain_english(part):
    for paragraph in paragraphs(getattr(TEXTS, part)):
        assert grade(paragraph) <= 9, paragraph


def test_notices_anchors_and_feedback_are_in_plain_english():
    for text in (*TEXTS.notices.values(), *TEXTS.anchors.values()):
        assert grade(text) <= 9, text
    for item in TEXTS.practice:
        assert grade(item.feedback) <= 9, item.id


def test_the_blank_template_can_be_read():
    texts = read_texts(BLANK)
    assert {item.category for item in (*texts.practice, *texts.gold)} == {"health"}
    assert texts.contact.startswith("[Replace")
    assert (texts.task, texts.consent, texts.anchors) == ("", "", {})  # the app's own
