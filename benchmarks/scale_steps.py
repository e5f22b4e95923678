"""One step of a study in a process of its own: seconds and peak memory, as a line of JSON.

python benchmarks/scale_steps.py toxicity FOLDER
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

from mores.study import Study, load_study


def toxicity(study: Study) -> None:
    """Ten scores for each completion, and the scorers side by side."""
    from mores.measure.toxicity.run import toxicity

    toxicity(study)


def cooccurrence(study: Study) -> None:
    """Words of the stems' texts."""
    from mores.measure.cooccurrence.run import cooccurrence

    cooccurrence(study)


def gates(study: Study) -> None:
    """The gates that read what other measures left."""
    from mores.measure.gates.context import Context
    from mores.measure.gates.sentiment import sentiment
    from mores.measure.gates.toxicity import toxicity

    context = Context(study, study.config.models[0])
    toxicity(context)
    sentiment(context)


def rate_import(study: Study) -> None:
    """Ratings of every completion, from a table."""
    from mores.rate.collect import import_ratings

    import_ratings(study, study.folder / "ratings.csv")


def report(study: Study) -> None:
    """Estimates, figures, page."""
    from mores.report.run import report

    report(study)


def rate_set_up(study: Study, place: str = "") -> None:
    """A rating study of every completion, in SQLite unless a database is named."""
    from mores.rate.db.setup import set_up
    from mores.rate.opened import changing

    now = time.time()
    place = place or str(study.folder / "rating.sqlite")
    with changing(study, place, now=now, new=True) as database:
        set_up(database, study, now=now)


def rate_postgresql(study: Study) -> None:
    """The same in a PostgreSQL server, which is started beforehand; a row is wall time."""
    rate_set_up(study, os.environ["MORES_SCALE_DATABASE"])


def check(study: Study) -> None:
    """All rules of `mores check`."""
    from mores.curate import check_study

    check_study(study)


STEPS: dict[str, Callable[[Study], None]] = {
    "toxicity": toxicity,
    "cooccurrence": cooccurrence,
    "gates": gates,
    "ratings": rate_import,
    "report": report,
    "rate": rate_set_up,
    "rate_postgresql": rate_postgresql,
    "check": check,
    "stems": cooccurrence,
    "pairs": report,
}


def main() -> None:
    """Take one step."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.perf_counter()
    STEPS[name](load_study(folder))
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_SELF)
    page = folder / "runs" / "quick" / "report" / "index.html"
    row = {
        "step": name,
        "seconds": round(seconds, 2),
        "cpu": round(used.ru_utime - before.ru_utime + used.ru_stime - before.ru_stime, 2),
        "peak_mb": round(used.ru_maxrss / 1024),
        "page_mb": round(page.stat().st_size / 1e6, 2) if page.exists() else None,
    }
    print(json.dumps(row))


if __name__ == "__main__":
    main()
