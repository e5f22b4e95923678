"""One line of signatures.jsonl: who signed what, in which role, having checked what.

The file only grows: to change one's mind is a new line, and so is to withdraw. It lies in the
study's folder and goes where that goes; lines made in two copies of a study can be put together in
any order of people.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from mores import store
from mores.records import Id, Record, matching, to_plain
from mores.study.files import SIGNATURES

Decision = Literal["accept", "reserve", "object", "withdraw"]
"""``reserve``: accepted, with a reservation that is given as the reason."""

_MOMENT = matching(
    r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z\Z", "a moment in UTC, such as 2026-11-27T12:00:00Z"
)
_PERSON = matching(
    r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]{0,198}[^\s\x00-\x1f\x7f])?\Z",
    "1 to 200 characters on one line, without blanks at its ends",
)
Moment = Annotated[str, Meta(pattern=_MOMENT)]
Person = Annotated[str, Meta(pattern=_PERSON)]
Words = Annotated[str, Meta(min_length=1, max_length=10_000)]


class Signature(Record, frozen=True, kw_only=True):
    """What one person says of one thing as it then was."""

    id: Id
    """``s-`` and 16 hexadecimal digits of the line's own digest: a changed line is seen."""
    what: Id
    digest: str
    """`Thing.digest` of what was signed."""
    content: str
    """`Thing.content`: whether the thing itself or what it stands under has changed since."""
    by: Person
    """Name or pseudonym."""
    role: Person
    decision: Decision
    checked: tuple[Words, ...] = ()
    """What was looked at: free text, or the points of a checklist."""
    reason: str = ""
    """Of a reservation, an objection or a withdrawal."""
    date: Moment
    withdraws: str = ""
    """Id of the signature that this line withdraws."""
    signature: str = ""
    """Ed25519 over the line (`payload`), as an SSH signature in base64; empty without a key."""

    def __post_init__(self) -> None:
        if self.decision == "withdraw":
            if not self.withdraws:
                raise ValueError("a withdrawal names the signature that it withdraws")
        elif not self.checked:
            raise ValueError("checked: say what was checked")
        if self.decision != "accept" and not self.reason.strip():
            raise ValueError(f"decision {self.decision!r} needs a reason")

    @property
    def payload(self) -> bytes:
        """The line as canonical JSON, without its id, its key's signature and what is empty."""
        left_out = ("id", "signature")
        filled = {k: v for k, v in to_plain(self).items() if v and k not in left_out}
        return msgspec.json.encode(filled, order="deterministic")

    @property
    def own_id(self) -> str:
        """The id that this line must have."""
        return "s-" + hashlib.sha256(self.payload).hexdigest()[:16]


def signatures_path(folder: Path) -> Path:
    """Where a study's signatures are kept."""
    return folder / SIGNATURES


def read_signatures(folder: Path) -> list[Signature]:
    """Return all lines, oldest first; none where nobody has signed.

    Raises:
        DataError: a line is no signature.
    """
    path = signatures_path(folder)
    return store.read_jsonl(path, Signature, unique=None) if path.exists() else []


def add_signatures(folder: Path, fresh: list[Signature]) -> None:
    """Add lines: all of them or none, on disk when it returns.

    Raises:
        StoreError: the file could not be written.
    """
    path = signatures_path(folder)
    before = path.read_bytes() if path.exists() else b""
    if before and not before.endswith(b"\n"):
        before += b"\n"
    lines = b"".join(msgspec.json.encode(signature) + b"\n" for signature in fresh)
    store.write_bytes(path, before + lines)
