"""`mores import` and `mores check`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from mores import store
from mores.study import Study


def import_(
    source: Path,
    target: Path,
    *,
    category: str | None = None,
    form: str = "auto",
    charter: Path | None = None,
    replace: bool = False,
    encoding: str | None = None,
) -> None:
    """Turn a dataset in another form into a study's JSON Lines file.

    Args:
        category: category of samples that name none.
        form: "auto", "jsonl", "csv", "messages" or "legacy".
        charter: a charter.toml that every category must be in.
        replace: overwrite a target that already holds samples.
        encoding: of a CSV that is neither UTF-8 nor UTF-16, such as cp1252.
    """
    from mores.curate import import_dataset
    from mores.study.charter import read_charter

    known = read_charter(charter) if charter else None
    report = import_dataset(
        source,
        target,
        category=category,
        fmt=form,
        charter=known,
        replace=replace,
        encoding=encoding,
    )
    click.echo(f"{report.samples} samples read as {report.format}, written to {report.target}")
    for name, count in report.categories.items():
        click.echo(f"  {name}: {count}")
    for note in report.notes:
        click.echo(f"  {note}")


def check(
    study: Study,
    *,
    rule: tuple[str, ...] = (),
    format: Literal["text", "json", "sarif"] = "text",  # noqa: A002 - the option's usual name
    output: Path | None = None,
) -> int:
    """Check a study's data: lengths, duplicates, leakage, balance, style match, provenance.

    Args:
        rule: only these rule ids (may be repeated).
        format: "text", "json" or "sarif" (for code-review tools).
        output: write there instead of to the terminal.
    """
    from mores.curate import as_json, as_sarif, as_text, check_study, failing

    findings = check_study(study, rules=rule or None)
    if format == "sarif":
        text = as_sarif(findings, folder=str(study.folder))
    else:
        text = as_json(findings) if format == "json" else as_text(findings)
    if output is None:
        click.echo(text)
    else:
        store.write_text(output, text if text.endswith("\n") else text + "\n")
        click.echo(f"wrote {output}")
    return 1 if failing(findings) else 0
