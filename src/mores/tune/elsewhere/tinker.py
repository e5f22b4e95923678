"""Arms tuned step by step through Tinker's API: our own loss, batches and learning rates.

    [models.host]
    key_env = "TINKER_API_KEY"
    model = "Qwen/Qwen3-8B"

The host computes gradients of a sum of weighted losses and takes optimiser steps; which samples go
into a step, with which weights and at which rate, is decided here as in `mores.tune.loop`. What is
saved after each step is noted in ``job.tinker.json``: a run that was killed goes on after the last
step that it knows of, and pays again for the one that was under way.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from mores import store
from mores.errors import ServiceError, TuneError
from mores.records import Record
from mores.remote.address import checked_url, key_from
from mores.step import Made
from mores.study.elsewhere import Host
from mores.tune.base import ELSEWHERE
from mores.tune.batches import epoch_batches, learning_rate, steps_per_epoch
from mores.tune.elsewhere.order import (
    Order,
    announce,
    check_price,
    samples_of,
    token_counts,
    tokenizer_of,
    training_file,
)
from mores.tune.elsewhere.state import clear, tag_of
from mores.tune.elsewhere.tinker_data import answer_loss, data_of, not_honoured
from mores.tune.encode import EncodedSample
from mores.tune.tuner import LOG, SERVED, Served, TuneJob
from mores.weights.prompt import encode_completion, encode_prompt

STATE = "job.tinker.json"
"""Apart from other hosts': it has other fields, and neither may take the other's for its own."""
KEPT_SECONDS = 14 * 24 * 3600
"""How long the states between steps are kept there; the result is kept until it is deleted."""


class Trained(Record, frozen=True, kw_only=True):
    """How far an arm has come: what `STATE` holds."""

    tag: str
    step: int = 0
    """Optimiser steps taken and saved."""
    saved: str = ""
    """The host's path of weights and optimiser after that step."""
    log: tuple[dict[str, Any], ...] = ()
    model: str = ""
    """The host's path of the finished weights."""


def tune(job: TuneJob) -> Made:
    """Tune one arm at Tinker, or go on after its last step.

    Raises:
        TuneError: nothing to send, above budget, or the client is not installed.
        ServiceError: the host refuses or does not answer.
    """
    host = job.spec.host
    assert host is not None  # what ModelSpec requires of this tuner
    order = order_of(job, host)
    url = checked_url(host.url) if host.url else ""
    state = _state(job, tag_of(job, url, order.data, order.settings))
    announce(job.progress.say, job.key.name, order.not_honoured)
    if not state.step:
        check_price(job, host, order)
    key = key_from(host.key_env, needed=not url, where=url or "tinker")
    with _errors(key, url), _service(url, key) as service:
        arm = _Arm(job, service, order, state)
        try:
            if not state.model:
                arm.train()
                arm.save()
        except KeyboardInterrupt:
            job.progress.say(
                f"tune {job.key.name}: {arm.state.step} steps are kept; the same command goes on"
            )
            raise
    return _made(job, order, arm.state, url)


def order_of(job: TuneJob, host: Host) -> Order:
    """Return what one arm is made from; the data stand for its samples and are not uploaded.

    Raises:
        TuneError: an arm that hosts cannot make, or weights are to be fetched.
    """
    if host.fetch:
        raise TuneError(
            "weights are not fetched from this host",
            where=f"model {job.spec.name!r}",
            fix="set host.fetch = false and ask the host for answers",
        )
    recipe, dataset = job.recipe, samples_of(job)
    sizes, counted = token_counts(job, dataset)
    return Order(
        data=training_file(dataset, messages=job.spec.format == "chat"),
        samples=len(dataset.examples),
        settings={"model": host.model or job.spec.name, "rank": recipe.lora_rank},
        not_honoured=tuple(not_honoured(recipe)),
        billed=sum(sizes) * recipe.epochs,
        counted=counted,
    )


def _state(job: TuneJob, tag: str) -> Trained:
    path = job.folder / STATE
    clear(job.folder)
    if path.exists():
        found = store.read_json(path)
        if isinstance(found, dict) and found.get("tag") == tag:
            return store.as_record(found, Trained, path=path)
        path.unlink()  # of other samples or settings: nothing of it runs by itself
    return Trained(tag=tag)


