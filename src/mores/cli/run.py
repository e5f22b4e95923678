"""What `mores run` and `mores report` print: the verdicts, and where the page is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mores.report import Written
    from mores.run import RunResult

MARKS = {
    "shown": "✓",
    "non-inferior": "✓",
    "worse": "✗",
    "not shown": "–",
    "inconclusive": "–",
    "exploratory": "·",
    "descriptive": "·",
    "not computable": "?",
}


def run(result: RunResult | Written, values: dict[str, Any]) -> None:
    """Print the verdicts and where the page is."""
    from mores.report.judge_lines import judge_lines

    click.echo("")
    for headline in result.report.headlines:
        click.echo(f"{MARKS[headline.verdict]} {headline.claim.upper()}  {headline.sentence}")
        for part in headline.beside:
            click.echo(f"    {part}")
    for missing in result.report.missing:
        click.echo(f"  missing: {missing.what}: {missing.why}")
    for line in judge_lines(result.report.ratings.judges):
        click.echo(f"  {line}")
    click.echo(f"\nreport: {result.page}")
