"""What services will ask for at most, by the prices in study.toml, before anything is sent.

for bill in bills(study): print(bill.money, bill.currency)
"""

from __future__ import annotations

from collections.abc import Sequence

from mores.measure.gates.answers import answers_grid
from mores.measure.gates.context import Context
from mores.records import Record
from mores.sample.grid import Grid
from mores.sample.run import prompt_grids, stem_grids
from mores.study import ModelSpec, Study
from mores.tune.base import base_of
from mores.tune.run import tuned_keys
from mores.weights.reader import UNKNOWN, Reader, open_reader

BYTES_A_TOKEN = 3
"""Where the tokenizer is not at hand; English text has about four."""


class Bill(Record, frozen=True, kw_only=True):
    """The most that one service can ask for one model."""

    model: str
    service: str
    """Its address, or the tuner's name."""
    read: int = 0
    """Tokens of prompts."""
    drawn: int = 0
    """Tokens of answers, if every one is as long as it may be."""
    trained: int = 0
    """Tokens of samples, times epochs and arms."""
    money: float
    currency: str
    budget: str = ""
    """What study.toml allows; empty where it sets no limit."""
    estimated: bool
    """Whether tokens were guessed from the length of texts."""


def bills(study: Study) -> list[Bill]:
    """Return what the study's services can cost at most, judges left out.

    Raises:
        ModelError: a model that is here cannot be read.
    """
    found = []
    for spec in study.config.models:
        reader = open_reader(base_of(spec)) if spec.here else Reader(spec.name, context=UNKNOWN)
        if spec.engine == "openai" and spec.endpoint is not None:
            found.append(_of_sampling(study, spec, reader))
        if spec.host is not None:
            found.append(_of_tuning(study, spec, reader))
    return found


def _of_sampling(study: Study, spec: ModelSpec, reader: Reader) -> Bill:
    assert spec.endpoint is not None
    grids: list[Grid] = [g for g in prompt_grids(study) + stem_grids(study) if g.spec == spec]
    if study.config.gates.enabled:
        grids.append(answers_grid(Context(study, spec)))
    read = drawn = 0
    for grid in grids:
        requests = grid.build(reader)
        read += sum(
            len(r.ids) or _tokens([r.text, *(text for _, text in r.messages)]) for r in requests
        )
        drawn += len(requests) * grid.decoding.max_new_tokens
    own = spec.endpoint
    prices = own.prices
    limits = [f"{own.most_tokens:,} tokens"] if own.most_tokens else []
    limits += [f"{own.most_money:g} {prices.currency}"] if own.most_money else []
    return Bill(
        model=spec.name,
        service=own.url,
        read=read,
        drawn=drawn,
        money=(read * prices.read + drawn * prices.drawn) / 1e6,
        currency=prices.currency,
        budget=" and ".join(limits),
        estimated=reader.tokenizer is None,
    )


def _of_tuning(study: Study, spec: ModelSpec, reader: Reader) -> Bill:
    assert spec.host is not None
    trained = 0
    for key in tuned_keys(study):
        texts = [t for e in study.dataset(key.arm).examples for t in (e.prompt, e.completion)]
        tokens = (
            sum(len(reader.tokenizer(t)["input_ids"]) for t in texts)
            if reader.tokenizer is not None
            else _tokens(texts)
        )
        trained += tokens * study.config.recipe_of(spec, key.arm).epochs
    prices = spec.host.prices
    most = spec.host.most_money
    return Bill(
        model=spec.name,
        service=spec.host.url or spec.tuner,
        trained=trained,
        money=trained * prices.trained / 1e6,
        currency=prices.currency,
        budget=f"{most:g} {prices.currency} an arm" if most else "",
        estimated=reader.tokenizer is None,
    )


def _tokens(texts: Sequence[str]) -> int:
    return sum(len(text.encode()) for text in texts) // BYTES_A_TOKEN
