"""What judges found: a line each without a verdict, pass rates, and who is left out and why."""

from __future__ import annotations

import html
import re
import shutil

import pytest
from msgspec.structs import replace
from report_builder import report
from test_judges_apart import ARMS, ROWS, rated

from mores import stats, store
from mores.cli.judge import judge as print_judges
from mores.cli.run import run as print_report
from mores.rate.judge.result import JudgeResult
from mores.rate.judge.run import judge
from mores.rate.ratings import COLLECTED, TEXTS, add_judgements
from mores.records import Rating, Unrateable
from mores.report.build import build_report
from mores.report.figures import figures
from mores.report.judge_about import GONE, JudgesNow, judges_now
from mores.report.judge_lines import judge_line, judge_lines
from mores.report.judge_rates import ALL_RATED, IMPORTED, RANDOM, pass_rates, passes
from mores.report.judges import OPINION, judge_summaries
from mores.report.model import RatingSummary
from mores.report.page import render
from mores.report.run import Written
from mores.sample import sample
from mores.study import folders, load_study


def about(name: str, family: str) -> JudgeResult:
    return JudgeResult(
        judge=name, family=family, items=40, completions=40, rated=38, absent={"why": 2},
        consistency=stats.wilson(36, 40, unit="item"), same=30, values={"3": 38},
    )  # fmt: skip


def judged_by(name: str) -> list[Rating]:
    """Two points more for values at odd prompts, none at even ones; p0 has no rating."""
    odd = {c.id for c in ROWS if c.arm == ARMS[0] and int(c.prompt_id[1:]) % 2}
    return [
        Rating(completion_id=c.id, rater=name, value=5 if c.id in odd else 3, kind="judge")
        for c in ROWS
        if c.prompt_id != "p0"
    ]


def summaries(*judges: tuple[str, str], people=(), blind=frozenset()):
    gone = {f"m.{arm}.p0" for arm in ARMS}
    now = JudgesNow(
        {n: judged_by(n) for n, _ in judges},
        {n: [Unrateable(completion_id=i, rater=n, reason="why") for i in gone] for n, _ in judges},
        {n: about(n, family) for n, family in judges if family},
    )
    return judge_summaries([("m", ROWS)], people, now, 7, blind)


def test_a_line_names_the_judge_and_its_numbers_and_has_no_verdict():
    (one,) = summaries(("qwen3-32b", "qwen"))
    assert one.absent == {"values_targeted-s1": 1, "control-s1": 1}
    line = judge_line(one)
    # Ten differences of 2, nine of 0: mean 20/19, sd √(18.947/18), t(18) = 2.1009: ± .4945.
    assert line == (
        "Judge qwen3-32b (qwen): 38 answers rated, 2 not; values-targeted − control +1.05 points "
        "(95 % interval +0.56 to +1.55, 19 of 20 prompts); alike in both orders, within one point: "
        "0.90 of 40 texts; a language model's opinion, not people's."
    )
    assert " on m:" in judge_line(one, several=True)
    for word in ("shown", "better", "worse", "significant", "p ="):
        assert word not in line


def test_one_family_is_said_and_two_are_not():
    both = judge_lines(summaries(("a-1", "Qwen"), ("b-2", "llama")))
    assert [line.partition(":")[0] for line in both] == ["Judge a-1 (Qwen)", "Judge b-2 (llama)"]
    same = judge_lines(summaries(("a-1", "Qwen"), ("b-2", "qwen ")))
    assert len(same) == 3
    assert "All judges are of one family (qwen)" in same[2]
    unknown = judge_lines(summaries(("a-1", "")))  # imported: nobody said of which family
    assert len(unknown) == 1
    assert judge_lines(()) == []


def test_no_difference_is_no_zero():
    only = [r for r in rated("j", kind="judge") if ".control." in r.completion_id]
    (one,) = judge_summaries([("m", ROWS)], [], JudgesNow({"j": only}), 7)
    assert "no difference values-targeted − control" in judge_line(one)


# Pass rates -----------------------------------------------------------------------------------


def values(who: str, given: dict[str, int], kind="human") -> list[Rating]:
    return [Rating(completion_id=i, rater=who, value=v, kind=kind) for i, v in given.items()]


def test_a_majority_passes_and_a_tie_teaches_nothing():
    ratings = [
        *values("a", {"x": 4, "y": 4, "z": 3}),
        *values("b", {"x": 5, "y": 3, "z": 5}),
        *values("c", {"x": 1, "z": 2}),
    ]
    assert passes(ratings) == {"x": True, "z": False}


