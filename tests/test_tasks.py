"""A run as tasks: which there are, what each needs, and that they leave the same files."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from mores import tasks
from mores.errors import DataError, ServiceError, StudyError
from mores.execute import Resources, Site, Task, executor_of
from mores.report import report
from mores.run import run
from mores.store import Say
from mores.study import Study, load_study
from runs import left, timed


@pytest.fixture
def two_models(tiny_study: Path, tiny_folder: Path) -> Path:
    """The tiny study with every kind of task, on two models of different weights."""
    import torch
    from safetensors.torch import load_file, save_file

    other = tiny_folder.parent / "tiny-other"
    if not other.exists():
        shutil.copytree(tiny_folder, other)
        weights = load_file(other / "model.safetensors")
        save_file(
            {name: (w * 1.5 if w.dtype == torch.float32 else w) for name, w in weights.items()},
            other / "model.safetensors",
            metadata={"format": "pt"},
        )
    file = tiny_study / "study.toml"
    model = f'[[models]]\nname = "{tiny_folder.name}"\nformat = "chat"\n'
    text = file.read_text().replace(model, model + model.replace(tiny_folder.name, other.name))
    text = text.replace('"control", "prompted", "few_shot"', '"control", "preference"')
    text = text.replace("epochs = 2", "epochs = 1").replace("draws = 2", "draws = 1")
    file.write_text(
        text + "\n[gates]\nenabled = true\nitems = 2\ndecoding = { max_new_tokens = 6 }\n"
        "\n[preference]\nepochs = 1\ndecoding = { temperature = 1.0, max_new_tokens = 6 }\n"
    )
    return tiny_study


def here(study: Study, folder: Path) -> list[str]:
    said: list[str] = []
    site = Site(folder=folder, token="")
    executor_of("here")(site).run(tasks.tasks_of(study), say=said.append)
    return said


@pytest.mark.long
def test_tasks_of_single_models_leave_the_files_of_a_run_over_all(two_models, tmp_path):
    """Every file but the timings, and every step as often."""
    as_tasks = tmp_path / "as-tasks"
    shutil.copytree(two_models, as_tasks)
    run(load_study(two_models), check=False)
    study = load_study(as_tasks)
    said = here(study, study.run_folder)
    report(study)
    assert left(as_tasks) == left(two_models)
    models = ("tiny-model", "tiny-other")
    assert {Path(name).parts[1] for name in left(as_tasks)} == {*models, "report"}
    assert timed(as_tasks) == [name for name in timed(two_models) if name != "run"]
    assert len(said) > len(tasks.tasks_of(study)) == 2 * 12
    # Where and how they run makes nothing stale.
    settings = ("execute.retries=9", 'execute.address="a:1"', "execute.other={cpus=2}")
    moved = load_study(as_tasks, overrides=settings)
    here(moved, study.run_folder)
    assert timed(as_tasks) == [name for name in timed(two_models) if name != "run"]
    report(moved)
    assert left(as_tasks) == left(two_models)


def test_tasks_say_what_each_needs(two_models):
    study = load_study(two_models, overrides=("execute.tune={cpus=4,gpus=1,memory_gb=8.0}",))
    of_one = [t for t in tasks.tasks_of(study) if t.arguments["model"] == "tiny-model"]
    needs = {
        task.name.replace(" tiny-model", ""): {n.replace(" tiny-model", "") for n in task.needs}
        for task in of_one
    }
    tuned = {"tune values_targeted-s1", "tune control-s1", "tune preference-s1"}
    assert needs == {
        "rejected": set(),
        "tune values_targeted-s1": set(),
        "tune control-s1": set(),
        "tune preference-s1": {"rejected"},
        "stance": tuned,
        "sample": tuned,
        "stems": tuned,
        "coherence": {"sample"},
        "toxicity": {"sample"},
        "cooccurrence": {"stems"},
        "capability": tuned,
        "gates": {"coherence", "toxicity", "cooccurrence", "capability"},
    }
    uses = {task.name.partition(" ")[0]: task.resources for task in of_one}
    assert uses["tune"] == Resources(cpus=4, gpus=1, memory_gb=8.0)
    assert uses["sample"] == Resources()


def test_a_task_is_refused_where_files_differ(tiny_study):
    """Edited meanwhile, or another copy on a node of its own."""
    (task,) = [t for t in tasks.tasks_of(load_study(tiny_study)) if t.name.startswith("sample")]
    values = tiny_study / "values.jsonl"
    values.write_text(values.read_text().replace("help number 3", "help number 4"))
    with pytest.raises(DataError, match=r"values\.jsonl is not as it was") as raised:
        tasks.do(**task.arguments, say=print)
    assert raised.value.path == str(tiny_study)
    assert "storage that all nodes share" in (raised.value.fix or "")


def test_settings_travel_with_a_task(tiny_study):
    """What was set on the command line, and a variant of a study, which no file holds."""
    study = load_study(tiny_study, overrides=("sample.draws=1",))
    variant = study.variant("part", study.config, frozenset({"v-00", "v-03"}))
    (task, *_) = tasks.tasks_of(variant)
    assert isinstance(task, Task)
    (tiny_study / "study.toml").write_text("broken")
    opened = tasks._opened(task.arguments["study"])
    assert opened.config == study.config
    assert opened.run_folder == variant.run_folder
    assert [e.id for e in opened.values.examples] == ["v-00", "v-03"]


# What `mores run --on` makes of them -----------------------------------------------------------


def test_an_unknown_executor_is_refused_before_anything_is_done(tiny_study):
    with pytest.raises(StudyError, match="there is no executor 'rya'; did you mean 'ray'"):
        run(load_study(tiny_study), on="rya")
    assert not (tiny_study / "runs").exists()


def test_a_run_elsewhere_is_told_where_and_holds_the_lock_meanwhile(
    tiny_study, monkeypatch, spoken
):
    class Mine:
        def __init__(self, site: Site) -> None:
            self.site = site

        def run(self, tasks: Sequence[Task], *, say: Say) -> None:
            site = self.site
            assert (site.address, site.retries, site.parameters) == ("a:1", 5, {"qos": "low"})
            assert (site.folder / ".run" / "token").read_text() == site.token
            say(f"{len(tasks)} tasks")
            raise ServiceError("the cluster is on fire")

    monkeypatch.setattr("mores.run.executor_of", {"mine": Mine}.__getitem__)
    settings = 'execute={address="a:1",retries=5,slurm={qos="low"}}'
    study = load_study(tiny_study, overrides=(settings,))
    with pytest.raises(ServiceError, match="on fire"):
        run(study, check=False, on="mine", progress=spoken)
    assert [line.partition(" (after")[0] for line in spoken.lines if line[0] == "["] == [
        "[1/3] fetch",
        "[2/3] tasks on mine",
    ]
    assert spoken.lines[-1] == "9 tasks"
    assert not (study.run_folder / ".run" / "token").exists()