class _Arm:
    """One arm on its way."""

    def __init__(self, job: TuneJob, service: Any, order: Order, state: Trained) -> None:
        self.job, self.service, self.order, self.state = job, service, order, state
        self.client: Any = None

    def train(self) -> None:
        """Take the steps that are missing, and save after each."""
        recipe, key = self.job.recipe, self.job.key
        self.client = self._client()
        samples = self._encoded()
        per_epoch = steps_per_epoch(len(samples), recipe.batch_size)
        steps = per_epoch * recipe.epochs
        task = self.job.progress.task(f"tune {key.name}", steps, "steps")
        task.resume(self.state.step)
        while self.state.step < steps:
            step = self.state.step
            epoch, within = divmod(step, per_epoch)
            order = epoch_batches(len(samples), recipe.batch_size, key.seed, epoch)[within]
            row = self._step([samples[i] for i in order], learning_rate(recipe, step, steps))
            saved = self.client.save_state(
                f"{self.state.tag}-{step + 1}", ttl_seconds=KEPT_SECONDS, overwrite=True
            ).result()
            self._keep(
                step=step + 1,
                saved=saved.path,
                log=(*self.state.log, {"step": step + 1, "epoch": epoch + 1, **row}),
            )
            task.reach(step + 1, f"step {step + 1}/{steps}  loss {row['loss']:.3f}")
        task.finish()

    def save(self) -> None:
        """Have the weights kept for sampling."""
        kept = self.client.save_weights_for_sampler(self.state.tag).result()
        self._keep(model=kept.path)

    def _keep(self, **changes: Any) -> None:
        self.state = replace(self.state, **changes)
        store.write_json(self.job.folder / STATE, self.state)

    def _client(self) -> Any:
        """A training client: where the last one stopped, or new."""
        recipe, model = self.job.recipe, self.order.settings["model"]
        if self.state.saved:
            self.job.progress.say(f"tune {self.job.key.name}: goes on after step {self.state.step}")
            return _there(
                self.service.create_training_client_from_state_with_optimizer(self.state.saved)
            )
        return _there(
            self.service.create_lora_training_client(
                base_model=model,
                rank=recipe.lora_rank,
                seed=self.job.key.seed,
                train_unembed=False,  # as here: all linear layers but the output
                user_metadata={"mores": self.state.tag},
            )
        )

    def _encoded(self) -> list[EncodedSample]:
        if self.job.resolved.source == ELSEWHERE:
            tokenizer = self.client.get_tokenizer()
        else:
            tokenizer = tokenizer_of(self.job)
        form = self.job.spec.format
        encoded = []
        for example in self.job.study.dataset(self.job.key.arm).examples:
            asked = encode_prompt(tokenizer, form, example.prompt)
            answered = encode_completion(tokenizer, form, example.completion)
            encoded.append(EncodedSample(example.id, (*asked, *answered), len(asked)))
        return encoded

    def _step(self, samples: Sequence[EncodedSample], rate: float) -> dict[str, Any]:
        """One optimiser step; its row of the log, in nats a token."""
        from tinker import types

        recipe = self.job.recipe
        data, total = data_of(samples, recipe.prompt_weight)
        # Both are sent before either is waited for, as the host asks.
        gradient = self.client.forward_backward(data, "cross_entropy")
        update = self.client.optim_step(
            types.AdamParams(
                learning_rate=rate,
                beta1=0.9,
                beta2=0.999,
                eps=1e-8,
                weight_decay=recipe.weight_decay,
                grad_clip_norm=recipe.clip_norm,
            )
        )
        outputs = gradient.result().loss_fn_outputs
        update.result()
        loss = answer_loss(samples, [list(o["logprobs"].data) for o in outputs])
        tokens = sum(s.size for s in samples)
        return {"learning_rate": rate, "loss": loss, "tokens": tokens, "weight": total}


def _there(client: Any) -> Any:
    """A client that newer versions promise and older ones give at once."""
    return client.result() if hasattr(client, "result") else client


def _made(job: TuneJob, order: Order, state: Trained, url: str) -> Made:
    store.write_json(job.folder / SERVED, Served(model=state.model, job=state.tag))
    store.write_jsonl(job.folder / LOG, state.log)
    losses = [row["loss"] for row in state.log]
    job.progress.say(
        f"tune {job.key.name}: loss {losses[0]:.3f} → {losses[-1]:.3f}, {len(losses)} steps; "
        f"answers as {state.model}"
    )
    return Made(
        [SERVED, LOG],
        facts={
            "parameters": 0,
            "tokens": sum(row["tokens"] for row in state.log),
            "samples": order.samples,
            "host": url or "tinker",
            "served": state.model,
            "asked": dict(order.settings),
            "not_honoured": list(order.not_honoured),
        },
    )


@contextlib.contextmanager
def _service(url: str, key: str) -> Iterator[Any]:
    os.environ.setdefault("TINKER_TELEMETRY", "0")
    try:
        import tinker
    except ImportError:
        raise TuneError(
            "Tinker's client is not installed", fix="pip install 'mores[tinker]'"
        ) from None
    service = tinker.ServiceClient(base_url=url or None, api_key=key or None)
    try:
        yield service
    finally:
        # What was trained is kept; a session that is not closed ends by itself.
        with contextlib.suppress(tinker.TinkerError, AttributeError):
            closing = service.close()
            closing.result()


@contextlib.contextmanager
def _errors(key: str, url: str) -> Iterator[None]:
    """Turn the client's errors into ours; the key is in none of them."""
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith("tinker"):
            raise
        said = str(error).replace(key, "[key]") if key else str(error)
        raise ServiceError(
            f"{type(error).__name__}: {' '.join(said.split())[:300]}",
            where=url or "tinker",
            fix="run the same command again: it goes on after the last step that was saved",
        ) from None
