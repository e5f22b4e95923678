import re

import msgspec
import pytest

from mores.rate.export.codebook import RatedCategory, StudyFacts, Unblinded
from mores.rate.export.heds import MARK, agreement, code, heds, inline, verbatim
from mores.rate.model import RatingRow

FACTS = StudyFacts(
    study="wellbeing",
    version="1.0.0",
    license="CC-BY-4.0",
    charter_version="1.2.0",
    charter_digest="sha256:00",
    categories=(RatedCategory(id="abuse", title="Abuse", statement="Oppose violence.\n\n\nYes."),),
    task="How well does the answer match?",
    anchors={"1": "contradicts it", "3": "neither", "5": "fully in its spirit"},
    consent="You can stop at any time.",
    items=6,
    per_item=3,
    seats=4,
    seed=7,
    practice=5,
    gold=8,
    practice_pass=0.6,
    daily_cap=100,
    self_name_rule="self-names-1",
    languages=("en", "ar"),
    interface_languages=("de",),
    raters_consented=9,
    raters_rated=6,
    started="2026-11-01T08:00:00Z",
    last="2026-11-20T18:00:00Z",
    app_version="0.1.0",
    software={"python": "3.11.2"},
)
BARE = StudyFacts(
    study="s",
    version="1",
    charter_version="1",
    charter_digest="d",
    categories=(),
    items=0,
    per_item=3,
    seats=3,
    seed=0,
    raters_consented=0,
    raters_rated=0,
    app_version="0.1.0",
)
OPENED = Unblinded(who="Ann", at="2026-11-21T09:00:00Z", ratings=18)
# The form's own numbers, written down from the published template (HEDS 2.0).
# fmt: off
NUMBERS = [
    "1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "2.4", "2.5",
    "3.1.1", "3.1.2", "3.1.3", "3.2.1", "3.2.2", "3.2.3", "3.2.4", "3.2.5",
    "3.3.1", "3.3.2", "3.3.3", "3.3.4", "3.3.5", "3.3.6", "3.3.7", "3.3.8",
    "4.1.1", "4.1.2", "4.1.3", "4.2.1", "4.2.2", "4.2.3", "4.3.1", "4.3.2",
    "4.3.3", "4.3.4", "4.3.5", "4.3.6", "4.3.7", "4.3.8", "4.3.9", "4.3.10",
    "4.3.11", "5.1", "5.2", "5.3", "5.4",
]
OPEN = [
    "1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "3.1.2", "3.1.3",
    "3.2.2", "3.2.3", "3.3.1", "3.3.7", "3.3.8", "4.1.1", "4.1.2", "4.3.1",
    "4.3.9", "4.3.10", "5.1", "5.2", "5.3", "5.4",
]
KNOWN = [
    "2.4", "2.5", "3.2.1", "3.3.2", "3.3.5", "4.1.3", "4.2.1", "4.2.2",
    "4.2.3", "4.3.2", "4.3.3", "4.3.4", "4.3.5", "4.3.6", "4.3.7", "4.3.8",
    "4.3.11",
]
# fmt: on


def row(item, rater, value, **changes):
    plain = {
        "item_id": item,
        "kind": "study",
        "category": "abuse",
        "rater": rater,
        "revision": 1,
        "current": True,
        "counted": True,
        "answer": "rate" if value else "cannot",
        "value": value,
        "at": "2026-11-21T09:00:00Z",
    }
    return RatingRow(**plain | changes)


def answers(sheet):
    """Answers by the number of their question."""
    found = re.findall(r"^### ([\d.]+) [^\n]+\n\n(.*?)(?=\n\n##+ |\Z)", sheet, re.M | re.S)
    return dict(found)


@pytest.mark.parametrize("facts", [FACTS, BARE])
def test_all_questions_of_the_form_in_its_order(facts):
    sheet = heds(facts, [])
    assert re.findall(r"^### ([\d.]+) ", sheet, re.M) == NUMBERS
    assert list(answers(sheet)) == NUMBERS
    assert all(text.strip() for text in answers(sheet).values())


