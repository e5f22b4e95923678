"""A study's files in a folder of their own, with what was taken out of them, and its report.

tree = copied(study, files, changed, folder)
tree.report({})       the report that these files give, as plain data
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mores import store
from mores.records import to_plain
from mores.report.run import as_written
from mores.step import judging
from mores.study import Study

ENVIRONMENT = ("versions", "mores_version")
"""Places of a report that say where it was made, not what was found."""


@dataclass(frozen=True)
class Tree:
    """A study in a folder that is a pack's, or will be."""

    study: Study
    files: tuple[str, ...]
    originals: dict[str, str]
    """Path → digest of the study's own file, where this one reads otherwise."""

    def report(self, changes: dict[str, str | None]) -> dict[str, Any]:
        """Make the report from these files.

        Args:
            changes: step's folder → what had changed since it ran, as somebody judged it who had
                everything at hand; what is found of other steps is added.

        Raises:
            MoresError: the files do not give one.
        """
        home, known = self.study.folder.resolve(), self.absolute(changes)
        with self.counting(), judging(known):
            content = as_plain(as_written(self.study))
        for folder, why in known.items():
            changes[folder.relative_to(home).as_posix()] = why
        return content

    def absolute(self, changes: Mapping[str, str | None]) -> dict[Path, str | None]:
        """Return the states of steps by the place of their folder here."""
        home = self.study.folder.resolve()
        return {home / folder: why for folder, why in changes.items()}

    def counting(self) -> Any:
        """Let files count as those that they stand for; a context manager."""
        return store.standing_for(
            {self.study.folder / name: digest for name, digest in self.originals.items()}
        )


def as_plain(record: Any) -> dict[str, Any]:
    """Return a record as what reading its JSON gives."""
    plain: dict[str, Any] = json.loads(json.dumps(to_plain(record), allow_nan=False))
    return plain


def copied(
    study: Study,
    files: Mapping[str, Path],
    changed: Mapping[str, bytes],
    folder: Path,
    originals: Mapping[str, str] | None = None,
) -> Tree:
    """Put a study's files into another folder.

    Args:
        study: gives the settings.
        files: path in the study → where its content lies.
        changed: path → what stands there instead.
        folder: a new one.
        originals: digests of files that stand for others already.
    """
    known = dict(originals or {})
    for name, path in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if name in changed:
            known.setdefault(name, store.digest_file(path))
            target.write_bytes(changed[name])
        else:
            shutil.copyfile(path, target)
    return Tree(
        replace(study.again(), folder=folder, kept=study.kept),
        tuple(files),
        known,
    )
