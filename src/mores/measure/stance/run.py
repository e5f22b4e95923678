"""A study with tuned arms → stance items of every arm, in-context arms too.

items = stance(study)
items[0].margin       # 0.31 nats a token: the answer for the position is the likelier
stance_variants(study)                the same pairs asked in other ways (variants.jsonl)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mores import store
from mores.errors import DataError
from mores.execute import alone
from mores.measure.stance.item import StanceItem
from mores.progress import Progress, Task, duration
from mores.records import StancePair
from mores.sample.varied import variant_keys
from mores.step import Made, Step, recorded
from mores.store.lines import read_records
from mores.study import ArmKey, ModelSpec, Study, arm_keys, folders
from mores.study.content import charter_digest, records_digest, samples_digest
from mores.study.variants import as_pair, asked
from mores.tune.base import models_here
from mores.tune.run import known_base, tuned_folders, weight_digests
from mores.weights.rates import planned_seconds

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel
    from mores.weights.resolve import ResolvedModel

ITEMS = "items.jsonl"
STANCE = "stance"
VARIANTS = "stance_variants"
PAIR_TOKENS = 90
"""Tokens of a pair, question and both answers, roughly."""


def stance(study: Study, *, progress: Progress | None = None) -> list[StanceItem]:
    """Score the test pairs of stance.jsonl with every arm, and their variants with three.

    What it says is which of two answers a model finds likelier, not what it writes by itself: a
    proxy of adherence, to be read beside people's ratings.

    Args:
        study: with tuned arms.
        progress: where to show how far it is.

    Returns:
        Items of the test pairs; see `stance_variants` for the others.

    Raises:
        DataError: the study has no pairs.
        ModelError: an arm has not been tuned.
    """
    if not study.pairs("test"):
        raise DataError(
            "this study has no test pairs of stance",
            path=study.folder / "stance.jsonl",
            fix="write some (docs/stance.md), or leave this measure out",
        )
    items = _measure(study, study_pairs(study), progress)
    stance_variants(study, progress=progress)
    return items


def stance_variants(study: Study, *, progress: Progress | None = None) -> list[StanceItem]:
    """Score the variants of the test pairs with the arms that `variants.arms` names.

    Args:
        study: with tuned arms.
        progress: where to show how far it is.

    Returns:
        Items whose pair ids are those of variants; none where no test pair has any, or where
        `variants.enabled` is off.

    Raises:
        ModelError: an arm has not been tuned.
    """
    of = pair_variants(study)
    wanted = study.config.variants.enabled and of.pairs
    return _measure(study, of, progress) if wanted else []


@dataclass(frozen=True)
class AskedPairs:
    """Which pairs are put to which arms."""

    name: str
    """The step, and its folder below the model's."""
    pairs: tuple[StancePair, ...]
    keys: tuple[ArmKey, ...]


def study_pairs(study: Study) -> AskedPairs:
    """The test pairs, put to every arm."""
    keys = arm_keys(study.config.arms, study.config.train_seeds)
    return AskedPairs(STANCE, study.pairs("test"), tuple(keys))


def pair_variants(study: Study) -> AskedPairs:
    """The variants of test pairs, put to the arms of `variants.arms`."""
    pairs = {pair.id: pair for pair in study.pairs("test")}
    questions = {name: pair.prompt for name, pair in pairs.items()}
    found = tuple(as_pair(v, pairs[v.varies]) for v in asked(study.variants, questions))
    return AskedPairs(VARIANTS, found, tuple(variant_keys(study)))


def _measure(study: Study, of: AskedPairs, progress: Progress | None) -> list[StanceItem]:
    from mores.weights.resolve import resolve

    progress = progress or Progress(quiet=True)
    items: list[StanceItem] = []
    with alone(study.run_folder):
        for spec in models_here(study, of.name, progress.say):
            resolved = resolve(spec.name, say=progress.say)
            tuned = tuned_folders(study, spec, progress.say)
            step = stance_step(study, spec, resolved.digest, of)
            do = partial(_run, study, spec, resolved, tuned, step, progress, of)
            step.run(do, say=progress.say)
            items += read_stance(study, spec.name, of.name)
    return items


