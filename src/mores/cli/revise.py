"""What `mores revise`, `mores diff` and `mores draft` print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mores.records import Estimate
    from mores.revise import RevisionResult, StudyDiff
    from mores.revise.draft import Drafted


def revise(result: RevisionResult, values: dict[str, Any]) -> None:
    """List the gaps with what they rest on, and the page."""
    for model, gaps in result.models.items():
        click.echo(f"{model}: {len(gaps)} groups of validation prompts point the wrong way")
        for gap in gaps:
            word = f"finding {result.scope}:" if gap.finding else "hint    "
            click.echo(f"  {word} {gap.category}, {gap.kind} ({gap.prompts} prompts)")
            click.echo(f"           {gap.proposal}")
    click.echo(result.caution)
    if not result.rated:
        click.echo(
            "nobody has rated validation answers; toxicity and form are all that was looked at"
        )
    if result.complaints:
        click.echo(f"\n{len(result.complaints)} complaints are not closed (`mores complaints`):")
        for one in result.complaints:
            click.echo(f"  {one.category or 'no position named'}: {one.question[:100]}")
    click.echo(f"\nevidence and nearest samples: {result.page}")


def draft(result: Drafted, values: dict[str, Any]) -> None:
    """Say how many drafts were written, and what is to be done with them."""
    click.echo(f"{result.written} drafts written, {result.kept} were there: {result.path}")
    if result.empty:
        click.echo(f"{result.empty} came back empty; the same command asks again")
    click.echo(
        "edit them, put your name into `reviewer`, and move them to values.jsonl: "
        "`mores check` refuses drafts that nobody has read (M505)"
    )


def diff(result: StudyDiff, values: dict[str, Any]) -> None:
    """Print what changed in the samples, and both effects beside each other."""
    click.echo(f"old  {result.old}\nnew  {result.new}")
    for one in result.datasets:
        click.echo(
            f"\n{one.name}: {len(one.added)} added, {len(one.removed)} removed, "
            f"{len(one.changed)} changed, {one.kept} kept; "
            f"{one.words[0]:,} → {one.words[1]:,} words"
        )
        for label, ids in (("+", one.added), ("-", one.removed), ("~", one.changed)):
            for name in ids[:20]:
                click.echo(f"  {label} {name}")
            if len(ids) > 20:
                click.echo(f"  {label} and {len(ids) - 20} more")
        moved = {c: n for c, n in one.categories.items() if n[0] != n[1]}
        for category, (before, after) in moved.items():
            click.echo(f"  {category}: {before} → {after}")
    if result.effects:
        click.echo(f"\n{'measure':<34} {'old':<32} new")
    several = len({pair.model for pair in result.effects}) > 1
    for pair in result.effects:
        what = f"{pair.model}: {pair.measure}" if several else pair.measure
        click.echo(f"{what:<34} {_estimate(pair.old):<32} {_estimate(pair.new)}")
    for note in result.notes:
        click.echo(f"note: {note}")


def _estimate(e: Estimate | None) -> str:
    if e is None:
        return "not in the report"
    if e.value is None:
        return "not computable"
    interval = "" if e.low is None or e.high is None else f" ({e.low:+.3f} to {e.high:+.3f})"
    return f"{e.value:+.3f}{interval} {e.claim}"
