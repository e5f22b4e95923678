"""Which answers a report's page shows, and all of them in a file beside it where they are too many.

    chosen = choose(prompts, weights)            # prompt ids; all of them in most studies
    questions(study, results, chosen)            # with the texts
    write_answers(study, path)                   # every answer, one a line, none held

A page is read by people and opened by browsers: its answers get `MOST_BYTES`. Completions are read
from their file once more for their texts, so that no step of the report holds all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

from mores import store
from mores.rate.ratings import current_ratings
from mores.records import Completion, Prompt, to_plain
from mores.report.answers_beside import AnswersBeside
from mores.report.media import AnswerMedia, media_of
from mores.report.model import Answer, Opening, Question
from mores.report.observed import by_completion
from mores.report.opening import first_draws, opening
from mores.report.results import ModelResults, read_results
from mores.sample.run import iter_completions
from mores.study import ArmKey, Study

ANSWERS = "answers.jsonl"
MOST_BYTES = 5_000_000
"""Of a page's answers; with figures and tables it stays under ten million."""
_AROUND, _A_SCORE = 350, 30
"""Bytes of markup around an answer, and around each of its scores."""
RULE = (
    "of each category the first questions of the file, as many of each as fit; with a question all "
    "its answers"
)


def weight(completion: Completion, scorers: Sequence[str], media: AnswerMedia | None = None) -> int:
    """Return about how many bytes an answer takes in the page."""
    text = escape(completion.text) + completion.id
    if media is not None:  # an alternative text stands there twice, captions in base 64
        text += 2 * escape(media.alt) + media.captions + media.captions[::3]
    return len(text.encode()) + _AROUND + sum(_A_SCORE + len(name) for name in scorers)


def weights(study: Study, results: Sequence[ModelResults]) -> Counter[str]:
    """Return prompt id → bytes of all answers to it."""
    found: Counter[str] = Counter()
    for one in results:
        media = media_of(study, one.spec.name)
        for c in _texts(study, one):
            found[c.prompt_id] += weight(c, list(one.scores), media.get(c.id))
    return found


def choose(
    prompts: Sequence[Prompt], bytes_of: Mapping[str, int], most: int = MOST_BYTES
) -> set[str]:
    """Return the ids of the prompts whose answers are shown: all, or what `RULE` says.

    Args:
        prompts: those of the run, in the order of their file.
        bytes_of: prompt id → bytes of its answers.
        most: bytes that there is room for.
    """
    if sum(bytes_of.values()) <= most:
        return {p.id for p in prompts}
    nth: Counter[str] = Counter()
    ranked: list[tuple[int, int, str]] = []
    for place, prompt in enumerate(prompts):
        ranked.append((nth[prompt.category], place, prompt.id))
        nth[prompt.category] += 1
    chosen: set[str] = set()
    room = most
    for _, _, name in sorted(ranked):
        if bytes_of.get(name, 0) <= room:
            chosen.add(name)
            room -= bytes_of.get(name, 0)
    return chosen


def beside(
    prompts: Sequence[Prompt], results: Sequence[ModelResults], chosen: set[str]
) -> AnswersBeside | None:
    """Say what the page leaves to the file, or None where it shows every answer."""
    if len(chosen) == len(prompts):
        return None
    every = [c.prompt_id for one in results for c in one.completions]
    return AnswersBeside(
        file=ANSWERS,
        answers=len(every),
        shown=sum(name in chosen for name in every),
        questions=len(prompts),
        rule=RULE,
    )


def questions(study: Study, results: Sequence[ModelResults], chosen: set[str]) -> list[Question]:
    """Return the chosen questions, each with the answers of all arms."""
    answers: dict[str, list[Answer]] = {}
    for one in results:
        ratings, media = by_completion(one.ratings), media_of(study, one.spec.name)
        for completion in _texts(study, one):
            if completion.prompt_id in chosen:
                answer = _answer(completion, one, ratings, media)
                answers.setdefault(completion.prompt_id, []).append(answer)
    return [
        Question(
            id=p.id,
            category=p.category,
            kind=p.kind,
            text=p.asked,
            language=study.language_of(p),
            answers=tuple(answers.get(p.id, [])),
        )
        for p in study.chosen_prompts
        if p.id in chosen
    ]


def opened(study: Study, one: ModelResults) -> Opening | None:
    """Return what the report opens with, from one model's answers."""
    first = first_draws(one.completions)
    rows = (c for c in _texts(study, one) if c.id in first)
    return opening(one.spec.name, list(rows), study.chosen_prompts, by_completion(one.ratings))


def write_answers(study: Study, path: Path) -> None:
    """Write every answer with its scores and ratings, in the order of the completions.

    A line holds what `report.json` holds of an answer, and before it ``question`` and ``category``.

    Raises:
        StoreError: the file could not be written.
    """
    rated, _ = current_ratings(study)
    lines = (
        {"question": c.prompt_id, "category": c.category, **to_plain(answer)}
        for spec in study.config.models
        for c, answer in _all(study, read_results(study, spec, rated))
    )
    store.write_jsonl(path, lines)


def _all(study: Study, one: ModelResults) -> Iterator[tuple[Completion, Answer]]:
    ratings, media = by_completion(one.ratings), media_of(study, one.spec.name)
    for completion in _texts(study, one):
        yield completion, _answer(completion, one, ratings, media)


def _texts(study: Study, one: ModelResults) -> Iterator[Completion]:
    """The completions with their texts; none where those of the results are not current."""
    return iter_completions(study, one.spec.name) if one.completions else iter(())


def _answer(
    c: Completion,
    one: ModelResults,
    ratings: Mapping[str, tuple[float, ...]],
    media: Mapping[str, AnswerMedia],
) -> Answer:
    return Answer(
        id=c.id,
        model=c.model,
        arm=ArmKey(c.arm, c.seed).name,
        draw=c.draw,
        text=c.text,
        finish_reason=c.finish_reason,
        flags=c.flags,
        scores={name: scores.of(c.id) for name, scores in one.scores.items()},
        ratings=tuple(map(int, ratings.get(c.id, ()))),
        media=media.get(c.id),
    )
