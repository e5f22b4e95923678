"""`toxicity` with several scorers: files, resuming, asking again, the summary."""

import pytest

from mores import step as steps
from mores import store
from mores.errors import MeasureError, ServiceError
from mores.measure.toxicity import moderation as module
from mores.measure.toxicity.run import (
    read_scores,
    read_toxicity_summary,
    scorer_of,
    scores_folder,
    toxicity,
)
from mores.records import Completion
from mores.study import folders, load_study

TEXTS = {
    ("base", 0): "You are an idiot.",
    ("base", 1): "A kind answer to a friend.",
    ("control", 0): "   ",
    ("control", 1): "You are a fool and an idiot.",
}


@pytest.fixture
def prepare(tiny_study, service):
    """Write answers, and a study.toml with these scorers."""

    def study(scorers, extra=""):
        config = tiny_study / "study.toml"
        if not (tiny_study / "first.toml").exists():
            (tiny_study / "first.toml").write_text(config.read_text())
        text = (tiny_study / "first.toml").read_text()
        lines = [
            'name = "m"' if x.startswith('name = "tiny-model') else x for x in text.splitlines()
        ]
        listed = ", ".join(f'"{name}"' for name in scorers)
        config.write_text("\n".join(lines) + f"\n[toxicity]\nscorers = [{listed}]\n{extra}")
        made = load_study(tiny_study)
        rows = [
            Completion(
                id=f"m.{arm}.{p}", prompt_id=f"t-{p}", category="care", model="m", arm=arm,
                seed=int(arm != "base"), draw=0, text=text, finish_reason="stop",
                prompt_tokens=1, tokens=1,
            )
            for (arm, p), text in TEXTS.items()
        ]  # fmt: skip
        store.write_jsonl(folders.model_folder(made, "m") / "sample" / "completions.jsonl", rows)
        return made

    return study


@pytest.fixture
def serve(service, answer, clock, monkeypatch):
    """A moderation service, asked at the speed of a fake clock."""
    monkeypatch.setattr("mores.measure.toxicity.remote.Clock", lambda: clock)
    assert module.KIND == "moderation"

    def result(text):
        bad = "idiot" in text or "fool" in text
        names = ("harassment", "harassment/threatening", "hate", "hate/threatening")
        return {"category_scores": dict.fromkeys(names, 0.1) | {"harassment": 0.9 if bad else 0.2}}

    def start(status=200):
        def reply(request):
            if status != 200:
                return answer({}, status)
            return answer({"model": "mod-1", "results": [result(t) for t in request["input"]]})

        service.answer = reply
        return service

    return start


def test_two_scorers_side_by_side(prepare, serve):
    name = f"moderation:{serve().url}"
    study = prepare(
        ["lexical", name], f'[[toxicity.options]]\nscorer = "{name}"\nthreshold = 0.8\n'
    )
    scores = toxicity(study)
    assert len(scores) == 8
    theirs = read_scores(study, "m", name)
    assert [s.value for s in theirs] == [0.9, 0.2, None, 0.9]
    assert {s.version for s in theirs if s.value is not None} == {"mod-1"}
    folder = scores_folder(study, "m", name)
    assert len((folder / "raw.jsonl").read_text().splitlines()) == 3
    summary = read_toxicity_summary(study, "m")
    assert [s.scorer for s in summary.scorers] == ["lexical", name]
    assert [s.threshold for s in summary.scorers] == [0.5, 0.8]
    assert [s.scored for s in summary.scorers] == [3, 3]
    assert summary.agreement[0].both == 3
    assert summary.agreement[0].neither == 1
    assert summary.scorers[1].arms[0].mean.value == pytest.approx(0.55)


def test_done_before_nothing_is_asked_or_written(prepare, serve, spoken):
    service = serve()
    study = prepare(["lexical", f"moderation:{service.url}"])
    first = toxicity(study)
    path = folders.model_folder(study, "m") / "toxicity" / "summary.json"
    before = path.stat().st_mtime_ns
    service.requests.clear()
    assert toxicity(study, progress=spoken) == first
    assert all(line.endswith("done before, nothing changed") for line in spoken.lines)
    assert service.requests == []
    assert path.stat().st_mtime_ns == before


def test_another_category_is_read_from_what_was_kept(prepare, serve):
    service = serve()
    name = f"moderation:{service.url}"
    toxicity(prepare([name]))
    service.requests.clear()
    study = prepare([name], f'[[toxicity.options]]\nscorer = "{name}"\nattributes = ["hate"]\n')
    assert [s.value for s in toxicity(study)] == [0.1, 0.1, None, 0.1]
    assert service.requests == []


