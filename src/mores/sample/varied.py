"""Variants of the chosen prompts → completions: base, values and control arm, first draws.

sample_variants(study)       after `sample`: some go on from the arm's own answer
variants_step(study, spec)   for readers: is what lies there current?

A prompt's id in these completions is the variant's. Draws share their random numbers by id, so a
variant is another question, not the same draw in other words.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mores.execute import alone
from mores.progress import Progress
from mores.records import Completion, Prompt, Variant
from mores.sample.grid import Grid
from mores.sample.requests import Request, prompt_requests
from mores.sample.run import completions_digest, iter_completions, sample_step
from mores.step import Step, recorded
from mores.study import ArmKey, ModelSpec, Study, arm_keys, folders
from mores.study.content import charter_digest, records_digest, samples_digest
from mores.study.variants import as_prompt, asked
from mores.tune.run import known_base

if TYPE_CHECKING:
    from mores.weights.reader import Reader

VARIANTS = "variants"


def sample_variants(study: Study, *, progress: Progress | None = None) -> list[Completion]:
    """Put the variants of the chosen prompts to the arms that `variants.arms` names.

    Args:
        study: with completions of its prompts.
        progress: where to show how far it is.

    Returns:
        Completions whose prompt ids are those of variants; none where no prompt has any, or where
        `variants.enabled` is off.

    Raises:
        DataError: nothing has been sampled yet.
        ModelError: an arm has not been tuned, or a variant leaves no room for an answer.
    """
    progress = progress or Progress(quiet=True)
    if not study.config.variants.enabled:
        return []
    with alone(study.run_folder):
        return [c for grid in variant_grids(study) for c in grid.run(progress)]


def variant_grids(study: Study) -> list[Grid]:
    """The grid of every model; none where no chosen prompt has a variant."""
    return [_grid(study, spec) for spec in study.config.models if prompt_variants(study, spec)]


def variants_step(study: Study, spec: ModelSpec) -> Step | None:
    """The step that a model's completions of variants come from; None where there are none."""
    if not prompt_variants(study, spec):
        return None
    return _grid(study, spec).step(known_base(study, spec))


def prompt_variants(study: Study, spec: ModelSpec) -> list[Variant]:
    """Return the variants that a model is asked to answer, in file order."""
    if spec.imported:
        return []
    chosen = {p.id: p.text for p in study.chosen_prompts}
    return asked(study.variants, chosen, prefill=spec.prefills)


def variant_keys(study: Study) -> list[ArmKey]:
    """Arms that variants are put to."""
    arms = [arm for arm in study.config.arms if arm in study.config.variants.arms]
    return arm_keys(arms, study.config.train_seeds)


def _grid(study: Study, spec: ModelSpec) -> Grid:
    variants, keys = prompt_variants(study, spec), variant_keys(study)
    draws = min(study.config.variants.draws, study.config.sample.draws)
    sampled = sample_step(study, spec)
    prompts = {p.id: p for p in study.chosen_prompts}

    def build(model: Reader) -> list[Request]:
        plain = [as_prompt(v, prompts[v.varies]) for v in variants if not v.own_answer]
        requests = prompt_requests(
            model, spec.format, keys, plain, draws, study.charter, study.values
        )
        following = [v for v in variants if v.own_answer]
        if following:
            requests += _following(study, spec, model, keys, following, prompts, draws)
        return requests

    before = recorded(folders.model_folder(study, spec.name) / VARIANTS, "values")
    inputs = {
        "prompts": records_digest([prompts[v.varies] for v in variants]),
        "variants": records_digest(variants),
        "charter": charter_digest(study.charter),
        "values": samples_digest(study.values.examples, [before]),
        "completions": completions_digest(sampled),
    }
    extra = {"format": spec.format, "draws": draws}
    decoding = study.config.sample.decoding
    return Grid(study, spec, VARIANTS, keys, decoding, inputs, extra, build)


def _following(
    study: Study,
    spec: ModelSpec,
    model: Reader,
    keys: list[ArmKey],
    variants: list[Variant],
    prompts: dict[str, Prompt],
    draws: int,
) -> list[Request]:
    """Rows that go on from what this arm answered in this draw."""
    wanted = {v.varies for v in variants}
    own = {
        (c.arm, c.seed, c.prompt_id, c.draw): c
        for c in iter_completions(study, spec.name)
        if c.prompt_id in wanted and c.draw < draws
    }
    requests = []
    for key in keys:
        for v in variants:
            for draw in range(draws):
                answer = own.get((key.arm, key.seed, v.varies, draw))
                if answer is None or answer.absent:
                    continue  # there is nothing to go on from
                prompt = as_prompt(v, prompts[v.varies], answer)
                (row,) = prompt_requests(
                    model, spec.format, [key], [prompt], 1, study.charter, study.values
                )
                requests.append(replace(row, draw=draw))
    return requests
