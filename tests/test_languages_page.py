"""docs/languages.md says what was measured, and what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mores.curate.rules.language_words import words_of
from mores.curate.similarity import has_stemmer
from mores.curate.text import LETTERS_A_WORD
from mores.study.languages import other_language

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "languages.md").read_text("utf-8")
OWN = {"wellbeing": "en", "es-escucha": "es", "ar-musanada": "ar"}
FIELDS = {"questions": ("prompt", "text"), "answers": ("completion",)}


def texts(study: str) -> list[tuple[str, str]]:
    """Field and text."""
    return [
        (field, text)
        for name in ("values", "control", "prompts", "stance")
        for line in (ROOT / "examples" / study / f"{name}.jsonl").read_text("utf-8").splitlines()
        for field, text in json.loads(line).items()
        if field in ("prompt", "text", "completion", "aligned", "opposed")
    ]


@pytest.mark.parametrize("study", OWN)
def test_how_often_a_wrong_language_is_named(study):
    every = texts(study)
    own = sum(bool(other_language(text, OWN[study])) for _, text in every)
    found = [f"{own} of {len(every)} named"]
    for kind in ("answers", "questions"):
        asked = [text for field, text in every if field in FIELDS[kind]]
        named = {
            sum(bool(other_language(text, tag)) for text in asked)
            for tag in {"en", "es", "ar", "de"} - {OWN[study]}
        }
        (same,) = named  # whatever the wrong language was
        found.append(f"{same} of {len(asked)} named")
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| {study} ")]
    assert [cell.strip() for cell in row.split("|")][2:5] == found


def test_the_table_names_the_stemmers_and_the_languages_with_words():
    (listed,) = re.findall(r"with a stemmer \(([a-z, ]+)\)", PAGE)
    tags = listed.split(", ")
    assert all(has_stemmer(tag) for tag in [*tags, "en", "es", "ar"])
    assert not any(has_stemmer(tag) for tag in ("pl", "zh", "el", "hi", "fa"))
    assert all(words_of(tag) for tag in ("en", "es", "ar"))
    files = sorted((ROOT / "src" / "mores" / "curate" / "rules").glob("words.*.toml"))
    assert [f.name for f in files] == ["words.ar.toml", "words.en.toml", "words.es.toml"]


def test_letters_of_a_word_are_those_of_the_page():
    han, thai = LETTERS_A_WORD.values()
    assert f"{han} letters count as a word, in Thai, Lao, Khmer and Burmese {thai}" in PAGE.replace(
        "\n", " "
    )
