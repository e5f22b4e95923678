"""A tuned arm for other programs: the same numbers, the prompt's text, and nothing half-written."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

import gguf_writer
from mores import store
from mores.errors import ModelError, StoreError, StudyError
from mores.measure.stance.run import stance
from mores.release.export import forms
from mores.release.export.check import compare
from mores.release.export.run import export
from mores.report import report
from mores.sample import sample
from mores.study import load_study
from mores.tune.run import tune

SCALE = 2.0
"""lora_alpha 8 / lora_rank 4, of the tiny study."""


def tuned_in(study) -> Path:
    return study.run_folder / "tiny-model" / "tune" / "values_targeted-s1"


def by_hand(tiny_folder: Path, tuned: Path):
    """The tuned model without peft: W + scale · B · A, layer by layer."""
    model = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32).eval()
    adapter = load_file(tuned / "adapter_model.safetensors")
    with torch.no_grad():
        for name, down in adapter.items():
            if name.endswith("lora_A.weight"):
                path = name.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
                up = adapter[name.replace("lora_A", "lora_B")]
                model.get_submodule(path).weight += SCALE * up @ down
    return model


def logprobs(model, tokenizer, question: str, answer: str) -> float:
    """Nats a token of an answer in the tiny model's chat form, written out here."""
    asked = f"<|start|>user\n{question}<|end|>\n<|start|>assistant\n"
    ids = [tokenizer(t, add_special_tokens=False)["input_ids"] for t in (asked, answer + "<|end|>")]
    with torch.no_grad():
        logits = model(torch.tensor([ids[0] + ids[1]])).logits[0].double().log_softmax(-1)
    told = [logits[len(ids[0]) - 1 + i, t].item() for i, t in enumerate(ids[1])]
    return sum(told) / len(told)


@pytest.mark.parametrize("form", ["adapter", "merged", "vllm"])
def test_before_and_after_are_what_arithmetic_by_hand_gives(tuned_study, tiny_folder, form):
    study = load_study(tuned_study)
    done = export(study, form=form)
    tokenizer = AutoTokenizer.from_pretrained(tiny_folder)
    base = AutoModelForCausalLM.from_pretrained(tiny_folder).eval()
    hand = by_hand(tiny_folder, tuned_in(study))
    examples = {e.id: e for e in study.values.examples}
    # The first of each category, then the next one.
    assert [s.id for s in done.check.samples] == ["v-00", "v-01", "v-02"]
    for one in done.check.samples:
        text = examples[one.id].prompt, examples[one.id].completion
        assert one.before == pytest.approx(logprobs(hand, tokenizer, *text), abs=1e-5)
        assert one.after == pytest.approx(logprobs(hand, tokenizer, *text), abs=1e-5)
        assert one.base == pytest.approx(logprobs(base, tokenizer, *text), abs=1e-5)
    assert done.check.largest < 1e-5
    assert done.check.change == max(abs(s.before - s.base) for s in done.check.samples)
    assert done.check.change > 0.01
    assert done.check.tells_base
    assert done.folder == str(
        study.run_folder / "tiny-model" / "export" / f"values_targeted-s1-{form}"
    )


def test_an_adapter_is_copied_byte_for_byte_and_everything_is_named(tuned_study):
    study = load_study(tuned_study)
    done = export(study, arm="control")
    folder = Path(done.folder)
    own = study.run_folder / "tiny-model" / "tune" / "control-s1"
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        assert (folder / name).read_bytes() == (own / name).read_bytes()
    assert {p.name for p in folder.iterdir()} == {*done.files, "export.json"}
    assert all(store.digest_file(folder / name) == digest for name, digest in done.files.items())
    kept = store.read_json(folder / "export.json")
    assert (kept["arm"], kept["dtype"], kept["folder"], kept["command"]) == (
        "control-s1",
        None,
        "",
        "",
    )
    assert not list(folder.parent.glob(".*"))


