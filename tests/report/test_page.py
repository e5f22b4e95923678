"""The page: parses, fetches nothing, hides nothing, and hostile text stays text."""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape
from html.parser import HTMLParser
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from report_builder import NOTE, SCRIPT, bare, models, report

from mores.records import Estimate, to_plain
from mores.report import words
from mores.report.figures import figures
from mores.report.model import Report
from mores.report.page import render
from mores.report.select import nested_estimates

VOID = {"meta", "br", "input", "link", "img", "hr"}


class Page(HTMLParser):
    """Elements with their attributes, and whether every tag is closed in its place."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def html() -> str:
    return render(report(), figures(report()))


@pytest.fixture(scope="module")
def page(html) -> Page:
    return Page(html)


def section(html: str, name: str) -> str:
    """Return the text of one section; sections do not nest."""
    found = re.search(rf'<section id="{name}".*?</section>', html, re.DOTALL)
    assert found
    return found.group()


# Structure ---------------------------------------------------------------------------------


def test_headings_are_in_order_and_there_is_one_first(page):
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_ids_are_unique_and_references_lead_somewhere(page):
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    assert all(a["href"].startswith("#") and a["href"][1:] in ids for a in page.all("a"))
    for _, attributes in page.elements:
        assert set((attributes.get("aria-labelledby") or "").split()) <= set(ids)


def test_landmarks_language_and_skip_link(page, html):
    assert page.all("html")[0]["lang"] == "en"
    assert [len(page.all(tag)) for tag in ("header", "nav", "main", "footer")] == [1, 1, 1, 1]
    assert html.index('class="skip"') < html.index("<header")
    assert [a["id"] for a in page.all("section")] == [
        "opening", "verdicts", "charter", "stance", "toxicity", "ratings", "coherence", "words",
        "capability", "gates", "answers", "training", "plan", "missing", "method",
    ]  # fmt: skip


def test_every_row_has_a_heading(html):
    assert not re.search(r'<th scope="row">\s*</th>', html)


def test_tables_have_captions_and_scopes_and_can_be_scrolled_by_key(page):
    assert len(page.all("table")) == len(page.all("caption")) > 20
    assert all(a.get("scope") in ("row", "col") for a in page.all("th"))
    regions = [a for a in page.all("div") if a.get("class") == "scroll"]
    assert len(regions) == len(page.all("table"))
    assert all(a["tabindex"] == "0" and a["aria-label"] for a in regions)


def test_every_figure_has_its_numbers_in_a_table(html):
    for name in ("stance", "toxicity", "ratings", "words", "capability", "training"):
        part = section(html, name)
        assert "<figure" in part
        assert "Show the numbers" in part
        assert "<table" in part


# Self-contained ----------------------------------------------------------------------------


@pytest.mark.parametrize("make", [report, bare])
def test_nothing_is_fetched(make):
    text = render(make(), figures(make()))
    assert "://" not in text
    loads = {"src", "srcset", "action", "data", "poster", "background", "xlink:href"}
    assert not [tag for tag, attributes in Page(text).elements if loads & attributes.keys()]
    assert "@import" not in text
    assert "url(" not in text


def test_policy_allows_this_style_and_script_only(page, html):
    policy = next(a["content"] for a in page.all("meta") if "http-equiv" in a)
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_no_style_or_event_attributes(page):
    for _, attributes in page.elements:
        assert not [name for name in attributes if name == "style" or name.startswith("on")]


def test_without_script_nothing_is_hidden_but_the_filters(page):
    hidden = [(tag, a.get("id")) for tag, a in page.elements if "hidden" in a]
    assert hidden == [("form", "filters")]


def test_same_report_gives_the_same_page(html):
    assert render(report(), figures(report())) == html


def test_size_of_a_full_study():
    # 120 prompts x 5 arms x 2 draws.
    full = report(per_category=15, draws=2)
    assert len(render(full, figures(full)).encode()) < 3_000_000


# Hostile text ------------------------------------------------------------------------------


def test_hostile_answer_is_shown_and_inert(html, page):
    assert f">{escape(SCRIPT).replace('&#x27;', '&#39;').replace('&quot;', '&#34;')}</p>" in html
    assert len(page.all("script")) == 1
    assert page.all("img") == []
    assert "{{ 7 * 7 }}" in html
    assert "".join(page.texts["p"]).count(SCRIPT) == 2  # side by side, and in the opening


def test_the_opening_shows_both_answers_what_was_cut_and_what_is_empty(html):
    part = section(html, "opening")
    assert part.count('<article class="pair">') == 3
    assert part.count("<h4>base</h4>") == part.count("<h4>values-targeted</h4>") == 3
    assert "It is worth telling someone. […]</p>" in part
    assert "It is worth telling someone.</p>" in part
    assert "(empty answer)</p>" in part
    assert "Three questions of median change. […] marks" in part
    assert html.index('id="opening"') < html.index('<section id="verdicts"')


def test_control_characters_are_spelt_out(html):
    assert "safe⟨U+202E⟩evil⟨U+2066⟩ and ⟨U+0000⟩ null ⟨U+200B⟩ zero⟨U+D800⟩" in html
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x00]", html)
    html.encode("utf-8")


def test_hostile_text_in_every_field_is_inert():
    """Attack every string of the report that is free text."""
    fixed = {
        "verdict",
        "scope",
        "arm",
        "preset",
        "metric",
        "measure",
        "contrast",
        "scorer",
        "reference",
    }

    def attack(value, key=""):
        if isinstance(value, dict):
            return {
                (k + SCRIPT if key in ("means", "scores", "inputs", "versions", "cost") else k):
                attack(v, k) for k, v in value.items()
            }  # fmt: skip
        if isinstance(value, list):
            return [attack(inner, key) for inner in value]
        if isinstance(value, str) and key not in fixed and not (key == "category" or key == "id"):
            return f"{value}{SCRIPT}\u202e'\"><b onclick=x>"
        return value

    hostile = msgspec.convert(attack(msgspec.json.decode(msgspec.json.encode(clean()))), Report)
    assert SCRIPT in hostile.study
    text = render(hostile, figures(hostile))
    found = Page(text)
    assert len(found.all("script")) == 1
    assert found.all("img") == []
    assert found.all("b") == []
    assert "\u202e" not in text


def clean() -> Report:
    """The report without the lone surrogate, which JSON cannot hold."""
    own = report(per_category=1)
    first = own.questions[0]
    answers = tuple(replace(a, text=a.text.replace("\ud800", "")) for a in first.answers)
    return replace(own, questions=(replace(first, answers=answers), *own.questions[1:]))


def test_megabyte_line_is_shown_whole():
    own = report(per_category=1, draws=1)
    first = own.questions[0]
    answers = (replace(first.answers[0], text="x" * 1_000_000), *first.answers[1:])
    long = replace(own, questions=(replace(first, answers=answers),))
    text = render(long, figures(long))
    assert "x" * 1_000_000 in text
    assert 'dir="auto" tabindex="0">xxx' in text  # it scrolls, so keys must reach it


# Nothing lost, nothing overclaimed ---------------------------------------------------------


def test_every_estimate_stands_in_a_table(html, page):
    own = report()
    every = [*own.estimates, own.ratings.agreement, *nested_estimates(list(own.cooccurrence))]
    every += [one.beside_ratings for one in own.stance]
    printed = {float(a["value"]) for a in page.all("data")}
    assert len(every) > 80
    assert {e.value for e in every if e.value is not None} <= printed
    for e in every:
        assert escape(e.method).replace("&#x27;", "&#39;") in html
        assert escape(e.reason).replace("&#x27;", "&#39;") in html


def test_absent_value_says_why(html):
    row = re.search(r"<tr>(?:(?!</tr>).)*not computable</span>.*?</tr>", html, re.DOTALL)
    assert row
    assert "all differences are zero" in row.group()
    assert "no interval" in row.group()


def test_stance_and_coherence_of_every_arm_stand_in_rows_with_what_is_absent(html):
    def rows(name: str, caption: str) -> dict[str, list[str]]:
        found = re.search(rf"<caption>{caption}</caption>.*?</table>", section(html, name), re.S)
        assert found
        cells = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', found.group())
        return {arm: re.findall(r"<td[^>]*>(.*?)</td>", rest) for arm, rest in cells}

    leaning = rows("stance", "Stance by arm")
    assert len(leaning) == 5
    assert leaning["values-targeted"] == ["+0.319", "[0.239, 0.399]", "61 of 118", "2"]
    assert leaning["few-shot (3 samples in context)"] == ["—", "no interval", "0 of 0", "120"]
    readable = rows("coherence", "How answers read")
    assert len(readable) == 5
    # exp(2.31) = 10.07
    assert readable["values-targeted"] == ["4 of 120", "1 empty, 3 repetitive", "2.31", "10.1"]
    assert readable["few-shot (3 samples in context)"] == [
        "1 of 120",
        "1 another language",
        "—",
        "—",
    ]
    assert "not what it writes by itself" in section(html, "stance")


def test_missing_things_stand_with_their_reasons(html):
    part = section(html, "missing")
    assert "Words that go with groups, race" in part
    assert "no word occurs often &lt;enough&gt;" in part


def test_verdict_words_are_those_of_the_records(html):
    said = re.findall(r'class="word">.*?</svg>([^<]*)</p>', html)
    assert said == [line.claim for line in report().headlines]
    assert "This does not show that there is no effect." in html


def test_meanings_cover_every_verdict():
    from typing import get_args

    from mores.records import Scope, Verdict

    assert set(words.MEANINGS) == set(get_args(Verdict))
    parts = {part for scope in get_args(Scope) for part in scope.split(", ") if part}
    assert set(words.SCOPES) == parts


def test_scorer_note_stands_wherever_its_numbers_stand(html):
    for name in ("verdicts", "toxicity", "answers"):
        assert NOTE in section(html, name), name
    # The callout, both captions, and below both tables.
    assert section(html, "toxicity").count(NOTE) == 5


def test_quick_says_that_it_is_a_first_look(html):
    assert "A first look." in html
    other = replace(report(), preset="confirm")
    assert "First look" not in render(other, figures(other))


def test_first_two_draws_are_in_sight(html):
    part = section(html, "answers")
    # 40 prompts x 5 arms; the third draw of each is one click away.
    assert part.count("1 more draw") == 200
    assert part.count('class="draw"') == 600


def test_filters_offer_what_there_is(html):
    part = section(html, "answers")
    form = part[: part.index("</form>")]
    assert re.findall(r"<option>([^<]*)</option>", form) == [
        "neutral", "leading", "cut off", "repetitive",
    ]  # fmt: skip
    assert form.count('name="arm"') == 5
    assert form.count("<option value=") == 8 + 3


def test_report_with_nothing_in_it_says_so():
    text = render(bare(), figures(bare()))
    Page(text)
    for said in (
        "There is no verdict: no measure has been taken.",
        "Stance was not measured.",
        "Coherence was not measured.",
        "No toxicity scorer has been run.",
        "No ratings by people. none imported",
        "mores rate import STUDY FILE",
        "No texts about groups were compared.",
        "No capability task has been run.",
        "There are no answers to show.",
        "No training log.",
        "nothing has run",
        "no verdict could be reached",
    ):
        assert said in text, said


def test_empty_section_gives_the_reason_of_the_report():
    own = replace(bare(), missing=(msgspec.convert(
        {"what": "Capability", "why": "no tasks configured"}, type(bare().missing[0])
    ),))  # fmt: skip
    assert "No capability task has been run. Why: no tasks configured." in render(own, {})


def test_empty_answer_is_said_to_be_empty():
    own = report(per_category=1, draws=1)
    first = own.questions[0]
    answers = (replace(first.answers[0], text=" \n", flags=("empty",)), *first.answers[1:])
    text = render(replace(own, questions=(replace(first, answers=answers),)), {})
    assert "(empty answer)" in text
    assert '<span class="flag">empty</span>' in text


def test_several_models_are_told_apart():
    both = replace(report(), models=(*models(), replace(models()[0], name="other")))
    text = render(both, figures(both))
    Page(text)
    assert '<th scope="col">Model</th>' in text


def test_several_seeds_are_told_apart():
    one = models()[0]
    second = replace(one.arms[1], name="values_targeted-s2", seed=2)
    labels = words.arm_labels(replace(report(), models=(replace(one, arms=(*one.arms, second)),)))
    assert labels["values_targeted-s1"] == "values-targeted, seed 1"
    assert labels["values_targeted-s2"] == "values-targeted, seed 2"
    assert labels["control-s1"] == "control"


# Words -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.0123, "p = .012"), (0.0004, "p < .001"), (1.0, "p = 1"), (0.9996, "p > .999"),
     (0.5, "p = .500"), (0.001, "p = .001"), (None, "—")],
)  # fmt: skip
def test_p_values(value, said):
    assert words.p_value(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.1234, "+0.12"), (-0.1234, "−0.12"), (0.004, "0.00"), (-0.004, "0.00"), (None, "—"),
     (-1234.5, "−1,234.50")],
)  # fmt: skip
def test_signed_numbers(value, said):
    assert words.signed(value, 2) == said


def estimate(**fields) -> Estimate:
    return Estimate(**{"value": 0.1, "n": 5, "unit": "prompt", "method": "m", **fields})


def test_intervals_say_what_they_are():
    assert words.interval(estimate(low=-0.2, high=0.4), 2) == "[−0.20, 0.40]"
    assert words.interval(estimate(), 2) == "no interval"
    assert words.interval(estimate(low=-0.2), 2) == "one-sided bound −0.20"
    both = estimate(low=-0.2, details={"two_sided_low": -0.25, "two_sided_high": 0.3})
    assert words.interval(both, 2) == "[−0.25, 0.30]; one-sided bound −0.20"


def test_decimals_follow_the_width_of_the_intervals():
    # Half width 0.05: first digit in the second place, one more -> 3. Half width 0.4 -> 2.
    assert words.decimals([estimate(low=-0.05, high=0.05)]) == 3
    assert words.decimals([estimate(low=-0.4, high=0.4)]) == 2
    assert words.decimals([]) == 3


def test_quantities():
    assert words.quantity(62_114) == "62,114"
    assert words.quantity(3.4e15) == "3.4 × 10¹⁵"


def test_measures_and_contrasts():
    assert words.measure_label("toxicity:lexical") == "Toxicity (lexical)"
    assert words.measure_label("toxicity:hf:org/name") == "Toxicity (hf:org/name)"
    assert words.measure_label("toxicity:lexical/Cohen's d") == "Toxicity (lexical), Cohen's d"
    assert words.contrast_label("values_targeted - few_shot") == "values-targeted − few-shot"


@given(st.text())
def test_visible_leaves_nothing_unseen_and_is_stable(text):
    seen = words.visible(text)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f\ufeff\x00-\x08]", seen)
    assert words.visible(seen) == seen


def test_report_survives_its_own_json():
    own = clean()
    back = msgspec.json.decode(msgspec.json.encode(to_plain(own)), type=Report)
    assert render(back, figures(back)) == render(own, figures(own))
