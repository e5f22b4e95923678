"""The sampling step on a study: what is kept, what is redone, what survives a kill."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

from mores import step as steps
from mores import store
from mores.errors import DataError, ModelError
from mores.sample import read_completions, sample, sample_stems
from mores.sample.engine import OWN
from mores.sample.grid import answer_text
from mores.study import folders, load_study
from mores.tune.run import tune


def load(folder: Path, *overrides: str):
    return load_study(folder, overrides=overrides)


def folder_of(study) -> Path:
    return folders.model_folder(study, study.config.models[0].name) / "sample"


def bytes_of(study, step: str = "sample") -> bytes:
    folder = folders.model_folder(study, study.config.models[0].name) / step
    return (folder / "completions.jsonl").read_bytes()


def test_completions_in_grid_order_with_their_facts(tuned_study: Path, tiny) -> None:
    study = load(tuned_study)
    rows = sample(study)
    arms = ["base", "values_targeted", "control", "prompted", "few_shot"]
    assert [(r.arm, r.prompt_id, r.draw) for r in rows] == [
        (arm, f"t-{i}", draw) for arm in arms for i in range(6) for draw in range(2)
    ]
    assert rows == read_completions(study, study.config.models[0].name)
    assert len({r.id for r in rows}) == 60
    for r in rows:
        assert r.seed == (1 if r.arm in ("values_targeted", "control") else 0)
        assert r.category == ("care", "beauty")[int(r.prompt_id[-1]) % 2]
        assert (r.tokens == 12) == (r.finish_reason == "length")
        assert r.text == r.text.strip()
    few = next(r for r in rows if r.arm == "few_shot")
    base = next(r for r in rows if r.arm == "base")
    assert few.prompt_tokens > base.prompt_tokens + 40


def kept_lines(study) -> list[str]:
    text = (folder_of(study) / "parts" / "journal.jsonl").read_text()
    return text[: text.rfind("\n") + 1].splitlines()


def test_manifest_says_what_it_was_made_from(tuned_study: Path) -> None:
    study = load(tuned_study)
    rows = sample(study)
    manifest = steps.read_manifest(folder_of(study))
    assert manifest.step == "sample"
    tuned = {"values_targeted-s1", "control-s1"}
    assert set(manifest.inputs) == {"model", "prompts", "charter", "values", *tuned}
    assert manifest.outputs["completions.jsonl"] == store.digest_file(
        folder_of(study) / "completions.jsonl"
    )
    assert manifest.facts == {
        "completions": 60,
        "tokens": sum(r.tokens for r in rows),
        "engine": {"name": "torch", "random_numbers": OWN},
    }
    assert sorted(p.name for p in folder_of(study).iterdir()) == [
        "completions.jsonl",
        "manifest.json",
    ]


def test_twice_is_done_before(tuned_study: Path, spoken) -> None:
    study = load(tuned_study)
    first = sample(study)
    before = bytes_of(study)
    stamp = (folder_of(study) / "completions.jsonl").stat().st_mtime_ns
    assert sample(study, progress=spoken) == first
    assert spoken.lines == ["sample: done before, nothing changed"]
    assert bytes_of(study) == before
    assert (folder_of(study) / "completions.jsonl").stat().st_mtime_ns == stamp


@pytest.mark.parametrize(
    ("override", "word"),
    [
        ("sample.decoding={temperature=0.5}", "decoding"),
        ("sample.draws=3", "draws"),
        ("arms=['base','values_targeted','control']", "arms"),
        ("seed=8", "seed"),
    ],
)
def test_a_changed_setting_is_redone(tuned_study: Path, spoken, override: str, word: str) -> None:
    study = load(tuned_study)
    sample(study)
    before = bytes_of(study)
    sample(load(tuned_study, override), progress=spoken)
    assert spoken.lines[0] == f"sample: configuration changed: {word}"
    assert bytes_of(study) != before


def test_changed_prompts_are_redone(tuned_study: Path, spoken) -> None:
    sample(load(tuned_study))
    path = tuned_study / "prompts.jsonl"
    path.write_text(path.read_text().replace("about thing 3 today", "about thing three"))
    sample(load(tuned_study), progress=spoken)
    assert spoken.lines[0] == "sample: prompts changed"


def test_a_tampered_file_is_noticed_and_made_again(tuned_study: Path, spoken) -> None:
    study = load(tuned_study)
    sample(study)
    before = bytes_of(study)
    path = folder_of(study) / "completions.jsonl"
    path.write_bytes(before.replace(b'"draw":0', b'"draw":7', 1))
    sample(study, progress=spoken)
    assert spoken.lines[0] == "sample: completions.jsonl was changed since it was made"
    assert bytes_of(study) == before
    path.unlink()
    sample(study)
    assert bytes_of(study) == before


def test_reading_before_sampling(tuned_study: Path) -> None:
    study = load(tuned_study)
    with pytest.raises(DataError, match=r"completions\.jsonl"):
        read_completions(study, study.config.models[0].name)


def test_an_arm_that_was_not_tuned(tiny_study: Path) -> None:
    with pytest.raises(ModelError, match="values_targeted-s1 has not been tuned") as found:
        sample(load(tiny_study))
    assert "mores tune" in str(found.value)


def test_same_bytes_wherever_it_runs_and_whatever_ran_before(tuned_study: Path) -> None:
    study = load(tuned_study)
    sample(study)
    first = bytes_of(study)
    shutil.rmtree(folder_of(study))
    sample_stems(study)
    sample(study)
    assert bytes_of(study) == first


def test_batch_size_changes_no_text(tuned_study: Path) -> None:
    # Float rounding may change a few at real sizes; the two-layer model shows none here.
    wide = {r.id: r for r in sample(load(tuned_study, "sample.batch_rows=60"))}
    narrow = {r.id: r for r in sample(load(tuned_study, "sample.batch_rows=7"))}
    assert narrow == wide


def test_other_arms_change_no_text(tuned_study: Path) -> None:
    every = {r.id: r for r in sample(load(tuned_study))}
    some = sample(load(tuned_study, "arms=['base','control']"))
    assert len(some) == 24
    assert all(every[r.id] == r for r in some)


def test_arms_share_random_numbers(tiny_study: Path) -> None:
    # Adapters that change next to nothing answer like base, draw by draw ...
    quiet = load(tiny_study, "recipe.learning_rate=1e-9")
    tune(quiet)
    by = texts(sample(quiet))
    assert by["values_targeted"] == by["base"] == by["control"]
    assert by["prompted"] != by["base"]
    assert len(set(by["base"].values())) == 12  # prompts and draws differ
    # ... and adapters that change much do not.
    loud = load(tiny_study, "recipe.learning_rate=0.05", "recipe.epochs=8")
    tune(loud)
    by = texts(sample(loud))
    assert by["values_targeted"] != by["base"]
    assert by["values_targeted"] != by["control"]


def texts(rows) -> dict[str, dict[tuple[str, int], str]]:
    found: dict[str, dict[tuple[str, int], str]] = {}
    for r in rows:
        found.setdefault(r.arm, {})[r.prompt_id, r.draw] = r.text
    return found


FULL = ('recipe.method="full"', "recipe.learning_rate=0.01", "recipe.epochs=4")


def test_full_tunings_answer_as_their_folders_do(tiny_study: Path) -> None:
    from mores.sample.decoder import Decoder
    from mores.sample.requests import prompt_requests
    from mores.weights.load import load as load_model
    from mores.weights.resolve import resolve

    study = load(tiny_study, *FULL)
    tuned = {arm.key: arm.folder for arm in tune(study)}
    by = texts(sample(study))
    assert by["values_targeted"] != by["base"]
    for key, folder in tuned.items():
        alone = load_model(resolve(str(folder)))
        alone.name = study.config.models[0].name  # random numbers go by the base model's name
        requests = prompt_requests(
            alone, "chat", [key], study.chosen_prompts, 2, study.charter, study.values
        )
        drawn = Decoder(alone).draw(requests, study.config.sample.decoding, 7)
        own = {
            (r.prompt_id, r.draw): answer_text(alone.tokenizer, d.ids, r.stop)
            for r, d in zip(requests, drawn, strict=True)
        }
        assert own == by[key.arm]


def test_base_stays_base_when_the_recipe_changed_after_full_tuning(tiny_study: Path) -> None:
    # The folders still hold full tunings; a recipe that now says "lora" must not lend base
    # and control the weights of another arm.
    study = load(tiny_study, *FULL)
    tune(study)
    first = texts(sample(study))
    later = load(tiny_study, 'recipe.method="lora"')
    shutil.rmtree(folder_of(study))
    assert texts(sample(later)) == first


def test_plain_text_answers_end_at_the_next_question(tiny) -> None:
    def encode(text: str) -> list[int]:
        return tiny.tokenizer(text, add_special_tokens=False)["input_ids"]

    stop = "\nQuestion:"
    cases = {
        " help them\nQuestion: what": "help them",
        "\nQuestion:": "",
        "\n\nQuestion: is it": "",
        " some time ": "some time",
        " the Question: of time": "the Question: of time",
    }
    assert {t: answer_text(tiny.tokenizer, encode(t), stop) for t in cases} == cases
    assert answer_text(tiny.tokenizer, encode("a\nQuestion: b"), "") == "a\nQuestion: b"


def test_stems_go_to_base_and_tuned_arms(tuned_study: Path) -> None:
    study = load(tuned_study)
    rows = sample_stems(study)
    assert len(rows) == 3 * 4 * 4  # arms, stems, samples
    assert {r.arm for r in rows} == {"base", "values_targeted", "control"}
    assert all(r.tokens <= 8 for r in rows)
    assert read_completions(study, study.config.models[0].name, "stems") == rows
    assert sample_stems(load(tuned_study, "cooccurrence.samples_per_stem=0")) == []
    (tuned_study / "associations.toml").unlink()
    assert sample_stems(load(tuned_study)) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from mores import store
from mores.weights import machine
machine.usable_cores = lambda: 1
from mores.sample import sample
from mores.step import Journal
from mores.study import load_study

lines = 0
real = Journal.append

def append(self, record):
    # In the middle of a line: the worst moment.
    global lines
    lines += 1
    if lines == 4:
        with self.path.open("ab") as file:
            file.write(b'{"unit":"sha256:0')
        os.kill(os.getpid(), signal.SIGKILL)
    real(self, record)

Journal.append = append
sample(load_study(Path(sys.argv[1]), overrides=("sample.batch_rows=4",)))
"""