def test_merged_weights_are_the_base_s_plus_the_change(tuned_study, tiny_folder):
    study = load_study(tuned_study)
    folder = Path(export(study, form="merged").folder)
    hand = by_hand(tiny_folder, tuned_in(study))
    own = dict(AutoModelForCausalLM.from_pretrained(folder, dtype="auto").named_parameters())
    for name, weight in hand.named_parameters():
        assert own[name].dtype == torch.float32
        torch.testing.assert_close(own[name], weight, atol=1e-6, rtol=1e-6)
    assert (folder / "tokenizer.json").read_bytes() == (tiny_folder / "tokenizer.json").read_bytes()
    settings = store.read_json(folder / "generation_config.json")
    assert settings == {
        "eos_token_id": [1], "pad_token_id": 1, "max_new_tokens": 12, "repetition_penalty": 1.0,
        "do_sample": True, "temperature": 1.0, "top_p": 1.0, "top_k": 0,
    }  # fmt: skip
    assert (folder / "model.safetensors").stat().st_mode == (folder / "config.json").stat().st_mode


def test_sixteen_bits_are_rounded_and_the_difference_said(tuned_study):
    study = load_study(tuned_study)
    done = export(study, form="merged", dtype="bf16")
    weights = load_file(Path(done.folder) / "model.safetensors")
    assert {w.dtype for w in weights.values()} == {torch.bfloat16}
    assert 1e-4 < done.check.largest < done.check.limit == 0.02


def test_gguf_through_a_converter(tuned_study):
    study = load_study(tuned_study)
    done = export(study, form="gguf", converter=Path(gguf_writer.__file__))
    assert sorted(done.files) == ["README.md", "model.gguf", "prompt_format.json"]
    assert done.check.largest < 1e-4
    assert done.check.tells_base


def spoiling(tmp_path: Path, spoil: str = "0.1", body: str = "") -> Path:
    """A converter that does something wrong."""
    path = tmp_path / "converter.py"
    path.write_text(
        body
        or f"""import sys
from pathlib import Path
sys.path.insert(0, {str(Path(gguf_writer.__file__).parent)!r})
from gguf_writer import write
write(Path(sys.argv[1]), Path(sys.argv[-1]), spoil={spoil})
""",
        encoding="utf-8",
    )
    return path


def test_other_numbers_are_refused_and_nothing_is_left(tuned_study, tmp_path):
    study = load_study(tuned_study)
    out = tmp_path / "out" / "gguf"
    with pytest.raises(ModelError, match="other numbers than the tuned arm") as caught:
        export(study, form="gguf", out=out, converter=spoiling(tmp_path))
    assert "v-00: -" in str(caught.value)
    assert list(out.parent.iterdir()) == []


def test_an_adapter_that_does_nothing_is_refused(tuned_study, tmp_path, monkeypatch):
    whole = forms.copy_adapter

    def emptied(tuned: Path, target: Path) -> None:
        whole(tuned, target)
        path = target / "adapter_model.safetensors"
        save_file({n: torch.zeros_like(w) for n, w in load_file(path).items()}, path)

    monkeypatch.setattr(forms, "copy_adapter", emptied)
    with pytest.raises(ModelError, match="other numbers"):
        export(load_study(tuned_study), out=tmp_path / "a")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise ValueError('unknown tokenizer')", "ValueError: unknown tokenizer"),
        ("", "is not here"),
    ],
)
def test_a_converter_that_fails_says_why(tuned_study, tmp_path, body, said):
    program = spoiling(tmp_path, body=body) if body else tmp_path / "nowhere"
    with pytest.raises(ModelError, match=said):
        export(load_study(tuned_study), form="gguf", out=tmp_path / "g", converter=program)
    assert not (tmp_path / "g").exists()


def test_the_limit_is_of_the_mean_distance_and_nan_is_refused():
    base, before = {"a": [-3.0, -3.0]}, {"a": [-1.0, -2.0]}
    check = compare(base, before, {"a": [-1.019, -1.981]}, dtype="bf16", loader="x")
    # Of both signs: the means are alike, the tokens are not.
    assert check.samples[0].after == check.samples[0].before == -1.5
    assert check.largest == pytest.approx(0.019)
    assert check.change == 1.5
    with pytest.raises(ModelError, match=r"0\.0190 nats a token apart, 0\.001 at most"):
        compare(base, before, {"a": [-1.019, -1.981]}, dtype="f32", loader="x")
    with pytest.raises(ModelError, match="other numbers"):
        compare(base, before, {"a": [float("nan"), -2.0]}, dtype="bf16", loader="x")
    weak = compare(before, before, before, dtype="f32", loader="x")
    assert not weak.tells_base


