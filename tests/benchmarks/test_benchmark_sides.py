"""Both sides of the benchmark really run, on a tiny random model of the kind used on a GPU."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from held_out_loss import held_out_losses
from mores.errors import ModelError
from mores.records import Dataset
from mores.tune.answers import mean_loss
from mores.tune.encode import encode_dataset
from mores.weights.load import load
from mores.weights.resolve import resolve
from mores_side import measure
from prepare_model import prepare
from random_model import write_random_model
from workload import ARMS, FORM, Job, Workload, flop_parameters, held_out_examples


@pytest.fixture
def work(tmp_path: Path, tiny_folder: Path, tiny_study: Path) -> Workload:
    model = write_random_model("tiny", tiny_folder, tmp_path / "model")
    return Workload(
        model_folder=str(model),
        study=str(tiny_study),
        samples=4,
        held_out=2,
        prompts=3,
        max_new_tokens=5,
        peer_batch=2,
    )


def job(work: Workload, side: str, stage: str, folder: Path, arm: str = "") -> Job:
    return Job(side=side, stage=stage, arm=arm, seed=1, folder=str(folder), workload=work)


def test_parameters_that_multiply(work: Workload, tiny):
    # Untied, width 64, 400 words: two layers of 2 x 64 x 64 (query, output), 2 x 64 x 32 (key,
    # value), 3 x 64 x 128 (feed-forward) and 2 x 64 (norms); a last norm; an output layer.
    layer = 2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 128 + 2 * 64
    words = len(tiny.tokenizer)
    model = load(resolve(work.model_folder)).model
    assert flop_parameters(model) == 2 * layer + 64 + words * 64
    # Tied: the table is the output layer and counts once.
    assert flop_parameters(tiny.model) == tiny.parameters


def test_mores_side_trains_samples_and_is_judged(work: Workload, tmp_path: Path):
    trained = [measure(job(work, "mores", "train", tmp_path / "out", arm)) for arm in ARMS]
    assert [m.rows for m in trained] == [4, 4]
    assert all(m.tokens > 4 * 40 and m.dropped == m.truncated == 0 for m in trained)
    sampled = measure(job(work, "mores", "sample", tmp_path / "out"))
    lines = (tmp_path / "out" / "completions.jsonl").read_text().splitlines()
    assert sampled.rows == len(lines) == 3 * 3
    assert sampled.tokens == sum(json.loads(line)["tokens"] for line in lines)
    assert {json.loads(line)["arm"] for line in lines} == {
        "base",
        "values_targeted-s1",
        "control-s1",
    }
    folders = [str(tmp_path / "out" / arm) for arm in ARMS]
    values, control, base = held_out_losses(work, [*folders, ""])
    assert len({values, control, base}) == 3


def test_held_out_loss_equals_the_training_loops_own(work: Workload):
    loaded = load(resolve(work.model_folder))
    samples = encode_dataset(
        loaded, Dataset(name="held out", examples=tuple(held_out_examples(work))), FORM
    )
    assert held_out_losses(work, [""])[0] == pytest.approx(mean_loss(loaded, samples), rel=1e-5)


def test_full_tuning_is_saved_and_judged(work: Workload, tmp_path: Path):
    import msgspec

    full = msgspec.structs.replace(work, method="full")
    for arm in ARMS:
        measure(job(full, "mores", "train", tmp_path / "full", arm))
    assert measure(job(full, "mores", "sample", tmp_path / "full")).rows == 9
    tuned, base = held_out_losses(full, [str(tmp_path / "full" / ARMS[0]), ""])
    assert tuned != base


def test_unknown_size_and_missing_gpu(tmp_path: Path, tiny_folder: Path, monkeypatch):
    with pytest.raises(ModelError, match="did you mean '1b'"):
        write_random_model("1bb", tiny_folder, tmp_path / "x")
    import torch

    import prepare_model

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(prepare_model, "resolve", lambda name: resolve(str(tiny_folder)))
    with pytest.raises(ModelError, match="needs a GPU"):
        prepare("8b", tmp_path / "y")
    assert prepare("tiny", tmp_path / "z")["parameters"] > 0


@pytest.mark.filterwarnings("default")
def test_trl_has_the_same_labels_and_the_same_held_out_loss(work: Workload, tmp_path: Path):
    pytest.importorskip("trl", reason="the peer is installed with `pip install -e .[bench]`")
    import trl_peer

    ours = measure(job(work, "mores", "train", tmp_path / "mores", ARMS[0]))
    theirs = [trl_peer.measure(job(work, "trl", "train", tmp_path / "trl", a)) for a in ARMS]
    assert (theirs[0].tokens, theirs[0].dropped) == (ours.tokens, 0)
    assert theirs[0].truncated == theirs[0].other_labels == 0
    a, b = held_out_losses(work, [str(tmp_path / side / ARMS[0]) for side in ("mores", "trl")])
    assert a == pytest.approx(b, abs=1e-4)
    sampled = trl_peer.measure(job(work, "trl", "sample", tmp_path / "trl"))
    assert sampled.rows == 9
    assert 0 < sampled.tokens <= 9 * 5
