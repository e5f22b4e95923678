"""What a training run makes smaller: the loss of answers, or of preferences between two.

objective = objective_of(loaded, samples, recipe)     # before the first step
row = objective.accumulate(loaded, batch, 512, ALONE)  # adds gradients
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from mores.records import Recipe
from mores.tune import answers, preference
from mores.tune.encode import EncodedSample
from mores.tune.group import Group
from mores.tune.preference import EncodedPair, Reference, reference_logprobs

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel

Sample = EncodedSample | EncodedPair


class Objective(Protocol):
    """A loss over samples of one kind."""

    def accumulate(
        self, loaded: LoadedModel, batch: Sequence[Any], micro_tokens: int, group: Group
    ) -> dict[str, Any]:
        """Add the gradient of a step's samples; return its row of the log.

        Args:
            loaded: the model in training.
            batch: samples of the step.
            micro_tokens: most tokens of a forward pass.
            group: the processes that share the step.
        """
        ...

    def mean_loss(self, loaded: LoadedModel, samples: Sequence[Any]) -> float:
        """Loss of samples that are not trained on."""
        ...


def objective_of(loaded: LoadedModel, samples: Sequence[Sample], recipe: Recipe) -> Objective:
    """Return the objective of these samples; pairs are first read by the model as it is: base."""
    pairs = [s for s in samples if isinstance(s, EncodedPair)]
    if not pairs:
        return Answers(recipe)
    return Preferences(recipe, reference_logprobs(loaded, pairs))


@dataclass(frozen=True)
class Answers:
    """Likelihood of the answers."""

    recipe: Recipe

    def accumulate(
        self, loaded: LoadedModel, batch: Sequence[EncodedSample], micro_tokens: int, group: Group
    ) -> dict[str, Any]:
        """See `mores.tune.answers.accumulate`."""
        return answers.accumulate(loaded, batch, self.recipe.prompt_weight, micro_tokens, group)

    def mean_loss(self, loaded: LoadedModel, samples: Sequence[EncodedSample]) -> float:
        """See `mores.tune.answers.mean_loss`."""
        return answers.mean_loss(loaded, samples, self.recipe.micro_tokens)


@dataclass(frozen=True)
class Preferences:
    """Preference of one answer over another, against base's own."""

    recipe: Recipe
    reference: Reference

    def accumulate(
        self, loaded: LoadedModel, batch: Sequence[EncodedPair], micro_tokens: int, group: Group
    ) -> dict[str, Any]:
        """See `mores.tune.preference.accumulate`."""
        return preference.accumulate(
            loaded,
            batch,
            self.reference,
            beta=self.recipe.beta,
            micro_tokens=micro_tokens,
            group=group,
        )

    def mean_loss(self, loaded: LoadedModel, samples: Sequence[EncodedPair]) -> float:
        """See `mores.tune.preference.mean_loss`."""
        return preference.mean_loss(loaded, samples, self.reference, self.recipe.beta)
