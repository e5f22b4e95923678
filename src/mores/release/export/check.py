"""The same answers before and after: log-probabilities of the tuned arm and of what was written.

    texts = chosen_samples(study, loaded, spec.format, "values_targeted")
    before = Before.read(loaded, folder, key, texts)
    check = compare(before, after=[read_plain(model, t) for t in texts], dtype="f32", loader=...)

Before: mores' own way through the model, in float32. After: the written files, by the library that
reads that form, with attention of its own ("eager"), so that the two share as little as may be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mores.errors import ModelError
from mores.records import Example
from mores.release.export.model import CheckedSample, WeightCheck
from mores.study import ArmKey, Study
from mores.tune.encode import EncodedSample, encode_sample

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel

SAMPLES = 3
LIMITS = {"f32": 0.001, "bf16": 0.02, "f16": 0.02, "q8_0": 0.1}
"""Nats a token, mean over an answer: more is refused. Of 32 bits, what two orders of adding up
leave; of 16 bits what `mores.tune.probe.CLOSE` allows engines; of 8 bits a choice of the user's."""

Logprobs = Mapping[str, Sequence[float]]
"""Sample → log-probability of each token of its answer, in nats."""


def chosen_samples(
    study: Study, loaded: LoadedModel, form: str, arm: str, count: int = SAMPLES
) -> list[EncodedSample]:
    """Return training samples to compare: the first of each category, then the next ones.

    What an arm was trained on is what tuning changed most, so that base is told from it best.
    """
    examples = study.dataset(arm).examples
    first = {e.category: e for e in reversed(examples)}
    order: dict[str, Example] = {e.id: e for e in examples if first[e.category] is e}
    order |= {e.id: e for e in examples}
    return [
        encode_sample(loaded, form, e.id, e.prompt, e.completion)
        for e in list(order.values())[:count]
    ]


def read_arm(
    loaded: LoadedModel, folder: Path, key: ArmKey, texts: Sequence[EncodedSample]
) -> tuple[Logprobs, Logprobs]:
    """Return what base and a tuned arm make of the answers, as mores runs them."""
    from mores.sample.weights import arm_in_place
    from mores.weights.likelihood import token_logprobs

    def read(name: str) -> Logprobs:
        with arm_in_place(loaded, {key.name: folder}, name):
            return {
                t.id: token_logprobs(loaded, t.ids[: t.prompt_length], t.ids[t.prompt_length :])
                for t in texts
            }

    return read("base"), read(key.name)


def read_plain(model: Any, texts: Sequence[EncodedSample]) -> Logprobs:
    """Return the same by a model of transformers or peft, one text at a time."""
    import torch

    found: dict[str, list[float]] = {}
    device = next(model.parameters()).device
    with torch.inference_mode():
        for text in texts:
            ids = torch.tensor([text.ids], device=device)
            logits = model(input_ids=ids, use_cache=False).logits[0, text.prompt_length - 1 : -1]
            answer = ids[0, text.prompt_length :, None]
            told = logits.double().log_softmax(-1).gather(-1, answer)
            found[text.id] = told[:, 0].tolist()
    return found


def compare(
    base: Logprobs, before: Logprobs, after: Logprobs, *, dtype: str, loader: str
) -> WeightCheck:
    """Compare what was written with the tuned arm.

    Args:
        base: of the base model.
        before: of the tuned arm.
        after: of what was written.
        dtype: number format that was written, which sets the limit.
        loader: what read it.

    Raises:
        ModelError: they differ by more than the limit, with every number.
    """
    samples = tuple(
        CheckedSample(
            id=name,
            tokens=len(told),
            base=_mean(base[name]),
            before=_mean(told),
            after=_mean(after[name]),
            difference=_apart(told, after[name]),
        )
        for name, told in before.items()
    )
    limit = LIMITS[dtype]
    check = WeightCheck(
        loader=loader,
        samples=samples,
        largest=max(s.difference for s in samples),
        limit=limit,
        change=max(abs(s.before - s.base) for s in samples),
        tells_base=any(_apart(before[s.id], base[s.id]) > limit for s in samples),
    )
    if not check.largest <= limit:  # also where a number is none
        raise ModelError(
            f"what was written gives other numbers than the tuned arm: {check.largest:.4f} nats a "
            f"token apart, {limit:g} at most. "
            + "; ".join(
                f"{s.id}: {s.before:.4f} before, {s.after:.4f} after, {s.base:.4f} by base"
                for s in samples
            ),
            where=f"read again by {loader}",
            fix="nothing was kept. Another --dtype or --form may do; else report it",
        )
    return check


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _apart(one: Sequence[float], other: Sequence[float]) -> float:
    return _mean([abs(a - b) for a, b in zip(one, other, strict=True)])
