"""Findings as text for the terminal, as JSON, and as SARIF 2.1.0 for code review tools.

Takes findings, gives a string; writes nothing.

    print(as_text(check_study(study)))
    # values.jsonl:12 M101 error answer-length: expected 40 to 340 words, found 25 ...
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from itertools import groupby
from typing import Any, get_args
from urllib.parse import quote

from mores.curate.lint.registry import all_rules
from mores.curate.lint.rule import summary
from mores.curate.lint.suppress import CHECK_FILE, SUPPRESSION_RULES
from mores.curate.text import printable
from mores.records import Finding, Severity, to_plain

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {"error": "error", "warning": "warning", "info": "note"}
MANY = 10
"""Findings of one rule in one file that the terminal shows before it counts the rest."""


def as_text(findings: Sequence[Finding], *, many: int = MANY) -> str:
    """Return findings one to a line, grouped by severity, and a line that counts them.

    Args:
        findings: findings of `check_study`.
        many: how many of one rule in one file are shown; 0 shows all.
    """
    lines: list[str] = []
    live = [f for f in findings if not f.suppressed]
    for severity in get_args(Severity):
        group = sorted((f for f in live if f.severity == severity), key=lambda f: (f.path, f.rule))
        for _, alike in groupby(group, key=lambda f: (f.path, f.rule)):
            same = list(alike)
            shown = same[: many or None]
            lines += map(_line, shown)
            if len(same) > len(shown):
                first = same[0]
                lines.append(
                    f"{first.path} {first.rule} {first.severity} {first.name}: "
                    f"and {len(same) - len(shown)} more like this"
                )
    return "\n".join([*lines, counted(findings)]) + "\n"


def counted(findings: Sequence[Finding]) -> str:
    """Return the number of errors, warnings, pieces of information and suppressed findings."""
    counts = Counter("suppressed" if f.suppressed else f.severity for f in findings)
    parts = [
        f"{counts[key]} {key}{'s' if key in ('error', 'warning') and counts[key] != 1 else ''}"
        for key in (*get_args(Severity), "suppressed")
        if counts[key] or key == "error"
    ]
    return ", ".join(parts)


def as_json(findings: Sequence[Finding]) -> str:
    """Return findings as a JSON array of objects with all fields of `Finding`."""
    return json.dumps([to_plain(f) for f in findings], indent=2, allow_nan=False) + "\n"


def as_sarif(findings: Sequence[Finding], *, folder: str = "") -> str:
    """Return findings as a SARIF 2.1.0 log.

    Source: OASIS, Static Analysis Results Interchange Format 2.1.0, sections
    3.13 (log), 3.14 (run), 3.27 (result), 3.35 (suppression), 3.49 (rule).

    Args:
        findings: findings of `check_study`.
        folder: path of the study from the root of the repository, so that a
            review tool finds the files; empty for the study folder itself.
    """
    rules = _rules()
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    driver = {"name": "mores", "version": version("mores"), "rules": rules}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(f, index, folder) for f in findings],
    }
    log = {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, allow_nan=False) + "\n"


def _line(finding: Finding) -> str:
    place = finding.path if finding.line is None else f"{finding.path}:{finding.line}"
    head = f"{place} {finding.rule} {finding.severity} {finding.name}: {finding.message}"
    text = f"{head} | fix: {finding.fix}" if finding.fix else head
    # Messages quote the study's text, which may hold anything, escape codes included.
    return printable(text)


def _rules() -> list[dict[str, Any]]:
    rules = [(rule.id, rule.name, rule.severity, summary(rule)) for rule in all_rules()]
    about = [(key, *value) for key, value in SUPPRESSION_RULES.items()]
    return [
        {
            "id": key,
            "name": "".join(part.capitalize() for part in name.split("-")),
            "shortDescription": {"text": text},
            "defaultConfiguration": {"level": LEVELS[severity]},
        }
        for key, name, severity, text in sorted([*rules, *about])
    ]


def _result(finding: Finding, index: dict[str, int], folder: str) -> dict[str, Any]:
    message = finding.message + (f". Fix: {finding.fix}" if finding.fix else "")
    uri = "/".join(filter(None, (folder.replace("\\", "/").strip("/"), finding.path)))
    # A finding about a whole file stands at its first line: review tools want a line.
    region = {"startLine": finding.line or 1}
    physical = {"artifactLocation": {"uri": quote(uri)}, "region": region}
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "level": LEVELS[finding.severity],
        "message": {"text": message},
        "locations": [{"physicalLocation": physical}],
        "properties": {"ids": list(finding.ids), "value": finding.value},
    }
    if finding.rule in index:
        result["ruleIndex"] = index[finding.rule]
    if finding.suppressed:
        elsewhere = finding.suppressed.startswith(f"{CHECK_FILE}: ")
        kind = "external" if elsewhere else "inSource"
        result["suppressions"] = [{"kind": kind, "justification": finding.suppressed}]
    return result
