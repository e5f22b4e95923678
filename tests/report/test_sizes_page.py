"""Figure and section on sizes: shown with several models, with text for all that is drawn."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import msgspec
import pytest
from msgspec.structs import replace
from report_builder import NOTE, bare, report

from mores.records import Estimate, to_plain
from mores.report.contrasts import Observed
from mores.report.figures import figures
from mores.report.figures.sizes import sizes
from mores.report.model import ModelSummary, Report
from mores.report.page import render
from mores.report.size_tables import size_label
from mores.report.size_trends import SizeInput
from mores.report.sizes import size_summary

SMOLLM2 = {
    "a/smollm2-135M": 135_000_000,
    "a/smollm2-360M": 360_000_000,
    "a/smollm2-1.7B": 17 * 10**8,
}
MIXED = {"a/smollm2-135M": 135_000_000, "gemma3-270m": 268_098_176}
MEASURES = ("toxicity:lexical", "rating")


def observed(size: int, measure: str) -> list[Observed]:
    scale = (0.05, 0.02) if measure != "rating" else (2.5, -0.2)
    return [
        Observed(
            f"p-{i}", ("a", "b")[i % 2], arm, seed,
            (scale[0] + i / 100 - scale[1] * size * (k / 2 + i % 3 / 7),),
        )
        for i in range(8)
        for k, (arm, seed) in enumerate([("base", 0), ("control", 1), ("values_targeted", 1)])
    ]  # fmt: skip


def sized(models: dict[str, int], *, without: str = "") -> Report:
    inputs = [
        SizeInput(name, n, {m: observed(k, m) for m in MEASURES if m != without})
        for k, (name, n) in enumerate(models.items())
    ]
    estimates = [
        Estimate(
            measure=measure, contrast="values_targeted - control", category="overall",
            value=0.1 * k, low=0.1 * k - 0.05, high=0.1 * k + 0.05, n=8, unit="prompt", method="t",
            details={"model": name},
        )
        for k, name in enumerate(models)
        for measure in MEASURES
    ]  # fmt: skip
    one = report()
    return replace(
        one,
        estimates=tuple(estimates),
        models=tuple(
            ModelSummary(name=n, format="qa", parameters=p, digest="", arms=one.models[0].arms)
            for n, p in models.items()
        ),
        sizes=size_summary(inputs, hypotheses={}, seed=1),
    )


@pytest.fixture(scope="module")
def three() -> Report:
    return sized(SMOLLM2)


@pytest.fixture(scope="module")
def html(three) -> str:
    return render(three, figures(three))


def section(html: str) -> str:
    found = re.search(r'<section id="sizes".*?</section>', html, re.DOTALL)
    assert found
    return found.group()


def test_one_model_shows_nothing_of_sizes():
    for one in (report(), bare()):
        html = render(one, figures(one))
        assert 'id="sizes"' not in html
        assert "model size" not in html
        assert sizes(one) == []


def test_a_section_of_its_own_with_numbers_that_go_on(html):
    assert 'href="#sizes"' in html
    titles = re.findall(r'<span class="no">(\d+)</span>([^<]+)', html)
    assert [int(number) for number, _ in titles] == list(range(1, 16))
    assert titles[5][1] == "Effect by model size"
    missing = next(number for number, title in titles if title.startswith("What is missing"))
    assert missing == "14"


def test_figure_has_a_line_for_each_arm_and_a_mark_and_interval_at_each_size(three):
    drawn = {figure.name: figure for figure in sizes(three)}
    assert list(drawn) == ["sizes_toxicity_lexical", "sizes_rating"]
    means, effect = ET.fromstring(f"<div>{drawn['sizes_rating'].svg}</div>")
    svg = ET.tostring(means).decode()
    for arm in ("base", "control", "values_targeted"):
        assert svg.count(f'class="s-{arm} none"') == 1  # the line
        assert len(re.findall(rf'class="f-{arm} s-{arm}"', svg)) == 3  # marks
        assert svg.count(f'class="s-{arm}" ') == 3  # intervals
    assert svg.count('class="f-muted"') > 3
    for label in ("135M", "360M", "1.7B"):
        assert label in svg
    assert ET.tostring(effect).decode().count('class="f-control s-control"') == 3


def test_sizes_lie_on_a_logarithmic_axis(three):
    # 360/135 and 1700/360 in log10: 0.42597 and 0.67415
    panel = ET.fromstring(f"<div>{sizes(three)[0].svg}</div>")[0]
    circles = [e for e in panel.iter() if e.tag.endswith("circle")]  # control
    x = [float(e.attrib["cx"]) for e in circles]
    assert (x[2] - x[1]) / (x[1] - x[0]) == pytest.approx(0.67415 / 0.42597, abs=0.01)


def test_the_figure_can_be_heard(three):
    figure = next(f for f in sizes(three) if f.name == "sizes_rating")
    said = figure.panels[0].description
    for part in ("base 2.", "values-targeted 2.", "at 135M", "at 1.7B", "95 % interval"):
        assert part in said
    assert "+0.100 (95 % interval 0.050 to 0.150) at 360M" in figure.panels[1].description


def test_every_number_of_the_figure_is_in_a_table_beside_it(html, three):
    own = section(html)
    assert own.count("<figure") == 2
    assert own.count("Show the numbers") == 2
    # models once; means and tests for each of two measures
    assert own.count("<table") == 5
    assert NOTE in own
    for measure in three.sizes.measures:
        for mean in measure.means:
            assert f"{mean.value:.2f}" in own or f"{mean.value:.3f}" in own
    assert "(one-sided)" in own
    assert "Across families" not in own


def test_two_models_across_families_are_labelled_and_have_no_trend():
    two = sized(MIXED)
    html = render(two, figures(two))
    own = section(html)
    assert "Across families" in own
    assert "2 sizes: a trend needs at least 3" in own
    figure = sizes(two)[0]
    assert any(note.startswith("Across families") for note in figure.notes)
    assert 'class="s-control dash none"' in figure.svg
    assert "dash none" not in sizes(sized(SMOLLM2))[0].svg


def test_light_and_dark_come_from_the_page_and_a_file_stands_alone(three):
    figure = sizes(three)[0]
    assert "#" not in figure.svg.replace("&#", "")  # colours are the page's variables
    assert figure.svg_file == sizes(three)[0].svg_file
    text = " ".join(ET.fromstring(figure.svg_file).itertext())
    assert "logarithmic" in text
    assert figure.png_file.startswith(b"\x89PNG")


def test_models_of_unknown_size_have_tables_but_no_figure():
    unknown = sized({"a/x-1B": 0, "a/x-2B": 0})
    assert sizes(unknown) == []
    own = section(render(unknown, figures(unknown)))
    assert "nothing could be drawn" in own
    assert "number of parameters not known" in own
    assert "unknown size" in own


def test_a_measure_without_values_has_no_figure():
    assert [f.name for f in sizes(sized(SMOLLM2, without="rating"))] == ["sizes_toxicity_lexical"]


def test_near_sizes_have_labels_one_below_the_other():
    near = sized({"a/x-135M": 135_000_000, "a/x-140M": 140_000_000, "a/x-1B": 10**9})
    panel = ET.fromstring(f"<div>{sizes(near)[0].svg}</div>")[0]
    places = {e.text: e.attrib["y"] for e in panel.iter() if e.tag.endswith("text")}
    assert places["135M"] != places["140M"]
    assert places["135M"] == places["1B"]


def test_it_survives_report_json(three):
    again = msgspec.convert(to_plain(three), Report)
    assert again.sizes == three.sizes


@pytest.mark.parametrize(
    ("parameters", "label"),
    [(134_515_008, "135M"), (1_711_376_384, "1.71B"), (999_999_999, "1B"), (29_440, "29.4K"),
     (12, "12"), (0, "unknown size")],
)  # fmt: skip
def test_labels_of_sizes(parameters, label):
    assert size_label(parameters) == label