def test_the_corrected_rate_by_hand():
    """People rated 40 of 60 answers: 20 pass (the judge takes 18), 20 do not (it takes 6).

    Of the other 20 the judge takes 12: θ = (.6 + .7 - 1) / (.7 + .9 - 1) = .5. Its own rate over
    all 60 is 36 / 60.
    """
    arm = [replace(ROWS[1], id=f"c{i}") for i in range(60)]
    truth = {f"c{i}": 5 if i < 20 else 2 for i in range(40)}
    takes = {*range(18), *range(20, 26), *range(40, 52)}
    said = {f"c{i}": (4.0 if i in takes else 2.0,) for i in range(60)}
    own, corrected = pass_rates(arm, values("ada", truth), said, frozenset({"ada"}))
    assert (own.measure, own.category) == ("pass rate by the judge", "control-s1")
    assert (own.value, own.n) == (36 / 60, 60)
    assert (corrected.measure, corrected.category) == ("pass rate, corrected", "control-s1")
    assert corrected.value == pytest.approx(0.5)
    assert corrected.n == 20
    assert {k: corrected.details[k] for k in ("p", "q0", "m0", "q1", "m1")} == {
        "p": 0.6, "q0": 0.7, "m0": 20, "q1": 0.9, "m1": 20,
    }  # fmt: skip
    assert corrected.low < 0.5 < corrected.high
    assert RANDOM in corrected.reason
    assert {own.verdict, corrected.verdict} == {"descriptive"}


def test_each_arm_has_its_own_errors():
    """The judge takes all of values and is right of control: values cannot be corrected."""
    people = rated("ada", [c for c in ROWS if int(c.prompt_id[1:]) < 12], bonus=1)
    said = {c.id: (5.0 if c.arm == ARMS[0] else 3.0 + int(c.prompt_id[1:]) % 2,) for c in ROWS}
    found = {
        e.category: e for e in pass_rates(ROWS, people, said, frozenset({"ada"}))
        if e.measure.endswith("corrected")
    }  # fmt: skip
    # Values: all of people's ratings pass (3 or 4, and one more): no truly bad item.
    assert found["values_targeted-s1"].verdict == "not computable"
    assert "no items of known truth on one side" in found["values_targeted-s1"].reason
    # Control: people's 3 and 4 by turns, as the judge says: nothing to correct, 4 of 8.
    assert found["control-s1"].value == pytest.approx(0.5)
    assert found["control-s1"].details["m0"] == found["control-s1"].details["m1"] == 6


@pytest.mark.parametrize(
    ("people", "blind", "why"),
    [
        ([], frozenset({"a"}), "no ratings by people to learn"),
        (rated("a", ROWS[:20]), frozenset(), IMPORTED),
        (rated("a"), frozenset({"a"}), ALL_RATED),
    ],
)
def test_where_the_design_does_not_support_it_there_is_none(people, blind, why):
    (one,) = summaries(("j", "f"), people=people, blind=blind)
    corrected = [e for e in one.pass_rates if e.measure == "pass rate, corrected"]
    assert len(corrected) == 2
    for e in corrected:
        assert (e.value, e.verdict) == (None, "not computable")
        assert why in e.reason
        assert e.details["model"] == "m"


# The page and the terminal --------------------------------------------------------------------


