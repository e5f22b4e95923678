"""A `Report` on disk: report.json, index.html, figures as SVG and PNG.

path = write_report(study)
"""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from mores import store
from mores.progress import Progress
from mores.report.build import build_report
from mores.report.model import Report
from mores.study import Study, folders
from mores.study.rounds import add_round, history, looks
from mores.tune.run import changed_since_tuning

PAGE = "index.html"
DATA = "report.json"


def write_report(study: Study, *, progress: Progress | None = None) -> tuple[Path, Report]:
    """Build the report of a study's results and write it.

    Returns:
        The page's path and the report.

    Raises:
        DataError: nothing has been sampled.
        StoreError: the files could not be written.
    """
    from mores.report.page import figures, render

    progress = progress or Progress(quiet=True)
    folder = folders.report_folder(study)
    report = build_report(study)
    verdicts: dict[str, str] = {
        f"{h.model} {h.measure}".strip(): h.verdict for h in report.headlines
    }
    # What was tuned on other samples is no round of these.
    rounds = history(study) if changed_since_tuning(study) else add_round(study, verdicts)
    report = replace(report, rounds=tuple(rounds), looks=looks(rounds, study))
    store.write_json(folder / DATA, report)
    drawn = figures(report)
    for name, figure in drawn.items():
        store.write_bytes(folder / "figures" / f"{name}.svg", figure.svg_file)
        store.write_bytes(folder / "figures" / f"{name}.png", figure.png_file)
    store.write_text(folder / PAGE, render(report, drawn))
    progress.say(f"report: {folder / PAGE}")
    return folder / PAGE, report
