"""Arms tuned by Together: ``/files/upload``, then ``/fine-tunes``.

    [models.host]
    key_env = "TOGETHER_API_KEY"
    model = "meta-llama/Meta-Llama-3.1-8B-Instruct-Reference"

Its schema has a place for most of a recipe. By default it trains one epoch on packed samples; both
are set otherwise here, since 80 samples packed are a handful of steps.
"""

from __future__ import annotations

from typing import Any

from mores.errors import TuneError
from mores.records import Recipe
from mores.remote.address import key_from
from mores.remote.reply import Clock
from mores.step import Made
from mores.study.elsewhere import Host
from mores.tune.elsewhere.client import Asking
from mores.tune.elsewhere.hosted import tune_at
from mores.tune.elsewhere.order import (
    Order,
    never_honoured,
    samples_of,
    token_counts,
    training_file,
)
from mores.tune.elsewhere.together_api import Together
from mores.tune.tuner import TuneJob

ADDRESS = "https://api.together.ai/v1"
TEMPLATE = 128
"""Tokens that a chat template may put around a sample, at most."""
ROUND = 256
"""Samples are given room in steps of so many tokens."""


def tune(job: TuneJob, *, clock: Clock | None = None) -> Made:
    """Have one arm tuned by Together.

    Raises:
        TuneError: nothing to send, above budget, outside the model's limits, or the job failed.
        ServiceError: the host refuses or does not answer.
    """
    clock, host = clock or Clock(), _host(job)
    api, order = api_of(job, clock), order_of(job, host)
    api.check_limits(order.settings)
    return tune_at(job, api, order, host, clock)


def api_of(job: TuneJob, clock: Clock) -> Together:
    """Return the contract at the address of a study's host."""
    host = _host(job)
    url = host.url or ADDRESS
    return Together(Asking(url, key_from(host.key_env, needed=True, where=url), clock))


def _host(job: TuneJob) -> Host:
    assert job.spec.host is not None  # what ModelSpec requires of this tuner
    return job.spec.host


# What is sent ------------------------------------------------------------------------------


def order_of(job: TuneJob, host: Host) -> Order:
    """Return what one arm's job is made from.

    Raises:
        TuneError: an arm that hosts cannot make, or weights of all layers are to be fetched.
    """
    recipe = job.recipe
    if host.fetch and recipe.method == "full":
        raise TuneError(
            "only adapters are fetched from this host",
            where=f"model {job.spec.name!r}",
            fix='set recipe.method = "lora", or host.fetch = false',
        )
    dataset = samples_of(job)
    sizes, counted = token_counts(job, dataset)
    # A token is a byte at least, whatever the tokenizer.
    most = sizes if counted else [len((e.prompt + e.completion).encode()) for e in dataset.examples]
    room = -(-(max(most) + TEMPLATE) // ROUND) * ROUND
    return Order(
        data=training_file(dataset, messages=job.spec.format == "chat"),
        samples=len(dataset.examples),
        settings={
            "model": host.model or job.spec.name,
            "n_epochs": recipe.epochs,
            "n_checkpoints": 1,
            "n_evals": 0,
            "batch_size": recipe.batch_size,
            "learning_rate": recipe.learning_rate,
            "lr_scheduler": _schedule(recipe),
            "warmup_ratio": recipe.warmup,
            "max_grad_norm": recipe.clip_norm,
            "weight_decay": recipe.weight_decay,
            "packing": False,
            "max_seq_length": room,
            "random_seed": job.key.seed,
            "training_method": {"method": "sft", "train_on_inputs": recipe.prompt_weight == 1.0},
            "training_type": _type(recipe),
        },
        not_honoured=tuple(never_honoured(recipe)),
        # Unpacked samples are billed at the length that is kept free for each.
        billed=len(dataset.examples) * room * recipe.epochs,
        counted=counted,
    )


def _schedule(recipe: Recipe) -> dict[str, Any]:
    if recipe.schedule == "cosine":
        args: dict[str, Any] = {"min_lr_ratio": 0.0, "num_cycles": 0.5}
        return {"lr_scheduler_type": "cosine", "lr_scheduler_args": args}
    # A line from the rate to itself is constant.
    least = 1.0 if recipe.schedule == "constant" else 0.0
    return {"lr_scheduler_type": "linear", "lr_scheduler_args": {"min_lr_ratio": least}}


def _type(recipe: Recipe) -> dict[str, Any]:
    if recipe.method == "full":
        return {"type": "Full"}
    return {
        "type": "Lora",
        "lora_r": recipe.lora_rank,
        "lora_alpha": recipe.lora_alpha,
        "lora_dropout": 0.0,
        "lora_trainable_modules": "all-linear",
    }
