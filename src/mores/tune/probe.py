"""What the trainer makes of two training samples: kept beside the weights, to know them again.

Engines have run adapters that did nothing, without a word (vllm-project/vllm#41754, #48019,
#55193). Before answers of a tuned arm are taken from another engine, its log-probabilities of these
samples are compared with the trainer's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mores import store
from mores.errors import ModelError
from mores.records import Dataset, Record
from mores.step import read_manifest

if TYPE_CHECKING:
    from mores.tune.encode import EncodedSample
    from mores.weights.loaded import LoadedModel

PROBE = "probe.jsonl"
SAMPLES = 2
CLOSE = 0.02
"""Nats a token between two engines that run the same weights; in 16 bits they differ by less."""
OF_CHANGE = 0.25
"""And at most this share of what tuning changed."""


class ProbeItem(Record, frozen=True, kw_only=True):
    """One training sample."""

    id: str
    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    base: float
    """Log-probability of the answer, nats a token, before training."""
    tuned: float
    """The same with the tuned weights."""


def probe_samples(loaded: LoadedModel, dataset: Dataset, form: str) -> list[EncodedSample]:
    """Return the first samples of a set, encoded."""
    from mores.tune.encode import encode_dataset

    some = Dataset(name=dataset.name, examples=dataset.examples[:SAMPLES])
    return encode_dataset(loaded, some, form)


def probe(loaded: LoadedModel, samples: Sequence[EncodedSample]) -> list[float]:
    """Log-probability of each answer with the weights in place, nats a token."""
    from mores.weights.likelihood import Encoded, likelihoods

    encoded = [Encoded(s.ids[: s.prompt_length], (s.ids[s.prompt_length :],)) for s in samples]
    told = likelihoods(loaded, encoded)
    return [
        one.logprobs[0] / (s.size - s.prompt_length) for s, one in zip(samples, told, strict=True)
    ]


def probe_items(
    samples: Sequence[EncodedSample], base: Sequence[float], tuned: Sequence[float]
) -> list[ProbeItem]:
    """Put together what is kept."""
    return [
        ProbeItem(
            id=s.id,
            prompt=s.ids[: s.prompt_length],
            answer=s.ids[s.prompt_length :],
            base=before,
            tuned=after,
        )
        for s, before, after in zip(samples, base, tuned, strict=True)
    ]


def read_probe(folder: Path) -> list[ProbeItem]:
    """Read what was kept beside an arm's weights; nothing where a host has trained them.

    Raises:
        ModelError: nothing was.
    """
    path, manifest = folder / PROBE, read_manifest(folder)
    if manifest is not None and manifest.facts.get("host"):
        return []
    if not path.exists():
        raise ModelError(
            "this arm was tuned by an earlier version, which kept no samples to know it by",
            path=folder,
            fix='delete the folder and run `mores tune`, or set engine = "torch"',
        )
    return store.read_jsonl(path, ProbeItem)


def check_probe(
    name: str, items: Sequence[ProbeItem], told: Mapping[str, float], engine: str
) -> str:
    """Compare an engine's log-probabilities with the trainer's.

    Args:
        name: of the arm.
        items: as kept by the trainer.
        told: sample → log-probability of its answer by the engine, nats a token.
        engine: what to call it.

    Returns:
        What was found, in words.

    Raises:
        ModelError: the engine runs other weights than were trained: base's, or neither.
    """
    worst = max(abs(told[i.id] - i.tuned) for i in items)
    change = max(abs(i.tuned - i.base) for i in items)
    if worst <= max(CLOSE, min(OF_CHANGE * change, 5 * CLOSE)):
        known = "" if change > 2 * CLOSE else " (but tuning changed them as little: a weak check)"
        return f"{name}: within {worst:.4f} nats a token of the trainer{known}"
    of_base = max(abs(told[i.id] - i.base) for i in items)
    what = "base's numbers: the adapter does nothing" if of_base < worst / 4 else "other numbers"
    raise ModelError(
        f"{engine} gives {what}. Log-probability of training samples, nats a token: "
        + "; ".join(
            f"{i.id} {told[i.id]:.3f} there, {i.tuned:.3f} in training, {i.base:.3f} by base"
            for i in items
        ),
        where=f"arm {name}",
        fix='use another version of it, or set engine = "torch" for this model',
    )