def test_the_head_counts_the_open_questions():
    sheet = heds(FACTS, [])
    still_open = sum(MARK in text for text in answers(sheet).values())
    assert f"**{still_open} of 45 questions need the owner:**" in sheet


@pytest.mark.parametrize(
    "number",
    OPEN,
)
def test_what_the_software_cannot_know_is_marked(number):
    assert MARK in answers(heds(FACTS, []))[number]


@pytest.mark.parametrize(
    "number",
    KNOWN,
)
def test_what_it_knows_is_not_marked(number):
    assert MARK not in answers(heds(FACTS, []))[number]


@pytest.mark.parametrize("number", ["2.4", "2.5", "3.1.1", "3.2.4", "4.3.2", "4.3.4", "4.3.7"])
def test_what_the_facts_leave_out_is_not_made_up(number):
    assert MARK in answers(heds(BARE, []))[number]


def test_known_answers():
    found = answers(heds(FACTS, []))
    assert found["2.4"].startswith("`en`, `ar` ")
    assert found["3.2.1"] == "6 (who rated at least once); 9 gave consent."
    assert "then 5 practice items" in found["3.2.4"]
    assert "at least 60 % of them right" in found["3.2.4"]
    assert "> You can stop at any time." in found["3.2.4"]
    assert "First answer 2026-11-01T08:00:00Z, last answer 2026-11-20T18:00:00Z." in found["3.3.2"]
    assert "8 gold items" in found["3.3.3"]
    assert "3 different raters for each item, 4 planned shares" in found["3.3.3"]
    assert "- [x] automatic quality checks" in found["3.3.3"]
    assert "`self-names-1`" in found["3.3.3"]
    assert "At most 100 answers a day (UTC)." in found["3.3.5"]
    assert found["4.3.3"].startswith("5 ")
    assert "- 1: contradicts it\n- 2\n- 3: neither\n- 4\n- 5: fully in its spirit" in found["4.3.4"]
    assert "> Oppose violence.\n>\n>\n> Yes." in found["4.3.2"]
    assert found["4.3.11"].startswith("Between evaluators: Krippendorff's α, ordinal")
    assert "not computable: no item has ratings of two raters." in found["4.3.11"]


def test_without_checks_no_box_for_checks_is_ticked():
    assert "[x]" not in answers(heds(BARE, []))["3.3.3"]


RATED = [
    row("a", "r1", 1, model="m", arm="base", seed=0, draw=0, completion_id="c1"),
    row("a", "r2", 2, model="m", arm="base", seed=0, draw=0, completion_id="c1", remark="hm"),
    row("b", "r1", 5, model="m", arm="control", seed=1, draw=0, completion_id="c2"),
    row("b", "r2", 5, model="m", arm="control", seed=1, draw=0, completion_id="c2"),
    row("c", "r1", None, model="m", arm="control", seed=1, draw=0, completion_id="c3"),
    row("b", "r3", 1, counted=False),
    row("b", "r2", 2, current=False, counted=False),
]


def test_numbers_from_the_rows():
    """Items a and b have ratings that count; c was only found not ratable."""
    found = answers(heds(msgspec.structs.replace(FACTS, unblinded=OPENED), RATED))
    assert "| m | base | 0 | 1 |\n| m | control | 1 | 1 |" in found["3.1.1"]
    assert "6 outputs of all systems together were to be rated; 2 have" in found["3.1.1"]
    assert "Abuse 3." in found["3.1.2"]
    assert "Of 5 counted answers 4 are ratings, 1 " in found["4.3.9"]
    assert "1 answers in the data were replaced" in found["4.3.9"]
    assert "1 answers in the data have one" in found["3.3.6"]
    assert "Ann unblinded the study at 18 ratings" in found["3.3.4"]


