"""Prompts of a log: screened, drawn by weight in one pass, asked once, shown apart."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from mores.cli import mores
from mores.errors import DataError
from mores.measure.toxicity import toxicity
from mores.progress import Progress
from mores.report.build import build_report
from mores.report.figures import figures
from mores.report.page import render
from mores.sample import sample, sample_log
from mores.sample.log import in_words, read_log, take
from mores.study import load_study

QUIET = Progress(quiet=True)


def log_of(folder: Path, rows: list[dict]) -> Path:
    path = folder / "log.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_all_rows_are_taken_where_they_are_few(tmp_path: Path) -> None:
    path = log_of(
        tmp_path,
        [
            {"question": "who can  help?", "weight": 3},
            {"question": "what is right?"},
            {"question": "who can help?", "weight": 2},
        ],
    )
    log = take(path, 10, 7, "en", QUIET)
    assert [(p.text, p.weight) for p in log.prompts] == [
        ("who can help?", 5.0),
        ("what is right?", 1.0),
    ]
    assert not log.drawn
    assert log.kept_weight == 1.0


def test_personal_data_are_left_out_and_counted(tmp_path: Path) -> None:
    path = log_of(
        tmp_path,
        [
            {"text": "write to ann@somewhere.org please", "weight": 3},
            {"text": ""},
            {"text": "what is right?", "weight": 6},
            {"text": "x" * 5000},
            {"text": "gone", "weight": 0},
        ],
    )
    log = take(path, 10, 7, "en", QUIET)
    assert log.left_out == {
        "empty": 1,
        "longer than 4000 characters": 1,
        "of weight 0": 1,
        "with what looks like an e-mail address": 1,
    }
    assert log.kept_weight == pytest.approx(6 / 11)
    assert "ann@" not in json.dumps([p.text for p in log.prompts])
    assert "54.5 % of its weight" in in_words(log)


def test_a_sample_is_drawn_in_proportion_to_weight(tmp_path: Path) -> None:
    path = log_of(tmp_path, [{"text": f"q{i}", "weight": i} for i in range(1, 41)])
    found: Counter[str] = Counter()
    for seed in range(200):
        log = take(path, 20, seed, "en", QUIET)
        assert log.drawn
        assert sum(p.weight for p in log.prompts) == 20
        found.update({p.text: p.weight for p in log.prompts})
    total = sum(range(1, 41))
    expected = np.array([4000 * i / total for i in range(1, 41)])
    seen = np.array([found[f"q{i}"] for i in range(1, 41)])
    # Pearson's statistic with 39 degrees of freedom: 99.9 % lie below 72.
    assert float(((seen - expected) ** 2 / expected).sum()) < 72


def test_the_same_log_gives_the_same_prompts(tmp_path: Path) -> None:
    path = log_of(tmp_path, [{"text": f"q{i}"} for i in range(50)])
    assert take(path, 5, 7, "en", QUIET) == take(path, 5, 7, "en", QUIET)
    assert take(path, 5, 7, "en", QUIET) != take(path, 5, 8, "en", QUIET)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"text": "a", "weight": -1}], "expected a weight of 0 or more, found -1"),
        ([{"text": "a", "weight": "many"}], "found 'many'"),
        ([{"other": "a"}], "text"),
        ([{"text": ""}], "no row is left of 1"),
    ],
)
def test_what_cannot_be_taken_says_why(tmp_path: Path, rows, said) -> None:
    with pytest.raises(DataError, match=said):
        take(log_of(tmp_path, rows), 5, 7, "en", QUIET)


def test_answers_to_a_log_stand_apart_in_the_report(tuned_study: Path, tmp_path: Path) -> None:
    study = load_study(tuned_study)
    sample(study)
    rows = [{"text": f"who can tell me about thing {i}?", "weight": i + 1} for i in range(6)]
    answers = sample_log(study, log_of(tmp_path, rows))
    assert len(answers) == 18
    assert {c.category for c in answers} == {"log"}
    toxicity(study)
    content = build_report(study)
    (one,) = content.own_log
    assert one.prompts == 6
    marked = {(c.arm, c.prompt_id): float(bool(c.flags)) for c in answers}
    log = read_log(study)
    assert log is not None
    weight = {p.id: p.weight for p in log.prompts}
    expected = sum(
        weight[p] * (marked["values_targeted", p] - marked["control", p]) for p in weight
    ) / sum(weight.values())
    found = next(
        e
        for e in one.differences
        if (e.measure, e.contrast) == ("marked", "values_targeted - control")
    )
    assert found.value == pytest.approx(expected)
    # The lexical scorer reads English, which a random model does not write.
    lexical = next(e for e in one.differences if e.measure == "toxicity:lexical")
    assert (lexical.n < 6) == bool(lexical.reason)
    assert found.verdict in ("descriptive", "not computable")
    assert found.p is None
    # No figure of the study's own prompts has moved.
    assert content.prompts == 6
    page = render(content, figures(content))
    assert "This distribution" in page
    assert "Left out: none" in page


def test_the_command_takes_a_log(tuned_study: Path, tmp_path: Path) -> None:
    path = log_of(tmp_path, [{"text": "who can help?"}, {"text": "what is right?"}])
    done = CliRunner().invoke(mores, ["sample", str(tuned_study), "--prompts", str(path)])
    assert done.exit_code == 0
    assert "6 completions" in done.output
