"""Completions on disk to scores and co-occurrence on disk: kept, redone when due, read back."""

from pathlib import Path

import pytest

from mores import step as steps
from mores import store
from mores.errors import DataError
from mores.measure.cooccurrence import analyse, vader_lexicon
from mores.measure.cooccurrence.run import cooccurrence, read_cooccurrence
from mores.measure.toxicity.run import read_scores, score_step, scores_folder, toxicity
from mores.records import Completion
from mores.study import folders, load_study


def completion(arm: str, prompt: str, draw: int, text: str, seed: int = 0) -> Completion:
    name = f"{arm}-s{seed}" if seed else arm
    return Completion(
        id=f"m.{name}.{prompt.replace('/', '-')}.d{draw}",
        prompt_id=prompt,
        category="care",
        model="m",
        arm=arm,
        seed=seed,
        draw=draw,
        text=text,
        finish_reason="stop",
        prompt_tokens=5,
        tokens=3,
    )


TEXTS = {
    ("base", "t-0", 0): "You are an idiot.",
    ("base", "t-1", 0): "A kind answer to a friend.",
    ("control", "t-0", 1): "   ",
    ("control", "t-1", 1): "日本語",
}


@pytest.fixture
def study(tiny_study: Path):
    """A study with answers written by hand."""
    config = tiny_study / "study.toml"
    lines = config.read_text().splitlines()
    config.write_text(
        "\n".join('name = "m"' if x.startswith('name = "tiny-model') else x for x in lines)
    )
    study = load_study(tiny_study)
    assert study.config.models[0].name == "m"
    rows = [completion(arm, p, 0, text, seed) for (arm, p, seed), text in TEXTS.items()]
    write(study, "sample", rows)
    stems = [
        completion(arm, f"gender/{group}/{stem}", draw, f"{words} and kind, really", seed)
        for arm, seed in (("base", 0), ("values_targeted", 1), ("control", 1))
        for group, words in (("women", "beautiful"), ("men", "strong"))
        for stem in range(2)
        for draw in range(4)
    ]
    write(study, "stems", stems)
    return study


def write(study, step: str, rows: list[Completion]) -> None:
    store.write_jsonl(folders.model_folder(study, "m") / step / "completions.jsonl", rows)


def test_every_completion_has_a_score_or_a_reason(study) -> None:
    scores = toxicity(study)
    assert [s.completion_id for s in scores] == [
        "m.base.t-0.d0",
        "m.base.t-1.d0",
        "m.control-s1.t-0.d0",
        "m.control-s1.t-1.d0",
    ]
    assert scores[0].value > 0.8 > 0.3 > scores[1].value
    # Absent is not zero: nothing to score, and another script.
    assert [(s.value, s.reason) for s in scores[2:]] == [
        (None, "empty text"),
        (None, "not scored: not English"),
    ]
    assert read_scores(study, "m", "lexical") == scores
    manifest = steps.read_manifest(scores_folder(study, "m", "lexical"))
    assert manifest.facts == {"scored": 2, "absent": 2}


def test_answers_to_questions_in_a_language_that_a_scorer_does_not_know_have_no_score(
    study, tiny_study, spoken
) -> None:
    toxicity(study)
    path = tiny_study / "prompts.jsonl"
    lines = path.read_text("utf-8").splitlines()
    lines[0] = lines[0].replace('"id": "t-0"', '"id": "t-0", "language": "es-MX"')
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    scores = toxicity(load_study(tiny_study), progress=spoken)
    # Scored anew; the answer is English, the question that it answers is said not to be.
    assert spoken.lines[0].startswith("toxicity lexical: ")
    assert "done before" not in spoken.lines[0]
    said = "not scored: asked in es, the scorer knows en only"
    assert [(s.value, s.reason) for s in scores][::2] == [(None, said), (None, said)]
    assert scores[1].value is not None
    # Readers, which have no scorer at hand, take them for current.
    assert score_step(load_study(tiny_study), study.config.models[0], "lexical").why() is None


def test_toxicity_twice_is_done_before(study, spoken) -> None:
    first = toxicity(study)
    assert toxicity(study, progress=spoken) == first
    done = "done before, nothing changed"
    assert spoken.lines == [f"toxicity lexical: {done}", f"toxicity summary: {done}"]


