"""`mores check` and who has signed: M506 to M509, and M510."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mores import store
from mores.curate import check_study, failing
from mores.study import load_study
from mores.study.signoff import sign

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
RULES = ("M506", "M507", "M508", "M509", "M510")


def put(folder, *what, by="Ada", **fields):
    sign(load_study(folder), what, by=by, role="clinician", checked="all", now=NOW, **fields)


def found(folder, *overrides: str, preset: str | None = None):
    study = load_study(folder, preset=preset, overrides=overrides)
    return [
        (f.rule, f.severity, f.path, f.line, f.message) for f in check_study(study, rules=RULES[:4])
    ]


def edit(folder, name, **fields):
    rows = [row for _, row in store.read_rows(folder / name)]
    store.write_jsonl(folder / name, [{**rows[0], **fields}, *rows[1:]])


def test_where_nobody_has_signed_there_is_one_warning(tiny_study):
    assert found(tiny_study) == [
        ("M506", "warning", "charter.toml", None, "nobody has signed anything of this study")
    ]


def test_a_kind_of_which_some_is_signed_is_meant_as_a_whole(tiny_study):
    put(tiny_study, "values:care")
    line = "4 of 8 samples signed by 1 person (1 clinician)"
    assert found(tiny_study) == [
        ("M506", "warning", "values.jsonl", None, f"{line}; 4 by nobody"),
    ]
    put(tiny_study, "values")
    assert found(tiny_study) == []


def test_what_a_confirming_study_requires_is_an_error_where_it_lacks(tiny_study):
    required = 'signoff.required=["positions", "rating"]'  # it has no rating.toml: nothing to sign
    lacking = "0 of 2 positions signed; 2 by nobody"
    for preset, severity in ((None, "warning"), ("confirm", "error")):
        assert found(tiny_study, required, preset=preset) == [
            ("M506", severity, "charter.toml", None, lacking)
        ]
    assert len(found(tiny_study, preset="confirm")) == 1  # nothing required: a warning
    assert failing(check_study(load_study(tiny_study, preset="confirm"), rules=RULES)) == []


def test_stale_and_objected_samples_stand_at_their_line(tiny_study):
    put(tiny_study, "values")
    put(tiny_study, "v-02", by="Ben", decision="object", reason="not in my country")
    edit(tiny_study, "values.jsonl", completion="Something else.")
    stale = "values:v-00: it has changed since it was signed by Ada (clinician)"
    against = "values:v-02: objection by Ben (clinician): not in my country"
    required = 'signoff.required=["values"]'
    for settings, preset, severity in (
        ((), None, "warning"), ((required,), "confirm", "error"),
    ):  # fmt: skip
        assert found(tiny_study, *settings, preset=preset) == [
            ("M507", severity, "values.jsonl", 1, stale),
            ("M508", severity, "values.jsonl", 3, against),
        ]
    edit(tiny_study, "values.jsonl", suppress={"M507": "a comma"})
    (first, _) = check_study(load_study(tiny_study), rules=RULES[:4])
    assert (first.rule, first.suppressed, first.ids) == ("M507", "a comma", ("v-00",))


def test_a_changed_line_is_an_error_at_its_line(tiny_study):
    put(tiny_study, "values")
    edit(tiny_study, "signatures.jsonl", by="Ben")
    rules = [row[:4] for row in found(tiny_study)]
    assert rules == [
        ("M509", "error", "signatures.jsonl", 1),
        ("M506", "warning", "values.jsonl", None),
    ]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("", "2 of 2 positions do not say who answers for them: care, beauty"),
        ('accountable = { nobody = "an example" }', "1 of 2 positions say that nobody answers"),
        ('accountable = { who = "Lead" }', ""),
    ],
)
def test_who_answers_for_a_position(tiny_study, table, words):
    path = tiny_study / "charter.toml"
    path.write_text(path.read_text("utf-8").rstrip() + f"\n{table}\n", encoding="utf-8")
    messages = [f.message for f in check_study(load_study(tiny_study), rules=["accountable"])]
    if table:  # of the last position; the other says nothing
        assert messages.pop(0) == "1 of 2 positions do not say who answers for them: care"
    assert [m.startswith(words) for m in messages] == [True] * bool(words)
