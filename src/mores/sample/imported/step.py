"""The sampling step of a model whose answers are brought: for readers like that of any other.

grid = ImportedGrid(study, spec)
grid.step(None).stale()       are the answers that lie there of the prompts there are now?
grid.run(progress)            those answers; nothing can be drawn
"""

from __future__ import annotations

from dataclasses import dataclass

from mores.errors import DataError
from mores.progress import Progress
from mores.records import Completion
from mores.sample.grid import COMPLETIONS
from mores.step import Step
from mores.store.lines import read_records
from mores.study import ModelSpec, Study, arm_keys, folders
from mores.study.content import records_digest


@dataclass(frozen=True)
class ImportedGrid:
    """What is asked of one model that cannot be asked."""

    study: Study
    spec: ModelSpec

    def step(self, base: str | None) -> Step:  # noqa: ARG002 - the grids' own signature
        """What the answers are of: prompts, arms and draws. No weights are known."""
        config = self.study.config
        return Step(
            "sample",
            folders.model_folder(self.study, self.spec.name) / "sample",
            inputs={"prompts": records_digest(self.study.chosen_prompts)},
            config={
                "arms": [key.name for key in arm_keys(config.arms, config.train_seeds)],
                "draws": config.sample.draws,
                "engine": self.spec.engine,
            },
            seed=config.seed,
            log=self.study.run_folder,
        )

    def run(self, progress: Progress) -> list[Completion]:
        """Return the answers that were imported.

        Raises:
            DataError: none were, or the prompts, arms or draws have changed since.
        """
        step = self.step(None)
        if why := step.why():
            raise DataError(
                f"the answers of {self.spec.name} are brought, not drawn: {why}",
                path=step.folder,
                fix=f"mores outputs import {self.study.folder} FILE",
            )
        progress.say(f"sample: the answers of {self.spec.name} were imported")
        return read_records(step.folder / COMPLETIONS, Completion)
