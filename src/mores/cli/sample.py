"""`mores sample`: how much was drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

from mores.progress import Progress
from mores.records import Completion
from mores.study import Study


@dataclass(frozen=True)
class Drawn:
    """What every arm wrote."""

    answers: list[Completion]
    """To the prompts."""
    stems: list[Completion]
    """Continued stems."""


def sample(study: Study, *, stems: bool = True, progress: Progress) -> Drawn:
    """Put the prompts to every arm, and let base and tuned arms continue the stems.

    Args:
        stems: also sample the stems of associations.toml.
    """
    from mores.sample import sample as sample_prompts
    from mores.sample import sample_stems

    answers = sample_prompts(study, progress=progress)
    return Drawn(answers, sample_stems(study, progress=progress) if stems else [])


def show(drawn: Drawn, values: dict[str, Any]) -> None:
    """Count what was drawn."""
    click.echo(f"{len(drawn.answers)} completions, {len(drawn.stems)} of stems")
