"""The commands, typed as a user types them: exit code, what is printed, what is there."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mores import cli

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `mores ...` here; return exit code, output, errors."""

    def command(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mores", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return command


def test_init_writes_the_template_and_names_the_next_command(run, tmp_path):
    folder = tmp_path / "mine"
    code, out, _ = run("init", folder, "--template", "blank")
    names = [line.rpartition("/")[2] for line in out.splitlines() if line.startswith("wrote")]
    assert code == 0
    assert names == [
        "study.toml", "charter.toml", "values.jsonl", "control.jsonl", "prompts.jsonl",
        "stance.jsonl", "rating.toml",
    ]  # fmt: skip
    assert sorted(p.name for p in folder.iterdir()) == sorted(names)
    assert out.endswith(f"\nnext:  mores run {folder}\n")


@pytest.mark.parametrize(("tag", "name"), [("es-MX", "es-escucha"), ("ar", "ar-musanada")])
def test_init_in_a_language_that_has_an_example(run, tmp_path, tag, name):
    code, out, _ = run("init", tmp_path / "mine", "--language", tag)
    assert (code, "wrote" in out, "English" in out) == (0, True, False)
    assert f'name = "{name}"' in (tmp_path / "mine" / "study.toml").read_text("utf-8")
    assert run("check", tmp_path / "mine", "--no-models")[0] == 0


def test_init_in_any_other_language_is_a_skeleton_whose_texts_are_named(run, tmp_path):
    code, out, _ = run("init", tmp_path / "mine", "--template", "blank", "--language", "fr")
    assert code == 0
    assert "the texts are English examples" in out
    for name in ("charter.toml", "rating.toml"):
        assert '\nlanguage = "fr"' in (tmp_path / "mine" / name).read_text("utf-8")
    code, out, _ = run("check", tmp_path / "mine", "--no-models", "--rule", "M104")
    assert code == 1
    assert "expected fr, found en in the answer" in out


def test_init_refuses_what_is_no_language_or_has_no_example(run, tmp_path):
    code, _, err = run("init", tmp_path / "mine", "--language", "spanish")
    assert (code, "'spanish' is no language tag" in err) == (2, True)
    code, _, err = run("init", tmp_path / "mine", "--language", "fr")
    assert (code, "--template blank --language fr" in err) == (2, True)
    assert not (tmp_path / "mine").exists()


def test_init_twice_changes_nothing(run, tmp_path):
    folder = tmp_path / "mine"
    run("init", folder)
    (folder / "values.jsonl").write_text("mine\n")
    code, out, err = run("init", folder)
    assert (code, out) == (2, "")
    assert "a study is already here (study.toml, charter.toml, values.jsonl" in err
    assert (folder / "values.jsonl").read_text() == "mine\n"
    assert run("init", tmp_path / "other", "--template", "wellbing")[0] == 2


def test_import_says_what_was_read(run, tmp_path):
    source, target = tmp_path / "old.csv", tmp_path / "values.jsonl"
    source.write_bytes("prompt;completion\nWarum?;Für alle.\n".encode("cp1252"))
    code, _, err = run("import", source, target, "--category", "health")
    assert code == 2
    assert "--encoding cp1252" in err
    assert not target.exists()
    code, out, _ = run("import", source, target, "--category", "health", "--encoding", "cp1252")
    assert code == 0
    assert out.splitlines()[:2] == [f"1 samples read as csv, written to {target}", "  health: 1"]
    assert json.loads(target.read_text("utf-8"))["completion"] == "Für alle."


def test_check_prints_findings_and_ends_with_1_where_there_are_errors(run, tmp_path):
    study = tmp_path / "study"
    run("init", study)
    # What the model makes of 160 samples takes a minute: with a small one in test_json.py.
    assert run("check", study, "--no-models")[0] == 0
    path = study / "values.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[1] = {**rows[0], "id": "again"}  # the same question and answer twice
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, out, _ = run("check", study, "--no-models")
    assert code == 1
    assert out.startswith("values.jsonl:2 M201 error exact-duplicate: the same answer as ")
    file = tmp_path / "findings.json"
    code, out, _ = run("check", study, "--no-models", "--format", "json", "--output", file)
    assert (code, out) == (1, f"wrote {file}\n")
    assert "error" in {finding["severity"] for finding in json.loads(file.read_text())}


def test_plan_names_settings_with_origin_work_and_what_can_be_shown(run, tiny_study):
    code, out, _ = run("plan", tiny_study, "--no-probe", "--set", "sample.draws=3")
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "study tiny, preset quick"
    (draws,) = [line for line in lines if line.startswith("  sample.draws ")]
    assert draws.split() == ["sample.draws", "3", "--set"]
    assert "  time        not measured (--no-probe)" in lines
    # 5 arms x 6 prompts x 3 draws; 3 arms x 4 stems x 4 samples.
    assert "completions   90, and 48 of stems" in lines
    assert "prompts       6: care 3, beauty 3" in lines


def test_the_steps_one_by_one_and_then_nothing_is_left_to_do(run, tiny_study):
    code, out, _ = run("tune", tiny_study, "--stop-check", "2", "--quiet")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines() if "loss" in line] == [
        "values_targeted-s1",
        "control-s1",
    ]
    assert out.count("answers end by themselves") == 2
    code, out, _ = run("measure", "stance", tiny_study, "--quiet")
    lines = out.splitlines()
    assert (code, len(lines)) == (0, 5)  # one an arm
    assert all("nats a token  (the position is the likelier in " in line for line in lines)
    assert all(line.endswith(" of 6 pairs)") for line in lines)  # two are for validation
    assert run("sample", tiny_study, "--quiet")[1] == "60 completions, 48 of stems\n"
    code, out, _ = run("measure", "coherence", tiny_study, "--quiet")
    assert code == 0
    assert " of 60 answers marked (" in out
    assert "; loss under base " in out
    code, out, _ = run("measure", "toxicity", tiny_study, "--quiet")
    assert (code, out.startswith("lexical: ")) == (0, True)
    code, out, _ = run("measure", "cooccurrence", tiny_study, "--quiet")
    assert (code, "gender base: " in out) == (0, True)
    code, out, _ = run("measure", "capability", tiny_study, "--quiet")
    assert len(out.splitlines()) == 6  # two tasks, three arms
    assert all(line.endswith("items)") for line in out.splitlines())
    code, out, _ = run("report", tiny_study, "--quiet")
    assert code == 0
    page = tiny_study / "runs/quick/report/index.html"
    assert out.splitlines()[-1] == f"report: {page}"
    assert "missing: Human ratings" in out
    before = page.read_bytes()
    code, out, err = run("run", tiny_study, "--no-check")
    assert (code, page.read_bytes()) == (0, before)
    assert err.count("done before, nothing changed") == 10
    assert "[1/10] fetch" in err
    assert "[3/10] measure stance" in err
    assert "[6/10] measure coherence" in err
    assert "[10/10] report" in err


