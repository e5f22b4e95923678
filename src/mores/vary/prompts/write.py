"""Paraphrases by a model: drafts, which nobody is asked before a person has read them."""

from __future__ import annotations

from collections.abc import Sequence

from mores.errors import StudyError
from mores.progress import Progress
from mores.records import DRAFT, Decoding, Prompt, StancePair, Variant
from mores.revise.draft import writer_of
from mores.revise.wanted import Wanted
from mores.study import Study
from mores.study.variants import made_from

BY_MODEL = "paraphrase"
TASK = (
    "Write the user's message again in other words, in the language it is in. Keep its meaning, "
    "its tone and whose side it takes; do not answer it, soften it or explain it. Write the new "
    "message and nothing else."
)
DECODING = Decoding(temperature=0.7, top_p=0.95, max_new_tokens=160)


def written_by(
    originals: Sequence[tuple[Prompt | StancePair, str]],
    study: Study,
    there: Sequence[Variant],
    *,
    model: str | None,
    endpoint: str | None,
    key_env: str,
    most_tokens: int,
    progress: Progress,
) -> list[Variant]:
    """Let a model write one paraphrase of each question that has none yet.

    Args:
        originals: prompts or pairs, each with its question.
        study: names the model that writes where none is named.
        there: variants that there are; none of them is written again.
        model: who writes; with an endpoint, its name there.
        endpoint: address of a service; by default that of the model in study.toml.
        key_env: environment variable with the service's key.
        most_tokens: budget; 0: none.
        progress: where to show how far it is.

    Raises:
        StudyError: nobody was named.
        ModelError, ServiceError: it cannot be asked; what came is kept.
    """
    known = {one.id for one in there}
    lacking = [
        (one, Wanted(f"{one.id}.{BY_MODEL}", one.category, text, TASK, 0))
        for one, text in originals
        if f"{one.id}.{BY_MODEL}" not in known
    ]
    if not lacking:
        return []
    if model is None:
        raise StudyError(
            "nobody was named who writes the paraphrases",
            where="--model",
            fix="name a capable model (with --endpoint where a service has it), or let people "
            "write them into variants.jsonl",
        )
    by_id = {wanted.id: one for one, wanted in lacking}
    bar = progress.task("paraphrases", len(lacking), "questions")
    found = []
    wanted_all = [wanted for _, wanted in lacking]
    settings: dict[str, object] = {"key_env": key_env, "most_tokens": most_tokens}
    with writer_of(study, model, endpoint, DECODING, progress, settings, wanted_all) as write:
        for wanted, text in write(wanted_all):
            bar.advance()
            if text and text != wanted.question:
                found.append(
                    Variant(
                        id=wanted.id,
                        varies=by_id[wanted.id].id,
                        kind=BY_MODEL,
                        text=text,
                        language=by_id[wanted.id].language,
                        source=f"{DRAFT}{model}",
                        author=model,
                        made_from=made_from(wanted.question),
                    )
                )
    bar.finish()
    return found
