"""What becomes of a media file, or why nothing does."""

from __future__ import annotations

from dataclasses import dataclass

from mores.sample.media import Kind


@dataclass(frozen=True)
class Clean:
    """A picture, a sound or a film and nothing else."""

    kind: Kind
    data: bytes
    ending: str
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    rate: int | None = None
    channels: int | None = None


class UnfitError(Exception):
    """Why a file cannot be taken; `clean` says which file."""