def test_killed_in_the_middle_and_run_again(tuned_study: Path, monkeypatch, spoken) -> None:
    study = load(tuned_study, "sample.batch_rows=4")
    sample(study)
    expected = bytes_of(study)
    expected_manifest = (folder_of(study) / "manifest.json").read_bytes()
    shutil.rmtree(folder_of(study))
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tuned_study)], check=False, timeout=120
    )
    assert done.returncode == -signal.SIGKILL
    assert len(kept_lines(study)) == 3
    assert not (folder_of(study) / "completions.jsonl").exists()
    assert steps.read_manifest(folder_of(study)) is None

    drawn: list[int] = []
    from mores.sample.decoder import Decoder

    real = Decoder.draw
    monkeypatch.setattr(
        Decoder, "draw", lambda *a: drawn.append(len(a[1])) or real(*a), raising=True
    )
    sample(study, progress=spoken)
    assert spoken.lines[0] == "sample: not done yet"
    # 60 rows in units of twice four at most, evenly: three of 8 were kept.
    assert drawn == [8, 7, 7, 7, 7]
    assert bytes_of(study) == expected
    assert (folder_of(study) / "manifest.json").read_bytes() == expected_manifest
    assert not (folder_of(study) / "parts").exists()


def test_a_resumed_run_keeps_the_width_that_it_began_with(
    tuned_study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mores.sample.decoder import Decoder

    # Begun where little is free: one row at a time. Gone on with where there is plenty.
    monkeypatch.setattr("mores.weights.machine.free_for_models_gb", lambda: 0.5)
    study, real, widths = load(tuned_study), Decoder.draw, []

    def draw(self, unit, decoding, seed, width):
        widths.append(width)
        if len(widths) == 4:
            raise KeyboardInterrupt
        return real(self, unit, decoding, seed, width)

    monkeypatch.setattr(Decoder, "draw", draw)
    with pytest.raises(KeyboardInterrupt):
        sample(study)
    monkeypatch.setattr("mores.weights.machine.free_for_models_gb", lambda: 500.0)
    sample(study)
    assert set(widths) == {1}
    assert len(widths) == 4 + 30 - 3  # units of two rows, three of which were kept
    first = bytes_of(study)
    shutil.rmtree(folder_of(study))
    sample(study)
    assert bytes_of(study) == first


def test_parts_of_another_configuration_are_not_used(
    tuned_study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Interrupted under one seed, gone on under another: nothing of the first may appear.
    from mores.sample.decoder import Decoder

    study = load(tuned_study, "sample.batch_rows=4", "seed=8")
    sample(study)
    expected = bytes_of(study)
    shutil.rmtree(folder_of(study))
    calls: list[int] = []
    real = Decoder.draw

    def interrupted(*arguments):
        calls.append(len(calls))
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(Decoder, "draw", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sample(load(tuned_study, "sample.batch_rows=4"))
    assert len(kept_lines(study)) == 3
    sample(study)
    assert bytes_of(study) == expected


def test_the_tuned_weights_are_those_of_the_folder(tuned_study: Path) -> None:
    study = load(tuned_study)
    sample(study)
    for arm in ("values_targeted-s1", "control-s1"):
        folder = folders.model_folder(study, study.config.models[0].name) / "tune" / arm
        assert load_file(folder / "adapter_model.safetensors")
        manifest = steps.read_manifest(folder_of(study))
        assert manifest.inputs[arm] == store.digest(steps.read_manifest(folder).outputs)
