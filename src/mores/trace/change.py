"""What tuning changed in an answer: each token's log-probability under tuned, control and base.

change = change_of(loaded, tuned, key, sample)
change.minus_base      # 0.31: each token is e^0.31 times as likely as under base
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mores.study import ArmKey
from mores.trace.model import ArmLikelihood, Change, TokenChange
from mores.tune.encode import EncodedSample

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel


def change_of(
    loaded: LoadedModel, tuned: Mapping[str, Path], seed: int, sample: EncodedSample
) -> Change:
    """Read an answer with the tuned arm, the control arm and base.

    Args:
        loaded: the base model.
        tuned: name of each tuned arm → folder of its weights (`mores.tune.run.tuned_folders`).
        seed: training seed of the arms to compare.
        sample: the question and the answer, as token ids.
    """
    from mores.sample.weights import arm_in_place
    from mores.weights.likelihood import token_logprobs

    context, answer = sample.ids[: sample.prompt_length], sample.ids[sample.prompt_length :]

    def read(name: str) -> list[float]:
        with arm_in_place(loaded, tuned, name):
            return token_logprobs(loaded, context, answer)

    values, control = (ArmKey(arm, seed).name for arm in ("values_targeted", "control"))
    found = {name: read(name) for name in (values, control, "base") if name in (*tuned, "base")}
    other = found.get(control)
    likelihoods = {name: _likelihood(name, each) for name, each in found.items()}
    mean = likelihoods[values].mean
    return Change(
        tokens=tuple(
            TokenChange(
                text=text,
                tuned=found[values][i],
                control=None if other is None else other[i],
                base=found["base"][i],
            )
            for i, text in enumerate(pieces(loaded.tokenizer, answer))
        ),
        tuned=likelihoods[values],
        control=likelihoods.get(control),
        base=likelihoods["base"],
        minus_base=mean - likelihoods["base"].mean,
        minus_control=None if other is None else mean - likelihoods[control].mean,
    )


def _likelihood(name: str, each: Sequence[float]) -> ArmLikelihood:
    return ArmLikelihood(arm=name, sum=sum(each), mean=sum(each) / len(each))


def pieces(tokenizer: Any, ids: Sequence[int]) -> Iterator[str]:
    """Yield what each token adds to the text; together they are the text.

    A letter that takes several tokens comes with the last of them, the others are empty.
    """
    said = ""
    for end in range(1, len(ids) + 1):
        text: str = tokenizer.decode(list(ids[:end]), clean_up_tokenization_spaces=False)
        whole = end == len(ids) or not text.endswith("\ufffd")
        if not whole or not text.startswith(said):
            yield ""
            continue
        yield text[len(said) :]
        said = text
