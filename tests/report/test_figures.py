"""Figures: the same bytes, valid and accessible SVG, nothing lost, readable in both themes."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from report_builder import ARMS, CATEGORIES, NOTE, SCRIPT, bare, models, report, scorer

from mores.records import Estimate
from mores.report.figures import figures, raster
from mores.report.figures.axis import Axis, around, tick_labels, ticks
from mores.report.figures.distribution import swarm
from mores.report.figures.palette import DARK, LIGHT
from mores.report.figures.verdicts import STYLES
from mores.report.page import SURFACES

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def drawn():
    return figures(report())


def panels(figure) -> list[ET.Element]:
    return list(ET.fromstring(f"<div>{figure.svg}</div>"))


def test_one_figure_for_everything_that_has_numbers(drawn):
    assert list(drawn) == [
        "forest_stance",
        "forest_toxicity_lexical",
        "forest_rating",
        "toxicity_lexical",
        "cooccurrence_gender_values_targeted_control",
        "cooccurrence_gender_values_targeted_base",
        "cooccurrence_religion_values_targeted_control",
        "cooccurrence_religion_values_targeted_base",
        "capability",
        "training",
    ]


def test_nothing_to_draw_gives_no_figure():
    assert figures(bare()) == {}


def test_same_report_gives_the_same_bytes(drawn, tmp_path):
    again = figures(report())
    for name, figure in drawn.items():
        assert again[name].svg_file == figure.svg_file
        assert again[name].svg == figure.svg
    svg, png = drawn["capability"].write(tmp_path)
    assert png.read_bytes() == again["capability"].png_file
    assert svg.read_bytes() == again["capability"].svg_file


def test_png_says_nothing_of_when_and_by_what_it_was_made(drawn):
    data = drawn["training"].png_file
    assert data.startswith(b"\x89PNG")
    for word in (b"Software", b"tIME", b"resvg", b"Creation"):
        assert word not in data


def test_svg_file_stands_alone(drawn):
    for name, figure in drawn.items():
        root = ET.fromstring(figure.svg_file)
        assert root.tag == f"{SVG}svg"
        text = figure.svg_file.decode()
        # Not every viewer knows variables, and none may fetch anything.
        assert "var(" not in text
        assert "url(" not in text
        assert "href" not in text
        words = " ".join(t.text or "" for t in root.iter(f"{SVG}text"))
        # Wrapped lines, joined again, hold the caption and every note.
        assert figure.caption in words, name
        assert all(note in words for note in figure.notes)


def test_svg_in_the_page_is_named_described_and_follows_the_theme(drawn):
    ids: list[str] = []
    for figure in drawn.values():
        for panel in panels(figure):
            assert panel.get("role") == "img"
            title, description = panel.find("title"), panel.find("desc")
            assert title is not None
            assert title.text
            assert description is not None
            assert description.text
            assert panel.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
            ids += [title.get("id"), description.get("id")]
        assert "style=" not in figure.svg
        assert not re.search(r"#[0-9a-fA-F]{6}", figure.svg)
    assert len(ids) == len(set(ids))


def test_forest_has_a_row_for_each_category_and_primary_contrasts_first(drawn):
    figure = drawn["forest_toxicity_lexical"]
    assert [panel.title for panel in figure.panels] == [
        "values-targeted − control",
        "values-targeted − base",
        "control − base",
        "values-targeted − prompted",
    ]
    texts = [t.text for t in panels(figure)[0].iter("text")]
    assert "All categories" in texts
    # Long titles are shortened by an ellipsis, none is dropped.
    assert sum(any(str(t).startswith(c[:12]) for c in CATEGORIES.values()) for t in texts) == 8


def test_forest_shows_the_interval_beside_every_point(drawn):
    own = report().estimates
    first = next(e for e in own if e.contrast == "values_targeted - control")
    minus = "\u2212"
    low, high = (f"{x:.3f}".replace("-", minus) for x in (first.low, first.high))
    assert f"[{low}, {high}]" in drawn["forest_toxicity_lexical"].svg
    assert "not computable" in drawn["forest_toxicity_lexical"].svg


def test_few_prompts_are_descriptive_only(drawn):
    assert "5 prompts a category: descriptive only" in drawn["forest_rating"].svg
    plenty = tuple(
        replace(e, verdict="not shown") if e.verdict == "descriptive" else e
        for e in report().estimates
    )
    assert (
        "descriptive only" not in figures(replace(report(), estimates=plenty))["forest_rating"].svg
    )


def test_scorer_note_stands_on_every_figure_of_its_numbers(drawn):
    assert drawn["forest_toxicity_lexical"].notes == (NOTE,)
    assert drawn["toxicity_lexical"].notes == (NOTE,)


def test_every_score_is_a_dot(drawn):
    # 40 prompts x 3 draws of 5 arms.
    dots = list(panels(drawn["toxicity_lexical"])[0].iter("path"))
    assert [path.get("d").count("M") for path in dots] == [120] * len(ARMS)


def test_capability_panels_carry_their_margin(drawn):
    texts = [[t.text for t in p.iter("text")] for p in panels(drawn["capability"])]
    assert [row[1] for row in texts] == [
        "margin \u22120.02",
        "margin \u22120.02; base is near chance: a loss could hardly show",
        "margin \u22120.02",
        "margin \u22120.05",
    ]


def test_held_out_loss_is_dashed(drawn):
    lines = list(panels(drawn["training"])[0].iter("polyline"))
    assert ["dash" in line.get("class") for line in lines] == [False, True, False, True]


def test_names_that_would_collide_get_a_number(rng):
    own = (scorer(rng, 3, "hf:a/b", "one"), scorer(rng, 3, "hf:a-b", "two"))
    found = figures(replace(bare(), toxicity=own))
    assert list(found) == ["toxicity_hf_a_b", "toxicity_hf_a_b_2"]
    assert 'id="toxicity_hf_a_b_2-1-t"' in found["toxicity_hf_a_b_2"].svg


@pytest.fixture
def rng():
    import numpy as np

    return np.random.default_rng(1)


def test_several_models_are_panels_of_one_figure(rng):
    first, second = scorer(rng, 5), replace(scorer(rng, 5), model="other")
    both = (*models(), replace(models()[0], name="other"))
    found = figures(replace(bare(), models=both, toxicity=(first, second)))
    assert [p.title for p in found["toxicity_lexical"].panels] == ["smollm2-135m", "other"]
    assert len(found["training"].panels) == 2


def test_hostile_names_are_escaped_and_drawn_as_they_are(rng):
    one = replace(models()[0], name=SCRIPT + "$x^2$")
    figure = figures(replace(bare(), models=(one,)))["training"]
    assert "<script" not in figure.svg
    assert figure.png_file.startswith(b"\x89PNG")


def alone(character: str) -> bytes:
    return raster.png(
        '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">'
        f'<text x="2" y="15" font-family="sans-serif">{character}</text></svg>'
    )


def test_the_font_of_the_png_has_every_sign_that_figures_use(drawn):
    signs = {c for figure in drawn.values() for c in figure.svg_file.decode() if c > "\x7f"}
    assert signs >= {"\u2212", "\u2026"}  # minus and ellipsis
    box = alone("\u2190")  # an arrow, which Roboto lacks: what stands for all that it lacks
    assert [sign for sign in signs if alone(sign) == box] == []
    assert alone("\u2192") == box


def test_png_has_200_dots_an_inch(drawn):
    figure = drawn["capability"]
    sheet, data = figure.sheet(), figure.png_file
    size = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])  # PNG 1.2, 11.2.2 IHDR
    assert size == (round(sheet.width * 200 / 96), round(sheet.height * 200 / 96))


@pytest.mark.parametrize(
    ("name", "asked"),
    [("Größe α Ж − ≤ ⟨U+202E⟩", False), ("العربية", True), ("中文", True), ("한국어", True)],
)
def test_the_machines_fonts_are_asked_only_for_scripts_that_ours_lacks(monkeypatch, name, asked):
    seen = []
    monkeypatch.setattr("resvg_py.svg_to_bytes", lambda **how: seen.append(how) or b"")
    one = replace(models()[0], name=name)
    assert figures(replace(bare(), models=(one,)))["training"].png_file == b""
    assert [not how["skip_system_fonts"] for how in seen] == [asked]


def test_one_value_alone_can_be_drawn():
    estimate = Estimate(
        measure="rating", contrast="a - b", category="overall", value=0.0, n=1, unit="prompt",
        method="none", reason="one prompt",
    )  # fmt: skip
    figure = figures(replace(bare(), models=models(), estimates=(estimate,)))["forest_rating"]
    assert "no interval" in figure.svg


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_have_enough_contrast(theme):
    """WCAG 2.2, 1.4.3: text 4.5:1; the marks are held to the same."""
    colours = LIGHT if theme == "light" else DARK
    papers = [colours["paper"], *SURFACES[theme].values()]
    for role, colour in colours.items():
        if role not in ("paper", "rule"):
            assert min(contrast(colour, paper) for paper in papers) >= 4.5, role


def test_contrast_by_hand():
    # Black on white is 1.05 / 0.05 = 21; #767676 on white is the well-known 4.54.
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2 glossary."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_verdicts_differ_without_colour():
    assert len({(shape, filled) for shape, _, filled in STYLES.values()}) == len(STYLES)


def test_ticks_by_hand():
    # Span 0.34 / 6 = 0.057; the smallest round step of at least 0.85 x 0.057 = 0.048 is 0.05.
    assert ticks(-0.13, 0.21) == [-0.1, -0.05, 0.0, 0.05, 0.1, 0.15, 0.2]
    assert tick_labels([-0.1, -0.05, 0.0]) == ["\u22120.10", "\u22120.05", "0.00"]
    assert ticks(0.0, 40.0) == [0.0, 10.0, 20.0, 30.0, 40.0]


values = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40)


@given(values)
def test_axis_holds_every_value_in_order(data):
    axis = around(data, 10, 350)
    places = [axis.at(value) for value in sorted(data)]
    assert places == sorted(places)
    assert places[0] >= 10
    assert places[-1] <= 350


@given(st.lists(st.floats(0, 1), max_size=300).filter(bool))
def test_swarm_keeps_every_value_at_its_place_and_in_its_row(data):
    axis = Axis(0, 1, 10, 350)
    points = swarm(data, axis, 100.0)
    assert [x for x, _ in points] == [axis.at(value) for value in data]
    assert all(79.9 <= y <= 120.1 for _, y in points)


def test_import_draws_in_no_heavy_library():
    code = (
        "import sys, mores.report.page\n"
        "heavy = ('matplotlib', 'jinja2', 'torch', 'scipy')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
