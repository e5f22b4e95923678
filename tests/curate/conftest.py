"""A small study in memory that no rule objects to, and ways to change it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from check_corpus import Draft, clean_study
from mores.curate.lint import Subject
from mores.curate.rules import RULES
from mores.records import Finding

Find = Callable[[str, Draft | Subject], list[Finding]]


@pytest.fixture
def draft() -> Draft:
    """A study that no rule objects to: generated answers, questions without a shared word."""
    study = clean_study(np.random.default_rng(3))
    rows = [(row, "prompt") for row in study.values + study.control]
    rows += [(row, "text") for row in study.prompts]
    for n, (row, field) in enumerate(rows):
        row[field] = f"Q{n}a q{n}b q{n}c q{n}d q{n}e q{n}f q{n}g q{n}h q{n}i?"
    return study


@pytest.fixture
def find() -> Find:
    """Apply one rule."""
    rules: dict[str, Any] = {rule.id: rule for rule in RULES}

    def apply(rule: str, study: Draft | Subject) -> list[Finding]:
        subject = study.subject() if isinstance(study, Draft) else study
        return list(rules[rule].find(subject))

    return apply
