"""`mores sample`: how much was drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mores.progress import Progress
from mores.study import Study

if TYPE_CHECKING:
    from mores.records import Completion

Drawn = tuple[list["Completion"], list["Completion"]]
"""Answers to the prompts, and continued stems."""


def sample(study: Study, *, stems: bool = True, progress: Progress) -> Drawn:
    """Put the prompts to every arm, and let base and tuned arms continue the stems.

    Args:
        stems: also sample the stems of associations.toml.
    """
    from mores.sample import sample as sample_prompts
    from mores.sample import sample_stems

    answers = sample_prompts(study, progress=progress)
    return answers, sample_stems(study, progress=progress) if stems else []


def show(drawn: Drawn, values: dict[str, Any]) -> None:
    """Count what was drawn."""
    answers, stems = drawn
    click.echo(f"{len(answers)} completions, {len(stems)} of stems")