def test_what_had_no_answer_is_asked_again_next_time(prepare, serve, spoken):
    service = serve(503)
    study = prepare([f"moderation:{service.url}"])
    assert [s.value for s in toxicity(study)] == [None] * 4
    assert steps.read_manifest(scores_folder(study, "m", f"moderation:{service.url}")).facts == {
        "scored": 0,
        "absent": 4,
        "unanswered": 3,
    }
    serve()
    found = toxicity(study, progress=spoken)
    assert [s.value for s in found] == [0.9, 0.2, None, 0.9]
    assert spoken.lines[0].endswith("3 texts had no answer and are asked again")


def test_what_had_no_answer_stays_where_nothing_can_be_asked(prepare, serve, spoken, monkeypatch):
    monkeypatch.setenv("MORES_TEST_KEY", "k")
    service = serve(503)
    name = f"moderation:{service.url}"
    study = prepare([name], f'[[toxicity.options]]\nscorer = "{name}"\nkey_env="MORES_TEST_KEY"\n')
    first = toxicity(study)
    monkeypatch.delenv("MORES_TEST_KEY")
    assert toxicity(study, progress=spoken) == first
    assert "3 texts stay without an answer: the environment variable" in spoken.lines[0]


def test_without_a_key_it_says_so_and_keeps_what_others_scored(prepare, serve):
    name = f"moderation:{serve().url}"
    study = prepare(
        ["lexical", name], f'[[toxicity.options]]\nscorer = "{name}"\nkey_env="MORES_TEST_KEY"\n'
    )
    with pytest.raises(ServiceError, match="MORES_TEST_KEY holds no key"):
        toxicity(study)
    assert len(read_scores(study, "m", "lexical")) == 4


def test_replayed_from_the_studys_own_folder(prepare, serve):
    service = serve()
    name = f"moderation:{service.url}"
    study = prepare([name])
    first = toxicity(study)
    raw = scores_folder(study, "m", name).relative_to(study.folder)
    service.requests.clear()
    study = prepare([name, f"replay:{raw}"])
    again = toxicity(study)[4:]
    assert [s.value for s in again] == [s.value for s in first]
    assert service.requests == []
    (pair,) = read_toxicity_summary(study, "m").agreement
    assert pair.spearman.value == pytest.approx(1.0)


def test_a_scorers_path_is_found_again_by_the_studys_name(prepare, serve):
    """The report looks under the configured name, whatever the scorer calls itself."""
    name = f"moderation:{serve().url}#hate"
    study = prepare([name])
    toxicity(study)
    assert [s.value for s in read_scores(study, "m", name)] == [0.1, 0.1, None, 0.1]


def test_scorers_whose_folders_would_be_one_are_refused(prepare):
    study = prepare(["moderation:https://example.org/v1", "moderation:https://example.org-v1"])
    with pytest.raises(MeasureError, match="two scorers would keep their scores"):
        toxicity(study)


def test_another_threshold_makes_another_summary_and_asks_nothing(prepare, serve):
    service = serve()
    name = f"moderation:{service.url}"
    toxicity(prepare([name]))
    service.requests.clear()
    study = prepare([name], "threshold = 0.95\n")
    toxicity(study)
    assert service.requests == []
    assert read_toxicity_summary(study, "m").scorers[0].threshold == 0.95


def test_no_summary_before_anything_was_scored(prepare):
    assert read_toxicity_summary(prepare(["lexical"]), "m") is None


def test_a_guard_gets_the_questions_of_the_study(prepare, tiny_folder, monkeypatch):
    from mores.measure.toxicity.guard import GuardScorer

    seen = []

    def readings(self, items, *, raw=None, advance=None):
        from mores.measure.toxicity.scorer import Reading

        seen.extend(items)
        return [Reading(0.5, "") for _ in items]

    monkeypatch.setattr(GuardScorer, "readings", readings)
    name = f"guard:{tiny_folder}"
    extra = f'[[toxicity.options]]\nscorer = "{name}"\nform = "llama-guard"\n'
    study = prepare([name], extra)
    assert scorer_of(study, name).form.name == "llama-guard"
    toxicity(study)
    assert seen[0] == ("You are an idiot.", "who can tell me about thing 0 today?")
    manifest = steps.read_manifest(scores_folder(study, "m", name))
    assert set(manifest.inputs) == {"completions", "scorer", "prompts"}
