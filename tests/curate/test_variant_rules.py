"""M213 and M511: variants that are training questions, hold personal data, wait, or are of old."""

from __future__ import annotations

from pathlib import Path

from mores import store
from mores.curate import check_study
from mores.records import Exchange, Variant
from mores.study import load_study
from mores.vary.prompts import vary


def said(study: Path) -> list[tuple[str, str, str]]:
    found = check_study(load_study(study), rules=("M213", "M511"))
    return sorted((f.rule, f.severity, f.message) for f in found)


def test_a_clean_set_of_variants_has_no_finding(tiny_study: Path) -> None:
    vary(load_study(tiny_study), kinds=("role_play", "push_back"))
    assert said(tiny_study) == []


def test_each_fault_is_named_once(tiny_study: Path) -> None:
    sample = load_study(tiny_study).values.examples[0]
    turn = Exchange(prompt=sample.prompt.upper(), completion="no")
    store.write_jsonl(
        tiny_study / "variants.jsonl",
        [
            Variant(id="leak", varies="t-0", kind="mine", text="so?", earlier=(turn,)),
            Variant(id="mail", varies="t-0", kind="mine", text="ask ann@somewhere.org"),
            Variant(id="draft", varies="t-0", kind="x", text="well?", source="draft by big"),
            Variant(id="old", varies="t-0", kind="x", text="hm?", made_from="0" * 12),
        ],
    )
    assert said(tiny_study) == [
        ("M213", "error", f"leak asks the question of the sample {sample.id}"),
        (
            "M511",
            "warning",
            "1 are of a wording that is no longer there, so nobody is asked: old",
        ),
        (
            "M511",
            "warning",
            "1 were written by a model, and nobody has read them, so nobody is asked: draft",
        ),
        ("M511", "warning", "mail holds what looks like an e-mail address: a**@s********.o**"),
    ]
