"""The engines of this process pass the contract; names that are none are refused."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import torch
from contract import WARM, ask, check, job

from mores.errors import ModelError, StudyError
from mores.progress import Progress
from mores.sample.decoder import Decoder
from mores.sample.engine import OWN, engine_of
from mores.sample.here import Here
from mores.study import load_study


@pytest.mark.parametrize("name", ["torch", "plain"])
def test_engines_of_this_process(tuned_study: Path, tmp_path: Path, name: str) -> None:
    study = load_study(tuned_study)
    seen = check(engine_of(name), study, tmp_path)
    assert seen.facts == {"name": name, "random_numbers": OWN}


def test_torch_and_plain_draw_the_same(tuned_study: Path, tmp_path: Path) -> None:
    study = load_study(tuned_study)
    one, other = (ask(engine_of(n), job(study, WARM, tmp_path)) for n in ("torch", "plain"))
    assert one.text == other.text
    assert one.finish == other.finish


def test_out_of_gpu_memory_batches_are_halved_and_it_is_said_once(
    tuned_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoken: Progress
) -> None:
    given = replace(job(load_study(tuned_study), WARM, tmp_path), progress=spoken)
    whole = ask(engine_of("torch"), given)
    real, sizes = Decoder.draw, []

    def draw(self: Decoder, unit, decoding, seed, width):
        sizes.append((len(unit), width))
        if width > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(self, unit, decoding, seed, width)

    monkeypatch.setattr(Decoder, "draw", draw)
    assert ask(engine_of("torch"), given).text == whole.text
    assert sizes == [(15, 15), (15, 7), (15, 3)]
    said = [line for line in spoken.lines if "GPU memory is full" in line]
    assert len(said) == 1
    assert "15 answers side by side become 7" in said[0]
    monkeypatch.setattr(Decoder, "draw", lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError()))
    with pytest.raises(ModelError, match="out of GPU memory with one answer at a time"):
        ask(engine_of("torch"), given)


def test_an_unknown_engine_is_refused_with_a_suggestion() -> None:
    with pytest.raises(ModelError, match="did you mean 'vllm'"):
        engine_of("vlm")


def test_engines_of_other_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint("theirs", "mores.sample.here:Here", "mores.engines"),
        EntryPoint("broken", "no_such_package:Engine", "mores.engines"),
    ]
    monkeypatch.setattr("mores.plugins.entry_points", lambda group: points)
    assert engine_of("theirs") is Here
    with pytest.raises(ModelError, match="No module named 'no_such_package'"):
        engine_of("broken")


def test_settings_that_do_not_go_together_are_refused(tiny_study: Path) -> None:
    path = tiny_study / "study.toml"
    text = path.read_text("utf-8")

    def load(lines: str) -> None:
        path.write_text(text.replace('format = "chat"', f'format = "chat"\n{lines}'), "utf-8")
        load_study(tiny_study)

    with pytest.raises(StudyError, match=r"needs \[models.endpoint\] url"):
        load('engine = "openai"')
    with pytest.raises(StudyError, match=r"needs \[models.host\]"):
        load('tuner = "openai"')
    with pytest.raises(StudyError, match="needs its weights here"):
        load('tuner = "none"')
    with pytest.raises(StudyError, match="did you mean 'key_env'"):
        load('engine = "openai"\n[models.endpoint]\nurl = "http://localhost/v1"\nkey_enf = "A"')
