"""What a study will do, how long it takes here, and what it can show, before it runs.

work = plan(load_study(Path("examples/wellbeing")), probe=True)
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mores import store
from mores.plan.bill import Bill, bills, variant_tokens
from mores.plan.foreign import foreign_words
from mores.plan.power import Shows, what_it_shows
from mores.plan.rates import draws_of, rates_of, side_by_side
from mores.plan.seal import seal_plan, seal_status
from mores.progress import Progress
from mores.records import TUNED_ARMS, Record
from mores.stats import smallest_p
from mores.study import ModelSpec, Study, settings
from mores.study.arms import arm_keys
from mores.tune.base import base_of
from mores.weights.rates import Rates

if TYPE_CHECKING:
    from mores.measure.capability import Task
    from mores.sample.requests import Request

SECONDS_PER_RATING = 45.0
"""Reading a prompt, a position and an answer of up to 200 words, and deciding: our assumption."""


class ModelPlan(Record, frozen=True, kw_only=True):
    """What one base model will do."""

    name: str
    parameters: int
    train_tokens: int
    """Tokens of one arm and epoch, values set."""
    longest_sample: int
    steps_per_epoch: int
    tail: int
    """Samples in the last step of an epoch; equal to the batch size where it is full."""
    steps: int
    tuned_arms: int
    read_tokens: int
    draw_tokens: int
    """Most tokens that sampling and stems can draw."""
    capability_tokens: int
    memory_gb: float
    disk_gb: float
    rates: Rates | None
    minutes: float | None
    """None where nothing was measured."""


class Plan(Record, frozen=True, kw_only=True):
    """Everything that `mores plan` prints."""

    study: str
    preset: str
    settings: tuple[tuple[str, str, str], ...]
    models: tuple[ModelPlan, ...]
    """Those whose weights are on this machine."""
    bills: tuple[Bill, ...]
    """What services can ask for at most."""
    prompts: dict[str, int]
    """Category → test prompts."""
    completions: int
    stem_completions: int
    ratings: int
    raters_per_item: int
    seats: int
    """Raters planned."""
    rater_hours: float
    """Of all raters together."""
    shows: tuple[Shows, ...]
    """What ratings and toxicity can show, all prompts together."""
    smallest_p: dict[str, float]
    """Category (and ``overall``) → smallest two-sided p that a sign-flip by prompt can reach."""
    smallest_adjusted_p: float
    """The same for a category after Holm over all categories."""
    foreign: tuple[str, ...]
    """How foreign the samples are to each model, in words; empty where nothing was measured."""
    capability: tuple[str, ...]
    """For each task what its items can support, in words (`mores.measure.capability.supports`)."""
    notes: tuple[str, ...]


def plan(
    study: Study, *, probe: bool = True, seal: bool = False, progress: Progress | None = None
) -> Plan:
    """Show what a study will do, how long it takes here, and what it can show.

    Args:
        study: a loaded study.
        probe: measure this machine's speed (about 20 seconds, kept for next time).
        seal: fix hypotheses, margins, exclusions, seeds and settings in a hashed file now; before
            sampling only. The report then says what was sealed and where the study deviated.
        progress: where to say what is measured.

    Raises:
        MoresError: a file or model cannot be read; sealed before, or sampled already.
    """
    progress = progress or Progress(quiet=True)
    work = _work(study, probe, progress)
    if seal:
        with store.lock(study.run_folder):
            sealed = seal_plan(study, now=datetime.now(UTC))
        progress.say(f"sealed {sealed.sealed}, {sealed.digest}")
        progress.say("keep that digest somewhere else: it proves that this was the plan")
    return work


def _work(study: Study, probe: bool, progress: Progress) -> Plan:
    from mores.measure.capability import load_tasks, supports

    tasks = load_tasks(study)
    keys = arm_keys(study.config.arms, study.config.train_seeds)
    counts: dict[str, int] = {}
    for prompt in study.chosen_prompts:
        counts[prompt.category] = counts.get(prompt.category, 0) + 1
    completions = (
        len(keys) * len(study.chosen_prompts) * study.config.sample.draws * len(study.config.models)
    )
    ratings = _ratings(study)
    smallest = {name: smallest_p(n) for name, n in counts.items()}
    smallest["overall"] = smallest_p(sum(counts.values()))
    adjusted = min(1.0, min(smallest_p(n) for n in counts.values()) * len(counts))
    return Plan(
        study=study.config.name,
        preset=study.config.preset,
        settings=tuple(settings(study)),
        models=tuple(
            _plan_model(study, spec, tasks, probe, progress)
            for spec in study.config.models
            if spec.here
        ),
        bills=tuple(bills(study)),
        prompts=counts,
        completions=completions,
        stem_completions=_stem_rows(study) * sum(m.continues for m in study.config.models),
        ratings=ratings,
        raters_per_item=study.config.rating.per_item,
        seats=study.config.rating.seats,
        rater_hours=round(ratings * SECONDS_PER_RATING / 3600, 1),
        shows=what_it_shows(study),
        smallest_p=smallest,
        smallest_adjusted_p=adjusted,
        foreign=foreign_words(study) if probe else (),
        capability=tuple(s.sentence for s in supports(tasks, study.config.capability)),
        notes=tuple(_notes(study, counts, adjusted)),
    )


def _stem_rows(study: Study) -> int:
    if study.associations is None:
        return 0
    stems = sum(len(g.stems) for t in study.associations.topics for g in t.groups)
    arms = arm_keys(study.config.arms, study.config.train_seeds)
    own = [k for k in arms if k.arm == "base" or k.arm in TUNED_ARMS]
    return stems * study.config.cooccurrence.samples_per_stem * len(own)


def _notes(study: Study, counts: dict[str, int], adjusted: float) -> list[str]:
    notes = []
    few = [n for n in counts.values() if smallest_p(n) > 0.05]
    if few:
        notes.append(
            f"With {min(few)} prompts in a category, no two-sided test by prompt can reach .05 "
            f"(the smallest p is {smallest_p(min(few)):.4g}): results by category are descriptive."
        )
    elif adjusted > 0.05:
        notes.append(
            f"After Holm's adjustment over {len(counts)} categories the smallest p that one can "
            f"reach is {adjusted:.3g}: no single category can be shown. Use more prompts."
        )
    sealed = seal_status(study)
    if sealed is not None:
        notes.append(f"Sealed on {sealed.sealed}." if sealed.intact else "The seal is broken.")
        notes += [f"Deviates from the sealed plan: {line}." for line in sealed.deviations]
    if len(study.config.models) == 2:
        notes.append(
            "Two base models: their effects can be compared, but no trend by size can be tested."
        )
    if len(study.config.train_seeds) == 1:
        notes.append(
            'One training run for each arm: verdicts will read "in this run" and say nothing of '
            "another. The preset `confirm` trains three."
        )
    if study.config.cooccurrence.samples_per_stem and study.associations is not None:
        per = study.config.cooccurrence.samples_per_stem
        if per < 200:
            notes.append(
                f"{per} samples a stem (800 in the published protocol): only very strong "
                "associations can show."
            )
    return notes


def _ratings(study: Study) -> int:
    """Ratings that the rating app will ask for, over all models."""
    rules, config = study.config.rating, study.config
    keys = [key for key in arm_keys(config.arms, config.train_seeds) if key.arm in rules.arms]
    draws = min(rules.draws or config.sample.draws, config.sample.draws)
    return rules.per_item * len(keys) * len(study.chosen_prompts) * draws * len(config.models)


def _plan_model(
    study: Study, spec: ModelSpec, tasks: Sequence[Task], probe: bool, progress: Progress
) -> ModelPlan:
    from mores.measure.capability.task import item_tokens
    from mores.sample.plan import LIBRARIES_GB, row_bytes, weight_bytes
    from mores.tune.batches import steps_per_epoch
    from mores.tune.encode import encode_dataset
    from mores.weights.load import load
    from mores.weights.machine import set_threads

    set_threads()
    recipe = study.config.recipe
    resolved = base_of(spec, progress.say)
    loaded = load(resolved, dtype=recipe.dtype)
    sizes = [s.size for s in encode_dataset(loaded, study.values, spec.format)]
    tuned = sum(k.arm in TUNED_ARMS for k in arm_keys(study.config.arms, study.config.train_seeds))
    kept = len(sizes) - round(len(sizes) * recipe.held_out)
    steps = steps_per_epoch(kept, recipe.batch_size)
    asked = draws_of(study, spec, loaded)
    read, draw = _sampling_tokens(study, asked)
    capability = round(item_tokens(tasks, loaded.tokenizer) * (tuned + 1))
    weights = weight_bytes(loaded) / 1e9
    parameters = loaded.parameters
    trained = 4 * weights if recipe.method == "full" else 1.2 * weights
    # Activations: about 34 numbers a token, layer and unit of width, kept for the backward pass.
    config = loaded.model.config.get_text_config()
    kept_numbers = 34 * config.num_hidden_layers * config.hidden_size * recipe.micro_tokens
    memory = LIBRARIES_GB + trained + 4 * kept_numbers / 1e9
    longest = max(len(r.ids) for r in asked) + study.config.sample.decoding.max_new_tokens
    rows = side_by_side(study, loaded, asked)
    drawing = rows * row_bytes(loaded, min(longest, loaded.context)) / 1e9
    memory = max(memory, LIBRARIES_GB + weights + drawing)
    disk = tuned * (weights if recipe.method == "full" else 0.15 * weights) + 3 * weights
    digest = resolved.digest
    rates = rates_of(study, spec, loaded, asked, digest, progress) if probe else None
    minutes = None
    if rates is not None:
        trained_on = tuned * recipe.epochs * sum(sizes)
        seconds = rates.seconds(train=trained_on, read=read + capability, draw=draw)
        minutes = round(seconds / 60 + 0.5, 1)
    return ModelPlan(
        name=spec.name,
        parameters=parameters,
        train_tokens=sum(sizes),
        longest_sample=max(sizes),
        steps_per_epoch=steps,
        tail=kept - (steps - 1) * recipe.batch_size,
        steps=steps * recipe.epochs,
        tuned_arms=tuned,
        read_tokens=read,
        draw_tokens=draw,
        capability_tokens=capability,
        memory_gb=round(memory, 1),
        disk_gb=round(disk, 1),
        rates=rates,
        minutes=minutes,
    )


def _sampling_tokens(study: Study, asked: Sequence[Request]) -> tuple[int, int]:
    """Tokens read (each prompt once) and the most that can be drawn."""
    from mores.measure.stance.run import PAIR_TOKENS

    config = study.config.sample
    rows = [r for r in asked if not r.draw]
    stems = _stem_rows(study)
    read = (
        sum(len(r.ids) for r in rows)
        + stems // max(1, study.config.cooccurrence.samples_per_stem) * 8
    )
    drawn = len(rows) * config.draws * config.decoding.max_new_tokens
    # Stance reads each pair once an arm, coherence each answer once more.
    pairs = len(study.pairs("test")) * len(arm_keys(study.config.arms, study.config.train_seeds))
    read += pairs * PAIR_TOKENS + drawn
    more_read, more_drawn = variant_tokens(study, study.config.models[0])
    read, drawn = read + more_read, drawn + more_drawn
    return read, drawn + stems * study.config.cooccurrence.decoding.max_new_tokens