def plain(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def with_judges(*judges, **of_people):
    whole = report()
    found = summaries(*judges)
    ratings = RatingSummary(
        ratings=0, raters=0, rated=0, completions=40, agreement=None, means={},
        reason="none yet", judges=found, **of_people,
    )  # fmt: skip
    return replace(whole, ratings=ratings)


def test_the_page_has_the_line_under_no_ratings_by_people():
    whole = with_judges(("<b>j</b>-7b", "qwen"))
    page = render(whole, figures(whole))
    assert "<b>j</b>" not in page
    text = plain(page)
    under = text[text.index("No ratings by people.") :]
    line = under.index("Judge <b>j</b>-7b (qwen): 38 answers rated, 2 not;")
    assert line < 120
    assert under.index("All judges are of one family (qwen)") > line
    assert "control: pass rate by the judge" in under
    assert "values-targeted: pass rate, corrected" in under
    for name in ("order consistency", "may stand in for a rater", "people's difference, sharpened"):
        assert name in under


def test_the_terminal_has_the_line_without_a_mark(tmp_path, capsys):
    whole = with_judges(("j-7b", "qwen"))
    print_report(Written(page=tmp_path / "index.html", report=whole), {})
    lines = capsys.readouterr().out.splitlines()
    (at,) = [i for i, line in enumerate(lines) if line.startswith("  Judge j-7b (qwen): 38")]
    assert OPINION in lines[at]
    assert "All judges are of one family" in lines[at + 1]


# From `mores judge` to the report ------------------------------------------------------------


@pytest.fixture
def sampled(tuned_study, tiny_folder, tmp_path):
    """The tiny study with its answers, and a judge of other weights on this machine."""
    import torch
    from transformers import AutoConfig, AutoTokenizer, LlamaForCausalLM

    folder = tmp_path / "judge-weights"
    config = AutoConfig.from_pretrained(tiny_folder)
    config.max_position_embeddings = 4096
    torch.manual_seed(3)
    LlamaForCausalLM(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_folder).save_pretrained(folder)
    with (tuned_study / "study.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[[judges]]\nname = "j-2l"\nfamily = "tiny"\nmodel = "{folder}"\n')
    study = load_study(tuned_study)
    sample(study)
    return study


def missing(study) -> dict[str, str]:
    return {m.what: m.why for m in build_report(study).missing}


def test_from_the_judge_to_the_report(sampled, capsys):
    study = sampled
    assert missing(study)["Ratings by the judge j-2l"] == "`mores judge` has not run"
    result = judge(study)
    print_judges(result, {"study": study.folder})
    printed = capsys.readouterr().out
    (one,) = result.judges
    assert f"j-2l (tiny): {one.rated} of {one.completions} answers rated" in printed
    assert "a language model's opinion, not people's" in printed
    whole = build_report(study)
    (summary,) = whole.ratings.judges
    assert (summary.judge, summary.family) == ("j-2l", "tiny")
    assert summary.ratings == one.rated
    assert sum(summary.absent.values()) == one.completions - one.rated
    assert summary.consistency.value == one.consistency.value
    assert "Ratings by the judge j-2l" not in {m.what for m in whole.missing}
    assert not [h for h in whole.headlines if "judge" in h.measure]  # no verdict
    assert "ratings/judges.jsonl" in whole.inputs
    assert whole.inputs["judge j-2l: prompt"] == one.prompt_digest
    assert whole.inputs["judge j-2l: model"].startswith("sha256:")


def test_a_judge_of_another_position_is_left_out_and_named(sampled):
    judge(sampled)
    path = sampled.folder / "rating.toml"
    path.write_text('version = "1"\n[anchors]\n1 = "no"\n3 = "so so"\n5 = "yes"\n', "utf-8")
    study = load_study(sampled.folder)
    whole = build_report(study)
    assert whole.ratings.judges == ()
    assert "prompt changed" in missing(study)["Ratings by the judge j-2l"]
    path.unlink()
    assert len(build_report(load_study(sampled.folder)).ratings.judges) == 1


def test_a_judge_that_is_no_longer_named_is_left_out(sampled):
    judge(sampled)
    path = sampled.folder / "study.toml"
    path.write_text(path.read_text("utf-8").partition("[[judges]]")[0], "utf-8")
    study = load_study(sampled.folder)
    assert judges_now(study).left_out == {"j-2l": GONE}
    assert missing(study)["Ratings by the judge j-2l"] == GONE
    shutil.rmtree(study.run_folder / "judges")  # then they are like imported ones
    assert set(judges_now(study).judgements) == {"j-2l"}


def test_ratings_imported_under_a_judges_name_are_shown_before_it_has_run(sampled):
    rows = store.read_rows(
        folders.model_folder(sampled, sampled.config.models[0].name) / "sample/completions.jsonl"
    )
    given = values("j-2l", {rows[0][1]["id"]: 4}, kind="judge")
    add_judgements(sampled, "j-2l", given, [])
    found = judges_now(sampled)
    assert (found.judgements, found.about, found.left_out) == ({"j-2l": given}, {}, {})


def test_people_who_rated_blind_calibrate_the_judge(sampled):
    """Through the files: ratings of the app, the judge's, and the page's rates."""
    study = sampled
    rows = store.read_rows(
        folders.model_folder(study, study.config.models[0].name) / "sample" / "completions.jsonl"
    )
    ids = [row["id"] for _, row in rows if row["arm"] in ("values_targeted", "control", "base")]
    chosen = [i for n, i in enumerate(ids) if n % 3]
    people = values("ada", {i: 5 if n % 2 else 2 for n, i in enumerate(chosen)})
    folder = folders.ratings_folder(study)
    store.write_jsonl(folder / COLLECTED, people)
    texts = {row["id"]: store.digest(row["text"]) for _, row in rows}
    store.write_json(folder / TEXTS, texts)
    judge(study)
    right = {r.completion_id: r.value for r in people}
    given = values("j-2l", {i: right.get(i, 4) for i in ids}, kind="judge")
    add_judgements(study, "j-2l", given, [])
    (summary,) = build_report(study).ratings.judges
    corrected = [e for e in summary.pass_rates if e.measure == "pass rate, corrected"]
    assert len(corrected) == 3
    for e in corrected:  # a judge that is never wrong, and takes all that people did not rate
        assert e.value == 1.0
        assert (e.details["q0"], e.details["q1"]) == (1.0, 1.0)
