"""Completions → items that do not say which model wrote them, and the key that does.

    items, key = blind(study)
    seal(study, key)             runs/<preset>/rating/key.jsonl, readable by its owner only
    read_key(study, digest)      refuses a key that does not belong to the ratings

The rating database gets the items and the key's digest; the key itself stays a file that the
rating app does not open. Ids are drawn by the operating system, so nothing follows from them.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from mores import store
from mores.errors import DataError
from mores.rate.model import BlindKey, ItemMedia, RatingItem
from mores.records import Completion
from mores.sample.media import Media, intact, output_digest, read_media
from mores.sample.run import read_completions, sample_step
from mores.step import NOT_RUN
from mores.store.lines import read_records
from mores.study import ModelSpec, Study, folders

KEY = "key.jsonl"


def blind(study: Study) -> tuple[list[RatingItem], list[BlindKey]]:
    """Turn the study's completions into items with opaque ids, and the key to them.

    White space around an output is cut off: it would be a sign without being text.

    Returns:
        Items in random order, and their keys in the order of the completions.

    Raises:
        DataError: nothing was sampled for the arms that are to be rated, or what was sampled is of
            other weights, prompts or settings than there are now: people's hours are not for that.
    """
    chosen = [row for spec in study.config.models for row in rateable(study, spec)]
    if not chosen:
        raise DataError(
            "no completions of the arms that are to be rated",
            path=study.run_folder,
            fix="run `mores sample`, or see rating.arms in `mores plan`",
        )
    prompts = {prompt.id: prompt.asked for prompt in study.prompts}
    languages = {prompt.id: study.language_of(prompt) for prompt in study.prompts}
    media = {name: m for s in study.config.models for name, m in read_media(study, s.name).items()}
    items: list[RatingItem] = []
    key: list[BlindKey] = []
    for row in chosen:
        name = secrets.token_hex(8)
        items.append(
            RatingItem(
                id=name,
                category=row.category,
                prompt=prompts[row.prompt_id],
                output=row.text.strip(),
                language=languages[row.prompt_id],
                media=_media(study, media[row.id]) if row.media else None,
            )
        )
        key.append(
            BlindKey(
                item_id=name,
                completion_id=row.id,
                prompt_id=row.prompt_id,
                model=row.model,
                arm=row.arm,
                seed=row.seed,
                draw=row.draw,
                digest=output_digest(row),
            )
        )
    items.sort(key=lambda item: item.id)
    return items, key


def _media(study: Study, of: Media) -> ItemMedia:
    intact(study, of.file)  # now, and not when somebody is to rate it
    return ItemMedia(kind=of.kind, file=of.file, alt=of.alt, captions=of.captions)


def rateable(study: Study, spec: ModelSpec) -> list[Completion]:
    """Return the answers of one model that are rated: of the arms and draws that `rating` names.

    Raises:
        DataError: nothing was sampled, or what was sampled is not of now.
    """
    rules, step = study.config.rating, sample_step(study, spec)
    why = step.stale()
    if why and why != NOT_RUN:
        raise DataError(
            f"the answers that would be rated are not those of now: `mores sample` {why}",
            path=step.folder,
            fix=f"run `mores sample {study.folder}`, or undo the change",
        )
    return [
        row
        for row in read_completions(study, spec.name)
        if not row.absent and row.arm in rules.arms and (not rules.draws or row.draw < rules.draws)
    ]


def key_path(study: Study, digest: str | None = None) -> Path:
    """Where the sealed key of a study is kept.

    Args:
        study: the study.
        digest: of the key that is meant, where a later set-up may have moved it aside.
    """
    path = folders.rating_folder(study) / KEY
    aside = path.with_name(f"key-{(digest or '').removeprefix('sha256:')[:12]}.jsonl")
    return aside if digest and aside.exists() else path


def seal(study: Study, key: list[BlindKey]) -> Path:
    """Write the key where only its owner can read it.

    A key that is there already, of another database, is moved aside: it opens those ratings.

    Raises:
        DataError: the key that is there is damaged.
        StoreError: the file could not be written.
    """
    path = key_path(study)
    with store.disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.parent.chmod(0o700)
    if path.exists():
        other = store.digest(read_records(path, BlindKey, unique="item_id"))
        with store.disk_errors(path):
            path.rename(path.with_name(f"key-{other.removeprefix('sha256:')[:12]}.jsonl"))
    store.write_jsonl(path, key)
    path.chmod(0o600)
    return path


def read_key(study: Study, digest: str) -> list[BlindKey]:
    """Read the key.

    Args:
        study: the study whose outputs were rated.
        digest: what the rating database says of its key.

    Raises:
        DataError: there is none, or it belongs to other ratings.
    """
    path = key_path(study, digest)
    if not path.exists():
        raise DataError(
            "the key to these ratings is not there",
            path=path,
            fix="it was written where the rating was set up; copy it here, or restore a backup",
        )
    key = read_records(path, BlindKey, unique="item_id")
    if store.digest(key) != digest:
        raise DataError(
            "this key does not belong to these ratings (its digest differs)",
            path=path,
            fix="copy the key.jsonl from where the rating was set up, or restore a backup",
        )
    return key