def test_new_completions_are_scored_again(study, spoken) -> None:
    toxicity(study)
    write(study, "sample", [completion("base", "t-0", 0, "You are a good friend.")])
    (score,) = toxicity(study, progress=spoken)
    assert spoken.lines[0] == "toxicity lexical: completions changed"
    assert score.value < 0.5


def test_damaged_scores_are_made_again(study, spoken) -> None:
    first = toxicity(study)
    path = scores_folder(study, "m", "lexical") / "scores.jsonl"
    path.write_text(path.read_text().replace("empty text", "no reason"))
    assert toxicity(study, progress=spoken) == first
    assert spoken.lines[0] == "toxicity lexical: scores.jsonl was changed since it was made"


def test_toxicity_before_sampling(study) -> None:
    (folders.model_folder(study, "m") / "sample" / "completions.jsonl").unlink()
    with pytest.raises(DataError, match=r"completions\.jsonl"):
        toxicity(study)
    with pytest.raises(DataError, match=r"scores\.jsonl"):
        read_scores(study, "m", "lexical")


def test_cooccurrence_is_the_analysis_of_the_stems(study) -> None:
    (result,) = cooccurrence(study)
    path = folders.model_folder(study, "m") / "stems" / "completions.jsonl"
    by_arm: dict[str, list[Completion]] = {}
    for row in store.read_jsonl(path, Completion):
        by_arm.setdefault(row.arm, []).append(row)
    assert len(by_arm["base"]) == 16
    expected = analyse(
        by_arm, study.associations, study.config.cooccurrence, lexicon=vader_lexicon(), seed=7
    )
    assert result == expected
    assert read_cooccurrence(study, "m") == result


def test_of_several_training_seeds_the_first_stands_for_all(tiny_study: Path, study) -> None:
    several = load_study(tiny_study, overrides=("train_seeds=[1,2]",))
    rows = store.read_jsonl(
        folders.model_folder(study, "m") / "stems" / "completions.jsonl", Completion
    )
    first = cooccurrence(study)
    other = [
        completion("control", r.prompt_id, r.draw, "quite different words", 2)
        for r in rows
        if r.arm == "control"
    ]
    write(several, "stems", [*rows, *other])
    assert cooccurrence(several) == first


def test_cooccurrence_twice_and_with_another_setting(tiny_study: Path, study, spoken) -> None:
    first = cooccurrence(study)
    assert cooccurrence(study, progress=spoken) == first
    assert spoken.lines == ["cooccurrence: done before, nothing changed"]
    spoken.lines.clear()
    cooccurrence(load_study(tiny_study, overrides=("cooccurrence.min_count=3",)), progress=spoken)
    assert spoken.lines[0] == "cooccurrence: configuration changed: cooccurrence"


def test_cooccurrence_before_sampling(study) -> None:
    (folders.model_folder(study, "m") / "stems" / "completions.jsonl").unlink()
    with pytest.raises(DataError):
        cooccurrence(study)


def test_no_stems_no_result(tiny_study: Path, study) -> None:
    assert (
        cooccurrence(load_study(tiny_study, overrides=("cooccurrence.samples_per_stem=0",))) == []
    )
    assert read_cooccurrence(study, "m") is None
    (tiny_study / "associations.toml").unlink()
    assert cooccurrence(load_study(tiny_study)) == []


def test_words_without_blanks_between_them_are_not_counted(study, tiny_study, spoken) -> None:
    charter = tiny_study / "charter.toml"
    charter.write_text('language = "ja"\n' + charter.read_text("utf-8"), encoding="utf-8")
    assert cooccurrence(load_study(tiny_study), progress=spoken) == []
    said = "no blanks stand between words, and so they cannot be counted"
    assert spoken.lines == [f"cooccurrence: not measured in ja: {said}"]
    assert read_cooccurrence(study, "m") is None


def test_sentiment_is_absent_where_its_lexicon_does_not_apply(study, tiny_study, spoken) -> None:
    charter = tiny_study / "charter.toml"
    charter.write_text('language = "es"\n' + charter.read_text("utf-8"), encoding="utf-8")
    (result,) = cooccurrence(load_study(tiny_study), progress=spoken)
    assert spoken.lines[0] == (
        "cooccurrence: no sentiment, its lexicon is English, the study is not"
    )
    assert {topic.sentiment for topic in result.topics} == {()}
    assert {change.sentiment for change in result.changes} == {()}
    assert any(topic.terms for topic in result.topics)  # words are counted all the same
