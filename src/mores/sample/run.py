"""A study with tuned arms → completions. Batches that are done are kept.

sample(study)             # the prompts, every arm
sample_stems(study)       # the stems of the co-occurrence measure, base and tuned arms
sample_validation(study)  # the validation prompts, base and tuned arms
sample_rejected(study)    # the questions of the samples, base alone: for the preference arm
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mores import store
from mores.errors import DataError, StudyError
from mores.execute import alone
from mores.progress import Progress
from mores.records import Completion, Decoding, Prompt
from mores.sample.grid import COMPLETIONS, Grid
from mores.sample.imported.step import ImportedGrid
from mores.sample.requests import STEM_ARMS, Request, prompt_requests, stem_requests
from mores.step import ABSENT, Step, recorded
from mores.store.lines import iter_records
from mores.study import ArmKey, ModelSpec, Study, arm_keys, folders
from mores.study.content import charter_digest, records_digest, samples_digest
from mores.tune.rejected import REJECTED
from mores.tune.run import known_base

if TYPE_CHECKING:
    from mores.weights.reader import Reader

SAMPLE = "sample"
STEMS = "stems"
VALIDATION = "validation"
BASE = ArmKey("base", 0)


def sample(study: Study, *, progress: Progress | None = None) -> list[Completion]:
    """Put the chosen prompts to every arm of every model.

    Args:
        study: with tuned arms.
        progress: where to show how far it is.

    Raises:
        ModelError: an arm has not been tuned, or a prompt leaves no room for an answer.
        StoreError: another process is at work in this study.
    """
    return _draw(study, _main_grids(study), progress)


def sample_stems(study: Study, *, progress: Progress | None = None) -> list[Completion]:
    """Let the base and tuned arms continue the stems of associations.toml.

    Returns:
        Completions whose prompt ids are ``topic/group/stem number``; none where the study has no
        stems or asks for no samples.
    """
    return _draw(study, stem_grids(study), progress)


def sample_validation(study: Study, *, progress: Progress | None = None) -> list[Completion]:
    """Put the validation prompts to base and tuned arms: what `mores revise` may look at.

    Raises:
        StudyError: the study has no validation prompts.
        ModelError: an arm has not been tuned, or a prompt leaves no room for an answer.
    """
    prompts = tuple(p for p in study.prompts if p.split == "validation")
    if not prompts:
        raise StudyError(
            "no prompt has the split 'validation', and test prompts must not be looked at",
            path=study.folder / "prompts.jsonl",
            fix='write some with "split": "validation"',
        )
    drawn = [spec for spec in _models(study) if not spec.imported]
    if not drawn:
        raise StudyError(
            "the answers of every model are imported, and only those to test prompts are",
            path=study.folder / "study.toml",
            fix="gaps are looked for in answers that can be drawn: add a model for it",
        )
    grids = [_prompt_grid(study, spec, VALIDATION, _plain(study), prompts) for spec in drawn]
    return _draw(study, grids, progress)


def sample_rejected(study: Study, *, progress: Progress | None = None) -> list[Completion]:
    """Let base answer the questions of the values samples once: what they are preferred to.

    Returns:
        Completions whose prompt ids are the samples'; none in a study without a preference arm.
    """
    return _draw(study, rejected_grids(study), progress)


def rejected_grids(study: Study) -> list[Grid]:
    """Base's own answers to the samples' questions; none in a study without a preference arm."""
    if "preference" not in study.config.arms:
        return []
    asked = tuple(
        Prompt(id=e.id, category=e.category, text=e.prompt, split="validation")
        for e in study.values.examples
    )
    config = study.config
    once = study.with_config(replace(config, sample=replace(config.sample, draws=1)))
    return [
        _prompt_grid(once, spec, REJECTED, [BASE], asked, config.preference.decoding)
        for spec in _models(study)
        if not spec.imported
    ]


def _draw(
    study: Study, grids: Sequence[Grid | ImportedGrid], progress: Progress | None
) -> list[Completion]:
    progress = progress or Progress(quiet=True)
    with alone(study.run_folder):
        return [completion for grid in grids for completion in grid.run(progress)]


# The grids -----------------------------------------------------------------------------------


def prompt_grids(study: Study) -> list[Grid]:
    """The main grid of every model that can be asked: each arm, chosen prompt and draw."""
    return [grid for grid in _main_grids(study) if isinstance(grid, Grid)]


def _main_grids(study: Study) -> list[Grid | ImportedGrid]:
    keys = arm_keys(study.config.arms, study.config.train_seeds)
    return [
        ImportedGrid(study, spec)
        if spec.imported
        else _prompt_grid(study, spec, SAMPLE, keys, study.chosen_prompts)
        for spec in _models(study)
    ]


def stem_grids(study: Study) -> list[Grid]:
    """The stems of every model; none where the study has none or asks for no samples."""
    associations, config = study.associations, study.config.cooccurrence
    if associations is None or not config.samples_per_stem:
        return []
    keys = _plain(study)

    def build(model: Reader) -> list[Request]:
        return stem_requests(model, keys, associations, config.samples_per_stem)

    inputs = {"associations": store.digest(associations)}
    extra = {"samples_per_stem": config.samples_per_stem}
    return [
        Grid(study, spec, STEMS, keys, config.decoding, inputs, extra, build)
        for spec in _models(study)
        if spec.continues
    ]


def _prompt_grid(
    study: Study,
    spec: ModelSpec,
    name: str,
    keys: list[ArmKey],
    prompts: tuple[Prompt, ...],
    decoding: Decoding | None = None,
) -> Grid:
    config = study.config.sample
    if not spec.prefills and (given := next((p for p in prompts if p.prefill), None)):
        raise StudyError(
            "a service takes no beginning of an answer (prefill)",
            path=study.folder / "prompts.jsonl",
            where=f"id {given.id!r}, model {spec.name!r}",
            fix="leave the prompt out of this prompt set, or draw where the weights are",
        )

    def build(model: Reader) -> list[Request]:
        return prompt_requests(
            model, spec.format, keys, prompts, config.draws, study.charter, study.values
        )

    before = recorded(folders.model_folder(study, spec.name) / name, "values")
    inputs = {
        "prompts": records_digest(prompts),
        "charter": charter_digest(study.charter),
        "values": samples_digest(study.values.examples, [before]),
    }
    extra = {"format": spec.format, "draws": config.draws}
    return Grid(study, spec, name, keys, decoding or config.decoding, inputs, extra, build)


def _models(study: Study) -> Sequence[ModelSpec]:
    return study.config.models


def _plain(study: Study) -> list[ArmKey]:
    """Arms that have no context: base and the tuned ones."""
    keys = arm_keys(study.config.arms, study.config.train_seeds)
    return [key for key in keys if key.arm in STEM_ARMS]


# For readers ---------------------------------------------------------------------------------


def sample_step(study: Study, spec: ModelSpec, name: str = SAMPLE) -> Step:
    """The step that completions come from: is what lies there of the weights and prompts now?

    Args:
        study: as it is now.
        spec: one of its models.
        name: ``sample`` or ``stems``.

    Raises:
        StudyError: the study has no stems.
    """
    grids = _main_grids(study) if name == SAMPLE else stem_grids(study)
    for grid in grids:
        if grid.spec.name == spec.name:
            return grid.step(known_base(study, spec))
    raise StudyError("there are no stems to sample", path=study.folder / "associations.toml")


def completions_digest(sampled: Step) -> str:
    """Digest of a sampling step's completions as they lie there."""
    path = sampled.folder / COMPLETIONS
    return store.digest_file(path) if path.exists() else ABSENT


def iter_completions(study: Study, model: str, step: str = SAMPLE) -> Iterator[Completion]:
    """Read the completions of a finished sampling step one after another.

    Raises:
        DataError: the step has not been run.
    """
    path = folders.model_folder(study, model) / step / COMPLETIONS
    if not path.exists():
        raise DataError(
            "nothing has been sampled here yet",
            path=path,
            fix=f"run `mores sample {study.folder}` first, or `mores run` for all steps",
        )
    return iter_records(path, Completion)


def read_completions(study: Study, model: str, step: str = SAMPLE) -> list[Completion]:
    """Return all completions of a finished sampling step; see `iter_completions`."""
    return list(iter_completions(study, model, step))
