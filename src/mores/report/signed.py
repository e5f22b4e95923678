"""Who has signed what of a study, as the report says it.

signed(study).counts[1].line    "72 of 80 samples signed by 3 people (2 clinicians, 1 lawyer)"
"""

from __future__ import annotations

from mores.records import Record
from mores.study import Study
from mores.study.signoff import KindCount, sign_off


class Signed(Record, frozen=True, kw_only=True):
    """Who has signed what of the study, and what speaks against it."""

    counts: tuple[KindCount, ...] = ()
    """Of each kind of things; empty in reports of earlier versions."""
    objections: tuple[str, ...] = ()
    """One sentence each: what, who in which role, why."""
    faults: int = 0
    """Lines of signatures.jsonl that count for nothing."""


def signed(study: Study) -> Signed:
    """Sum up the signatures of a study (see `sign_off` for how it counts and what it raises)."""
    found = sign_off(study)
    return Signed(
        counts=found.counts,
        objections=tuple(
            f"{state.what}: {one.by} ({one.role}) objects: {one.reason}"
            for state in found.things
            for one in state.signatures
            if one.decision == "object" and not one.stale
        ),
        faults=len(found.faults),
    )
