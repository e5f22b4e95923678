"""`mores rate serve`, `status`, `export`, `unblind`, `import`, `verify`, and what keeps ratings."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import click

from mores import rate
from mores.study import Study


def serve(
    study: Study,
    *,
    database: str | None = None,
    host: str = "127.0.0.1",
    port: int = 8765,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    behind_proxy: str | None = None,
    invite: int | None = None,
) -> None:
    """Let people rate the outputs, blind: start the rating app, and print the links.

    The first start hides which model wrote what, fixes who rates what, and prints one link for each
    rater. Every start prints a link for you. Stop it with Ctrl-C and start it again as often as you
    like: what a page called saved is kept.

    Args:
        database: a file, or postgresql://user@host/name for teams; by default a file in the study.
        host: address to listen at; other machines are let in only with TLS or behind a proxy.
        port: port to listen at.
        tls_cert: certificate chain (PEM), to be reached from other machines.
        tls_key: its private key (PEM).
        behind_proxy: the https address that people use, where a proxy holds the certificate.
        invite: so many new personal links now; the first start makes one for each seat.
    """
    rate.serve_ratings(
        study,
        database=database,
        host=host,
        port=port,
        tls_cert=tls_cert,
        tls_key=tls_key,
        behind_proxy=behind_proxy,
        invite=invite,
        say=click.echo,
    )


def status(study: Study, *, database: str | None = None) -> None:
    """Show how far the rating is: totals, raters, agreement. Nothing by arm.

    Args:
        database: where it is, if not in the study.
    """
    now = rate.rating_status(study, database=database)
    totals = now.totals
    click.echo(f"study {now.study}: {totals['done']} of {totals['needed']} ratings")
    click.echo(
        f"  {totals['items']} outputs, {totals['raters']} raters ({totals['active']} in the last "
        f"day), {totals['cannot']} cannot be rated, {totals['skipped']} skipped, "
        f"{totals['surplus']} surplus"
    )
    for row in now.categories:
        click.echo(f"  {row['title'][:48]:<48} {row['done']:>5} of {row['needed']}")
    if now.raters:
        click.echo("\nrater             state       rated        gold     seconds each")
    for row in now.raters:
        pace = "-" if row["pace"] is None else f"{row['pace']:.0f}"
        gold = f"{row['gold_right']} of {row['gold_seen']}"
        done = f"{row['rated']} of {row['assigned']}"
        click.echo(f"{row['id']}  {row['state']:<11} {done:<12} {gold:<8} {pace}")
    click.echo("")
    click.echo(f"agreement    {_agreement(now.agreement)}")
    click.echo(f"last backup  {_when(now.backup)}")
    if now.unblinded is None:
        click.echo("blind        yes; figures by arm come with `mores rate unblind`")
    else:
        click.echo(
            f"blind        no: {now.unblinded['by']} unblinded it on "
            f"{_when(now.unblinded)}, after {now.unblinded['ratings']} ratings"
        )


def _agreement(alpha: dict[str, Any] | None) -> str:
    if alpha is None:
        return "nothing is rated yet"
    if alpha["value"] is None:
        return f"not computable: {alpha['reason']}"
    interval = "" if alpha["low"] is None else f", 95 % {alpha['low']:.2f} to {alpha['high']:.2f}"
    return f"alpha {alpha['value']:.2f}{interval} ({alpha['n']} outputs, all arms together)"


def _when(entry: dict[str, Any] | None) -> str:
    if entry is None:
        return "none"
    return datetime.fromtimestamp(entry["at"], UTC).strftime("%Y-%m-%d %H:%M UTC")


def export(
    study: Study,
    output: Path | None = None,
    *,
    database: str | None = None,
    format: Literal["csv", "jsonl", "parquet", "all"] = "all",  # noqa: A002 - the usual name
) -> None:
    """Write all answers with a codebook and a human-evaluation datasheet (HEDS).

    OUTPUT is the folder to write into; by default the study's rating folder.

    Args:
        database: where it is, if not in the study.
        format: "csv", "jsonl", "parquet" or "all".
    """
    for path in rate.export_ratings(study, output, database=database, format=format):
        click.echo(f"wrote {path}")


def unblind(study: Study, *, who: str, database: str | None = None) -> None:
    """Open the sealed key and give the ratings to the report. Logged; cannot be undone.

    Args:
        who: your name, for the log.
        database: where it is, if not in the study.
    """
    result = rate.unblind_ratings(study, who=who, database=database)
    click.echo(f'{result.ratings} ratings and {result.cannot} "cannot be rated" joined to the key')
    if result.ratings + result.cannot < result.needed:
        missing = result.needed - result.ratings - result.cannot
        click.echo(f"{missing} of {result.needed} are missing; the log says that you looked before")
    guesses = result.guesses
    if sum(guesses.values()):
        click.echo(
            f"guesses of raters: {guesses['right']} right, {guesses['wrong']} wrong, "
            f"{guesses['unsure']} unsure"
        )
    click.echo(f"\nnext:  mores report {study.folder}")


def import_(
    study: Study,
    file: Path,
    *,
    database: str | None = None,
    judge: str | None = None,
    encoding: str | None = None,
) -> None:
    """Add ratings made elsewhere from a CSV of completion_id or item_id, rater, value (1 to 5).

    With completion_id they go into the study; with item_id, the blind ids of `mores rate export`,
    into the rating database, where they stay blind. All of the file is imported, or nothing.
    Ratings by a language model are imported with --judge: kept apart under its name, shown apart
    in the report, never counted as ratings by people.

    Args:
        database: where the rating database is, if not in the study.
        judge: name of the language model that gave these ratings; the file has no rater then.
        encoding: of a CSV that is neither UTF-8 nor UTF-16, such as cp1252.
    """
    result = rate.import_ratings(study, file, database=database, judge=judge, encoding=encoding)
    if isinstance(result, int):
        click.echo(f"{result} new ratings in the rating database; it stays blind")
        return
    if judge:
        click.echo(f"{len(result)} ratings by language models, kept apart from people's")
    else:
        raters = len({rating.rater for rating in result})
        click.echo(f"{len(result)} ratings by {raters} raters in the study")
    click.echo(f"\nnext:  mores report {study.folder}")


def verify(study: Study, *, database: str | None = None) -> int:
    """Check the audit log's chain, the rules of the contract, and that the key fits.

    The exit code is 1 where something does not hold.

    Args:
        database: where it is, if not in the study.
    """
    result = rate.verify_ratings(study, database=database)
    click.echo(f"{result.events} answers, {result.entries} entries in the audit log")
    click.echo(f"last hash {result.last_hash}")
    for problem in result.problems:
        click.echo(f"✗ {problem}")
    if not result.problems:
        click.echo(
            "✓ the log is intact, every answer counts once, no output has more than its ratings"
        )
    return 1 if result.problems else 0


def backup(study: Study, *, database: str | None = None) -> None:
    """Back up ratings and key now, and restore the copy on trial.

    A running server does this by itself every 15 minutes, and by a button.

    Args:
        database: where it is, if not in the study.
    """
    done = rate.backup_ratings(study, database=database)
    click.echo(f"wrote {done.path}: {done.events} answers, restored on trial")


def restore(study: Study, backup: Path, *, database: str | None = None) -> None:
    """Put a backup where there are no ratings; nothing is ever overwritten.

    Args:
        database: where to, if not into the study.
    """
    events = rate.restore_ratings(study, backup, database=database)
    click.echo(f"restored {events} answers\n\nnext:  mores rate serve {study.folder}")


def release(
    study: Study, rater: str, *, to: str | None = None, database: str | None = None
) -> None:
    """Give the open items of an absent rater to everybody, or to one other rater.

    RATER is an id (see `mores rate status`).

    Args:
        to: id of the rater who takes them over.
        database: where it is, if not in the study.
    """
    count = rate.release_rater(study, rater, to=to, database=database)
    click.echo(f"{count} open outputs given to {to or 'whoever comes next'}")


def forget(
    study: Study,
    rater: str,
    *,
    ratings: Literal["keep", "withdraw"] = "keep",
    database: str | None = None,
) -> None:
    """Forget who a rater is: name, panel ids, declarations, comments, links.

    RATER is an id (see `mores rate status`).

    Args:
        ratings: "keep" them under the random id, or "withdraw" them from all counts.
        database: where it is, if not in the study.
    """
    withdrawn = rate.forget_rater(study, rater, ratings=ratings, database=database)
    click.echo(f"rater {rater} is forgotten; {withdrawn} ratings withdrawn")
