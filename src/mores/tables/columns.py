"""Which column of a file is which of ours: by its name, by another known name, or as told.

columns = Columns(needed=(("rater",), ("value",)), aliases={"rater": ("annotator",)})
columns.settle(["Annotator", "Value"], path, 1, Notes())
# {"Annotator": "rater", "Value": "value"}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

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
        self, found: Sequence[str], path: Path, line: int, notes: Notes, *, exact: bool = False
    ) -> dict[str, str]:
        """Say what each column is called from here on; what is not in the result is left out.

        Args:
            found: names as the file has them, "" for a column without one.
            path: the file, for messages.
            line: where the names stand.
            notes: takes what was renamed or left out.
            exact: names count with their case (JSON).

        Raises:
            DataError: a needed column is missing, one occurs twice, a name that the user gave
                is none of ours or none of the file's, or two columns could be the same.
        """
        asked = {folded(name): name for name in self.known}
        settled = {
            name: name if exact else asked.get(folded(name), folded(name))
            for name in found
            if folded(name)
        }
        named = [settled[name] for name in found if folded(name)]
        twice = next((name for name in named if named.count(name) > 1), None)
        if twice is not None:
            raise DataError(
                f"the column {twice!r} occurs twice", path=path, line=line, fix="rename one of them"
            )
        settled = self._as_told(settled, path, line, notes)
        settled = self._by_alias(settled, path, line, notes)
        self._check(list(settled.values()), path, line)
        if self.others is None:
            return settled
        known = self.known
        for name in [name for name in settled.values() if name not in known]:
            missing = [k for k in known if k not in settled.values()]
            notes.say(f"column {name!r} not used{did_you_mean(name, missing)}")
        return {raw: name for raw, name in settled.items() if name in known}

    def _as_told(
        self, settled: dict[str, str], path: Path, line: int, notes: Notes
    ) -> dict[str, str]:
        """Apply ``--map ours=theirs``."""
        told: dict[str, str] = {}
        for ours, theirs in self.names.items():
            raw = next((r for r in settled if folded(r) == folded(theirs)), None)
            if raw is None or (self.known and ours not in self.known):
                what, near = (theirs, list(settled)) if raw is None else (ours, self.known)
                side = "the file has no column" if raw is None else "no column is called"
                raise DataError(
                    f"--map {ours}={theirs}: {side} {what!r}{did_you_mean(what, near)}",
                    path=path,
                    line=line,
                    fix=f"ours: {', '.join(self.known)}; the file's: {quoted(list(settled))}",
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
        self, settled: dict[str, str], path: Path, line: int, notes: Notes
    ) -> dict[str, str]:
        renamed = dict(settled)
        for ours, others in self.aliases.items():
            if ours in settled.values():
                continue
            there = [raw for raw, name in settled.items() if folded(name) in others]
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

    def _check(self, names: list[str], path: Path, line: int) -> None:
        missing = [group for group in self.needed if not any(name in names for name in group)]
        if not missing:
            return
        message = ", ".join("no column " + " or ".join(map(repr, group)) for group in missing)
        hints = (did_you_mean(name, names) for name in chain(*missing))
        raise DataError(
            message + next(filter(None, hints), ""),
            path=path,
            line=line,
            fix=f"columns: {quoted(names) or 'none'}",
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


def folded(name: str) -> str:
    """Return a name without regard to case and blanks around it."""
    return name.strip().lower()


def quoted(names: Sequence[str]) -> str:
    """List names; what is no table may have a first line of any length."""
    return ", ".join(repr(name[:40]) for name in names[:20])
