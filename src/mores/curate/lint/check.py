"""All rules over one study: what `mores check` does.

Takes a `Study`, gives `Finding`s.

    findings = check_study(load_study(Path("examples/wellbeing")))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mores.curate.foreign import OnTexts, foreign
from mores.curate.lint.registry import all_rules, choose
from mores.curate.lint.rule import findings
from mores.curate.lint.subject import Subject, read_subject
from mores.curate.lint.suppress import (
    CheckConfig,
    apply,
    problems,
    read_check,
    suppressions,
)
from mores.curate.rules.foreign_text import ForeignText
from mores.records import Finding
from mores.study import Study
from mores.study.languages import is_english


def check_study(
    study: Study,
    *,
    rules: Sequence[str] | None = None,
    models: bool = False,
    on_texts: OnTexts | None = None,
) -> list[Finding]:
    """Check a study's samples and prompts.

    Args:
        study: the study; its data files are read.
        rules: ids or names of the rules to apply; None applies all.
        models: also let the study's models read the samples, those that are on this machine.
        on_texts: told how many texts a model has read just now.

    Returns:
        Findings in order of file, line and rule. Suppressed ones are included,
        with the author's reason in `Finding.suppressed`.

    Raises:
        DataError: a data file cannot be read, or check.toml is not in order.
        StudyError: unknown rule, or a third-party rule that cannot be loaded.
    """
    subject = read_subject(study)
    asked = models and is_english(study.charter.language)  # plain answers to compare with: English
    if asked and any(rule.id == ForeignText.id for rule in choose(rules)):
        subject = replace(subject, foreign=tuple(foreign(study, on_texts)))
    return check_subject(subject, rules=rules, config=read_check(study.folder))


def check_subject(
    subject: Subject, *, rules: Sequence[str] | None = None, config: CheckConfig | None = None
) -> list[Finding]:
    """Check samples and prompts that are already in memory (see `check_study`)."""
    chosen = choose(rules)
    raw = [finding for rule in chosen for finding in findings(rule, subject)]
    entries = suppressions(subject, config or CheckConfig())
    known = [rule.id for rule in all_rules()]
    about = problems(entries, raw, known=known, ran=[rule.id for rule in chosen])
    return sorted([*apply(raw, entries), *about], key=_order)


def failing(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings that make `mores check` fail: errors that are not suppressed."""
    return [f for f in findings if f.severity == "error" and not f.suppressed]


def _order(finding: Finding) -> tuple[str, int, str, str]:
    return finding.path, finding.line or 0, finding.rule, finding.message
