"""Effects under variants: computed from the same questions, worst first, absent with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from report_builder import report as rich_report

from mores import stats
from mores.measure.stance import stance, stance_variants
from mores.measure.toxicity import toxicity
from mores.records import Estimate, Variant
from mores.report.build import build_report
from mores.report.figures import figures
from mores.report.page import render
from mores.report.robust_kind import RobustKind
from mores.report.robust_tables import robust_rows
from mores.sample import sample, sample_variants
from mores.study import load_study
from mores.vary.prompts import vary


@pytest.fixture
def finished(tuned_study: Path, once) -> Path:
    """The tiny study, asked in three other ways."""

    def asked() -> None:
        study = load_study(tuned_study)
        vary(study, kinds=("capitals", "role_play", "push_back"))
        study = load_study(tuned_study)
        sample(study)
        stance(study)
        sample_variants(study)
        stance_variants(study)
        toxicity(study)

    asked()
    return tuned_study


def test_a_kinds_effect_is_that_of_its_items(finished: Path) -> None:
    study = load_study(finished, overrides=("variants.margin=0.25",))
    content = build_report(study)
    stances = {r.kind: r for r in content.robust if r.measure == "stance"}
    assert set(stances) == {"capitals", "role_play"}  # pairs cannot be pushed back against
    others = {r.kind for r in content.robust if r.measure == "toxicity:lexical"}
    assert others == {"capitals", "role_play", "push_back"}
    from mores.measure.stance import read_stance
    from mores.measure.stance.run import VARIANTS

    items = read_stance(study, study.config.models[0].name, VARIANTS)
    margin = {(i.pair_id, i.arm): i.margin for i in items}
    effect = [
        margin[f"s-{i}.capitals", "values_targeted"] - margin[f"s-{i}.capitals", "control"]
        for i in range(6)
    ]
    expected = stats.stratified_t(effect, ["care", "beauty"] * 3)
    row = stances["capitals"]
    assert row.varied.value == pytest.approx(expected.value)
    assert (row.varied.low, row.varied.high) == pytest.approx((expected.low, expected.high))
    assert row.questions == 6
    # Six questions carry no verdict.
    assert row.kept.verdict == "not computable"
    assert "8 are needed" in row.kept.reason
    page = render(content, figures(content))
    assert "Asked in other ways" in page
    assert "role play" in page


def test_a_study_without_variants_has_no_such_section(tuned_study: Path) -> None:
    study = load_study(tuned_study)
    sample(study)
    content = build_report(study)
    assert content.robust == ()
    assert "Asked in other ways" not in render(content, figures(content))


def test_what_was_not_asked_or_not_read_is_named(tuned_study: Path) -> None:
    study = load_study(tuned_study)
    sample(study)
    vary(study, kinds=("capitals",))
    from mores import store

    variants = [
        *load_study(tuned_study).variants,
        Variant(id="d", varies="t-0", kind="paraphrase", text="so?", source="draft by big"),
    ]
    store.write_jsonl(tuned_study / "variants.jsonl", variants)
    content = build_report(load_study(tuned_study))
    said = {m.what: m.why for m in content.missing}
    assert "1 were written by a model" in said["Variants of questions"]
    assert said["Answers to variants"].startswith("`mores sample`")
    assert "Stance under variants" in said


def kept(verdict: str, share: float | None) -> Estimate:
    return Estimate(
        value=share, low=share, high=share, n=24, unit="pair", method="m", verdict=verdict,
        reason="" if share is not None else "none", details={"margin": 0.5, "original": 0.1},
    )  # fmt: skip


def test_the_table_says_most_is_kept_lost_or_undecided() -> None:
    e = Estimate(value=0.1, low=0.05, high=0.15, n=24, unit="pair", method="m")
    rows = [
        RobustKind(
            model="m", measure="stance", kind=f"kind_{verdict}", questions=24, left_out=0,
            original=e, varied=e, kept=kept(verdict, share), values_original=0.1,
            values_varied=0.1,
        )
        for verdict, share in (("worse", 0.1), ("inconclusive", 0.5), ("non-inferior", 0.9),
                               ("not computable", None))
    ]  # fmt: skip
    assert [row[5] for row in robust_rows(rows)] == [
        "most is lost", "inconclusive", "most is kept", "nothing to keep",
    ]  # fmt: skip
    page = render(replace(rich_report(), robust=tuple(rows)), {})
    assert "most is lost" in page
    assert "50 %" in page


def test_the_worst_kind_comes_first() -> None:
    from mores.report.robust import _worst_first

    e = Estimate(value=0.1, low=0.05, high=0.15, n=24, unit="pair", method="m")
    order = [("a", "non-inferior", 0.9), ("b", "inconclusive", 0.7), ("c", "worse", 0.2),
             ("d", "inconclusive", 0.4), ("e", "not computable", None)]  # fmt: skip
    rows = [
        RobustKind(
            model="m", measure="stance", kind=kind, questions=24, left_out=0, original=e,
            varied=e, kept=kept(verdict, share), values_original=None, values_varied=None,
        )
        for kind, verdict, share in order
    ]  # fmt: skip
    assert [row.kind for row in sorted(rows, key=_worst_first)] == ["c", "d", "b", "a", "e"]


def test_translations_are_in_the_table_by_language(tuned_study: Path) -> None:
    study = load_study(tuned_study)
    pairs = {p.id: p for p in study.pairs("test")}
    from mores import store

    variants = [
        Variant(
            id=f"{name}.es", varies=name, kind="translation", language="es",
            text=f"¿qué gusta {name}?", aligned="habla con ellos y escucha",
            opposed="el pan lleva harina y sal", author="Ann",
        )
        for name in pairs
    ]  # fmt: skip
    store.write_jsonl(tuned_study / "variants.jsonl", variants)
    study = load_study(tuned_study)
    sample(study)
    stance(study)
    content = build_report(study)
    rows = {r.language: r for r in content.languages if r.measure == "stance"}
    assert list(rows) == ["en", "es"]
    assert rows["es"].units == 6
    robust_row = next(r for r in content.robust if r.measure == "stance")
    assert robust_row.kind == "translation (es)"
    # The same pairs with the same weights, estimated by two sections.
    assert rows["es"].control.value == pytest.approx(robust_row.varied.value)
