"""`mores sample`."""

from __future__ import annotations

import click

from mores.progress import Progress
from mores.study import Study


def sample(study: Study, *, stems: bool = True, progress: Progress) -> None:
    """Put the prompts to every arm, and let base and tuned arms continue the stems.

    Args:
        stems: also sample the stems of associations.toml.
    """
    from mores.sample import sample as sample_prompts
    from mores.sample import sample_stems

    completions = sample_prompts(study, progress=progress)
    continued = sample_stems(study, progress=progress) if stems else []
    click.echo(f"{len(completions)} completions, {len(continued)} of stems")
