r"""Texts that a spreadsheet could take for a formula: an apostrophe goes in front, and comes off.

>>> guarded("=1+1"), guarded("- a list"), guarded("1 - 1"), unguarded("'=1+1")
("'=1+1", "'- a list", '1 - 1', '=1+1')

In a cell of a workbook a text is a text, whatever it begins with; but it is often saved as CSV, or
copied into another cell, and there it would be run. Source: OWASP, "CSV Injection".
"""

from __future__ import annotations

import re

# What programs skip before they look for a formula: blanks, quotes, control and format characters.
_SKIPPED = r"\s\"'`‘’“”«»\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060\ufeff"
# = + - @, each also in full-width, small and raised form, and the minus sign proper.
_FORMULA = r"=+\-@\u2212\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u207a\u207b\u207c"
_DANGER = re.compile(rf"[{_SKIPPED}]*[{_FORMULA}]")


def guarded(text: str) -> str:
    """Return a text so that no spreadsheet runs it."""
    return f"'{text}" if _DANGER.match(text) else text


def unguarded(cell: str) -> str:
    """Return the text that `guarded` was given: the exact inverse."""
    return cell[1:] if cell.startswith("'") and _DANGER.match(cell[1:]) else cell
