"""A trace in words: the paragraph for everyone, and what must be said with it.

paragraph(...)   five to seven sentences without a technical term
limits(...)      what the numbers do not show
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from mores.report.words import listed
from mores.trace.model import (
    Change,
    KeptGradients,
    PeopleBehind,
    PositionBehind,
    SampleInfluence,
    Source,
)

SAME = 0.01
"""A change of the mean log-probability by less, in nats a token, is called hardly any."""
NAMED = 3
"""Samples that the paragraph names."""


def paragraph(
    source: Source,
    answered_by: str,
    change: Change | None,
    change_absent: str,
    samples: Sequence[SampleInfluence],
    influence_absent: str,
    position: PositionBehind,
    people: PeopleBehind,
) -> str:
    """Say in plain words what was found, and what it does not show."""
    parts = [_source(source, answered_by)]
    parts.append(
        _change(change) if change else f"What tuning changed is not known: {change_absent}."
    )
    if influence_absent:
        parts.append(f"Which samples pushed the model this way is not known: {influence_absent}.")
    else:
        first = sorted(samples, key=lambda s: s.alignment_rank or 0)[:NAMED]
        parts.append(
            f"Of the {len(samples)} texts it was trained on, {_listed(first)} push most in the "
            "direction of this answer."
        )
    near = sorted(samples, key=lambda s: s.likeness_rank)[:NAMED]
    parts.append(f"Closest to it in wording: {_listed(near)}.")
    parts.append(
        "This does not show that they caused it: only training again without them could, and even "
        "that would show what all of them do together, not what one text means."
    )
    parts.append(_position(position))
    parts += [position.consulted, people.signed, people.accountable]
    return " ".join(parts)


def _source(source: Source, answered_by: str) -> str:
    if source == "given":
        return "The answer was typed in, so no model need ever have given it."
    who = "the model before tuning" if answered_by == "base" else f"the arm {answered_by}"
    return f"The answer was given by {who}."


def _change(change: Change) -> str:
    by = change.minus_base
    said = "Tuning on the study's samples hardly changed how likely this answer is"
    if abs(by) >= SAME:
        said = (
            "Tuning on the study's samples made this answer "
            f"{'more' if by > 0 else 'less'} likely: "
            f"{_times(by)} before"
        )
    if change.minus_control is not None:
        said += f"; it is {_times(change.minus_control)} after the same tuning on neutral texts"
    return f"{said} (each piece of a word, on average)."


def _times(nats: float) -> str:
    return f"{math.exp(nats):.2f} times as likely as"


def _listed(samples: Sequence[SampleInfluence]) -> str:
    return listed([f"{s.id} (“{_short(s.question)}”)" for s in samples])


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:57].rstrip()}…"


def _position(position: PositionBehind) -> str:
    how = (
        ""
        if position.found_by != "the sample nearest in wording"
        else (" (taken from the sample nearest in wording, since no category was named)")
    )
    return f"The position that it falls under{how} is “{position.title}”."


def limits(
    kept: KeptGradients | None, *, stale: str = "", in_context: bool = False
) -> tuple[str, ...]:
    """Return what the numbers of a trace do not show.

    Args:
        kept: what influence was taken with; None where it was not.
        stale: what is not current of what the trace rests on.
        in_context: whether the answer was given with a statement or samples before the question.
    """
    said = [stale] if stale else []
    if in_context:
        said.append(
            "The arm that gave this answer read a statement or samples before the question; the "
            "likelihoods here are of the question alone."
        )
    if kept:
        said.append(
            "Influence is computed from gradients after "
            f"{listed([str(c) for c in kept.checkpoints])} of {kept.steps} training steps, as if "
            "every step were one of plain gradient descent. The trainer uses AdamW, which scales "
            "every weight's step, so this ranks samples; it does not say how much one of them did."
        )
        if kept.dimension < kept.weights:
            said.append(
                f"Of each gradient {kept.dimension:,} numbers are kept instead of "
                f"{kept.weights:,}: an alignment is right to about "
                f"{(1 / kept.dimension) ** 0.5:.3f}."
            )
        if kept.difference:
            said.append(
                "The repeated training ended at other weights than the arm's own (largest "
                f"difference {kept.difference:.2g}): influence speaks of the repeat."
            )
        said.append(MEASURED)
    said.append(
        "Likeness of wording counts shared word stems: it sees no meaning, and a sample can shape "
        "an answer without sharing a word with it."
    )
    said.append(
        "The charter's position is that of the category; nothing shows that it was the reason."
    )
    return tuple(said)


MEASURED = (
    "Measured once on the bundled model: which samples come first agrees weakly with what training "
    "without them does (Spearman 0.31, 95 % −0.02 to 0.57: no agreement is not ruled out). False "
    "samples planted on invented subjects came first 6 times of 6, samples planted against a "
    "position were among the first five 3 times of 6 (docs/trace.md). These are samples to read "
    "first, not culprits."
)
"""Printed with every influence; the figures come from benchmarks/trace_validation.py."""
