"""`mores sample`: how much was drawn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
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


def sample(
    study: Study,
    *,
    stems: bool = True,
    prompts: Path | None = None,
    most: int = 200,
    progress: Progress,
) -> Drawn:
    """Put the prompts to every arm, and let base and tuned arms continue the stems.

    With --prompts, prompts of your own log are asked instead: once each, of base, values-targeted
    and control arm. Rows that hold what looks like personal data are left out. The report shows
    them apart (docs/variants.md).

    Args:
        stems: also sample the stems of associations.toml.
        prompts: CSV, JSON Lines or Excel with the column text, and weight where rows count
            differently.
        most: prompts taken from that file; of more rows so many are drawn, by weight.
    """
    from mores.sample import sample as sample_prompts
    from mores.sample import sample_log, sample_stems, sample_variants

    if prompts is not None:
        return Drawn(sample_log(study, prompts, most=most, progress=progress), [])
    answers = sample_prompts(study, progress=progress)
    sample_variants(study, progress=progress)
    return Drawn(answers, sample_stems(study, progress=progress) if stems else [])


def show(drawn: Drawn, values: dict[str, Any]) -> None:
    """Count what was drawn."""
    click.echo(f"{len(drawn.answers)} completions, {len(drawn.stems)} of stems")
