"""Markdown of the cards: tables, and a template environment in which no text can break the page.

Texts of a study are other people's: what is printed loses its line ends and can neither open a tag,
nor a link, nor a cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mores.report.words import visible

if TYPE_CHECKING:
    from jinja2 import Environment


class Ready(str):
    """Markdown made here, printed as it is."""

    __slots__ = ()


def escape(text: str) -> str:
    """Return a text as one line that Markdown shows as it is."""
    line = " ".join(visible(text).split())
    line = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", line)  # what could begin a tag; "p < .001" stays
    return line.replace("|", "\\|").replace("](", "]\\(")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Ready:
    """Return a table; nothing where it has no rows."""
    lines = [f"| {' | '.join(map(escape, row))} |" for row in rows]
    if not lines:
        return Ready("")
    rule = "|" + "---|" * len(head)
    return Ready("\n".join([f"| {' | '.join(map(escape, head))} |", rule, *lines]))


def _plain(value: object) -> object:
    return escape(value) if type(value) is str else value


def environment() -> Environment:
    """The templates of the cards: what they print is escaped, every name must be given."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("mores.release.publish"),
        autoescape=False,  # noqa: S701 (Markdown: `escape` does it)
        undefined=StrictUndefined,
        finalize=_plain,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
