"""Short training runs on the two-layer model, for one process and for two that torch has started.

    python -m torch.distributed.run --nproc-per-node 2 sharded_cases.py MODELS OUT

The first process writes what each run gave into OUT; the tests do the same runs in one process.
"""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from mores.records import Dataset, Example, Recipe
from mores.tune.adapters import save_tuned
from mores.tune.anchor import anchor_samples
from mores.tune.encode import encode_dataset
from mores.tune.group import ALONE, Group
from mores.tune.loop import FitResult, fit
from mores.tune.memory import Room
from mores.tune.preference import EncodedPair
from mores.weights.loaded import LoadedModel
from mores.weights.recompute import decoder_layers
from mores.weights.resolve import resolve

TEXTS = (
    "talk with them",
    "there are many views on beauty and no one view is right for all of us",
    "bread needs flour water salt and time",
    "listen and say that it is not their fault because people differ in what they like",
    "no",
    "birds sing in the morning when the sun is up and a friend may like to help",
)
# Six samples in batches of five: five over two processes, then one.
RECIPE = Recipe(
    epochs=3, batch_size=5, micro_tokens=60, learning_rate=3e-3, lora_rank=4, lora_alpha=8
)


@dataclass(frozen=True)
class Case:
    recipe: dict[str, Any]
    model: str = "tiny-model"
    pairs: bool = False
    recompute: bool = False


CASES = {
    "lora": Case({"anchor": 0.5}),
    "full": Case({"method": "full", "weight_decay": 0.1, "anchor": 0.5, "learning_rate": 1e-3}),
    "held out": Case(
        {
            "held_out": 0.25,
            "early_stopping": 1,
            "epochs": 6,
            "learning_rate": 0.08,
            "schedule": "constant",
        }
    ),
    "preference, layers run twice": Case({}, pairs=True, recompute=True),
    "bfloat16": Case({"dtype": "bfloat16"}),
    "experts": Case({}, model="mixtral"),
}
HANDED_OVER = 4
"""The step after which a run is broken off, to go on in another number of processes."""


class Stop(BaseException):
    """Stands for Ctrl-C."""


def start(models: Path, case: Case, group: Group = ALONE) -> tuple[LoadedModel, list[Any], Recipe]:
    recipe = msgspec.structs.replace(RECIPE, **case.recipe)
    loaded = group.load(resolve(str(models / case.model)), recipe.dtype, lambda _: None)
    examples = [
        Example(id=f"v-{i}", category="care", prompt=f"what is {i} good for?", completion=text)
        for i, text in enumerate(TEXTS)
    ]
    samples = encode_dataset(loaded, Dataset(name="values", examples=tuple(examples)), "chat")
    if not case.pairs:
        return loaded, samples, recipe
    prompts = [(s.ids[: s.prompt_length], s.ids[s.prompt_length :]) for s in samples]
    pairs = [
        EncodedPair(s.id, prompt, answer, prompts[i - 1][1])
        for i, (s, (prompt, answer)) in enumerate(zip(samples, prompts, strict=True))
    ]
    return loaded, pairs, recipe


def run(
    models: Path,
    name: str,
    out: Path,
    group: Group = ALONE,
    *,
    checkpoints: Path | None = None,
    stop_at: int = 0,
) -> tuple[LoadedModel, FitResult]:
    """Train, and write the weights into a folder."""
    case = CASES[name]
    loaded, samples, recipe = start(models, case, group)

    def on_step(step: int, steps: int, row: dict[str, Any]) -> None:
        if step == stop_at:
            raise Stop

    result = fit(
        loaded,
        samples,
        recipe,
        seed=3,
        neutral=anchor_samples(loaded, "chat") if recipe.anchor else (),
        folder=checkpoints,
        on_step=on_step,
        checkpoint_seconds=0.0,
        group=group,
        room=Room(tokens=recipe.micro_tokens, recompute=True) if case.recompute else None,
    )
    save_tuned(loaded, recipe, out, "base", group)
    return loaded, result


def facts(loaded: LoadedModel, result: FitResult) -> dict[str, Any]:
    """What a process knows of a run that others cannot see."""
    layers = decoder_layers(loaded)
    # Adapters are whole in each.
    parameters = [p for layer in layers for n, p in layer.named_parameters() if ".lora_" not in n]
    return {
        "log": result.log,
        "rest": [result.held_out, result.best_epoch, result.stopped_early, result.trained],
        "kinds": sorted({type(layer).__name__ for layer in layers}),
        "whole": sum(p.numel() for p in parameters),
        "held": sum(p.to_local().numel() for p in parameters),
        "outside": sum(p.numel() for p in loaded.model.parameters())
        - sum(p.numel() for p in parameters),
    }


def main(models: Path, out: Path) -> None:
    import torch

    from mores.tune.sharded import ranks

    torch.set_num_threads(1)
    group = ranks.Ranks()
    for name in CASES:
        told = group.together([facts(*run(models, name, out / name, group))])
        if not group.rank:
            (out / f"{name}.json").write_text(json.dumps(told))
    begun, ended = out / "begun by two", out / "ended by two"
    with contextlib.suppress(Stop):
        run(models, "lora", out, group, checkpoints=begun, stop_at=HANDED_OVER)
    group.together([])
    _, result = run(models, "lora", ended, group, checkpoints=out / "begun by one")
    if not group.rank:
        (out / "ended by two.json").write_text(json.dumps([result.log, result.tokens]))
    ranks.free_memory_gb = lambda: 0.0
    run(models, "lora", out / "in turn", group)
    told = group.together([group.turns])
    if not group.rank:
        (out / "in turn.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
