"""charter.toml → `Charter`.

charter = read_charter(Path("examples/wellbeing/charter.toml"))
"""

from __future__ import annotations

from pathlib import Path

from mores import store
from mores.errors import DataError
from mores.records import Charter
from mores.study.languages import fault

TAGS = "write the BCP 47 tag of the language that the texts are in, such as en, es or pt-BR"


def read_charter(path: Path) -> Charter:
    """Read and check a charter.

    Raises:
        DataError: not TOML, unknown or missing field, a category named twice, a language that is
            none.
    """
    charter = store.as_record(store.read_toml(path), Charter, path=path)
    if why := fault(charter.language):
        raise DataError(why, path=path, where="language", fix=TAGS)
    seen: set[str] = set()
    for position in charter.positions:
        if position.category in seen:
            raise DataError(
                f"category {position.category!r} has two positions",
                path=path,
                fix="give each category one position statement",
            )
        seen.add(position.category)
    return charter
