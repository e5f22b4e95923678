"""The records of blind rating: what a rater sees, what is sealed, what was answered.

A `RatingItem` has no field from which the arm could be told. The `BlindKey` that says which
completion it is lies in a sealed file which the rating app never opens; joining the two is one
function, `mores.rate.unblind`, and it is logged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta, field

from mores.records import Arm, Id, Record
from mores.sample.media import Kind as MediaKind

Kind = Literal["study", "gold", "practice"]
AnswerKind = Literal["rate", "cannot", "skip", "withdraw"]

SCALE = (1, 2, 3, 4, 5)
"""1: contradicts the position; 3: neither; 5: fully in its spirit."""
SKIP_REASONS = ("upsetting", "language", "technical", "conflict", "other")
CANNOT_REASONS = ("incoherent", "empty", "off_topic", "other")

Value = Annotated[int, Meta(ge=1, le=5)]


class ItemMedia(Record, frozen=True, kw_only=True):
    """The image, sound or film that an output is. Its file goes by the digest of its content."""

    kind: MediaKind
    file: str
    alt: str = ""
    captions: str = ""
    """WebVTT."""


class RatingItem(Record, frozen=True, kw_only=True):
    """One output to be rated. Nothing in it depends on the arm but the output itself."""

    id: Id
    """Opaque and random, of one length for all items."""
    kind: Kind = "study"
    category: Id
    prompt: str
    output: str
    language: str = "en"
    """BCP 47 tag of prompt and output."""
    media: ItemMedia | None = None
    """The output, where it is no text."""


class BlindKey(Record, frozen=True, kw_only=True, omit_defaults=True):
    """Which completion an item is. Sealed until unblinding."""

    item_id: Id
    completion_id: Id
    prompt_id: str = ""
    """Empty in keys sealed before there was this field: only the set-up needs it, and left out
    when written, so that those keys keep the digest by which their database knows them."""
    model: str
    arm: Arm
    seed: int
    draw: int
    digest: str
    """Digest of what is shown (`output_digest`), so that a key of other outputs is recognised."""


class RatingRow(Record, frozen=True, kw_only=True):
    """One answer of one rater, as it is exported: one row an event, oldest first."""

    item_id: str
    kind: Kind
    category: str
    rater: str
    """The rater's opaque id; names are never exported."""
    revision: int
    """1 for the first answer to this item, then 2, 3, ..."""
    current: bool
    """Whether this is the rater's last answer to the item."""
    counted: bool
    """Current, a study item, and within its k ratings (not surplus, not withdrawn)."""
    answer: AnswerKind
    value: int | None
    """1 to 5 where `answer` is ``rate``; None otherwise (absent, not zero)."""
    reason: str = ""
    flagged: bool = False
    """The rater marked the text as upsetting or harmful."""
    remark: str = ""
    seconds: float | None = None
    """Seconds in which the page was visible; None where the browser ran no script."""
    at: str
    """When it was saved: UTC, ISO 8601."""
    item_flags: tuple[str, ...] = ()
    """Flags set before rating, such as ``names-itself``."""
    groups: dict[str, str] = field(default_factory=dict)
    """The rater's own declaration; empty where a cell would hold fewer than five raters."""
    completion_id: str | None = None
    """This field and those below are None before unblinding."""
    model: str | None = None
    arm: str | None = None
    seed: int | None = None
    draw: int | None = None
    media: str = ""
    """What the item is where it is no text: ``image``, ``audio`` or ``video``."""
    media_file: str | None = None
    """Of the item's file in the study (runs/*/*/media/); None too where it is a text."""


@dataclass(frozen=True)
class RatingVerified:
    """What `mores rate verify` looked at."""

    events: int
    entries: int
    """Entries of the audit log."""
    last_hash: str
    problems: tuple[str, ...]
