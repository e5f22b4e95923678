"""A new study from a template.

init(Path("my-study"), template="blank")
init(Path("mi-estudio"), language="es")
"""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from mores import store
from mores.errors import StudyError, did_you_mean
from mores.study.files import FILES
from mores.study.languages import ENGLISH, fault, is_english, primary

TEMPLATES = ("wellbeing", "blank")
EXAMPLES = {"en": "wellbeing", "es": "es-escucha", "ar": "ar-musanada"}
"""Language → the example study in it."""
_DECLARED = re.compile(rb'^language = "en"', re.MULTILINE)


def init(folder: Path, *, template: str = "wellbeing", language: str = ENGLISH) -> list[Path]:
    """Start a study from a template.

    Args:
        folder: a new or empty folder.
        template: "wellbeing" (the complete example study; in Spanish and Arabic a smaller one) or
            "blank" (a skeleton to fill in).
        language: of the study, as a tag such as es or pt-BR; the example is there in en, es and
            ar, the texts of the skeleton in English alone.

    Returns:
        The files written.

    Raises:
        StudyError: unknown template, no language, no example in it, or a study is already there.
        StoreError: the folder cannot be written.
    """
    if template not in TEMPLATES:
        raise StudyError(
            f"unknown template {template!r}{did_you_mean(template, TEMPLATES)}",
            fix="templates: " + ", ".join(TEMPLATES),
        )
    if why := fault(language):
        raise StudyError(why, where="language", fix="give a tag of BCP 47, such as en, es or pt-BR")
    if template != "blank" and primary(language) not in EXAMPLES:
        raise StudyError(
            f"there is no example study in {language!r}",
            fix=f"--template blank --language {language}; examples: " + ", ".join(EXAMPLES),
        )
    there = [name for name in FILES if (folder / name).exists()]
    if there:
        raise StudyError(
            f"a study is already here ({', '.join(there)})",
            path=folder,
            fix="choose another folder; nothing was changed",
        )
    example = template if template == "blank" else EXAMPLES[primary(language)]
    source = resources.files("mores.study") / "templates" / example
    written = []
    for name in FILES:
        part = source / name
        if part.is_file():
            content = part.read_bytes()
            if example == "blank" and not is_english(language):
                content = _DECLARED.sub(f'language = "{language}"'.encode(), content)
            store.write_bytes(folder / name, content)
            written.append(folder / name)
    return written
