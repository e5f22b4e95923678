"""The engine vLLM against a real vLLM with the bundled model and both adapters.

It needs an environment with vLLM (minutes and gigabytes to install), so it runs where one is named
(MORES_VLLM_PYTHON) or was made before, and is skipped elsewhere.
"""

from __future__ import annotations

import importlib
import sys
import tomllib
from pathlib import Path

import pytest
from contract import GREEDY, ask, check, job
from safetensors.torch import load_file, save_file

from mores import store
from mores.errors import ModelError
from mores.sample.engine import SEEDED, engine_of
from mores.sample.vllm import environment
from mores.sample.vllm.engine import Vllm
from mores.study import Study, load_study
from mores.tune.run import tune

pytestmark = pytest.mark.real_model
HERE = Path(environment.__file__).parent


def _has_vllm() -> bool:
    return environment.vllm_environment().found() is not None


needs_vllm = pytest.mark.skipif(not _has_vllm(), reason="no environment with vLLM was made here")


@pytest.fixture
def real_study(tiny_study: Path) -> Study:
    """The small study with the bundled model, both arms tuned at a rate that shows."""
    path = tiny_study / "study.toml"
    lines = path.read_text("utf-8").splitlines()
    lines = [
        'name = "smollm2-135m"' if line.startswith('name = "tiny-m') else line for line in lines
    ]
    path.write_text("\n".join(lines), "utf-8")
    overrides = ("recipe.learning_rate=3e-3", "recipe.anchor=0.0", "recipe.epochs=4")
    study = load_study(tiny_study, overrides=overrides)
    tune(study)
    return study


@needs_vllm
@pytest.mark.long
def test_the_contract_with_the_real_vllm(real_study: Study, tmp_path: Path) -> None:
    seen = check(engine_of("vllm"), real_study, tmp_path, most_other=0.1)
    assert seen.facts["random_numbers"] == SEEDED
    assert [line.partition(":")[0] for line in seen.facts["probe"]] == [
        "control-s1",
        "values_targeted-s1",
    ]


@needs_vllm
@pytest.mark.long
def test_an_adapter_that_does_nothing_is_refused(real_study: Study, tmp_path: Path) -> None:
    given = job(real_study, GREEDY, tmp_path)
    weights = given.tuned["control-s1"] / "adapter_model.safetensors"
    nothing = {name: tensor * 0 for name, tensor in load_file(weights).items()}
    save_file(nothing, weights, {"format": "pt"})
    with pytest.raises(ModelError, match="base's numbers: the adapter does nothing"):
        ask(engine_of("vllm"), given)


def test_a_python_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(environment.VARIABLE, "/nowhere/python")
    with pytest.raises(ModelError, match="there is no Python at /nowhere/python"):
        environment.vllm_environment().python(lambda _: None)


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No environment was made yet, and those that are come without pip, which takes longest."""
    monkeypatch.setattr(store, "cache_folder", lambda: tmp_path)
    create = environment.venv.create
    monkeypatch.setattr(environment.venv, "create", lambda folder, with_pip: create(folder))


@pytest.mark.usefixtures("empty_cache")
def test_an_environment_is_made_once_and_then_found(tmp_path: Path) -> None:
    note = tmp_path / "installed"
    write = "import os, pathlib; pathlib.Path(os.environ['NOTE']).open('a').write('once ')"
    own = environment.Beside(
        "a library",
        "no_such_module",
        "MORES_NO_SUCH_PYTHON",
        "library==1",
        lambda python: [[str(python), "-c", write]],
        "do without",
        {"NOTE": str(note)},
    )
    assert own.found() is None
    made = own.python(lambda _: None)
    assert made.exists()
    # sha256("library==1") begins so.
    assert made.parent.parent.name == "no_such_module-b337fde4d0f2"
    assert (own.found(), own.python(lambda _: None)) == (made, made)
    assert note.read_text() == "once "


@pytest.mark.usefixtures("empty_cache")
def test_a_folder_of_that_name_is_not_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = environment.Beside("a library", "no_such_module", "MORES_NO_PYTHON", "", list, "")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "no_such_module").mkdir()
    assert own.found() is None
    (tmp_path / "no_such_module" / "__init__.py").touch()
    importlib.invalidate_caches()
    assert own.found() == Path(sys.executable)


@pytest.mark.usefixtures("empty_cache")
def test_what_could_not_be_installed_is_not_found() -> None:
    own = environment.Beside(
        "a library",
        "no_such_module",
        "MORES_NO_SUCH_PYTHON",
        "library==1",
        lambda python: [[str(python), "-c", "import sys; sys.exit('no wheel for it')"]],
        "do without",
    )
    with pytest.raises(ModelError, match="could not be installed: no wheel for it") as raised:
        own.python(lambda _: None)
    assert "MORES_NO_SUCH_PYTHON, or do without" in raised.value.fix
    assert own.found() is None


def test_a_python_without_vllm_is_refused(
    tuned_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(environment.VARIABLE, sys.executable)
    with pytest.raises(ModelError, match="this Python has no vLLM"):
        Vllm(job(load_study(tuned_study), GREEDY, tmp_path))


def test_the_pins_are_those_of_the_extra() -> None:
    root = HERE.parents[3]
    extras = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    own = (HERE / "requirements-gpu.txt").read_text("utf-8").split()
    assert extras["optional-dependencies"]["vllm"] == own
