"""Language tags, and texts told apart."""

import json
from pathlib import Path

import pytest

from mores.study.languages import (
    _languages,
    can_tell,
    fault,
    is_english,
    other_language,
    primary,
    ranked,
    told,
    unspaced,
)

WELLBEING = Path(__file__).parents[2] / "examples" / "wellbeing"
SPANISH = "¿Qué puedo hacer si mi hermano no quiere ir al médico?"
ARABIC = "ماذا أفعل إذا كان ابني لا يريد الذهاب إلى المدرسة؟"
GERMAN = "Was kann ich tun, wenn mein Bruder nicht zum Arzt gehen will?"
CHINESE = "如果你最近睡不好，先看看晚上几点喝咖啡。"


def test_tags():
    assert [primary(t) for t in ("pt-BR", "EN", "zh-Hant-TW")] == ["pt", "en", "zh"]
    assert is_english("en-GB")
    assert not is_english("enm")
    assert unspaced("zh-TW")
    assert not unspaced("ar")


@pytest.mark.parametrize("tag", ["en", "en-GB", "es-419", "ar", "pt-BR", "zh-Hans", "ast", "nah"])
def test_languages_have_no_fault(tag):
    assert fault(tag) == ""


@pytest.mark.parametrize(
    ("tag", "why"),
    [
        ("spanish", "'spanish' is no language tag"),
        ("es_MX", "'es_MX' is no language tag"),
        ("", "'' is no language tag"),
        ("xq", "there is no language 'xq'"),
        ("spa", "the language of 'spa' is written 'es'"),
        ("iw", "the language of 'iw' is written 'he'"),
    ],
)
def test_what_is_no_language_is_said_with_the_reason(tag, why):
    assert fault(tag) == why


def test_texts_are_told_apart():
    assert [told(t) for t in (SPANISH, ARABIC, GERMAN, CHINESE)] == ["es", "ar", "de", "zh"]
    assert other_language(SPANISH, "en") == "es"
    assert other_language(GERMAN, "ar-EG") == "de"
    assert other_language(SPANISH, "es-MX") == ""


@pytest.mark.parametrize("text", [SPANISH, ARABIC, GERMAN, CHINESE, "She would be described as"])
def test_languages_without_a_chance_are_not_kept(text):
    every = dict(_languages().rank(text))
    kept = dict(ranked(text))
    assert kept == {name: p for name, p in every.items() if p >= 1e-5}
    assert 1 <= len(kept) < len(every)
    assert sum(kept.values()) == pytest.approx(1.0, abs=len(every) * 1e-5)


def test_where_it_cannot_tell_it_says_nothing():
    assert told("¿Me ayudas?") == ""  # two words
    assert told("12 34 56 78 90") == ""
    assert told("Q1a q1b q1c q1d q1e q1f") == ""  # no words
    assert other_language(SPANISH, "gl") == ""  # Galician is taken for Spanish
    assert other_language("Der Arzt said nothing about it", "en") == ""  # mixed
    assert not can_tell("nah")
    assert other_language(SPANISH, "nah") == ""  # Nahuatl is not known


def test_no_english_text_of_the_example_study_is_taken_for_another_language():
    fields = ("prompt", "completion", "text", "aligned", "opposed")
    texts = [
        row[field]
        for name in ("values", "control", "prompts", "stance")
        for row in map(json.loads, (WELLBEING / f"{name}.jsonl").read_text("utf-8").splitlines())
        for field in fields
        if field in row
    ]
    assert len(texts) == 1008
    assert [t for t in texts if other_language(t, "en")] == []
