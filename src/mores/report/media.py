"""Answers that are images, sounds or films, beside a report's page.

    media_of(study, "painter")               # completion id → what the page shows
    names = lay_beside(study, folder, report)  # files that now lie in folder/media

The page itself stays small: it names the files, and a browser fetches them from the folder.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path

from mores import store
from mores.records import Record
from mores.sample.media import Kind, intact, read_media
from mores.study import Study

FOLDER = "media"


class AnswerMedia(Record, frozen=True, kw_only=True):
    """The file of one answer, as the page shows it."""

    kind: Kind
    file: str
    """Relative to the page."""
    alt: str = ""
    captions: str = ""
    """WebVTT. In the page itself: browsers give captions of a page on a disk no file beside it."""


def media_of(study: Study, model: str) -> dict[str, AnswerMedia]:
    """Return completion id → its file; empty where all answers are texts."""
    return {
        name: AnswerMedia(
            kind=one.kind,
            file=f"{FOLDER}/{one.file}",
            alt=one.alt,
            captions=one.captions,
        )
        for name, one in read_media(study, model).items()
    }


def captions_address(text: str) -> str:
    """Return captions as an address that holds them."""
    return f"data:text/vtt;base64,{b64encode(text.encode()).decode()}"


def lay_beside(study: Study, folder: Path, shown: Iterable[AnswerMedia]) -> list[str]:
    """Copy the files that a page names into its folder; remove those of an earlier report.

    Returns:
        Their names, relative to the folder.

    Raises:
        DataError: a file is missing or was changed since it was imported.
        StoreError: a file could not be written.
    """
    wanted = {one.file for one in shown}
    for path in (folder / FOLDER).glob("*"):
        if f"{FOLDER}/{path.name}" not in wanted:
            path.unlink()
    for name in sorted(wanted):
        if not (folder / name).exists() or not _same(folder / name):
            store.write_bytes(folder / name, intact(study, Path(name).name).read_bytes())
    return sorted(wanted)


def _same(path: Path) -> bool:
    """Whether a copy is still what its name says."""
    return store.digest_file(path) == f"sha256:{path.stem}"
