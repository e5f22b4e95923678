"""The public functions of `mores rate`: the blind rating app and what belongs to it.

mores.rate.serve_ratings(study, say=print)
mores.rate.unblind_ratings(study, who="Ada Lovelace")
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mores import store
from mores.records import Record
from mores.study import Study, folders
from mores.tables import Notes, name_map

if TYPE_CHECKING:
    from mores.rate.unblind import Unblinded


@dataclass(frozen=True)
class RatingStatus:
    """How far the rating is; nothing by arm."""

    study: str
    totals: dict[str, int]
    categories: list[dict[str, Any]]
    raters: list[dict[str, Any]]
    agreement: dict[str, Any] | None
    unblinded: dict[str, Any] | None
    backup: dict[str, Any] | None


class ImportedRatings(Record, frozen=True, kw_only=True):
    """What an import of ratings did."""

    kind: Literal["human", "judge", "blind"]
    """Ratings by people in the study, by a language model, or in the blind rating database."""
    new: int | None = None
    """How many were new; ``blind`` only."""
    total: int | None = None
    """How many of this kind the study has now; not ``blind``."""
    raters: tuple[str, ...] = ()
    """Whose they are; not ``blind``."""
    notes: tuple[str, ...]
    """What was renamed, left out or changed on reading."""


def serve_ratings(
    study: Study,
    *,
    database: str | None = None,
    host: str = "127.0.0.1",
    port: int = 8765,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    behind_proxy: str | None = None,
    invite: int | None = None,
    say: store.Say,
) -> None:
    """Let people rate the outputs, blind: start the rating app, and print the links.

    The first start hides which model wrote what, fixes who rates what, and prints one link for each
    rater. Every start prints a link for you. Stop it with Ctrl-C and start it again as often as you
    like: what a page called saved is kept.

    Args:
        study: the study, with completions.
        database: a file, or postgresql://user@host/name for teams; by default a file in the study.
        host: address to listen at; other machines are let in only with TLS or behind a proxy.
        port: port to listen at.
        tls_cert: certificate chain (PEM), to be reached from other machines.
        tls_key: its private key (PEM).
        behind_proxy: the https address that people use, where a proxy holds the certificate.
        invite: so many new personal links now; the first start makes one for each seat.
        say: where to print the links.

    Raises:
        MoresError: nothing sampled, an unsafe address, a database that cannot be used.
    """
    from mores.rate.serve import Options, serve

    options = Options(
        database=database,
        host=host,
        port=port,
        tls_cert=tls_cert,
        tls_key=tls_key,
        behind_proxy=behind_proxy,
        invite=invite,
    )
    serve(study, options, say=say)


def rating_status(
    study: Study,
    *,
    database: str | None = None,
) -> RatingStatus:
    """Show how far the rating is: totals, raters, agreement. Nothing by arm.

    Args:
        study: the study.
        database: where it is, if not in the study.

    Raises:
        StoreError: no rating was set up.
    """
    from mores.rate.agreement import agreement_by_category
    from mores.rate.db.backup import last_backup
    from mores.rate.db.facts import read_facts
    from mores.rate.db.progress import overview, rater_lines
    from mores.rate.opened import looking
    from mores.rate.unblind import last_unblinding

    with looking(study, database) as opened, opened.read() as tx:
        facts = read_facts(tx)
        shown = overview(tx, facts, time.time())
        return RatingStatus(
            study=facts.study,
            totals=shown["totals"],
            categories=shown["categories"],
            raters=rater_lines(tx),
            agreement=agreement_by_category(tx, facts)[0],
            unblinded=last_unblinding(tx),
            backup=last_backup(tx),
        )


def export_ratings(
    study: Study,
    output: Path | None = None,
    *,
    database: str | None = None,
    format: Literal["csv", "jsonl", "parquet", "all"] = "all",  # noqa: A002 - the usual name
) -> list[Path]:
    """Write all answers with a codebook and a human-evaluation datasheet (HEDS).

    Args:
        study: the study.
        output: folder to write into; by default the study's rating folder.
        database: where it is, if not in the study.
        format: "csv", "jsonl", "parquet" or "all".

    Raises:
        MoresError: no rating was set up, or the files cannot be written.
    """
    from mores.rate.export.files import FILES, export_files
    from mores.rate.opened import looking

    beside = ("codebook.json", "heds.md")
    names = [n for n in FILES if n in beside or format in ("all", n.removeprefix("ratings."))]
    target = output or folders.rating_folder(study) / "export"
    with looking(study, database) as opened:
        contents = export_files(opened, names)
    for name, content in contents.items():
        store.write_bytes(target / name, content)
    return [target / name for name in contents]


def unblind_ratings(
    study: Study,
    *,
    who: str,
    database: str | None = None,
) -> Unblinded:
    """Open the sealed key and give the ratings to the report. Logged; cannot be undone.

    Args:
        study: the study; its rating folder holds the key.
        who: your name, for the log.
        database: where it is, if not in the study.

    Raises:
        MoresError: no key, a key of other ratings, a running server (use its page then).
    """
    from mores.rate.opened import changing
    from mores.rate.unblind import unblind

    now = time.time()
    with changing(study, database, now=now) as opened:
        return unblind(opened, study, who=who, now=now)


def import_ratings(
    study: Study,
    file: Path,
    *,
    database: str | None = None,
    judge: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    map_: tuple[str, ...] = (),
) -> ImportedRatings:
    """Add ratings made elsewhere: a table of completion_id or item_id, rater, value (1 to 5).

    CSV, JSON, Excel, and exports of Label Studio and Argilla are read, also packed (.gz). With
    completion_id they go into the study; with item_id, the blind ids of `mores rate export`, into
    the rating database, where they stay blind. All of the file is imported, or nothing. Ratings by
    a language model are imported with --judge: kept apart under its name, shown apart in the
    report, never counted as ratings by people.

    Args:
        study: the study, with completions.
        file: the table.
        database: where the rating database is, if not in the study.
        judge: name of the language model that gave these ratings; the file has no rater then.
        encoding: of a CSV that is neither UTF-8 nor UTF-16, such as cp1252.
        sheet: name of the sheet of an Excel file; by default its first.
        map_: what a column is, where it has another name, such as rater=annotator (may be
            repeated).

    Raises:
        DataError: unknown id, a value that is not 1 to 5, a rater twice (with the line), a judge
            with the name of a judged model, a blind file with a column that tells the arms.
    """
    from mores.rate.import_blind import import_blind
    from mores.rate.opened import changing
    from mores.rate.rating_file import Reading, id_column
    from mores.rate.ratings import add_ratings

    notes = Notes()
    reading = Reading(encoding, sheet, name_map(map_))
    if judge is None and id_column(file, reading) == "item_id":
        with changing(study, database, now=time.time()) as opened:
            new = import_blind(opened, file, now=time.time(), reading=reading, notes=notes)
        return ImportedRatings(kind="blind", new=new, notes=notes.lines())
    with store.lock(study.run_folder):
        ratings = add_ratings(study, file, judge, reading, notes)
    return ImportedRatings(
        kind="human" if judge is None else "judge",
        total=len(ratings),
        raters=tuple(sorted({rating.rater for rating in ratings})),
        notes=notes.lines(),
    )
