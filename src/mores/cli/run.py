"""`mores run` and `mores report`: the verdicts, and where the page is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mores.progress import Progress
from mores.study import Study

if TYPE_CHECKING:
    from mores.report.model import Report

MARKS = {
    "shown": "✓",
    "non-inferior": "✓",
    "worse": "✗",
    "not shown": "–",
    "inconclusive": "–",
    "descriptive": "·",
    "not computable": "?",
}


def run(study: Study, *, check: bool = True, progress: Progress) -> None:
    """Do everything: check, tune, sample, measure, report. Goes on where it was stopped.

    Args:
        check: refuse a study in which `mores check` finds errors.
    """
    from mores.run import run as run_study

    result = run_study(study, check=check, progress=progress)
    _show(result.page, result.report)


def report(study: Study, *, progress: Progress) -> None:
    """Write the report of what has been measured so far.

    What is missing, or not of the weights, answers and settings of now, is named and not shown.
    """
    from mores.report import report as write_report

    written = write_report(study, progress=progress)
    _show(written.page, written.report)


def _show(page: Path, content: Report) -> None:
    click.echo("")
    for headline in content.headlines:
        click.echo(f"{MARKS[headline.verdict]} {headline.verdict.upper()}  {headline.sentence}")
    for missing in content.missing:
        click.echo(f"  missing: {missing.what}: {missing.why}")
    click.echo(f"\nreport: {page}")
