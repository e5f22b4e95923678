"""`mores revise` and `mores diff`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mores.progress import Progress
from mores.study import Study

if TYPE_CHECKING:
    from mores.records import Estimate


def revise(study: Study, *, progress: Progress) -> None:
    """Find where the tuned arm falls short on validation prompts, and what sample to write next.

    Test prompts are never read here: what is chosen by looking at them can no longer be tested on
    them.
    """
    from mores.revise import revise as find_gaps

    result = find_gaps(study, progress=progress)
    for model, gaps in result.models.items():
        click.echo(f"{model}: {len(gaps)} groups of validation prompts point the wrong way")
        for gap in gaps:
            word = "finding" if gap.finding else "hint"
            click.echo(f"  {word:<8} {gap.category}, {gap.kind} ({gap.prompts} prompts)")
            click.echo(f"           {gap.proposal}")
    if not result.rated:
        click.echo(
            "nobody has rated validation answers; toxicity and form are all that was looked at"
        )
    click.echo(f"\nevidence and nearest samples: {result.page}")


def diff(old: Study, new: Study) -> None:
    """Put two versions of a study side by side: their samples, and what came of each."""
    from mores.revise import diff as compare

    result = compare(old, new)
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
    return f"{e.value:+.3f}{interval} {e.verdict}"
