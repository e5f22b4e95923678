"""The records that cross from one step of the process to the next.

All are frozen and refuse unknown fields. Types and ranges are checked wherever a record is read
(`store.as_record`), so that a function which takes one need not check again. In files they are JSON
objects with the field names given here, in this order.

    charter   Charter, Position
    curate    Dataset, Example, Finding
    tune      Recipe, ModelRef
    sample    Prompt, Variant, Decoding, Completion
    measure   StancePair, Score
    rate      Rating, Unrateable
    report    Estimate
"""

from __future__ import annotations

from mores.records.answered import (
    Completion,
    FinishReason,
    Rating,
    Score,
    StancePair,
    Unrateable,
)
from mores.records.asked import (
    ANSWERED,
    ASKED,
    Accountable,
    Basis,
    Charter,
    Dataset,
    Decoding,
    Example,
    Exchange,
    Finding,
    Language,
    ModelRef,
    Position,
    Prompt,
    Recipe,
    Severity,
    Variant,
    transcript,
)
from mores.records.base import (
    ARMS,
    CONTEXT_ARMS,
    DRAFT,
    IN_WORDS,
    TUNED_ARMS,
    Arm,
    Count,
    Day,
    Id,
    Positive,
    Record,
    Share,
    Split,
    matching,
    to_plain,
)
from mores.records.estimate import (
    BESIDE,
    CHECKS,
    SIZES,
    Estimate,
    Scope,
    Verdict,
    claim,
)

__all__ = [
    "ANSWERED",
    "ARMS",
    "ASKED",
    "BESIDE",
    "CHECKS",
    "CONTEXT_ARMS",
    "DRAFT",
    "IN_WORDS",
    "SIZES",
    "TUNED_ARMS",
    "Accountable",
    "Arm",
    "Basis",
    "Charter",
    "Completion",
    "Count",
    "Dataset",
    "Day",
    "Decoding",
    "Estimate",
    "Example",
    "Exchange",
    "Finding",
    "FinishReason",
    "Id",
    "Language",
    "ModelRef",
    "Position",
    "Positive",
    "Prompt",
    "Rating",
    "Recipe",
    "Record",
    "Scope",
    "Score",
    "Severity",
    "Share",
    "Split",
    "StancePair",
    "Unrateable",
    "Variant",
    "Verdict",
    "claim",
    "matching",
    "to_plain",
    "transcript",
]
