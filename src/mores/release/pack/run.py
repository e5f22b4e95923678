"""A study with its report → one file that somebody else can check.

packed = pack(study, disclose="no-texts")
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mores import store
from mores.errors import DataError
from mores.plan.seal import FILE as PLAN
from mores.progress import Progress
from mores.records import to_plain
from mores.release.pack.again import shown_files
from mores.release.pack.archive import size_of, write
from mores.release.pack.chain import chains
from mores.release.pack.compare import compare, in_words, under
from mores.release.pack.crate import crate
from mores.release.pack.gather import Gathered, gather
from mores.release.pack.lines import named_lines
from mores.release.pack.model import (
    AUDIT,
    CRATE,
    FORM,
    INDEX,
    LINES,
    PURPOSE,
    REPORT,
    SIGNATURE,
    STUDY,
    Entry,
    Index,
    LeftOut,
    Level,
    Packed,
    Settings,
)
from mores.release.pack.people import as_json, still_blind
from mores.release.pack.reduce import Reduced, reduced
from mores.release.pack.tree import ENVIRONMENT, Tree, as_plain
from mores.report.model import Report
from mores.report.run import DATA, as_written
from mores.report.shown import ANSWERS, write_answers
from mores.step import MANIFEST, judging
from mores.study import Study, folders, slug
from mores.study.signoff.keys import fingerprint, key_of, sign_with

STILL_BLIND = (
    "ratings by people are still blind, and a pack says which answer is of which arm: whoever "
    "rates must not see it"
)


def pack(
    study: Study,
    *,
    out: Path | None = None,
    disclose: Level = "full",
    sign: Path | None = None,
    progress: Progress | None = None,
) -> Packed:
    """Put a study and its report into one file that anyone can check, offline.

    No person is in it: who wrote, accepted, signed or rated is a label, such as p1 or r2. No
    weights are in it, but their digests. Packed again, it has the same bytes. `mores verify` makes
    every number of the report again from it (docs/pack.md).

    Args:
        study: with a report of what there is now.
        out: the file to write; by default a .zip in the run's folder.
        disclose: full; no-texts, with digest and length in the place of every text; or figures, the
            report alone with the digests of all else.
        sign: file with an Ed25519 key, as for SSH.
        progress: where to say how far it is.

    Raises:
        DataError: there is no report, it is not of what there is now, or a file lies outside the
            study's folder.
        StudyError: the key cannot be used.
        StoreError: the file could not be written, or another process is at work here.
    """
    progress = progress or Progress(quiet=True)
    path = out or study.run_folder / f"{slug(study.config.name)}-{disclose}.zip"
    with store.lock(study.run_folder), TemporaryDirectory() as name:
        folder = Path(name)
        gathered = gather(study)
        progress.say(f"pack: {len(gathered.files)} files; making the report again from them")
        said, changes = _current(study)
        made = reduced(study, gathered, said, changes, disclose, folder)
        files = _files(study, made, disclose, folder / REPORT)
        index = _index(study, gathered, made, disclose, files, said)
        content: dict[str, bytes | Path] = {**files, INDEX: as_json(index)}
        signed = ""
        if sign is not None:
            signature = sign_with(sign, as_json(index), PURPOSE)
            content[SIGNATURE] = as_json({"signature": signature})
            signed = fingerprint(key_of(signature, PURPOSE))
        write(path, content)
    why = [one.why for one in index.left_out]
    return Packed(
        path=str(path),
        level=disclose,
        digest=store.digest_file(path),
        bytes=path.stat().st_size,
        files=len(content),
        left_out={one: why.count(one) for one in dict.fromkeys(why)},
        signed=signed,
        notes=index.notes,
    )


def _current(study: Study) -> tuple[dict[str, Any], dict[str, str | None]]:
    """The report that lies there, if it is of what there is now, and what each step's state is.

    Raises:
        DataError: it is not.
    """
    path = folders.report_folder(study) / DATA
    said = store.read_json(path)
    with judging({}) as found:
        content = as_plain(as_written(study))
    _, differences = compare(said, content)
    for where, there, now in differences:
        if not under(where, ENVIRONMENT):
            raise DataError(
                f"the report is not of what there is now: {where} is {in_words(there)} in it, and "
                f"{in_words(now)} when it is made again",
                path=path,
                fix="run `mores report`, and look at it, before it is packed",
            )
    home = study.folder.resolve()
    return said, {p.relative_to(home).as_posix(): why for p, why in found.items()}


def _files(study: Study, made: Reduced, level: Level, shown: Path) -> dict[str, bytes | Path]:
    """Everything in the pack but its index and signature."""
    report = store.as_record(made.report, Report)
    files: dict[str, bytes | Path] = {
        f"{REPORT}/{name}": data for name, data in shown_files(report).items()
    }
    if report.answers_beside is not None and level != "figures":
        with made.tree.counting(), judging(made.tree.absolute(made.changes)):
            write_answers(made.tree.study, shown / ANSWERS)
        files[f"{REPORT}/{ANSWERS}"] = shown / ANSWERS
    home = made.tree.study.folder
    files |= {f"{STUDY}/{n}": home / n for n in made.tree.files if _disclosed(n, level)}
    lines = {n: named_lines(p) for n, p in files.items() if isinstance(p, Path) and _rows(n)}
    files[LINES] = as_json(lines)
    files[AUDIT] = as_json(chains(study))
    entries = _entries(files, made.tree)
    files[CRATE] = as_json(crate(study, level, entries))
    return files


def _disclosed(name: str, level: Level) -> bool:
    return level != "figures" or name.rpartition("/")[2] in (MANIFEST, PLAN)


def _rows(name: str) -> bool:
    return name.endswith(".jsonl")


def _entries(files: Mapping[str, bytes | Path], tree: Tree) -> list[Entry]:
    return [
        Entry(
            path=name,
            digest=_digest(files[name]),
            bytes=size_of(files[name]),
            stands_for=tree.originals.get(name.removeprefix(f"{STUDY}/"), ""),
        )
        for name in sorted(files)
    ]


def _digest(content: bytes | Path) -> str:
    if isinstance(content, bytes):
        return store.digest_bytes(content)
    return store.digest_file(content)


def _index(
    study: Study,
    gathered: Gathered,
    made: Reduced,
    level: Level,
    files: Mapping[str, bytes | Path],
    said: dict[str, Any],
) -> Index:
    originals = made.tree.originals
    absent = [
        LeftOut(
            path=name, digest=originals.get(name) or store.digest_file(path), why="figures only"
        )
        for name, path in gathered.files.items()
        if f"{STUDY}/{name}" not in files
    ]
    left_out = (*gathered.left_out, *absent)
    return Index(
        form=FORM,
        level=level,
        study=study.config.name,
        version=study.config.version,
        preset=study.config.preset,
        mores_version=said["mores_version"],
        versions=said["versions"],
        zlib=zlib.ZLIB_RUNTIME_VERSION,
        settings=Settings(
            config=to_plain(study.config),
            origins=study.origins,
            place=study.place,
            kept=None if study.kept is None else tuple(sorted(study.kept)),
        ),
        base_models={one["name"]: one["digest"] for one in said["models"]},
        report=store.digest_file(folders.report_folder(study) / DATA),
        files=tuple(_entries(files, made.tree)),
        left_out=tuple(sorted(left_out, key=lambda one: one.path)),
        changed=made.changes,
        kept=made.kept,
        notes=_notes(study),
    )


def _notes(study: Study) -> tuple[str, ...]:
    notes = [STILL_BLIND] if still_blind(study) else []
    for spec in study.config.models:
        if Path(spec.name).expanduser().is_absolute():
            notes.append(f"study.toml names a model by its place on this machine: {spec.name}")
    return tuple(notes)
