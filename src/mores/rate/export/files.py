"""A rating database → the content of the owner's files, by name.

export_files(database, FILES)["ratings.csv"]
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from mores.rate.export.codebook import StudyFacts, codebook
from mores.rate.export.formats import to_csv, to_jsonl, to_parquet
from mores.rate.export.heds import heds
from mores.rate.export.rows import export_rows, study_facts
from mores.rate.model import RatingRow
from mores.web.database import Database

Rows = list[RatingRow]


def _codebook(rows: Rows, facts: StudyFacts) -> bytes:
    return (json.dumps(codebook(facts, rows), ensure_ascii=False, indent=2) + "\n").encode()


FILES: dict[str, Callable[[Rows, StudyFacts], bytes]] = {
    "ratings.csv": lambda rows, _: to_csv(rows),
    "ratings.jsonl": lambda rows, _: to_jsonl(rows),
    "ratings.parquet": lambda rows, _: to_parquet(rows),
    "codebook.json": _codebook,
    "heds.md": lambda rows, facts: heds(facts, rows).encode(),
}


def export_files(database: Database, names: Iterable[str]) -> dict[str, bytes]:
    """Return the content of the named files, all made from the same rows.

    Args:
        database: an open rating database.
        names: keys of `FILES`.

    Raises:
        StoreError: Parquet is asked for and pyarrow is not installed.
    """
    rows, facts = export_rows(database), study_facts(database)
    return {name: FILES[name](rows, facts) for name in names}
