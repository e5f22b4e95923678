"""From an answer back to its reasons: what tuning changed in it, which samples, whose position.

    traced = trace(study, "smollm2-135m.values_targeted-s1.t-abv-01.d0")
    traced = trace(study, question="Is it my fault?", answer="No.")
    traced.paragraph

A completion of the study is looked up; a question that is typed in is answered by the tuned arm
now, unless its answer is given too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from mores import store
from mores.consult import consulted
from mores.errors import DataError
from mores.progress import Progress
from mores.records import Example
from mores.study import Study
from mores.trace.asked import Asked, find_completion, typed
from mores.trace.behind import (
    answers_for,
    consulted_on,
    people_behind,
    position_behind,
    signed_for,
)
from mores.trace.model import CategoryFrom, SampleInfluence, Trace
from mores.trace.near import likeness
from mores.trace.read import Reading, read
from mores.trace.words import limits, paragraph

if TYPE_CHECKING:
    from numpy.typing import NDArray


def trace(
    study: Study,
    completion: str | None = None,
    *,
    question: str | None = None,
    answer: str | None = None,
    category: str = "",
    model: str | None = None,
    seed: int = 0,
    gradients: bool = True,
    page: Path | None = None,
    progress: Progress | None = None,
) -> Trace:
    """Trace an answer back: what tuning changed in it, which samples, which position, which people.

    The first trace of an arm takes its samples' gradients, which takes longer than tuning it did;
    they are kept, and every later trace takes seconds.

    Args:
        study: with tuned arms.
        completion: id of an answer of the study.
        question: instead, a question typed in.
        answer: with --question: the answer to trace; without it the tuned arm answers now.
        category: with --question: the category that it belongs to; without it, that of the sample
            nearest in wording.
        model: with --question: which of the study's models; by default the first.
        seed: with --question: training seed of the tuned arm; 0: the study's first.
        gradients: take the samples' gradients where none are kept yet; else which samples pushed
            the model towards the answer is left out, with the reason.
        page: also write a page (HTML in one file) there.
        progress: where to show how far it is.

    Raises:
        DataError: no such completion, or nothing to trace.
        StudyError: no such model or training seed.
        ModelError: the arms have not been tuned.
    """
    from mores.weights.kept import keeping

    if (completion is None) == (question is None):
        raise DataError(
            "expected the id of a completion or a question, found "
            + ("neither" if completion is None else "both"),
            fix="mores trace STUDY ID, or mores trace STUDY --question TEXT [--answer TEXT]",
        )
    progress = progress or Progress(quiet=True)
    with keeping():  # the model is loaded once
        if completion is not None:
            asked = find_completion(study, completion)
        else:
            asked = typed(study, question or "", answer, category, model, seed)
        found = _trace(study, asked, gradients, progress)
    if page is not None:
        from mores.trace.page import render

        found = msgspec.structs.replace(found, page=str(page))
        store.write_text(page, render(found))
    return found


def _trace(study: Study, asked: Asked, make: bool, progress: Progress) -> Trace:
    told = read(study, asked, make, progress)
    examples = study.dataset(asked.key.arm).examples
    samples = _samples(examples, told, asked.question, study.charter.language)
    category, found_by = _category(asked, samples)
    own = study.charter.position(category)
    position = position_behind(own, found_by, consulted_on(consulted(study), category))
    people = people_behind(
        [e for e in examples if e.category == category],
        signed_for(study, category),
        answers_for(own.accountable),
    )
    answered_by = asked.key.name if asked.source == "drawn" else asked.answered_by
    about = told.kept.about if told.kept else None
    return Trace(
        study=study.config.name,
        version=study.config.version,
        model=asked.spec.name,
        arm=asked.key.name,
        source=asked.source,
        completion=asked.completion,
        answered_by=answered_by,
        question=asked.question,
        answer=told.answer,
        change=told.change,
        change_absent=told.change_absent,
        samples=samples,
        influence_absent=told.influence_absent,
        kept=about,
        position=position,
        people=people,
        paragraph=paragraph(
            asked.source,
            answered_by,
            told.change,
            told.change_absent,
            samples,
            told.influence_absent,
            position,
            people,
        ),
        limits=limits(about, stale=asked.stale, in_context=asked.in_context),
    )


def _category(asked: Asked, samples: Sequence[SampleInfluence]) -> tuple[str, CategoryFrom]:
    """The category of the position, and how it was found."""
    if asked.category:
        return asked.category, "the prompt" if asked.completion else "you"
    nearest = min(samples, key=lambda s: s.likeness_rank)
    return nearest.category, "the sample nearest in wording"


def _samples(
    examples: Sequence[Example], told: Reading, question: str, language: str
) -> tuple[SampleInfluence, ...]:
    """Every sample with its numbers, the most aligned first."""
    near = likeness(question, told.answer, examples, language=language)
    near_ranks = _ranks(near)
    tracin, alignment = told.tracin, told.alignment
    tracin_ranks = None if tracin is None else _ranks(tracin)
    alignment_ranks = None if alignment is None else _ranks(alignment)
    found = [
        SampleInfluence(
            id=e.id,
            category=e.category,
            question=e.prompt,
            answer=e.completion,
            author=e.author,
            reviewer=e.reviewer,
            alignment=None if alignment is None else float(alignment[i]),
            alignment_rank=None if alignment_ranks is None else alignment_ranks[i],
            tracin=None if tracin is None else float(tracin[i]),
            tracin_rank=None if tracin_ranks is None else tracin_ranks[i],
            likeness=near[i],
            likeness_rank=near_ranks[i],
        )
        for i, e in enumerate(examples)
    ]
    return tuple(sorted(found, key=lambda s: s.alignment_rank or s.likeness_rank))


def _ranks(values: Sequence[float] | NDArray[np.float64]) -> list[int]:
    """Rank of each value, 1 for the largest; equal ones in their order."""
    ranks = np.empty(len(values), dtype=int)
    ranks[np.argsort(-np.asarray(values), kind="stable")] = np.arange(1, len(values) + 1)
    found: list[int] = ranks.tolist()
    return found
