"""The public functions of step 7: `mores revise` and `mores diff`.

print(mores.revise_study(Path("my-study")).page)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mores import store
from mores.progress import Progress
from mores.study import Study, load_study

if TYPE_CHECKING:
    from mores.revise import RevisionResult, StudyDiff


def revise_study(
    folder: Path, *, preset: str | None = None, set_: tuple[str, ...] = (), quiet: bool = False
) -> RevisionResult:
    """Find where the tuned arm falls short on validation prompts, and what sample to write next.

    Test prompts are never read here: what is chosen by looking at them can no longer be tested on
    them.

    Args:
        folder: the study, with tuned arms and validation prompts.
        preset: "quick", "palms-2021" or "confirm", instead of the study's own.
        set_: override one setting, KEY=VALUE (may be repeated).
        quiet: no progress display.

    Raises:
        MoresError: nothing tuned, or no validation prompts.
    """
    from mores.revise import revise

    study = _study(folder, preset, set_)
    with Progress(quiet=quiet) as progress, store.lock(study.run_folder):
        return revise(study, progress=progress)


def diff_studies(
    old: Path, new: Path, *, preset: str | None = None, set_: tuple[str, ...] = ()
) -> StudyDiff:
    """Put two versions of a study side by side: their samples, and what came of each.

    Args:
        old: the earlier version's folder.
        new: the later version's folder.
        preset: whose reports to compare, instead of each study's own.
        set_: override one setting of both, KEY=VALUE (may be repeated).

    Raises:
        MoresError: a dataset or a report cannot be read.
    """
    from mores.revise import compare_studies

    return compare_studies(_study(old, preset, set_), _study(new, preset, set_))


def _study(folder: Path, preset: str | None, overrides: tuple[str, ...]) -> Study:
    return load_study(Path(folder), preset=preset, overrides=tuple(overrides))


__all__ = ["diff_studies", "revise_study"]
