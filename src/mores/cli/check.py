"""`mores check`: the findings, in the form asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click

from mores import store
from mores.progress import Progress
from mores.records import Finding
from mores.study import Study


def check(
    study: Study,
    *,
    rule: tuple[str, ...] = (),
    format: Literal["text", "json", "sarif"] = "text",  # noqa: A002 - the option's usual name
    output: Path | None = None,
    models: bool = True,
    progress: Progress,
) -> list[Finding]:
    """Check a study's data: lengths, duplicates, leakage, balance, style match, provenance.

    The exit code is 1 where there are errors that are not suppressed.

    Args:
        rule: only these rule ids (may be repeated).
        format: "text", "json" or "sarif" (for code-review tools).
        output: write there instead of to the terminal.
        models: also let the study's models read the samples, those that are on this machine: a
            minute the first time.
    """
    from mores.consult import read_consultation
    from mores.curate import check_study

    read_consultation(study)  # a consult.toml that is not in order is an error, as a charter is
    samples = len(study.values.examples) + len(study.control.examples)
    task = progress.task("read the samples", samples, "texts") if models else None
    found = check_study(
        study, rules=rule or None, models=models, on_texts=task.advance if task else None
    )
    if task:
        task.finish()
    return found


def show(findings: list[Finding], values: dict[str, Any]) -> int:
    """Print or write the findings; the exit code tells whether there are errors."""
    from mores.curate import as_json, as_sarif, as_text, failing

    form, output = values["format"], values["output"]
    if form == "sarif":
        text = as_sarif(findings, folder=str(values["study"]))
    else:
        text = as_json(findings) if form == "json" else as_text(findings)
    if values.get("json_"):  # the document has all findings; nothing else is written
        if output is not None:
            click.echo(f"{output} not written: --json takes its place", err=True)
    elif output is None:
        click.echo(text)
    else:
        store.write_text(output, text if text.endswith("\n") else text + "\n")
        click.echo(f"wrote {output}")
    return 1 if failing(findings) else 0
