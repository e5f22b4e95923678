"""A study's report in forms that others read: written into a folder, uploaded nowhere.

published = publish(study)
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from mores import store
from mores.errors import DataError
from mores.records import Record
from mores.release.publish.card import model_card
from mores.release.publish.dataset import croissant, dataset_card
from mores.release.publish.every_eval import write_every_eval
from mores.release.publish.facts import SETS, facts_of
from mores.release.publish.harness_results import write_harness_results
from mores.release.publish.inspect_log import write_inspect_logs
from mores.release.publish.instances import Instances
from mores.release.publish.subject import Subject, subject
from mores.study import Study, slug

FOLDER = "published"
LIST = "published.json"
"""Written last; a folder without it was not written here, and is not replaced."""


class Published(Record, frozen=True, kw_only=True):
    """What was written."""

    folder: Path
    report: str
    """Digest of the report that every figure comes from."""
    files: dict[str, str]
    """Path below the folder → digest."""


def publish(study: Study, *, out: Path | None = None) -> Published:
    """Write the study's current report in forms for publication. Uploads nothing.

    For each tuned arm a model card; for both sets a dataset card with Croissant metadata and the
    file itself; for every arm its results and single answers as Every Eval Ever, as result files
    of the lm-evaluation-harness and as logs of Inspect.

    Args:
        study: with a current report.
        out: folder to write; without it `published` in the run's folder. A folder that this
            command wrote before is replaced.

    Raises:
        DataError: the report is missing or not current, or the folder holds other files.
        AssetError, MeasureError: the items of a capability task could not be read again.
        StoreError: the files could not be written.
    """
    folder = (out or study.run_folder / FOLDER).resolve()
    _refuse_foreign(folder)
    with store.lock(study.run_folder):
        what = subject(study)
        fresh = folder.with_name(f".{folder.name}.new")
        with store.disk_errors(fresh):
            shutil.rmtree(fresh, ignore_errors=True)
            try:
                for part in PARTS:
                    part(what, fresh)
                files = _digests(fresh)
                written = Published(folder=folder, report=what.digest, files=files)
                store.write_json(fresh / LIST, {"report": what.digest, "files": files})
                shutil.rmtree(folder, ignore_errors=True)
                fresh.rename(folder)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
    return written


def _refuse_foreign(folder: Path) -> None:
    """What this command did not write, such as weights beside a card, is not replaced."""
    if not folder.exists():
        return
    there = set(_names(folder)) if folder.is_dir() else {folder.name}
    path = folder / LIST
    ours = {LIST, *store.read_json(path)["files"]} if path.is_file() else set()
    if foreign := sorted(there - ours):
        raise DataError(
            f"holds files that this command did not write: {', '.join(foreign[:3])}",
            path=folder,
            fix="name a folder that is not there yet, or move them away",
        )


def _names(folder: Path) -> list[str]:
    paths = (p for p in folder.rglob("*") if not p.is_dir())
    return sorted(p.relative_to(folder).as_posix() for p in paths)


def _digests(folder: Path) -> dict[str, str]:
    return {name: store.digest_file(folder / name) for name in _names(folder)}


def _cards(what: Subject, folder: Path) -> None:
    for model, arm in what.tuned():
        path = folder / "models" / slug(model.name) / arm.name / "README.md"
        store.write_text(path, model_card(what, model, arm))


def _datasets(what: Subject, folder: Path) -> None:
    for name in (n for n in SETS if f"{n}.jsonl" in what.report.inputs):
        facts = facts_of(what, name)
        own = folder / "datasets" / name
        store.write_text(own / "README.md", dataset_card(what, facts))
        store.write_json(own / "croissant.json", croissant(what, facts))
        store.write_bytes(own / facts.file, (what.study.folder / facts.file).read_bytes())


def _results(what: Subject, folder: Path) -> None:
    instances = Instances(what)
    write_every_eval(instances, folder / "every-eval-ever")
    write_harness_results(instances, folder / "lm-eval")
    write_inspect_logs(instances, folder / "inspect")


PARTS: tuple[Callable[[Subject, Path], None], ...] = (_cards, _datasets, _results)
"""Each writes its files below the folder."""
