"""Which column of a file is which of ours: by its name, by another known name, or as told.

columns = Columns(needed=(("rater",), ("value",)), aliases={"rater": ("annotator",)})
columns.settle(["Annotator", "Value"], path, 1, Notes())
# {"Annotator": "rater", "Value": "value"}
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from mores.errors import DataError, did_you_mean
from mores.tables.notes import Notes


@dataclass(frozen=True)
class Columns:
    """What a caller asks of the columns."""

    needed: tuple[tuple[str, ...], ...] = ()
    """One name of each group must be there."""
    others: tuple[str, ...] | None = None
    """Names that are read beside them; what is neither is left out and noted. None: all are."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Our name → the file's, as the user said."""
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Our name → names of other tools, used where ours is not there."""
    answered: tuple[str, ...] = ()
    """Names of which an export's task has nothing to say: they come from a person's answer only."""
    told_by: tuple[str, ...] = ()
    """Further names by which a delimiter can be told."""

    @property
    def known(self) -> list[str]:
        """All names that a caller knows."""
        return list(dict.fromkeys([*chain(*self.needed), *(self.others or ())]))

    @property
    def asked(self) -> set[str]:
        """Folded names by which a delimiter can be told."""
        told = chain(self.known, self.told_by, self.names.values(), *self.aliases.values())
        return {folded(name) for name in told}

    def settle(
        self,
        found: Sequence[str],
        path: Path,
        line: int,
        notes: Notes,
        *,
        exact: bool = False,
        task: Collection[str] = (),
    ) -> dict[str, str]:
        """Say what each column is called from here on; what is not in the result is left out.

        Args:
            found: names as the file has them, "" for a column without one.
            path: the file, for messages.
            line: where the names stand.
            notes: takes what was renamed or left out.
            exact: names that nobody asks for keep their case (JSON).
            task: names of an export that no person's answer has.

        Raises:
            DataError: a needed column is missing, one occurs twice, a name that the user gave
                is none of ours or none of the file's, or two columns could be the same.
        """
        settled = {name: self._named(name, found, exact) for name in found if folded(name)}
        barred = {
            raw: name for raw, name in settled.items() if raw in task and name in self.answered
        }
        named = [settled[name] for name in found if name in settled and name not in barred]
        refuse_twice(named, path, line)
        self._refuse_task(settled, task, path, line)
        for raw, name in barred.items():
            del settled[raw]
            notes.say(f"{raw!r} of the task not used: {name} is what a person gave")
        settled = self._as_told(settled, path, line, notes)
        settled = self._by_alias(settled, task, path, line, notes)
        given = [n for n in found if n not in task and settled.get(n) not in self.known]
        self._check(list(settled.values()), path, line, given if task else None)
        if self.others is None:
            return settled
        known = self.known
        for name in [name for name in settled.values() if name not in known]:
            missing = [k for k in known if k not in settled.values()]
            notes.say(f"column {name!r} not used{did_you_mean(name, missing)}")
        return {raw: name for raw, name in settled.items() if name in known}

    def _named(self, raw: str, found: Sequence[str], exact: bool) -> str:
        """Our name for a column, if it differs in case and blanks only; else its own."""
        ours = {folded(name): name for name in (*(self.told_by if exact else ()), *self.known)}
        if not exact:
            return ours.get(folded(raw), folded(raw))
        name = ours.get(folded(raw), raw)
        return raw if name in found else name  # of "Text" and "text" each is what it is

    def _refuse_task(
        self, settled: Mapping[str, str], task: Collection[str], path: Path, line: int
    ) -> None:
        """Refuse ``--map value=score`` where the task had the score before anybody saw it."""
        for ours, theirs in self.names.items():
            if ours in self.answered and _raw_of(theirs, settled) in task:
                given = [name for name in settled if name not in task]
                raise DataError(
                    f"--map {ours}={theirs}: {theirs!r} is of the task, not what a person gave",
                    path=path,
                    line=line,
                    fix=f"what people gave: {quoted(given) or 'nothing'}",
                )

    def _as_told(
        self, settled: dict[str, str], path: Path, line: int, notes: Notes
    ) -> dict[str, str]:
        """Apply ``--map ours=theirs``."""
        told: dict[str, str] = {}
        for ours, theirs in self.names.items():
            raw = _raw_of(theirs, settled)
            if raw is None or (self.known and ours not in self.known):
                what, near = (theirs, list(settled)) if raw is None else (ours, self.known)
                side = "the file has no column" if raw is None else "no column is called"
                sides = [f"ours: {', '.join(self.known)}"] if self.known else []
                raise DataError(
                    f"--map {ours}={theirs}: {side} {what!r}{did_you_mean(what, near)}",
                    path=path,
                    line=line,
                    fix="; ".join([*sides, f"the file's: {quoted(list(settled)) or 'none'}"]),
                )
            if raw in told:
                raise DataError(
                    f"--map {ours}={theirs}: that column is already {told[raw]}",
                    path=path,
                    line=line,
                    fix="give each of ours a column of its own",
                )
            told[raw] = ours
        for raw, name in settled.items():
            if name in told.values() and raw not in told:
                notes.say(f"column {name!r} not used: {name} is read from another, as told")
        return {
            raw: told.get(raw, name)
            for raw, name in settled.items()
            if raw in told or name not in told.values()
        }

    def _by_alias(
        self,
        settled: dict[str, str],
        task: Collection[str],
        path: Path,
        line: int,
        notes: Notes,
    ) -> dict[str, str]:
        renamed = dict(settled)
        for ours, others in self.aliases.items():
            if ours in settled.values():
                continue
            barred = task if ours in self.answered else ()
            there = [
                raw for raw, name in settled.items() if folded(name) in others and raw not in barred
            ]
            if len(there) > 1:
                raise DataError(
                    f"{quoted(there)} could each be {ours!r}",
                    path=path,
                    line=line,
                    fix=f"say which: --map {ours}={there[0]}",
                )
            if there:
                renamed[there[0]] = ours
                notes.say(f"{ours} is read from the column {settled[there[0]]!r}")
        return renamed

    def _check(
        self, names: list[str], path: Path, line: int, given: Sequence[str] | None = None
    ) -> None:
        missing = [group for group in self.needed if not any(name in names for name in group)]
        if not missing:
            return
        message = ", ".join("no column " + " or ".join(map(repr, group)) for group in missing)
        hints = (did_you_mean(name, names) for name in chain(*missing))
        person = next((name for name in chain(*missing) if name in self.answered), "")
        fix = f"columns: {quoted(names) or 'none'}"
        if person and given is not None:  # an export: what the task had is no answer
            fix = f"say which: --map {person}=NAME; what people gave: {quoted(given) or 'nothing'}"
        raise DataError(
            message + next(filter(None, hints), ""),
            path=path,
            line=line,
            fix=fix,
        )

    def of_answer(self, row: dict[str, Any], path: Path, line: int) -> dict[str, Any]:
        """Return a row of an export with None for what its person did not give.

        Raises:
            DataError: its task lacks a needed column.
        """
        whole = {**dict.fromkeys((n for n in self.answered if (n,) in self.needed), None), **row}
        self._check(list(whole), path, line)
        return whole


def refuse_twice(names: Sequence[str], path: Path, line: int) -> None:
    """Refuse names of which two are the same."""
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(
            f"the column {twice!r} occurs twice", path=path, line=line, fix="rename one of them"
        )


def name_map(pairs: Sequence[str]) -> dict[str, str]:
    """Return ``{"rater": "annotator"}`` of ``["rater=annotator"]``.

    Raises:
        DataError: a pair without an equals sign, or one of our names twice.
    """
    names: dict[str, str] = {}
    for pair in pairs:
        ours, mark, theirs = (part.strip() for part in pair.partition("="))
        if not (ours and mark and theirs) or ours in names:
            raise DataError(
                f"--map {pair}: expected our name, an equals sign and the file's, each once",
                fix="such as --map rater=annotator",
            )
        names[ours] = theirs
    return names


def row_of(header: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    """Return ``{name: cell}``; under ``""`` what stands in columns without a name, if anything."""
    row = dict(zip(header, cells, strict=True))
    if all(map(str.strip, header)):
        return row
    pairs = list(zip(header, cells, strict=True))
    named = {name: cell for name, cell in pairs if name.strip()}
    beside = [cell for name, cell in pairs if not name.strip() and cell.strip()]
    return {**named, "": beside[0]} if beside else named


def _raw_of(theirs: str, found: Iterable[str]) -> str | None:
    """The file's name that the user means: letter by letter, or else but for case."""
    alike = [raw for raw in found if folded(raw) == folded(theirs)]
    return theirs if theirs in alike else next(iter(alike), None)


def folded(name: str) -> str:
    """Return a name without regard to case and blanks around it."""
    return name.strip().lower()


def quoted(names: Sequence[str]) -> str:
    """List names; what is no table may have a first line of any length."""
    return ", ".join(repr(name[:40]) for name in names[:20])
