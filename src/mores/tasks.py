"""A run as independent tasks, each of one model: what `mores run --on` sends to other machines.

    tasks = tasks_of(study)
    do(task.arguments["study"], "sample", "smollm2-135m", say=print)     on a node

A task carries the settings as they were resolved where the run was started; people's files are read
again where it is done, and must be the same there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from mores import store
from mores.errors import DataError
from mores.execute import Resources, Task
from mores.progress import Progress
from mores.progress import Task as Bar
from mores.records import Arm, to_plain
from mores.study import ArmKey, ModelSpec, Study
from mores.study.files import LATER, file_digests
from mores.study.travel import Sent
from mores.tune.run import tuned_keys

DO = "mores.tasks:do"
NOT_READ = ("study.toml", *LATER)
"""Settings travel with the task; what people say may come while the run is under way."""


def tasks_of(study: Study) -> list[Task]:
    """Return the tasks of a run, from base's own answers to the gates; the report is not one.

    Args:
        study: with at least one model.
    """
    sent = _sent(study)
    return [task for spec in study.config.models for task in _of_model(study, sent, spec)]


def _of_model(study: Study, sent: dict[str, Any], spec: ModelSpec) -> list[Task]:
    config, made = study.config, []

    def add(step: str, needs: Sequence[str], key: ArmKey | None = None) -> str:
        name = f"{step} {spec.name}" + (f" {key.name}" if key else "")
        arguments: dict[str, Any] = {"study": sent, "step": step, "model": spec.name}
        if key is not None:
            arguments |= {"arm": key.arm, "seed": key.seed}
        uses = config.execute.tune if key else config.execute.other
        if step in ("cooccurrence", "toxicity"):  # no model of the study is loaded
            uses = Resources(cpus=uses.cpus, memory_gb=uses.memory_gb)
        made.append(Task(name, DO, arguments, tuple(needs), uses))
        return name

    rejected = [add("rejected", ())] if "preference" in config.arms else []
    tuned = [
        add("tune", rejected if key.arm == "preference" else (), key) for key in tuned_keys(study)
    ]
    if study.pairs("test"):
        add("stance", tuned)
    sampled = add("sample", tuned)
    # What an engine shares (an account, an environment, a GPU) has one user at a time.
    stems = add("stems", tuned if spec.engine in ("torch", "plain") else [sampled])
    read = [add("coherence", [sampled]), add("toxicity", [sampled]), add("cooccurrence", [stems])]
    capable = add("capability", tuned)
    if config.gates.enabled:  # they judge what the other measures have left
        add("gates", [*read, capable])
    return made


def do(
    study: dict[str, Any],
    step: str,
    model: str,
    arm: Arm = "base",
    seed: int = 0,
    *,
    say: store.Say,
) -> None:
    """Do one task: one step of one model, or the tuning of one arm.

    Args:
        study: as `tasks_of` sent it.
        step: which.
        model: name of the model in the study.
        arm: of ``tune``.
        seed: of ``tune``.
        say: where to write lines.

    Raises:
        DataError: this machine sees other files than the one where the run was started.
        MoresError: what the step raises.
    """
    from mores.measure.capability import capability
    from mores.measure.coherence import coherence
    from mores.measure.cooccurrence import cooccurrence
    from mores.measure.gates import gates
    from mores.measure.stance import stance
    from mores.measure.toxicity import toxicity
    from mores.sample import sample, sample_rejected, sample_stems, sample_variants

    opened, progress = _opened(study).only(model), _Lines(say)
    if step == "tune":
        _tune(opened, ArmKey(arm, seed), progress)
        return
    steps = {
        "rejected": sample_rejected,
        "stance": stance,
        "sample": sample,
        "stems": sample_stems,
        "coherence": coherence,
        "toxicity": toxicity,
        "cooccurrence": cooccurrence,
        "capability": capability,
        "gates": gates,
    }
    steps[step](opened, progress=progress)
    if step == "sample":
        sample_variants(opened, progress=progress)


def _tune(study: Study, key: ArmKey, progress: Progress) -> None:
    from mores.tune.base import base_of
    from mores.tune.run import tune_arm

    (spec,) = study.config.models
    with store.lock(study.run_folder):
        tune_arm(study, spec, base_of(spec, progress.say), key, progress=progress)


def _sent(study: Study) -> dict[str, Any]:
    """A study as plain data, and what is in its files."""
    return {"settings": to_plain(Sent.of(study)), "files": _files(study)}


def _opened(sent: dict[str, Any]) -> Study:
    study = msgspec.convert(sent["settings"], Sent).open()
    here, there = _files(study), sent["files"]
    for name in sorted({*here, *there}):
        if here.get(name) != there.get(name):
            raise DataError(
                f"{name} is not as it was where and when the run was started",
                path=study.folder,
                fix="was it edited? run again once it stays as it is. If not, this node sees "
                "another copy: the study must lie on storage that all nodes share",
            )
    return study


def _files(study: Study) -> dict[str, str]:
    return {name: d for name, d in file_digests(study).items() if name not in NOT_READ}


class _Lines(Progress):
    """What is said goes to whoever started the run; how far a step is does not."""

    def __init__(self, say: store.Say) -> None:
        super().__init__(quiet=True)
        self._say = say

    def say(self, line: str) -> None:
        """Pass a line on."""
        self._say(line)

    def task(
        self,
        name: str,
        total: float,
        unit: str = "",
        *,
        planned: float | None = None,
        plain: bool = True,  # noqa: ARG002
    ) -> Bar:
        """A bar that writes no lines."""
        return super().task(name, total, unit, planned=planned, plain=False)
