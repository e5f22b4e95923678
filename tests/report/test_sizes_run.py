"""Two base models in one study: planned, run, killed, resumed and reported as one object."""

from __future__ import annotations

import json
import shutil
import weakref
from pathlib import Path

import pytest

from mores import step as steps
from mores.curate import check_study, failing
from mores.plan.work import plan
from mores.run import run
from mores.study import load_study
from mores.weights import load as load_module
from mores.weights import resolve as resolve_module
from mores.weights.resolve import ResolvedModel, folder_digest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wider(tmp_path_factory, tiny_folder: Path) -> Path:
    """A larger model with the tiny one's tokenizer."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("wider") / "tiny-2M"
    shutil.copytree(tiny_folder, folder)
    config = LlamaConfig.from_pretrained(tiny_folder)
    config.hidden_size, config.intermediate_size, config.head_dim = 48, 96, 12
    torch.manual_seed(2)
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture
def two(tiny_study: Path, tiny_folder: Path, wider: Path, tmp_path: Path) -> Path:
    """The tiny study with a small and a larger model, of one family by their names."""
    small = tmp_path / "tiny-1M"
    shutil.copytree(tiny_folder, small)
    path = tiny_study / "study.toml"
    one = '[[models]]\nname = "{}"\nformat = "chat"\n'
    both = one.format(wider) + "\n" + one.format(small)
    text = path.read_text().replace(one.format(tiny_folder.name), both)
    assert str(wider) in text
    five = 'arms = ["base", "values_targeted", "control", "prompted", "few_shot"]'
    arms = 'arms = ["base", "values_targeted", "control"]'
    assert five in text
    path.write_text(text.replace(five, arms), encoding="utf-8")
    return tiny_study


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


@pytest.fixture
def loads(monkeypatch):
    """Count loads, note how many earlier bases are still in memory, and kill at one of them."""
    alive: list[weakref.ref] = []
    seen: list[int] = []
    kill_at = {"load": 0}
    own = load_module.load

    refuse_pickle = load_module.refuse_pickle

    def looked_at(folder):  # the first thing that a load does before it takes memory
        seen.append(sum(ref() is not None for ref in alive))
        if len(seen) == kill_at["load"]:
            raise Killed
        refuse_pickle(folder)

    def load(*args, **kwargs):
        loaded = own(*args, **kwargs)
        alive.append(weakref.ref(loaded.model))
        return loaded

    monkeypatch.setattr(load_module, "refuse_pickle", looked_at)
    monkeypatch.setattr(load_module, "load", load)
    return seen, kill_at


def content(folder: Path) -> bytes:
    return (folder / "runs" / "quick" / "report" / "report.json").read_bytes()


def test_two_sizes_are_one_object_and_a_kill_in_between_changes_nothing(two, tmp_path, loads):
    seen, kill_at = loads
    whole = tmp_path / "whole" / two.name
    shutil.copytree(two, whole)
    work = plan(load_study(whole), probe=False)
    assert [m.parameters for m in work.models] == sorted(
        (m.parameters for m in work.models), reverse=True
    )
    assert work.completions == 2 * 3 * 6 * 2  # models x arms x prompts x draws
    assert any("no trend by size" in note for note in work.notes)
    seen.clear()
    report = run(load_study(whole), check=False).report
    assert set(seen) == {0}  # whenever a base is loaded, none of the others is left
    loads_in_all = len(seen)

    sizes = report.sizes
    assert sizes is not None
    assert [m.name[-2:] for m in sizes.models] == ["1M", "2M"]  # smallest first
    assert 0 < sizes.models[0].parameters < sizes.models[1].parameters
    assert not sizes.across
    assert {e.details["arm"] for e in sizes.measures[0].means} == {
        "base", "values_targeted", "control",
    }  # fmt: skip
    assert len(sizes.measures[0].means) == 6
    assert (whole / "runs/quick/report/figures/sizes_toxicity_lexical.svg").exists()
    for model in ("tiny-1M", "tiny-2M"):  # adapters, no weights of a base
        kept = [p.name for p in (whole / "runs/quick" / model / "tune").rglob("*.safetensors")]
        assert kept == ["adapter_model.safetensors"] * 2

    seen.clear()
    kill_at["load"] = 4  # the fourth arm to be tuned: the other model's second
    with pytest.raises(Killed):
        run(load_study(two), check=False)
    first = steps.read_manifest(two / "runs/quick/tiny-2M/tune/control-s1")
    seen.clear()
    kill_at["load"] = 0
    run(load_study(two), check=False)
    assert len(seen) == loads_in_all - 3  # what was done before is not done again
    assert steps.read_manifest(two / "runs/quick/tiny-2M/tune/control-s1") == first
    assert content(two) == content(whole)


@pytest.mark.parametrize(
    ("name", "models", "across"),
    [pytest.param("smollm2", 3, False, marks=pytest.mark.long), ("smollm2-gemma3", 2, True)],
)
def test_the_shipped_configurations_can_be_checked_and_planned_without_a_network(
    name, models, across, tiny_folder, tmp_path, monkeypatch
):
    from mores.report.sizes import family

    long = shutil.copytree(tiny_folder, tmp_path / "long")
    config = json.loads((long / "config.json").read_text())
    (long / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 4096}))
    folder = tmp_path / "my-sizes"
    shutil.copytree(ROOT / "examples" / "wellbeing", folder, ignore=lambda *_: {"runs"})
    shutil.copy(ROOT / "examples" / "sizes" / f"{name}.toml", folder / "study.toml")

    def here(wanted, *, say=None):
        return ResolvedModel(wanted, str(long), folder_digest(long), "folder")

    monkeypatch.setattr(resolve_module, "resolve", here)
    monkeypatch.setattr("mores.tune.base.resolve", here)
    tokens = "mores.measure.capability.task.item_tokens"
    monkeypatch.setattr(tokens, lambda *_: 0)  # needs a fetched set
    study = load_study(folder)
    assert failing(check_study(study)) == []
    assert study.config.recipe.method == "lora"
    assert len(study.config.models) == models
    assert (len({family(spec.name) for spec in study.config.models}) > 1) == across
    work = plan(study, probe=False)
    assert len(work.models) == models
    assert work.completions == models * 3 * 40 * study.config.sample.draws
    assert any("no trend by size" in note for note in work.notes) == (models == 2)
