"""consult.toml → `Consultation`, checked against the charter.

    consultation = read_consultation(study)      # None where the study has none

Unknown keys are refused wherever they stand; an error names the file and the id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from mores import store
from mores.consult.model import FILE, Consultation, Question, Statement
from mores.errors import DataError, did_you_mean
from mores.records import Charter
from mores.study import Study
from mores.study.layers import check_keys

_SLACK = 1e-9


def consultation_path(study: Study) -> Path:
    """Where it is written down what people are asked."""
    return study.folder / FILE


def read_consultation(study: Study) -> Consultation | None:
    """Read and check consult.toml; None where there is none.

    Raises:
        StudyError: an unknown key (with a suggestion).
        DataError: not TOML, a missing field, an id twice, a category that is not in the charter, a
            target or an invitation for an option that there is not, shares above 1 in sum, a rival
            that there is not.
    """
    path = consultation_path(study)
    if not path.exists():
        return None
    raw = store.read_toml(path)
    check_keys(raw, Consultation, path, FILE)
    parts = (("questions", Question), ("statements", Statement))
    for key, kind in parts:  # one by one, so that an error names the id
        for row in raw.get(key, ()) if isinstance(raw.get(key), list) else ():
            store.as_record(row, kind, path=path)
    consultation = store.as_record(raw, Consultation, path=path)
    _check_questions(consultation.questions, path)
    _check_statements(consultation.statements, study.charter, path)
    return consultation


def need_consultation(study: Study) -> Consultation:
    """Return the consultation of a study.

    Raises:
        DataError: there is none, and what `read_consultation` raises.
    """
    found = read_consultation(study)
    if found is None:
        raise DataError(
            "nobody is asked in this study yet",
            path=consultation_path(study),
            fix="write one from the charter with `mores consult start`, and edit it",
        )
    return found


def _check_questions(questions: Sequence[Question], path: Path) -> None:
    _once([q.id for q in questions], "question", path)
    for question in questions:
        where = f"question {question.id!r}"
        _once(question.options, f"{where}: option", path)
        for field, table in (("target", question.target), ("invited", question.invited)):
            for option in table:
                if option not in question.options:
                    raise DataError(
                        f"{field}: no option {option!r}{did_you_mean(option, question.options)}",
                        path=path,
                        where=where,
                        fix="options: " + ", ".join(question.options),
                    )
        total = sum(question.target.values())
        if question.target_unit == "share" and total > 1 + _SLACK:
            raise DataError(
                f"expected shares of 1 at most in sum, found {total:g}",
                path=path,
                where=f"{where}, target",
                fix='give shares from 0 to 1, or say target_unit = "count"',
            )


def _check_statements(statements: Sequence[Statement], charter: Charter, path: Path) -> None:
    _once([s.id for s in statements], "statement", path)
    by_id = {s.id: s for s in statements}
    for statement in statements:
        where = f"statement {statement.id!r}"
        if statement.kind == "proposal":
            raise DataError(
                "proposals come from participants, not from this file",
                path=path,
                where=where,
                fix="kinds: position, clause, example_answer, wording",
            )
        if statement.about not in charter.categories:
            raise DataError(
                f"about: no category {statement.about!r}"
                f"{did_you_mean(statement.about, charter.categories)}",
                path=path,
                where=where,
                fix="categories of charter.toml: " + ", ".join(charter.categories),
            )
        if statement.kind == "clause" and statement.clause is None:
            raise DataError(
                "a clause needs its number",
                path=path,
                where=where,
                fix="clause = 1 is the first of the position",
            )
        if statement.against:
            _check_rival(statement, by_id, path)


def _check_rival(statement: Statement, by_id: dict[str, Statement], path: Path) -> None:
    where, rival = f"statement {statement.id!r}", by_id.get(statement.against)
    if statement.kind != "wording":
        raise DataError(
            f"only a wording has a rival, found kind {statement.kind!r}",
            path=path,
            where=where,
            fix='kind = "wording", or leave out against',
        )
    if rival is None or rival is statement:
        known = [name for name in by_id if name != statement.id]
        raise DataError(
            f"against: no other statement {statement.against!r}"
            f"{did_you_mean(statement.against, known)}",
            path=path,
            where=where,
            fix="name the id of the wording that it stands against",
        )
    if rival.against or rival.about != statement.about:
        why = "has a rival itself" if rival.against else f"is about {rival.about!r}"
        raise DataError(
            f"the rival {rival.id!r} {why}",
            path=path,
            where=where,
            fix="put two wordings of one position against each other, in one of the two",
        )


def _once(names: Sequence[str], what: str, path: Path) -> None:
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise DataError(
            f"{what} {twice[0]!r} is there twice", path=path, fix=f"give every {what} its own name"
        )
