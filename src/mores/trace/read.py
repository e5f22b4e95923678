"""What the weights say of an answer: likelihoods under the arms, and the samples' influence.

Where weights are not on this machine, or have no gradients that were kept, it says why instead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mores.errors import DataError
from mores.progress import Progress
from mores.records import Recipe
from mores.study import Study
from mores.trace.asked import Asked
from mores.trace.change import change_of
from mores.trace.keep import (
    gradients_step,
    keep_gradients,
    read_gradients,
    read_kept,
    recipe_used,
    why_not,
)
from mores.trace.model import Change, Kept
from mores.tune.base import AWAY

if TYPE_CHECKING:
    from mores.trace.gradients import Floats
    from mores.tune.encode import EncodedSample
    from mores.weights.loaded import LoadedModel

DRAWN = "typed"
"""Stands for the prompt's id where an answer is drawn for a question that was typed in."""


@dataclass(frozen=True)
class Reading:
    """What the weights say of an answer, and why something is missing."""

    answer: str
    change: Change | None = None
    change_absent: str = ""
    kept: Kept | None = None
    tracin: Floats | None = None
    alignment: Floats | None = None
    influence_absent: str = ""


def read(study: Study, asked: Asked, make: bool, progress: Progress) -> Reading:
    """Ask the weights, where they are on this machine.

    Args:
        study: with tuned arms.
        asked: the answer; where it is empty, the tuned arm gives one now.
        make: whether to take the samples' gradients where none are kept.
        progress: where to show how far it is.

    Raises:
        DataError: an answer is to be drawn, and the weights are elsewhere or give none.
        ModelError: the arms have not been tuned.
    """
    from mores.tune.run import tuned_folders
    from mores.weights.load import load
    from mores.weights.machine import set_threads
    from mores.weights.resolve import resolve

    if not asked.spec.here:
        if asked.source == "drawn":
            raise DataError(
                "no answer can be drawn: the model's weights are not on this machine",
                where="--question",
                fix="give the answer too: --answer TEXT",
            )
        absent = why_not(asked.spec, asked.key, study.config.recipe)
        return Reading(asked.answer, change_absent=AWAY, influence_absent=absent)
    tuned = tuned_folders(study, asked.spec, progress.say)
    recipe = recipe_used(study, asked.spec, asked.key)
    why = why_not(asked.spec, asked.key, recipe) or _on_experts(tuned[asked.key.name])
    kept, why = (None, why) if why else _kept(study, asked, make, progress)
    set_threads()
    loaded = load(resolve(asked.spec.name, say=progress.say), dtype=recipe.dtype, say=progress.say)
    if asked.source == "drawn":
        asked = _drawn(study, asked, loaded, tuned)
    sample = _encoded(loaded, asked)
    change = change_of(loaded, tuned, asked.key.seed, sample)
    if kept is None:
        return Reading(asked.answer, change, influence_absent=why)
    tracin, alignment = _influences(study, asked, loaded, recipe, kept, sample)
    return Reading(asked.answer, change, kept=kept, tracin=tracin, alignment=alignment)


def _on_experts(folder: Path) -> str:
    """Say why an adapter on the tensors of experts is not traced; empty for others."""
    from mores.sample.weights import changes_tensors

    if not changes_tensors(folder):
        return ""
    return "its adapters change the tensors of experts, whose gradients are not taken"


def _kept(study: Study, asked: Asked, make: bool, progress: Progress) -> tuple[Kept | None, str]:
    """The arm's gradients, or why there are none."""
    step = gradients_step(study, asked.spec, asked.key)
    if (why := step.why()) is not None:
        if not make:
            return None, f"the samples' gradients are not kept ({why}): run `mores trace` once"
        keep_gradients(study, asked.spec, asked.key, progress=progress)
    return read_kept(step), ""


def _drawn(study: Study, asked: Asked, loaded: LoadedModel, tuned: dict[str, Path]) -> Asked:
    """Let the tuned arm answer a question, as it would in the study."""
    from mores.sample.decoder import Decoder
    from mores.sample.grid import answer_text
    from mores.sample.requests import Request
    from mores.sample.weights import weights_in_place
    from mores.weights.prompt import encode_prompt

    form = asked.spec.format
    ids = tuple(encode_prompt(loaded.tokenizer, form, asked.question))
    stop = "\nQuestion:" if form == "qa" else ""
    row = Request(asked.key, DRAWN, "", 0, ids, stop)
    with weights_in_place(loaded, tuned, {asked.key.weights}):
        (drawn,) = Decoder(loaded).draw([row], study.config.sample.decoding, study.config.seed)
    text = answer_text(loaded.tokenizer, drawn.ids, stop)
    if not text:
        raise DataError(
            "the tuned arm answered nothing to this question",
            where="--question",
            fix="give the answer that is to be traced: --answer TEXT",
        )
    return replace(asked, answer=text, ended=drawn.finish_reason == "stop")


def _encoded(loaded: LoadedModel, asked: Asked) -> EncodedSample:
    """The question and the answer as token ids; what ends an answer only where it ended."""
    from mores.tune.encode import EncodedSample, encode_sample
    from mores.weights.prompt import encode_answer

    form, name = asked.spec.format, asked.completion or "the answer"
    whole = encode_sample(loaded, form, name, asked.question, asked.answer)
    if asked.ended:
        return whole
    cut = encode_answer(loaded.tokenizer, form, asked.answer)
    return EncodedSample(name, (*whole.ids[: whole.prompt_length], *cut), whole.prompt_length)


def _influences(
    study: Study,
    asked: Asked,
    loaded: LoadedModel,
    recipe: Recipe,
    kept: Kept,
    sample: EncodedSample,
) -> tuple[Floats, Floats]:
    """TracIn and alignment of the arm's samples, in their order."""
    from mores.trace.answer import answer_gradients
    from mores.trace.gradients import influences

    folder = gradients_step(study, asked.spec, asked.key).folder
    own = answer_gradients(loaded, recipe, folder, kept.about, sample)
    return influences(read_gradients(folder, kept.about.checkpoints), own, kept.rates)
