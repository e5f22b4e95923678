"""Does a service run the adapters that were trained? Asked before its answers are taken."""

from __future__ import annotations

from collections.abc import Callable, Collection

from mores.errors import ModelError
from mores.sample.endpoint.asker import Asker
from mores.sample.endpoint.wire import answer_logprobs
from mores.sample.engine import Job
from mores.tune.probe import ProbeItem, check_probe, read_probe
from mores.tune.tuner import served_name


def probe_arms(
    job: Job,
    asker: Asker,
    served: Callable[[str], str],
    needed: Collection[str],
) -> tuple[str, ...]:
    """Compare the service's log-probabilities of training samples with the trainer's.

    Args:
        job: gives the tuned arms.
        asker: of a service that takes token ids.
        served: arm's weights → name there.
        needed: names of weights.

    Returns:
        What was found, a line an arm.

    Raises:
        ModelError: an arm runs other weights than were trained.
        ServiceError: the service refuses.
    """
    lines = []
    for name in sorted(needed):
        folder = job.tuned[name]
        if served_name(folder) is not None:
            continue  # trained elsewhere: nothing to compare with
        items = read_probe(folder)
        if not items:
            lines.append(f"{name}: not checked, for a host has trained it")
            continue
        told = {i.id: _logprob(asker, served(name), i) for i in items}
        known = {name: value for name, value in told.items() if value is not None}
        if len(known) < len(items):
            line = f"{name}: not checked, for the service gives no log-probabilities of a prompt"
        else:
            line = check_probe(name, items, known, asker.endpoint.url)
        job.progress.say(f"adapter {line}")
        lines.append(line)
    return tuple(lines)


def _logprob(asker: Asker, model: str, item: ProbeItem) -> float | None:
    """Log-probability of one answer, nats a token; None where the service does not give it."""
    ids = [*item.prompt, *item.answer]
    asked = {
        "model": model,
        "prompt": ids,
        "max_tokens": 1,
        "temperature": 0.0,
        "echo": True,
        "logprobs": 1,
    }
    size = len(ids)
    reply = asker.post("completions", asked, read=size, drawn=1, used=lambda _: (size, 1))
    if reply.again:
        raise ModelError(
            f"the adapters could not be checked: {reply.reason}",
            where=asker.endpoint.url,
            fix="run the same command again later",
        )
    found = answer_logprobs(reply.body, len(item.prompt), len(item.answer))
    return sum(found) / len(found) if found else None