def stance_step(
    study: Study, spec: ModelSpec, base: str | None = None, of: AskedPairs | None = None
) -> Step:
    """What a model's items come from; readers leave the base's digest to be found.

    Args:
        study: as it is now.
        spec: one of its models.
        base: digest of the base model.
        of: which pairs; by default the test pairs.
    """
    of = of or study_pairs(study)
    folder = folders.model_folder(study, spec.name) / of.name
    return Step(
        of.name,
        folder,
        inputs={
            "model": base or known_base(study, spec),
            "pairs": records_digest(of.pairs),
            "charter": charter_digest(study.charter),
            "values": samples_digest(study.values.examples, [recorded(folder, "values")]),
            **weight_digests(study, spec),
        },
        config={"arms": [key.name for key in of.keys], "format": spec.format},
        seed=study.config.seed,
        log=study.run_folder,
        in_parts=True,
    )


def read_stance(study: Study, model: str, step: str = STANCE) -> list[StanceItem]:
    """Return the items of a finished run, of pairs or of their variants.

    Raises:
        DataError: the step has not been run.
    """
    path = folders.model_folder(study, model) / step / ITEMS
    return read_records(path, StanceItem, unique=None)


def _run(
    study: Study,
    spec: ModelSpec,
    resolved: ResolvedModel,
    tuned: dict[str, Path],
    step: Step,
    progress: Progress,
    of: AskedPairs,
) -> Made:
    from mores.weights.load import load
    from mores.weights.machine import peak_memory_gb, set_threads

    set_threads()
    start = time.perf_counter()
    loaded = load(resolved, dtype=study.config.recipe.dtype)
    total = len(of.keys) * len(of.pairs)
    method = study.config.recipe.method
    planned = planned_seconds(resolved.digest, method, read=total * PAIR_TOKENS)
    bar = progress.task(of.name, total, "pairs", planned=planned)
    rows: list[StanceItem] = []
    for key in of.keys:
        rows += _arm(study, spec, loaded, key, tuned, step, bar, of.pairs)
    bar.finish()
    store.write_jsonl(step.folder / ITEMS, rows)
    progress.say(f"{of.name}: {len(rows)} pairs in {duration(time.perf_counter() - start)}")
    return Made(
        [ITEMS],
        facts={"pairs": len(of.pairs)},
        timing={
            "model": spec.name,
            "pairs": len(rows),
            "peak_memory_gb": round(peak_memory_gb(), 2),
        },
    )


def _arm(
    study: Study,
    spec: ModelSpec,
    loaded: LoadedModel,
    key: ArmKey,
    tuned: dict[str, Path],
    step: Step,
    bar: Task,
    pairs: Sequence[StancePair],
) -> list[StanceItem]:
    """One arm's items, kept when they are done."""
    from mores.sample.weights import arm_in_place

    part = step.part([key.name, step.inputs])
    if part.exists():
        bar.skip(len(pairs))
        return read_records(part, StanceItem, unique=None)
    with arm_in_place(loaded, tuned, key.weights):
        items = stance_items(study, spec, loaded, key, pairs, bar.advance)
    store.write_jsonl(part, items)
    return items


def stance_items(
    study: Study,
    spec: ModelSpec,
    loaded: LoadedModel,
    key: ArmKey,
    pairs: Sequence[StancePair],
    advance: Callable[[float], None],
) -> list[StanceItem]:
    """Score pairs of a study with one arm, whose weights are in place."""
    from mores.measure.stance.score import score_pairs

    told = score_pairs(
        loaded,
        spec.format,
        key.arm,
        pairs,
        study.charter,
        study.values,
        on_items=advance,
    )
    return [
        StanceItem(
            pair_id=pair.id,
            category=pair.category,
            split=pair.split,
            model=spec.name,
            arm=key.arm,
            seed=key.seed,
            aligned=one.aligned,
            opposed=one.opposed,
            reason=one.reason,
        )
        for pair, one in zip(pairs, told, strict=True)
    ]
