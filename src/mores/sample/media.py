"""Answers that are an image, a sound or a film: where their files are, and what is known of them.

    media = read_media(study, "painter")          # completion id → `Media`
    path = media_path(study, media[name].file)
    not_text(completion)                          # "does not apply: image", or "" for a text

`mores.sample.imported` writes them. A file goes by the digest of what is in it, below
runs/<preset>/<model>/media/, so its name says neither where it came from nor whose it is.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from mores import store
from mores.errors import DataError
from mores.records import Completion, Count, Id, Record
from mores.store.lines import iter_records
from mores.study import Study, folders

Kind = Literal["image", "audio", "video"]
KINDS: dict[str, tuple[Kind, str]] = {
    "png": ("image", "image/png"),
    "flac": ("audio", "audio/flac"),
    "webm": ("video", "video/webm"),
}
"""Ending of a stored file → its kind, and the content type under which browsers get it. One form a
kind, whatever was brought: a form that only one arm has would tell that arm."""
ABOUT = "media.jsonl"
_NAME = re.compile(r"[0-9a-f]{64}\.(png|flac|webm)")


class Media(Record, frozen=True, kw_only=True):
    """What is known of one answer that is no text."""

    completion_id: Id
    file: str
    """SHA-256 of its content, and an ending of `KINDS`."""
    kind: Kind
    bytes: Count
    width: int | None = None
    """Pixels, of images and films."""
    height: int | None = None
    seconds: float | None = None
    """Of sounds and films."""
    rate: int | None = None
    """Samples of sound a second; None where there is no sound."""
    channels: int | None = None
    alt: str = ""
    """Its alternative text: what it is for who cannot see or hear it."""
    captions: str = ""
    """WebVTT."""


def kind_of(file: str) -> Kind:
    """Return the kind of a stored file by its name."""
    return KINDS[file.rpartition(".")[2]][0]


def not_text(completion: Completion) -> str:
    """Say why a measure of texts does not apply to an answer; "" where it is a text."""
    return f"does not apply: {kind_of(completion.media)}" if completion.media else ""


def output_digest(completion: Completion) -> str:
    """Return the digest of what raters are shown of an answer: its text, or its file."""
    shown = completion.text
    return store.digest([shown, completion.media] if completion.media else shown)


def media_folder(study: Study, model: str) -> Path:
    """Where the files of one model lie."""
    return folders.model_folder(study, model) / "media"


def media_path(study: Study, file: str) -> Path:
    """Return where a stored file is, whichever model it is of.

    Raises:
        DataError: it is not there, or this is no name of a stored file.
    """
    if _NAME.fullmatch(file):
        for spec in study.config.models:
            path = media_folder(study, spec.name) / file
            if path.is_file():
                return path
    raise DataError(
        f"the file {file!r} of an answer is not there",
        path=study.run_folder,
        fix="import the outputs again: `mores outputs import`",
    )


def intact(study: Study, file: str) -> Path:
    """Return where a stored file is, having seen that its content is what its name says.

    Raises:
        DataError: it is not there, or was changed.
    """
    path = media_path(study, file)
    if store.digest_file(path) != f"sha256:{path.stem}":
        raise DataError(
            "this file was changed since it was imported",
            path=path,
            fix="delete it, and import the outputs again: `mores outputs import`",
        )
    return path


def read_media(study: Study, model: str) -> dict[str, Media]:
    """Return completion id → what is known of its file; empty where all answers are texts.

    Raises:
        DataError: the file is damaged.
    """
    path = folders.model_folder(study, model) / "sample" / ABOUT
    if not path.exists():
        return {}
    return {m.completion_id: m for m in iter_records(path, Media, unique="completion_id")}
