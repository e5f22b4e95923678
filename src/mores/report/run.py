"""A `Report` on disk: report.json, index.html, figures as SVG and PNG; many answers beside.

written = report(study)
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from mores import store
from mores.progress import Progress
from mores.records import to_plain
from mores.report.build import build_report
from mores.report.media import lay_beside
from mores.report.model import Report
from mores.report.provenance import made, provenance
from mores.report.shown import ANSWERS, write_answers
from mores.step import Made, Step
from mores.study import Study, folders
from mores.study.rounds import Round, add_round, history, looks
from mores.tune.run import outdated_arms

PAGE = "index.html"
DATA = "report.json"
UNUSED = ("name", "version", "description", "license", "execute", "signoff")
"""Settings that no figure depends on."""


@dataclass(frozen=True)
class Written:
    """Where the report is and what it says."""

    page: Path
    report: Report


def report(study: Study, *, progress: Progress | None = None) -> Written:
    """Write the report of what has been measured so far.

    What is missing or stale is listed with the reason, and not shown.

    Args:
        study: with completions.
        progress: where to say where it is.

    Raises:
        DataError: nothing has been sampled.
        StoreError: the files could not be written.
    """
    progress = progress or Progress(quiet=True)
    with store.lock(study.run_folder):
        written = _write(study)
    progress.say(f"report: {written.page}")
    return written


def as_written(study: Study) -> Report:
    """Make the report that lies there once more from what it rests on; nothing is written.

    Raises:
        DataError: nothing has been sampled.
    """
    return _with_rounds(study, build_report(study), history(study))


def _with_rounds(study: Study, content: Report, rounds: list[Round]) -> Report:
    return replace(content, rounds=tuple(rounds), looks=looks(rounds, study))


def _write(study: Study) -> Written:
    from mores.report.figures import figures
    from mores.report.page import render

    content = build_report(study)
    verdicts: dict[str, str] = {
        f"{h.model} {h.measure}".strip(): h.claim for h in content.headlines
    }
    # What was tuned on other samples, or in another way, is no round of these.
    looked = content.answers_beside or any(q.answers for q in content.questions)
    rounds = add_round(study, verdicts) if looked and not outdated_arms(study) else history(study)
    content = _with_rounds(study, content, rounds)
    step = report_step(study)
    store.write_json(step.folder / DATA, content)
    drawn = figures(content)
    _clear(step.folder / "figures", drawn)
    for figure in drawn.values():
        figure.write(step.folder / "figures")
    store.write_text(step.folder / PAGE, render(content, drawn))
    media = [a.media for q in content.questions for a in q.answers if a.media]
    beside = lay_beside(study, step.folder, media)
    _beside(study, step.folder / ANSWERS, wanted=content.answers_beside is not None)
    names = [f"figures/{name}.{form}" for name in drawn for form in ("svg", "png")]
    answers = [ANSWERS] if content.answers_beside else []
    step.complete(Made([DATA, PAGE, *answers, *names, *beside]))
    return Written(step.folder / PAGE, content)


def _beside(study: Study, path: Path, *, wanted: bool) -> None:
    """Write all answers beside a page that shows some; remove those of an earlier report."""
    if wanted:
        write_answers(study, path)
    else:
        path.unlink(missing_ok=True)


def _clear(folder: Path, drawn: Collection[str]) -> None:
    """Remove figures of an earlier report that this one does not show."""
    for path in folder.glob("*") if folder.exists() else ():
        if path.stem not in drawn:
            path.unlink()


def report_step(study: Study) -> Step:
    """What a report rests on: is the one that lies there of what there is now?"""
    taken = {name: digest for name, digest in provenance(study).items() if name != "study.toml"}
    return Step(
        "report",
        folders.report_folder(study),
        inputs={"inputs": store.digest(taken), "results": store.digest(made(study))},
        config={k: v for k, v in to_plain(study.config).items() if k not in UNUSED},
        seed=study.config.seed,
    )