def test_what_is_there_is_replaced_only_if_asked_and_only_an_export(tuned_study, tmp_path):
    study, out = load_study(tuned_study), tmp_path / "mine"
    export(study, out=out)
    with pytest.raises(StoreError, match="there already"):
        export(study, out=out)
    (out / "old").write_text("x", encoding="utf-8")
    export(study, out=out, replace=True)
    assert not (out / "old").exists()
    (tmp_path / "thesis").mkdir()
    with pytest.raises(StoreError, match="no export of mores"):
        export(study, out=tmp_path / "thesis", replace=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine", "study", "thesis"]


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"arm": "preference"}, StudyError, "no arm preference"),
        ({"seed": 3}, StudyError, "no arm values_targeted with training seed 3"),
        ({"model": "tini-model"}, StudyError, "did you mean 'tiny-model'"),
        ({"form": "gguf"}, ModelError, "none was named"),
        ({"form": "merged", "dtype": "q8_0"}, ModelError, "not quantised here"),
        ({"form": "adapter", "dtype": "f16"}, ModelError, "as they are"),
        ({"form": "merged", "converter": Path("x")}, ModelError, "needs no converter"),
    ],
)
def test_what_means_nothing_is_refused_at_once(tuned_study, given, error, said):
    with pytest.raises(error, match=said):
        export(load_study(tuned_study), **given)


def test_weights_that_the_study_does_not_describe_are_refused(tuned_study):
    path = tuned_study / "values.jsonl"
    path.write_text(path.read_text("utf-8").replace("number 3", "nr 3"), encoding="utf-8")
    with pytest.raises(ModelError, match="not what the study describes: dataset changed"):
        export(load_study(tuned_study))


def test_a_whole_model_is_exported_whole(tiny_study, tmp_path):
    study = load_study(tiny_study, overrides=('recipe.method="full"', "recipe.epochs=1"))
    tune(study)
    with pytest.raises(ModelError, match="there is no adapter"):
        export(study, out=tmp_path / "a")
    done = export(study, form="vllm", out=tmp_path / "v")
    own = load_file(tuned_in(study) / "model.safetensors")
    for name, weight in load_file(tmp_path / "v" / "model" / "model.safetensors").items():
        torch.testing.assert_close(weight, own[name], atol=0, rtol=0)
    assert done.command.startswith(f"vllm serve {tmp_path}/v/model --served-model-name values_")
    assert 'vllm serve "$here/model" --served-model-name' in (tmp_path / "v/serve.sh").read_text()


def test_the_card_says_what_the_report_says_or_that_there_is_none(tuned_study, tmp_path):
    study = load_study(tuned_study)
    done = export(study, out=tmp_path / "a")
    assert "no current report" in done.notes[0]
    assert "nothing says what tuning changed" in (tmp_path / "a/README.md").read_text("utf-8")
    sample(study)
    stance(study)
    headlines = report(study).report.headlines
    done = export(study, out=tmp_path / "b")
    card = (tmp_path / "b/README.md").read_text("utf-8")
    assert headlines
    for one in headlines:
        assert one.sentence in card
    assert "report.json" in done.files
    assert not any("report" in note for note in done.notes)
    assert str(tmp_path) not in card + (tmp_path / "b/export.json").read_text("utf-8")


def test_an_arm_that_is_not_tuned_is_refused(tiny_study):
    with pytest.raises(ModelError, match="not done yet"):
        export(load_study(tiny_study))


def test_what_it_prints(tuned_study, monkeypatch, capsys, tmp_path):
    from mores import cli

    argv = ["mores", "export", str(tuned_study), "--form", "vllm", "--out", str(tmp_path / "v")]
    monkeypatch.setattr(sys, "argv", [*argv, "--quiet"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    said = capsys.readouterr().out
    assert "read again by transformers and peft: at most 0.0000" in said
    assert "run it:  vllm serve tiny-model --served-model-name base --enable-lora" in said
    config = json.loads((tmp_path / "v/adapter/adapter_config.json").read_text("utf-8"))
    assert f"--max-lora-rank {max(8, config['r'])} " in said
