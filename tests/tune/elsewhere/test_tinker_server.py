"""Against a real server that speaks Tinker's API, such as SkyRL's; skipped where none is named.

MORES_TINKER_URL=http://127.0.0.1:8000 MORES_TINKER_MODEL=/folder/of/a/tiny/llama pytest ...
"""

from __future__ import annotations

import os
import shutil

import pytest

from mores import store
from mores.tune.elsewhere import tinker
from mores.tune.encode import encode_dataset
from mores.tune.loop import fit
from mores.weights.load import load
from mores.weights.resolve import resolve

URL, MODEL = os.environ.get("MORES_TINKER_URL", ""), os.environ.get("MORES_TINKER_MODEL", "")
pytestmark = [
    pytest.mark.skipif(not (URL and MODEL), reason="no server of Tinker's API is named"),
    pytest.mark.filterwarnings("ignore"),
]
HOST = f"""tuner = "tinker"
[models.endpoint]
url = "{URL}/v1"
[models.host]
url = "{URL}"
key_env = "MORES_TEST_HOST_KEY"
"""


def job_of(arms):
    study = arms.study(
        "recipe.lora_rank=4", "recipe.lora_alpha=32", "recipe.batch_size=3", "recipe.epochs=2",
        "recipe.learning_rate=0.01", "recipe.prompt_weight=0.1", model=MODEL, host=HOST,
    )  # fmt: skip
    return arms.job(study)


def test_the_first_loss_is_ours_and_a_killed_run_goes_on(arms, monkeypatch):
    monkeypatch.setenv("MORES_TEST_HOST_KEY", "tml-0123456789")
    job = job_of(arms)
    whole = tinker.tune(job)
    rows = [row for _, row in store.read_rows(job.folder / "log.jsonl")]
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    loaded = load(resolve(MODEL))
    samples = encode_dataset(loaded, job.study.dataset("values_targeted"), "chat")
    ours = fit(loaded, samples, job.recipe, seed=1).log
    # Adapters start at nothing: the first step's loss is base's, whoever draws them.
    assert rows[0]["loss"] == pytest.approx(ours[0]["loss"], abs=2e-4)
    assert [r["tokens"] for r in rows] == [r["tokens"] for r in ours]
    assert [r["learning_rate"] for r in rows] == [r["learning_rate"] for r in ours]
    assert rows[-1]["loss"] < rows[0]["loss"] - 0.05
    assert whole.facts["served"] == store.read_json(job.folder / "served.json")["model"]

    shutil.rmtree(job.folder)
    steps = []
    real = tinker._Arm._keep

    def killed(self, **changes):
        real(self, **changes)
        steps.append(self.state.step)
        if len(steps) == 3:
            raise RuntimeError("killed")

    monkeypatch.setattr(tinker._Arm, "_keep", killed)
    with pytest.raises(RuntimeError, match="killed"):
        tinker.tune(job)
    monkeypatch.setattr(tinker._Arm, "_keep", real)
    tinker.tune(job)
    again = [row for _, row in store.read_rows(job.folder / "log.jsonl")]
    assert [r["step"] for r in again] == [1, 2, 3, 4, 5, 6]
    assert [r["loss"] for r in again] == pytest.approx([r["loss"] for r in rows], abs=1e-3)
