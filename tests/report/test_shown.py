"""A page with room for some answers: which ones it shows, and that the rest lies beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mores.records import Completion, Prompt, Score
from mores.report import shown
from mores.report.observed import mean
from mores.report.results import read_results
from mores.report.run import report
from mores.report.scores import MOST_DOTS, Scores, spread_of
from mores.report.shown import choose
from mores.sample.run import iter_completions
from mores.study import load_study


def prompt(name: str, category: str) -> Prompt:
    return Prompt(id=name, category=category, text="what?", split="test")


PROMPTS = [prompt("a1", "a"), prompt("a2", "a"), prompt("a3", "a"), prompt("b1", "b")]


def test_all_are_shown_where_there_is_room() -> None:
    assert choose(PROMPTS, {"a1": 10, "a2": 10, "a3": 10, "b1": 10}, most=40) == {
        "a1",
        "a2",
        "a3",
        "b1",
    }


def test_the_first_of_each_category_come_first_and_what_does_not_fit_is_passed_over() -> None:
    # In turn: a1, b1, a2, a3. b1 alone is larger than what a1 leaves; a2 fits, a3 does not.
    assert choose(PROMPTS, {"a1": 10, "a2": 10, "a3": 10, "b1": 25}, most=29) == {"a1", "a2"}


def test_weight_counts_what_html_makes_of_a_text() -> None:
    completion = Completion(
        id="c", prompt_id="p", category="a", model="m", arm="base", seed=0, draw=0, text="<é>",
        finish_reason="stop", prompt_tokens=1, tokens=1,
    )  # fmt: skip
    # &lt; and &gt; are 4 bytes each, é is 2, the id 1.
    assert shown.weight(completion, []) - shown._AROUND == 4 + 2 + 4 + 1
    assert shown.weight(completion, ["lexical"]) - shown.weight(completion, []) == 30 + 7


def test_scores_by_place_absent_is_none_not_zero() -> None:
    def score(name: str, value: float | None) -> Score:
        return Score(
            completion_id=name, scorer="s", version="1", digest="d", attribute="t", value=value,
            reason="" if value is not None else "empty",
        )  # fmt: skip

    scores = Scores.read({"x": 0, "y": 1, "z": 2}, [score("z", 0.0), score("x", None)])
    assert [scores.of(name) for name in ("x", "y", "z", "other")] == [None, None, 0.0, None]
    scores = Scores.read({"x": 0}, [score("gone", 0.5)])
    assert scores.of("x") is None


def test_many_scores_become_evenly_spaced_ones_with_the_ends() -> None:
    few = [0.3, 0.1, 0.2]
    assert spread_of(few) == (0.3, 0.1, 0.2)
    many = np.random.default_rng(1).permutation(10 * (MOST_DOTS - 1) + 1).astype(float)
    assert spread_of(many.tolist()) == tuple(float(10 * k) for k in range(MOST_DOTS))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_the_mean_of_a_few_is_numpys(values: list[float]) -> None:
    assert mean(tuple(values)) == float(np.mean(values))


@pytest.fixture
def finished(tiny_study: Path, once) -> Path:
    from mores.measure.toxicity.run import toxicity
    from mores.sample import sample
    from mores.tune.run import tune

    def make() -> None:
        study = load_study(tiny_study)
        tune(study)
        sample(study)
        toxicity(study)

    once(tiny_study, make)
    return tiny_study


def test_what_the_page_has_no_room_for_lies_beside_it(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = report(load_study(finished)).report
    folder = finished / "runs" / "quick" / "report"
    assert whole.answers_beside is None
    assert not (folder / shown.ANSWERS).exists()
    every = [(q.id, q.category, a) for q in whole.questions for a in q.answers]

    room = max(len(a.text.encode()) * 6 + 1000 for _, _, a in every) * 10  # one question, or a few
    monkeypatch.setattr(choose, "__defaults__", (room,))
    written = report(load_study(finished))
    part, page = written.report, written.page.read_text("utf-8")
    beside = part.answers_beside
    assert beside is not None
    assert (beside.file, beside.answers, beside.questions) == ("answers.jsonl", len(every), 6)
    assert 0 < len(part.questions) < 6
    assert beside.shown == sum(len(q.answers) for q in part.questions)
    assert f"shows {beside.shown} of {len(every)} answers" in page
    assert 'href="answers.jsonl"' in page
    assert "Nothing is left out" not in page
    # Figures are of all answers, shown or not.
    assert (part.estimates, part.toxicity, part.models) == (
        whole.estimates,
        whole.toxicity,
        whole.models,
    )
    assert [q for q in whole.questions if q in part.questions] == list(part.questions)
    rows = [json.loads(line) for line in (folder / shown.ANSWERS).read_text("utf-8").splitlines()]
    assert sorted((r["question"], r["category"], r["id"], r["text"]) for r in rows) == sorted(
        (q, c, a.id, a.text) for q, c, a in every
    )
    assert {r["id"]: r["scores"] for r in rows} == {a.id: a.scores for _, _, a in every}
    for name in ("index.html", "answers.jsonl"):
        assert name in (folder / "manifest.json").read_text("utf-8")

    monkeypatch.undo()
    assert report(load_study(finished)).report.answers_beside is None
    assert not (folder / shown.ANSWERS).exists()


def test_an_answer_is_written_before_the_next_is_read(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = load_study(finished)
    report(study)
    read, lag = [0], []

    def watched(*asked: Any) -> Iterator[Completion]:
        for completion in iter_completions(*asked):
            read[0] += 1
            yield completion

    def written(_path: Path, rows: Iterable[Any]) -> None:
        lag.extend(read[0] - number for number, _ in enumerate(rows, 1))

    monkeypatch.setattr(shown, "iter_completions", watched)
    monkeypatch.setattr(shown.store, "write_jsonl", written)
    shown.write_answers(study, finished / "answers.jsonl")
    assert lag == [0] * 60  # six prompts, five arms, two draws


def test_figures_are_made_from_completions_without_their_texts(finished: Path) -> None:
    study = load_study(finished)
    results = read_results(study, study.config.models[0], [])
    assert len(results.completions) == 60
    assert {c.text for c in results.completions} == {""}