def test_agreement_by_hand():
    """Ordinal α of the pairs (1, 2) and (5, 5).

    n(1) = n(2) = 1, n(5) = 2, n = 4. δ²(c, k) = (sum of n from c to k, both ends halved)²:
    δ²(1, 2) = 1² = 1, δ²(1, 5) = (½ + 1 + 1)² = 6.25, δ²(2, 5) = (½ + 1)² = 2.25.
    D_o = 2 · 1 / 4 = .5; D_e = 2 (1·1·1 + 1·2·6.25 + 1·2·2.25) / (4 · 3) = 36 / 12 = 3.
    α = 1 − .5 / 3 = 5 / 6. The surplus 1 and the replaced 2 do not enter.
    """
    found = agreement(RATED)
    assert found.value == pytest.approx(5 / 6, abs=1e-12)
    assert found.n == 2
    facts = msgspec.structs.replace(FACTS, unblinded=OPENED)
    assert "α = 0.833" in answers(heds(facts, RATED))["4.3.11"]


def test_the_agreement_has_no_interval_over_items():
    """Answers to one prompt resemble each other, and rows do not name prompts."""
    rows = [
        row(f"i{i}", f"r{r}", value)
        for i in range(12)
        for r, value in enumerate((1 + i % 5, min(5, 1 + i % 5 + i % 2)))
    ]
    sheet = heds(FACTS, rows)
    assert re.search(r"α = \S+ \(its interval, over prompts, is in the report\), 12 items", sheet)
    assert heds(FACTS, rows) == sheet


def test_before_unblinding_systems_are_open():
    found = answers(heds(FACTS, [row("a", "r1", 4)]))
    assert MARK in found["3.1.1"]
    assert "has not been unblinded" in found["3.3.4"]


def test_small_groups_are_not_printed_with_their_number():
    rows = [row("a", f"r{i}", 3, groups={"age": "18-29"}) for i in range(5)]
    rows += [row("a", f"s{i}", 3, groups={"age": "30+"}) for i in range(4)]
    found = answers(heds(FACTS, rows))["3.2.5"]
    assert "age: 18-29 5, 30+ fewer than 5" in found
    assert MARK in found
    found = answers(heds(msgspec.structs.replace(FACTS, min_cell=4), rows))["3.2.5"]
    assert "age: 18-29 5, 30+ 4" in found


def test_texts_of_the_owner_cannot_change_the_sheet():
    hostile = "# x\n### 1.1 y\n```\n<script>alert(1)</script>\x07{{ 7 * 7 }}"
    facts = msgspec.structs.replace(
        FACTS,
        study=hostile,
        description=hostile,
        consent=hostile,
        task=hostile,
        anchors={"1": hostile, "3": "", "5": "|"},
        self_name_rule=hostile,
        categories=(RatedCategory(id=hostile, title=hostile, statement=hostile),),
    )
    sheet = heds(facts, [])
    assert re.findall(r"^### ([\d.]+) ", sheet, re.M) == NUMBERS
    assert re.findall(r"^# .*", sheet, re.M) == [sheet.split("\n")[0]]
    assert "\x07" not in sheet
    assert "{{ 7 \\* 7 }}" in sheet
    outside = [part for part in re.split(r"^> .*$|(?s:````.*?````)", sheet, flags=re.M) if part]
    assert not any(re.search(r"(?<!\\)<script", part) for part in outside)


def test_markdown_filters():
    assert inline("a_b  *c*\n<d>") == r"a\_b \*c\* \<d\>"
    assert code("x`y") == "``x`y``"
    assert code("`") == "`` ` ``"
    assert verbatim("a\r\n\r\n``` b\n") == "> ````text\n> a\n>\n> ``` b\n> ````"


def test_no_template_text_is_lost_between_blocks():
    """Headings stand on lines of their own after an empty line; nothing is left unrendered."""
    sheet = heds(msgspec.structs.replace(FACTS, unblinded=OPENED), RATED)
    lines = sheet.split("\n")
    headings = [i for i, line in enumerate(lines) if line.startswith("## ") or "### " in line[:4]]
    assert all(lines[i - 1] == "" and lines[i + 1] == "" for i in headings)
    assert "{%" not in sheet
    assert "built-in" not in sheet
    assert "None" not in sheet
