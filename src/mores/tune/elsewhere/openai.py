"""Arms tuned by OpenAI's contract: files, then fine-tuning jobs. Five hosts speak it.

    [models.host]
    profile = "nebius"
    key_env = "NEBIUS_API_KEY"
    model = "meta-llama/Llama-3.1-8B-Instruct"

What is sent follows OpenAI's published schema; Nebius documents more hyperparameters (a learning
rate, LoRA's size), and gets them.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from mores.errors import TuneError
from mores.records import Recipe
from mores.remote.address import key_from
from mores.remote.reply import Clock
from mores.step import Made
from mores.study.elsewhere import Host
from mores.tune.elsewhere.client import Asking
from mores.tune.elsewhere.hosted import tune_at
from mores.tune.elsewhere.openai_api import OpenAI
from mores.tune.elsewhere.order import (
    Order,
    never_honoured,
    samples_of,
    token_counts,
    training_file,
)
from mores.tune.tuner import TuneJob

ADDRESS = {
    "openai": "https://api.openai.com/v1",
    "nebius": "https://api.tokenfactory.nebius.com/v1",
    "crusoe": "https://api.intelligence.crusoecloud.com/v1",
}
"""Azure has an address for every resource; a custom host is where it is."""
LAST_DAY = dt.date(2027, 1, 6)
"""From this day on OpenAI creates no job for anybody."""
FEWEST = {"openai": 10, "azure": 10}
"""Samples, by OpenAI's documentation; Azure serves the same models."""
COMPLETIONS = ("babbage-002", "davinci-002")
"""OpenAI's models that are tuned on a prompt and its continuation."""
AZURE_VERSION = "2024-10-21"
"""Of addresses without a version of their own; those under ``/openai/v1`` need none."""


def tune(job: TuneJob, *, clock: Clock | None = None) -> Made:
    """Have one arm tuned by a host that speaks OpenAI's contract.

    Raises:
        TuneError: nothing to send, above budget, the host takes no more jobs, or the job failed.
        ServiceError: the host refuses or does not answer.
    """
    clock = clock or Clock()
    host = _host(job)
    order = order_of(job, host, clock)
    return tune_at(job, api_of(job, clock), order, host, clock)


def api_of(job: TuneJob, clock: Clock) -> OpenAI:
    """Return the contract at the address of a study's host."""
    host = _host(job)
    url = host.url or ADDRESS.get(host.profile, "")
    if not url:
        raise TuneError(
            f"the profile {host.profile!r} needs the host's address",
            where=f"model {job.spec.name!r}",
            fix='set [models.host] url, such as "https://NAME.openai.azure.com/openai/v1"',
        )
    return OpenAI(_asking(host, url, clock), metadata=host.profile == "openai")


def _host(job: TuneJob) -> Host:
    assert job.spec.host is not None  # what ModelSpec requires of this tuner
    return job.spec.host


def _asking(host: Host, url: str, clock: Clock) -> Asking:
    where, _, asked = url.partition("?")
    query = dict(pair.split("=", 1) for pair in asked.split("&") if "=" in pair)
    key = key_from(host.key_env, needed=host.profile != "custom", where=where)
    if host.profile != "azure":
        return Asking(url, key, clock, query=query)
    if not where.rstrip("/").endswith("/v1"):
        query.setdefault("api-version", AZURE_VERSION)
    return Asking(where, key, clock, key_header=("api-key", ""), query=query)


# What is sent ------------------------------------------------------------------------------


def order_of(job: TuneJob, host: Host, clock: Clock) -> Order:
    """Return what one arm's job is made from.

    Raises:
        TuneError: too few samples, or an arm that hosts cannot make.
    """
    if host.fetch:
        raise TuneError(
            "this contract has no way to fetch weights that its schema publishes",
            where=f"model {job.spec.name!r}",
            fix="set host.fetch = false and ask the host for answers, or choose tuner = together",
        )
    dataset = samples_of(job, FEWEST.get(host.profile, 1))
    model = host.model or job.spec.name
    as_text = job.spec.format == "qa" and (host.profile == "nebius" or model in COMPLETIONS)
    sizes, counted = token_counts(job, dataset)
    if host.profile == "nebius":
        settings, missing = _nebius(job.recipe)
    else:
        settings, missing = _published(job.recipe, host)
    if job.spec.format == "qa" and not as_text:
        missing.append('format = "qa": samples go as conversations, in the host\'s own template')
    return Order(
        data=training_file(dataset, messages=not as_text),
        samples=len(dataset.examples),
        settings={
            "model": model,
            "seed": job.key.seed,
            "method": {"type": "supervised", "supervised": {"hyperparameters": settings}},
        },
        not_honoured=tuple(missing + never_honoured(job.recipe)),
        billed=sum(sizes) * job.recipe.epochs,
        counted=counted,
        closed=_closed(host, clock),
    )


def _closed(host: Host, clock: Clock) -> str:
    over = host.profile == "openai" and clock.utc().date() >= LAST_DAY
    return f"OpenAI takes no fine-tuning jobs since {LAST_DAY.isoformat()}" if over else ""


def _published(recipe: Recipe, host: Host) -> tuple[dict[str, Any], list[str]]:
    """OpenAI's own hyperparameters, all given: what is left to the host may differ by arm."""
    settings = {
        "n_epochs": recipe.epochs,
        "batch_size": recipe.batch_size,
        "learning_rate_multiplier": host.learning_rate_multiplier,
    }
    times = host.learning_rate_multiplier
    missing = [
        f"recipe.learning_rate = {recipe.learning_rate:g}: {times:g} times the host's own",
        f"recipe.schedule = {recipe.schedule}, warmup, weight_decay, clip_norm: the host's own",
        f"recipe.method = {recipe.method}: which weights are trained is the host's choice"
        + (f" (rank {recipe.lora_rank}, alpha {recipe.lora_alpha})" * (recipe.method == "lora")),
    ]
    if recipe.prompt_weight in (0.0, 1.0):
        missing.append(
            f"recipe.prompt_weight = {recipe.prompt_weight:g}: what is trained of a prompt is the "
            "host's choice"
        )
    return settings, missing


def _nebius(recipe: Recipe) -> tuple[dict[str, Any], list[str]]:
    """Hyperparameters that Nebius documents beyond OpenAI's."""
    settings: dict[str, Any] = {
        "n_epochs": recipe.epochs,
        "batch_size": recipe.batch_size,
        "learning_rate": recipe.learning_rate,
        "warmup_ratio": recipe.warmup,
        "weight_decay": recipe.weight_decay,
        "max_grad_norm": recipe.clip_norm,
        "packing": False,
        "lora": recipe.method == "lora",
    }
    if recipe.method == "lora":
        settings |= {
            "lora_r": recipe.lora_rank,
            "lora_alpha": recipe.lora_alpha,
            "lora_dropout": 0,
        }
    missing = [f"recipe.schedule = {recipe.schedule}: the host's own"]
    if recipe.prompt_weight in (0.0, 1.0):
        missing.append(
            f"recipe.prompt_weight = {recipe.prompt_weight:g}: what is trained of a prompt is the "
            "host's choice"
        )
    return settings, missing
