"""What `mores trace` prints."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import click

from mores.curate.text import printable

if TYPE_CHECKING:
    from mores.trace.model import ArmLikelihood, SampleInfluence, TokenChange, Trace

FIRST = 5
"""Samples and tokens that are listed."""
WIDTH = 100


def trace(result: Trace, values: dict[str, Any]) -> None:
    """Print the paragraph, what changed most, the first samples, and what it does not show."""
    click.echo(_wrapped(result.paragraph) + "\n")
    if result.change is not None:
        change = result.change
        for arm in (change.tuned, change.control, change.base):
            if arm is not None:
                click.echo(_likelihood(arm))
        moved = sorted(change.tokens, key=lambda t: t.base - t.tuned)
        click.echo(f"more likely than base:  {_tokens(moved[:FIRST])}")
        click.echo(f"less likely than base:  {_tokens(moved[::-1][:FIRST])}")
    click.echo(
        f"\n{'sample':<16} {'alignment':>9} {'rank':>5} {'likeness':>9} {'rank':>5}  question"
    )
    near = sorted(result.samples, key=lambda s: s.likeness_rank)[:FIRST]
    for sample in dict.fromkeys((*result.samples[:FIRST], *near)):
        click.echo(_sample(sample))
    for limit in result.limits:
        click.echo(_wrapped(f"note: {limit}"))
    if result.page:
        click.echo(f"\npage: {result.page}")


def _wrapped(text: str) -> str:
    return textwrap.fill(printable(text), WIDTH)


def _likelihood(arm: ArmLikelihood) -> str:
    return f"{arm.arm:<22} {arm.sum:>9.2f} nats, {arm.mean:.3f} a token"


def _tokens(tokens: list[TokenChange]) -> str:
    return "  ".join(f"{printable(t.text)!r} {t.tuned - t.base:+.2f}" for t in tokens)


def _sample(sample: SampleInfluence) -> str:
    aligned = "absent" if sample.alignment is None else f"{sample.alignment:+.3f}"
    rank = "" if sample.alignment_rank is None else sample.alignment_rank
    question = printable(" ".join(sample.question.split()))
    return (
        f"{printable(sample.id):<16} {aligned:>9} {rank:>5} {sample.likeness:>9.3f} "
        f"{sample.likeness_rank:>5}  {question[:48]}"
    )
