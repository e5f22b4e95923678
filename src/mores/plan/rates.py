"""How fast this machine trains, reads and draws with a model: measured once, then kept.

rates = rates_of(study, spec, loaded, draws_of(study, spec, loaded), digest, progress)
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mores import store
from mores.progress import Progress
from mores.study import ModelSpec, Study
from mores.study.arms import arm_keys
from mores.weights.rates import Rates, known_rates, rates_file

if TYPE_CHECKING:
    from mores.sample.requests import Request
    from mores.weights.loaded import LoadedModel

PROBED = 40
"""Most answers that are drawn side by side to measure the speed; more are hardly faster."""


def draws_of(study: Study, spec: ModelSpec, loaded: LoadedModel) -> list[Request]:
    """What every arm is asked, as often as it is asked."""
    from mores.sample.requests import prompt_requests

    keys = arm_keys(study.config.arms, study.config.train_seeds)
    return prompt_requests(
        loaded,
        spec.format,
        keys,
        study.chosen_prompts,
        study.config.sample.draws,
        study.charter,
        study.values,
    )


def side_by_side(study: Study, loaded: LoadedModel, asked: Sequence[Request]) -> int:
    """How many of these answers a run would draw at a time, with what is free now."""
    from mores.sample.plan import memory_budget, rows_side_by_side

    return rows_side_by_side(
        loaded,
        asked,
        study.config.sample.decoding.max_new_tokens,
        batch_rows=study.config.sample.batch_rows,
        memory_gb=memory_budget(study, loaded),
    )


def rates_of(
    study: Study,
    spec: ModelSpec,
    loaded: LoadedModel,
    asked: Sequence[Request],
    digest: str,
    progress: Progress,
) -> Rates:
    """Return measured rates; kept in the cache for the same model, machine and method.

    Args:
        study: its values samples are read and trained on.
        spec: the model.
        loaded: the same in memory.
        asked: what a run draws (`draws_of`); base's first draws are drawn here.
        digest: of the model.
        progress: where to say what is measured.
    """
    some = [r for r in asked if r.key.arm == "base" and not r.draw][:PROBED]
    rows = some[: side_by_side(study, loaded, some)]
    method = study.config.recipe.method
    known = known_rates(digest, method)
    if known is not None and known.rows == len(rows):
        return known
    progress.say(f"measuring the speed of {spec.name} on this machine, once")
    rates = measure_rates(study, spec, loaded, rows)
    store.write_json(rates_file(digest, method), rates)
    return rates


def measure_rates(
    study: Study, spec: ModelSpec, loaded: LoadedModel, rows: Sequence[Request]
) -> Rates:
    """Time a little of each kind of work: reading, drawing, training (which changes the model).

    Args:
        study: its values samples are read and trained on.
        spec: the model.
        loaded: the same in memory.
        rows: what is drawn side by side, no more than a run would.
    """
    import torch
    from msgspec.structs import replace

    from mores.records import Decoding, Recipe
    from mores.sample.decoder import Decoder
    from mores.tune.encode import encode_dataset
    from mores.tune.loop import fit
    from mores.weights.attention import Layout

    samples = encode_dataset(loaded, study.values, spec.format)[:2]
    ids = torch.tensor([i for s in samples for i in s.ids])
    layout = Layout.of([s.size for s in samples])
    with torch.inference_mode():
        loaded.hidden(ids, layout)
        start = time.perf_counter()
        loaded.hidden(ids, layout)
        read = len(ids) / (time.perf_counter() - start)
    engine = Decoder(loaded)
    times = []
    for tokens in (1, 9):
        start = time.perf_counter()
        drawn = engine.draw(rows, Decoding(temperature=1.0, max_new_tokens=tokens), 0)
        times.append((time.perf_counter() - start, sum(len(d.ids) for d in drawn)))
    draw = (times[1][1] - times[0][1]) / max(1e-6, times[1][0] - times[0][0])
    recipe: Recipe = replace(
        study.config.recipe, epochs=1, batch_size=2, held_out=0.0, early_stopping=0
    )
    result = fit(loaded, samples, recipe, seed=1)
    return Rates(
        train=round(result.tokens / result.seconds, 1),
        read=round(read, 1),
        draw=round(max(draw, 0.1), 1),
        rows=len(rows),
    )
