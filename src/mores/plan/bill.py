"""What services will ask for at most, by the prices in study.toml, before anything is sent.

for bill in bills(study): print(bill.money, bill.currency)
"""

from __future__ import annotations

from collections.abc import Sequence

from mores.measure.gates.answers import answers_grid
from mores.measure.gates.context import Context
from mores.progress import Progress
from mores.rate.judge.ask import MOST_DRAWN
from mores.rate.judge.items import Item
from mores.rate.judge.prompt import ORDERS, read_prompt
from mores.records import Record
from mores.remote.reply import Clock
from mores.sample.endpoint.ledger import Bill as TokenBill
from mores.sample.endpoint.wire import most_drawn
from mores.sample.grid import Grid
from mores.sample.run import prompt_grids, rejected_grids, stem_grids
from mores.study import ModelSpec, Study, arm_keys, folders
from mores.study.elsewhere import Endpoint, Host
from mores.study.judges import Judge
from mores.tune.base import base_of
from mores.tune.elsewhere.order import BYTES_A_TOKEN, Order
from mores.tune.run import tuned_keys
from mores.tune.tuner import TuneJob
from mores.weights.reader import UNKNOWN, Reader, open_reader

HOSTED = ("openai", "together", "tinker")


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
    """Return what the study's services can cost at most; of judges (`mores judge`) about that.

    Raises:
        ModelError: a model that is here cannot be read.
    """
    found = []
    for spec in study.config.models:
        if spec.engine == "openai" and spec.endpoint is not None:
            reader = open_reader(base_of(spec)) if spec.here else Reader(spec.name, context=UNKNOWN)
            found.append(_of_sampling(study, spec, reader))
        if spec.host is not None and spec.tuner in HOSTED:
            found.append(_of_tuning(study, spec))
    return found + [_of_judging(study, j, j.endpoint) for j in study.config.judges if j.endpoint]


def _of_sampling(study: Study, spec: ModelSpec, reader: Reader) -> Bill:
    assert spec.endpoint is not None  # the caller has looked
    grids: list[Grid] = [
        g
        for g in (*prompt_grids(study), *stem_grids(study), *rejected_grids(study))
        if g.spec == spec
    ]
    if study.config.gates.enabled:
        grids.append(answers_grid(Context(study, spec)))
    read = drawn = 0
    for grid in grids:
        requests = grid.build(reader)
        read += sum(
            len(r.ids) or _tokens([r.text, *(text for _, text in r.messages)]) for r in requests
        )
        drawn += len(requests) * grid.decoding.max_new_tokens
    more = variant_tokens(study, spec)
    guessed = reader.tokenizer is None or any(more)
    return _at(spec.name, spec.endpoint, read + more[0], drawn + more[1], estimated=guessed)


def variant_tokens(study: Study, spec: ModelSpec) -> tuple[int, int]:
    """Return tokens read and drawn for questions asked otherwise, guessed from their texts."""
    from mores.measure.stance.run import PAIR_TOKENS, pair_variants
    from mores.sample.varied import prompt_variants, variant_keys

    if not study.config.variants.enabled:
        return 0, 0
    keys, longest = len(variant_keys(study)), study.config.sample.decoding.max_new_tokens
    draws = min(study.config.variants.draws, study.config.sample.draws)
    asked = prompt_variants(study, spec)
    texts = sum(len(v.text.encode()) for v in asked) // BYTES_A_TOKEN
    own = sum(v.own_answer for v in asked) * longest
    pairs = pair_variants(study).pairs if spec.here else ()
    read = sum(len(p.prompt.encode()) // BYTES_A_TOKEN + PAIR_TOKENS for p in pairs)
    return keys * (read + texts + own * draws), keys * draws * len(asked) * longest


def _of_judging(study: Study, judge: Judge, endpoint: Endpoint) -> Bill:
    """Each answer twice, as if no two were alike and each were as long as it may be."""
    config, prompt = study.config, read_prompt(study)
    rules = config.rating
    keys = [k for k in arm_keys(config.arms, config.train_seeds) if k.arm in rules.arms]
    draws = min(rules.draws or config.sample.draws, config.sample.draws)
    read = asked = 0
    for question in study.chosen_prompts:
        position = study.charter.position(question.category)
        item = Item(position.title, position.statement, question.asked, "", ())
        count = len(ORDERS) * len(keys) * draws * len(config.models)
        asked += count
        answer = config.sample.decoding.max_new_tokens
        read += count * (_tokens([prompt.text(item, ORDERS[0])]) + answer)
    drawn = asked * most_drawn(endpoint.extra, MOST_DRAWN)
    return _at(f"judge {judge.name}", endpoint, read, drawn, estimated=True)


def _at(model: str, endpoint: Endpoint, read: int, drawn: int, *, estimated: bool) -> Bill:
    prices = endpoint.prices
    limits = [f"{endpoint.most_tokens:,} tokens"] if endpoint.most_tokens else []
    limits += [f"{endpoint.most_money:g} {prices.currency}"] if endpoint.most_money else []
    return Bill(
        model=model,
        service=endpoint.url,
        read=read,
        drawn=drawn,
        money=TokenBill(read, drawn).money(prices),
        currency=prices.currency,
        budget=" and ".join(limits),
        estimated=estimated,
    )


def _of_tuning(study: Study, spec: ModelSpec) -> Bill:
    assert spec.host is not None
    resolved, trained, counted = base_of(spec), 0, True
    for key in tuned_keys(study):
        folder = folders.tune_folder(study, spec.name, key)
        job = TuneJob(study, spec, resolved, key, folder, Progress(quiet=True))
        order = _order(job, spec.host)
        trained, counted = trained + order.billed, counted and order.counted
    prices = spec.host.prices
    most = spec.host.most_money
    return Bill(
        model=spec.name,
        service=spec.host.url or spec.tuner,
        trained=trained,
        money=trained * prices.trained / 1e6,
        currency=prices.currency,
        budget=f"{most:g} {prices.currency} an arm" if most else "",
        estimated=not counted,
    )


def _order(job: TuneJob, host: Host) -> Order:
    """What a tuner would send, without sending it."""
    from mores.tune.elsewhere import openai, tinker, together

    if job.spec.tuner == "openai":
        return openai.order_of(job, host, Clock())
    if job.spec.tuner == "together":
        return together.order_of(job, host)
    return tinker.order_of(job, host)


def _tokens(texts: Sequence[str]) -> int:
    return sum(len(text.encode()) for text in texts) // BYTES_A_TOKEN
