"""A new study from a template.

init(Path("my-study"), template="blank")
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from mores import store
from mores.errors import StudyError, did_you_mean
from mores.study.files import FILES

TEMPLATES = ("wellbeing", "blank")


def init(folder: Path, *, template: str = "wellbeing") -> list[Path]:
    """Start a study from a template.

    Args:
        folder: a new or empty folder.
        template: "wellbeing" (the complete example study) or "blank" (a skeleton to fill in).

    Returns:
        The files written.

    Raises:
        StudyError: unknown template, or a study is already there.
        StoreError: the folder cannot be written.
    """
    if template not in TEMPLATES:
        raise StudyError(
            f"unknown template {template!r}{did_you_mean(template, TEMPLATES)}",
            fix="templates: " + ", ".join(TEMPLATES),
        )
    there = [name for name in FILES if (folder / name).exists()]
    if there:
        raise StudyError(
            f"a study is already here ({', '.join(there)})",
            path=folder,
            fix="choose another folder; nothing was changed",
        )
    source = resources.files("mores.study") / "templates" / template
    written = []
    for name in FILES:
        part = source / name
        if part.is_file():
            store.write_bytes(folder / name, part.read_bytes())
            written.append(folder / name)
    return written