def test_diff_of_a_study_with_itself(run, tiny_study):
    code, out, _ = run("diff", tiny_study, tiny_study)
    assert code == 0
    assert "values: 0 added, 0 removed, 0 changed, 8 kept" in out
    assert out.count("no report under preset quick; no effects") == 2


def test_measuring_without_anything_to_measure(run, tmp_path):
    for measure, option in (("toxicity", "--validate FILE"), ("cooccurrence", "--texts FILE")):
        code, _, err = run("measure", measure)
        assert code == 2
        assert f"nothing to measure\n  fix: give a study, or {option}" in err


def test_words_of_any_corpus(run, tmp_path):
    rows = [f"the {w} sang,birds\nthe {w} barked,dogs" for w in ("one", "two", "old", "new") * 6]
    corpus = tmp_path / "corpus.csv"
    corpus.write_text("text,group\n" + "\n".join(rows) + "\n")
    code, out, _ = run("measure", "cooccurrence", "--texts", corpus, "--permutations", "200")
    assert code == 0
    lines = {line.split(":")[0].strip(): line for line in out.splitlines() if ":" in line}
    assert lines["birds"].split()[1] == "sang"
    assert lines["dogs"].split()[1] == "barked"


def test_models_and_assets_are_listed(run):
    code, out, _ = run("models")
    assert code == 0
    assert out.startswith("smollm2-135m ")
    code, out, _ = run("assets")
    assert code == 0
    assert any(line.startswith("vader-lexicon ") for line in out.splitlines())
    code, _, err = run("assets", "vader-lexicn")
    assert code == 2
    assert "did you mean 'vader-lexicon'?" in err


def test_doctor_says_what_is_here(run, monkeypatch):
    code, out, _ = run("doctor", "--no-probe")
    assert code == 0
    names = [line.split()[1] for line in out.splitlines() if line[:1] in "✓·✗"]
    assert names[:3] == ["Python", "torch", "GPU"]
    assert {"memory", "disk", "SQLite", "smollm2-135m", "lm_eval"} <= set(names)
    monkeypatch.setattr("mores.plan.doctor.sys.version_info", (3, 10, 0))
    code, out, _ = run("doctor", "--no-probe")
    assert code == 1
    assert out.startswith("✗ Python")


def test_a_folder_without_a_study(run, tmp_path):
    code, out, err = run("run", tmp_path)
    assert (code, out) == (2, "")
    assert f"error: {tmp_path}: there is no study.toml here\n  fix: start a study" in err


def test_a_misspelt_setting_and_a_misspelt_command(run, tiny_study):
    code, _, err = run("plan", tiny_study, "--set", "recipe.epoch=3")
    assert code == 2
    assert "unknown key 'recipe.epoch'; did you mean 'epochs'?" in err
    code, _, err = run("samples", tiny_study)
    assert code == 2
    assert "did you mean 'sample'?" in err


def test_the_package_runs_as_a_module(monkeypatch, capsys):
    import runpy

    monkeypatch.setattr(sys, "argv", ["mores", "--version"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("mores", run_name="__main__")
    assert ended.value.code in (0, None)
    assert capsys.readouterr().out == "mores, version 0.1.0\n"
    assert Path(cli.__file__).parent.name == "cli"
