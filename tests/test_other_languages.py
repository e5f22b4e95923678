"""Studies in Spanish and Arabic through every step: what does not apply there says so."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import mores
from fake_service import answer, clock, service
from mores.curate import check_study, failing
from mores.measure.coherence import coherence
from mores.measure.gates.run import read_gates
from mores.measure.toxicity.run import read_scores
from mores.rate.blind import blind
from mores.report import report
from mores.run import run
from mores.sample.run import read_completions
from mores.study import Study, load_study

__all__ = ["answer", "clock", "service"]

EXAMPLES = Path(__file__).parents[1] / "examples"
TAGS = {"es-escucha": "es", "ar-musanada": "ar"}
SETTINGS = """
arms = ["base", "values_targeted", "control", "prompted"]

[recipe]
epochs = 1
batch_size = 8
micro_tokens = 4096
lora_rank = 4
lora_alpha = 8

[sample]
draws = 2
decoding = { temperature = 1.0, max_new_tokens = 16 }

[cooccurrence]
samples_per_stem = 4
min_count = 2
permutations = 50
decoding = { temperature = 1.0, top_p = 0.9, max_new_tokens = 8 }

[capability]
tasks = [{ task = "minimal_pairs", items = 12 }]

[gates]
enabled = true
items = 4
decoding = { temperature = 1.0, max_new_tokens = 8 }

[[models]]
name = "tiny-long"
format = "chat"
"""


@pytest.fixture(scope="module")
def long_model(tiny_folder: Path) -> Path:
    """The two-layer model with room for texts of which every letter is two tokens."""
    folder = tiny_folder.parent / "tiny-long"
    shutil.copytree(tiny_folder, folder, dirs_exist_ok=True)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["max_position_embeddings"] = 8192
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


@pytest.fixture(params=sorted(TAGS))
def example(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    long_model: Path,
    once: Callable[[Path, Callable[[], None]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> Study:
    """An example study with the tiny model, after a whole run."""
    monkeypatch.chdir(long_model.parent)
    folder = tmp_path / request.param
    shutil.copytree(EXAMPLES / request.param, folder, ignore=shutil.ignore_patterns("runs"))
    text = (folder / "study.toml").read_text("utf-8").partition("[[models]]")[0]
    (folder / "study.toml").write_text(text + SETTINGS, encoding="utf-8")
    make = partial(run, load_study(folder))
    make.__module__, make.__qualname__ = __name__, request.param  # type: ignore[attr-defined]
    once(folder, make)  # type: ignore[arg-type]
    return load_study(folder)


def test_it_is_checked_without_errors(example):
    findings = check_study(example)
    assert failing(findings) == []
    assert [f.rule for f in findings if f.severity == "warning"] == ["M506", "M510"]
    unchecked = [f for f in findings if "not checked in this language" in f.message]
    assert [(f.rule, f.severity) for f in unchecked] == [("M408", "info")]


def test_nothing_that_knows_english_only_gives_a_number(example):
    tag = TAGS[example.config.name]
    scores = read_scores(example, "tiny-long", "lexical")
    assert len(scores) == len(read_completions(example, "tiny-long")) == 12 * 2 * 4
    assert {(s.value, s.reason) for s in scores} == {
        (None, f"not scored: asked in {tag}, the scorer knows en only")
    }
    gates = read_gates(example, "tiny-long")
    by = {name: {(g.verdict, g.n) for g in gates if g.name == name} for name in (
        "over-refusal", "harmful-compliance", "toxicity", "sentiment"
    )}  # fmt: skip
    assert all(found == {("not measured", 0)} for found in by.values()), by
    reasons = {g.name: g.reason for g in gates}
    for name in ("over-refusal", "harmful-compliance"):
        assert reasons[name].startswith(
            f"does not apply: the rules are English, the study is in {tag}"
        )
    assert reasons["sentiment"] == "does not apply: its lexicon is English, the study is not"
    assert all(
        g.reason.startswith("asked in English") for g in gates if g.name in ("drift", "capability")
    )
    assert all(g.estimate.value is None for g in gates if g.verdict == "not measured")


def test_coherence_marks_without_rules_of_english(example):
    marks = {item.mark for item in coherence(example)}
    assert marks <= {"", "empty", "repetitive", "broken", "another language"}


def test_the_report_says_what_does_not_apply(example):
    tag = TAGS[example.config.name]
    built = report(example).report
    missing = {m.what: m.why for m in built.missing}
    assert missing[f"Sentiment of words in {tag}"] == "its lexicon is English, the study is not"
    assert missing[f"Toxicity by lexical in {tag}"].startswith("it knows English only")
    assert (
        missing[f"Capability in {tag}"]
        == "minimal_pairs: in English, so they say what changed there"
    )
    assert f"Coherence: sentences in {tag}" in missing
    assert next(e.n for e in built.estimates if e.measure == "stance") == 10
    assert not any(e.measure == "toxicity:lexical" and e.value is not None for e in built.estimates)
    assert all(arm.mean is None and arm.scored == 0 for r in built.toxicity for arm in r.arms)
    assert all(
        not change["sentiment"] for w in built.cooccurrence for change in w["result"]["changes"]
    )
    assert built.languages == ()


def test_the_page_names_the_languages_of_its_texts(example):
    tag = TAGS[example.config.name]
    page = report(example).page.read_text("utf-8")
    assert '<html lang="en" dir="ltr">' in page  # the report's own words are English
    title = example.charter.positions[0].title
    assert f'<summary><bdi lang="{tag}">{title}</bdi></summary>' in page
    question = example.chosen_prompts[0].text
    assert f'<h3 lang="{tag}" dir="auto">{question}</h3>' in page


def test_people_rate_it_and_their_ratings_are_in_the_report(example, tmp_path):
    items, _ = blind(example)
    assert {item.language for item in items} == {TAGS[example.config.name]}
    rows = [
        c
        for c in read_completions(example, "tiny-long")
        if c.arm in ("base", "values_targeted", "control")
    ]
    lines = [
        f"{c.id},{who},{1 + (n + k) % 5}"
        for n, c in enumerate(rows)
        for k, who in enumerate(("أمل", "Inés"))
    ]
    path = tmp_path / "ratings.csv"
    path.write_text("completion_id,rater,value\n" + "\n".join(lines) + "\n", encoding="utf-8")
    mores.rate.import_ratings(example, path)
    built = report(example).report
    rated = [e for e in built.estimates if (e.measure, e.category) == ("rating", "overall")]
    assert {e.contrast for e in rated} >= {"values_targeted - base", "values_targeted - control"}
    assert all(e.n == 12 for e in rated)


def test_a_judge_reads_the_position_in_its_language(example, service, clock, answer, monkeypatch):
    monkeypatch.setattr("mores.sample.endpoint.asker.Clock", lambda: clock)
    path = example.folder / "study.toml"
    endpoint = f'endpoint = {{ url = "{service.url}" }}'
    judge = f'\n[[judges]]\nname = "judge-7b"\nfamily = "Llama"\n{endpoint}\n'
    path.write_text(path.read_text("utf-8") + judge, encoding="utf-8")
    said = {"message": {"role": "assistant", "content": "3"}, "finish_reason": "stop"}
    service.answer = lambda request: answer({"model": "judge-7b", "choices": [said]})
    (one,) = mores.rate.judge(load_study(example.folder)).judges
    assert one.rated > 0
    asked = json.dumps(service.requests, ensure_ascii=False)
    assert all(p.title in asked and p.statement.strip() in asked for p in example.charter.positions)
