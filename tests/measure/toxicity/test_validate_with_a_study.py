"""A scorer is validated as a study uses it: its settings come from study.toml."""

from pathlib import Path

import pytest

from mores.errors import DataError
from mores.measure.toxicity import read_labelled
from mores.measure.toxicity.raw import RawAnswer, RawBook, text_digest
from mores.measure.toxicity.run import validate_scorer
from mores.measure.toxicity.scorer import Item
from mores.study import load_study

TEXTS = {"kind": 0.1, "rude": 0.9}


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    path = tmp_path / "labelled.csv"
    path.write_text("text,label\nkind,0\nrude,1\n", "utf-8")
    return path


@pytest.fixture
def stored(tiny_study: Path) -> None:
    book = RawBook(tiny_study / "answers" / "raw.jsonl")
    for text, value in TEXTS.items():
        scores = {"TOXICITY": {"summaryScore": {"value": value}}}
        book.add(
            RawAnswer(
                text=text_digest(Item(text)),
                kind="perspective",
                request={"url": "u", "requestedAttributes": {"TOXICITY": {}}},
                status=200,
                response={"attributeScores": scores},
            )
        )


def test_paths_and_options_are_the_studys(tiny_study, stored, labelled) -> None:
    study = load_study(tiny_study, overrides=('toxicity.scorers=["replay:answers"]',))
    card = validate_scorer(
        study, None, read_labelled(labelled, text="text", label="label"), source="labelled.csv"
    )
    assert card.scorer == "replay:answers/raw.jsonl"
    assert card.auc.value == 1.0


def test_without_a_study_relative_paths_start_here(tiny_study, stored, labelled) -> None:
    rows = read_labelled(labelled, text="text", label="label")
    with pytest.raises(DataError, match="cannot be read"):
        validate_scorer(None, "replay:answers", rows, source="x")
    card = validate_scorer(load_study(tiny_study), "replay:answers", rows, source="x")
    assert card.auc.value == 1.0
