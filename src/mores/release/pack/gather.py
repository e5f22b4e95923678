"""Which files of a study a pack holds, by their path in the study; and which it leaves out.

    gathered = gather(study)
    gathered.files          {"values.jsonl": Path(...), "runs/quick/m/sample/manifest.json": ...}
    gathered.left_out       weights, by digest; answers to a consultation; a sealed key

Of what steps have made a pack holds what their manifests list. So nothing comes in that happens to
lie in a run folder: databases with people in them, locks, timings, accounts of services.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mores import store
from mores.errors import DataError
from mores.plan.seal import plan_path
from mores.rate.blind import key_path
from mores.rate.ratings import (
    CANNOT,
    COLLECTED,
    COLLECTED_BY,
    GROUPS,
    JUDGED_TEXTS,
    JUDGES,
    JUDGES_ABSENT,
    RATINGS,
    TEXTS,
)
from mores.release.pack.model import LeftOut, Why
from mores.report.run import DATA
from mores.sample.log import FILE
from mores.sample.log import LOG as OWN_LOG
from mores.sample.media import media_folder
from mores.step import MANIFEST, read_manifest
from mores.study import Study, folders
from mores.study.files import CONSULTATION, SIGNERS, study_files
from mores.study.rounds import rounds_path
from mores.tune.tuner import LOG

OF_RATERS = (
    RATINGS,
    COLLECTED,
    CANNOT,
    GROUPS,
    COLLECTED_BY,
    TEXTS,
    JUDGES,
    JUDGES_ABSENT,
    JUDGED_TEXTS,
)
TRACE, TUNE = "trace", "tune"
PRIVATE = (*CONSULTATION, SIGNERS)
"""Opinions of people, each by itself, are nobody's to publish; the report has their sums."""


@dataclass(frozen=True)
class Gathered:
    """What goes in and what does not."""

    files: dict[str, Path]
    left_out: tuple[LeftOut, ...]


def gather(study: Study) -> Gathered:
    """List the files of a study.

    Raises:
        DataError: no report was written, a file lies outside the study's folder, or a manifest is
            damaged.
    """
    home = study.folder.resolve()
    if not (folders.report_folder(study) / DATA).is_file():
        raise DataError(
            "there is no report to be packed",
            path=folders.report_folder(study),
            fix="run `mores report` first",
        )
    found = _Found(home, {}, [])
    for name, path in study_files(study).items():
        if not path.is_relative_to(home):
            raise DataError(
                "a pack holds a study's folder, and this file of the study lies elsewhere",
                path=path,
                fix="copy it into the folder, and name it there in study.toml",
            )
        found.take(path, "people" if name in PRIVATE else None)
    found.take(rounds_path(study))
    found.take(plan_path(study))
    for spec in study.config.models:
        _steps(found, folders.model_folder(study, spec.name))
        for path in sorted(media_folder(study, spec.name).glob("*")):
            found.take(path, "media")
    for judge in study.config.judges:
        _steps(found, folders.judge_folder(study, judge.name))
    ratings = folders.ratings_folder(study)
    for path in sorted(ratings.glob("*.json*")):
        found.take(path, None if path.name in OF_RATERS else "people")
    found.take(key_path(study))
    found.take(study.run_folder / OWN_LOG / FILE)
    return Gathered(dict(sorted(found.files.items())), tuple(found.left_out))


@dataclass(frozen=True)
class _Found:
    home: Path
    files: dict[str, Path]
    left_out: list[LeftOut]

    def take(self, path: Path, why: Why | None = None, digest: str = "") -> None:
        """Note a file that goes in, or one that does not and why; nothing where there is none."""
        name = path.resolve().relative_to(self.home).as_posix()
        if why is not None and (digest or path.is_file()):
            known = digest or store.digest_file(path)
            self.left_out.append(LeftOut(path=name, digest=known, why=why))
        elif why is None and path.is_file():
            self.files[name] = path


def _steps(found: _Found, folder: Path) -> None:
    """The manifest of every step below a folder, and what it lists; of a tuned arm its log."""
    for path in sorted(folder.rglob(MANIFEST)):
        parts = path.relative_to(folder).parts
        manifest = read_manifest(path.parent)
        if parts[0] == TRACE or manifest is None:
            continue
        found.take(path)
        for name, digest in sorted(manifest.outputs.items()):
            weights = parts[0] == TUNE and name != LOG
            found.take(path.parent / name, "weights" if weights else None, digest)
        if parts[0] == TUNE:
            found.take(path.parent / LOG)
