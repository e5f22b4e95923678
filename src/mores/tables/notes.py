"""What the reading of a file did that its reader should know.

notes = Notes()
notes.add("system message dropped", 3)
notes.lines()          # ("system message dropped: line 3",)
"""

from __future__ import annotations

from collections.abc import Sequence


class Notes:
    """What was dropped, renamed, cut or made up, with the lines concerned."""

    def __init__(self) -> None:
        self._lines: dict[str, list[int]] = {}
        self.form = ""
        """What the file turned out to be, such as ``csv`` or ``label-studio``."""
        self.flat = False
        """An export that does not tell what a person gave from what the task had."""

    def add(self, what: str, line: int) -> None:
        """Note one thing about one line."""
        self._lines.setdefault(what, []).append(line)

    def say(self, what: str) -> None:
        """Note one thing about the file, once."""
        self._lines.setdefault(what, [])

    def lines(self) -> tuple[str, ...]:
        """Return one sentence for each kind of note, with its first lines."""
        return tuple(
            f"{what}: {listed(lines)}" if lines else what for what, lines in self._lines.items()
        )


def listed(lines: Sequence[int], shown: int = 5) -> str:
    """Return ``line 3`` or ``lines 1, 2, 3, 4, 5 and 9 more``."""
    rest = f" and {len(lines) - shown} more" if len(lines) > shown else ""
    return f"{'line' if len(lines) == 1 else 'lines'} {', '.join(map(str, lines[:shown]))}{rest}"
