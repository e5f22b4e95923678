"""Samples → token ids with a loss weight for every token. Nothing is cut or dropped.

encoded = encode_dataset(loaded, dataset, form="chat", prompt_weight=0.1)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mores.errors import DataError, TuneError
from mores.records import Dataset
from mores.weights.prompt import encode_completion, encode_prompt

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel


@dataclass(frozen=True)
class EncodedSample:
    """One sample as the model sees it."""

    id: str
    ids: tuple[int, ...]
    """Prompt, completion and end-of-text token."""
    prompt_length: int
    """How many of the ids belong to the prompt; the rest are the completion's."""

    @property
    def size(self) -> int:
        """Tokens in all."""
        return len(self.ids)

    @property
    def content(self) -> tuple[Any, ...]:
        """What a training run depends on."""
        return (self.id, self.ids, self.prompt_length)

    def weights(self, prompt_weight: float) -> list[float]:
        """Loss weight of predicting each token from those before it.

        The first token is predicted from nothing and weighs 0, the other prompt tokens weigh
        ``prompt_weight``, completion tokens and the end-of-text token weigh 1. Positions decide,
        never token ids: the end-of-text token often doubles as padding.
        """
        prompt = [0.0] + [prompt_weight] * (self.prompt_length - 1)
        return prompt[: self.prompt_length] + [1.0] * (self.size - self.prompt_length)


def encode_dataset(loaded: LoadedModel, dataset: Dataset, form: str) -> list[EncodedSample]:
    """Encode every sample of a dataset, in order.

    Raises:
        DataError: a sample is longer than the model's context (with its id), or the set is empty.
    """
    if not dataset.examples:
        raise DataError(f"the set {dataset.name!r} has no samples")
    return [
        encode_sample(loaded, form, example.id, example.prompt, example.completion)
        for example in dataset.examples
    ]


def encode_sample(
    loaded: LoadedModel, form: str, name: str, prompt: str, completion: str
) -> EncodedSample:
    """Encode one sample; refuse it rather than cut it."""
    asked = encode_prompt(loaded.tokenizer, form, prompt)
    answered = encode_completion(loaded.tokenizer, form, completion)
    if not asked:
        raise TuneError("the prompt has no tokens", where=f"id {name!r}")
    size = len(asked) + len(answered)
    if size > loaded.context:
        raise DataError(
            f"{size} tokens with its prompt, but {loaded.name} reads {loaded.context} at most",
            where=f"id {name!r}",
            fix="shorten the answer or choose a model with a longer context; nothing is cut",
        )
    return EncodedSample(id=name, ids=(*asked, *answered), prompt_length=len(asked))


def preview(loaded: LoadedModel, sample: EncodedSample, prompt_weight: float) -> str:
    """Show what of a sample is trained and with which weight, decoded from its token ids."""
    asked = loaded.tokenizer.decode(list(sample.ids[: sample.prompt_length]))
    answered = loaded.tokenizer.decode(list(sample.ids[sample.prompt_length :]))
    if len(answered) > 240:
        answered = f"{answered[:120]} … {answered[-100:]}"
    trained = sample.size - sample.prompt_length
    return (
        f"sample {sample.id}: {sample.prompt_length} prompt tokens (weight {prompt_weight:g}), "
        f"{trained} answer tokens (weight 1)\n"
        f"  prompt │ {asked!r}\n  answer │ {answered!r}"
    )
