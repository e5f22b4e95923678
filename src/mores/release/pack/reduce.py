"""What of a study is disclosed: its files without people, then without texts, and their report.

Each time something is taken out, the report is made again from what is left and put beside the one
before: it may differ where the thing itself stood, and nowhere else. So a pack's report has the
numbers of the study's report, and a pack that would not give them is not written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mores.errors import DataError
from mores.release.pack.compare import compare, in_words, under
from mores.release.pack.gather import Gathered
from mores.release.pack.model import STUDY, Level
from mores.release.pack.people import People
from mores.release.pack.texts import brief, without, without_texts
from mores.release.pack.tree import ENVIRONMENT, Tree, copied
from mores.study import Study

Changes = dict[str, str | None]
TAKEN = (*ENVIRONMENT, "inputs", "consultation", "signoff")
"""Places of a report that a pack without people does not give: they are taken from the study's own.
Inputs name files that are left out; signatures by key, of people, were verified when packing."""
OF_TEXTS = ("opening", "looks", "answers_beside")
"""Places that rest on the words of answers, or on digests of prompts."""
WITH_NAMES = ("charter.positions", "signoff.objections", "ratings.unblinded.by")
WITH_TEXTS = ("charter", "questions", "opening", "consultation", "signoff.objections",
              "answers_beside")  # fmt: skip


@dataclass(frozen=True)
class Reduced:
    """What is disclosed."""

    tree: Tree
    report: dict[str, Any]
    changes: Changes
    """States of steps that these files alone do not show."""
    kept: tuple[str, ...]
    """Places of the report that these files alone do not give."""


def reduced(
    study: Study,
    gathered: Gathered,
    said: dict[str, Any],
    changes: Changes,
    level: Level,
    folder: Path,
) -> Reduced:
    """Take out people, and texts where the level says so.

    Args:
        study: what is packed.
        gathered: its files.
        said: its report, which is current.
        changes: what changed since each of its steps ran.
        level: what is disclosed.
        folder: an empty one, to work in.

    Raises:
        DataError: the report cannot be made again from what is left.
    """
    people = People.of(study)
    tree = copied(study, gathered.files, people.written(study), folder / "people")
    taken = {key: said[key] for key in TAKEN} | {"signoff": _signed(said["signoff"], people)}
    whole = _made(tree, changes, taken, TAKEN)
    _must_equal(study, whole.report, said, WITH_NAMES)
    if level == "full":
        return whole
    files = {name: tree.study.folder / name for name in tree.files}
    with tree.counting():
        bare = copied(
            tree.study, files, without_texts(files), folder / STUDY, originals=tree.originals
        )
    taken |= {key: whole.report[key] for key in OF_TEXTS}
    taken["opening"] = without(taken["opening"])
    taken["consultation"] = None  # people's words
    objections = [brief(one) for one in taken["signoff"]["objections"]]
    taken["signoff"] = taken["signoff"] | {"objections": objections}
    found = _made(bare, changes, taken, (*TAKEN, *OF_TEXTS))
    _must_equal(study, found.report, whole.report, WITH_TEXTS)
    return found


def _made(tree: Tree, changes: Changes, taken: dict[str, Any], may: Sequence[str]) -> Reduced:
    """Make the report of what is left: by itself, then with the states that it cannot show."""
    alone: Changes = {}
    content = tree.report(alone)
    # A step that was not even looked at, since one before it looks stale here, is given too.
    given = {w: why for w, why in changes.items() if w not in alone or alone[w] != why}
    if given:
        content = tree.report(dict(given))
    report = {key: taken.get(key, value) for key, value in content.items()}
    kept = tuple(where for where, _, _ in compare(report, content)[1])
    if wrong := [where for where in kept if not under(where, may)]:
        raise DataError(
            f"the report cannot be made again from what would be disclosed: {', '.join(wrong)}",
            path=tree.study.folder,
            fix="report this: it should not happen",
        )
    return Reduced(tree, report, given, kept)


def _must_equal(
    study: Study, report: dict[str, Any], before: dict[str, Any], may: Sequence[str]
) -> None:
    wrong = [one for one in compare(before, report)[1] if not under(one[0], may)]
    if wrong:
        where, said, found = wrong[0]
        raise DataError(
            f"the report cannot be made again from what would be disclosed: {where} is "
            f"{in_words(said)}, and would be {in_words(found)}",
            path=study.folder,
            fix="another level may do; report this: it should not happen",
        )


def _signed(signoff: dict[str, Any], people: People) -> dict[str, Any]:
    """The sign-off with labels in the place of names."""
    return signoff | {"objections": [_labelled(one, people) for one in signoff["objections"]]}


def _labelled(sentence: str, people: People) -> str:
    """``values:v-01: Ada (clinician) objects: why`` with Ada's label."""
    what, _, rest = sentence.partition(": ")
    name, _, after = rest.partition(" (")
    return f"{what}: {people.label(name)} ({after}"
