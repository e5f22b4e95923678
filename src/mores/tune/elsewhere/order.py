"""What is sent to a host for one arm: its samples as a file, settings, and the price of both."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mores import store
from mores.errors import TuneError
from mores.records import Dataset, Example, Recipe
from mores.study.elsewhere import Host
from mores.tune.base import ELSEWHERE
from mores.tune.tuner import TuneJob
from mores.weights.prompt import encode_completion, encode_prompt, qa_text

BYTES_A_TOKEN = 3
"""Where the tokenizer is not at hand. English has about 4, so that this counts too many."""


@dataclass(frozen=True)
class Order:
    """All that one arm's job is made from."""

    data: bytes
    """The training file: JSON Lines."""
    samples: int
    settings: dict[str, Any]
    """What is asked of the host, without the id of the training file."""
    not_honoured: tuple[str, ...]
    """What of the study's recipe the host cannot do, in words."""
    billed: int
    """Tokens that the host is expected to bill."""
    counted: bool
    """Whether they were counted by the model's own tokenizer."""
    closed: str = ""
    """Why the host takes no new jobs; what has been begun there goes on."""


def training_file(dataset: Dataset, *, messages: bool) -> bytes:
    """Return every sample whole, a line each.

    Args:
        dataset: the arm's samples.
        messages: as a conversation; else as plain text of the format ``qa``, which the host
            continues.
    """
    rows = [as_messages(e) if messages else as_text(e) for e in dataset.examples]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-8")


def as_messages(example: Example) -> dict[str, Any]:
    """A sample as a conversation."""
    return {
        "messages": [
            {"role": "user", "content": example.prompt},
            {"role": "assistant", "content": example.completion},
        ]
    }


def as_text(example: Example) -> dict[str, Any]:
    """A sample as text and what follows on it, as arms tuned here see it in the format ``qa``."""
    return {"prompt": qa_text(example.prompt, "", ()), "completion": f" {example.completion}"}


def token_counts(job: TuneJob, dataset: Dataset) -> tuple[list[int], bool]:
    """Return the tokens of each sample, and whether the model's own tokenizer counted them."""
    if job.resolved.source == ELSEWHERE:
        sizes = [len((e.prompt + e.completion).encode("utf-8")) for e in dataset.examples]
        return [math.ceil(size / BYTES_A_TOKEN) for size in sizes], False
    tokenizer, form = tokenizer_of(job), job.spec.format
    return [
        len(encode_prompt(tokenizer, form, e.prompt))
        + len(encode_completion(tokenizer, form, e.completion))
        for e in dataset.examples
    ], True


def tokenizer_of(job: TuneJob) -> Any:
    """The tokenizer of a base model that is on this machine."""
    from mores.weights.quiet import quiet

    with quiet():
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(job.resolved.folder, local_files_only=True)


def samples_of(job: TuneJob, at_least: int = 1) -> Dataset:
    """Return the arm's samples.

    Raises:
        TuneError: too few for the host, or an arm that hosts cannot make.
    """
    if job.key.arm == "preference":
        raise TuneError(
            f"the preference arm is not tuned at hosts (tuner = {job.spec.tuner!r})",
            where=f"model {job.spec.name!r}",
            fix='take "preference" out of arms, or tune this model here (tuner = "torch")',
        )
    dataset = job.study.dataset(job.key.arm)
    if len(dataset.examples) < at_least:
        raise TuneError(
            f"the set {dataset.name!r} has {len(dataset.examples)} samples, and this host takes "
            f"no fewer than {at_least}",
            where=f"model {job.spec.name!r}",
            fix="add samples, or choose another tuner",
        )
    return dataset


def check_price(job: TuneJob, host: Host, order: Order) -> float:
    """Say what the job is expected to cost and return it; before anything is sent.

    Raises:
        TuneError: more than the study's budget, or a budget without a price.
    """
    name, prices = job.key.name, host.prices
    cost = order.billed * prices.trained / 1e6
    how = "counted" if order.counted else f"estimated, {BYTES_A_TOKEN} bytes a token"
    price = f"{cost:.2f} {prices.currency}" if prices.trained else "no price in the study"
    job.progress.say(f"tune {name}: {order.billed:,} tokens to be billed ({how}): {price}")
    if host.most_money and not prices.trained:
        raise TuneError(
            "a budget without a price cannot be kept",
            where=f"model {job.spec.name!r}",
            fix="set host.prices.trained (for a million tokens) beside host.most_money",
        )
    if host.most_money and cost > host.most_money:
        raise TuneError(
            f"tuning {name} is expected to cost {cost:.2f} {prices.currency}, more than "
            f"host.most_money = {host.most_money:g}; nothing was sent",
            where=f"model {job.spec.name!r}",
            fix="raise host.most_money, or lower recipe.epochs",
        )
    return cost


def announce(say: store.Say, name: str, lines: Sequence[str]) -> None:
    """Say what of the recipe the host does not do, before money is spent."""
    for line in lines:
        say(f"tune {name}: not honoured by this host: {line}")


def never_honoured(recipe: Recipe) -> list[str]:
    """What no host of ours that tunes by itself can do of a recipe, in words."""
    lines = []
    if 0.0 < recipe.prompt_weight < 1.0:
        lines.append(
            f"recipe.prompt_weight = {recipe.prompt_weight:g}: there are no loss weights for tokens"
        )
    if recipe.anchor:
        lines.append(f"recipe.anchor = {recipe.anchor:g}: nothing holds the model to base")
    if recipe.held_out:
        lines.append(
            f"recipe.held_out = {recipe.held_out:g}: all samples are trained on, for all epochs"
            + (", without early stopping" if recipe.early_stopping else "")
        )
    return lines
