"""Who took part, in sentences: the same on the terminal and in the report.

who_took_part(result)
"""

from __future__ import annotations

from collections.abc import Iterator

from mores.consult.result import ConsultResult

NOBODY_ASKED = "Nobody was asked about this charter."
NOBODY_ANSWERED = "Nobody has answered yet."
_WAYS = {
    "invitation": "by invitation",
    "open link": "by an open link",
    "import": "in votes collected elsewhere",
}


def who_took_part(result: ConsultResult) -> str:
    """Return how many answered, how they came, and who dropped out."""
    if not result.participants:
        return NOBODY_ANSWERED + _out(result)
    ways = ", ".join(f"{n} {_WAYS[way]}" for way, n in result.by.items())
    said = f"{_people(result.participants)} gave {_votes(result.votes)} ({ways})."
    if result.invited:
        came = result.by.get("invitation", 0)
        said += (
            f" {result.invited} were invited: {100 * came / result.invited:.0f} % of them answered."
        )
    return said + _out(result)


def _out(result: ConsultResult) -> str:
    said = ""
    if result.silent:
        said += f" {result.silent} agreed to take part and have no vote that counts."
    if result.withdrew:
        said += f" {result.withdrew} withdrew; nothing of them is in any figure."
    return said


def set_apart(result: ConsultResult) -> Iterator[str]:
    """Return a line on each reason for which votes are in no figure, and on open proposals."""
    for why in dict.fromkeys(row.why for row in result.apart):
        rows = [row for row in result.apart if row.why == why]
        names = ", ".join(row.statement for row in rows)
        yield f"{_votes(sum(row.votes for row in rows))} set apart ({why}): on {names}."
    if result.pending or result.rejected:
        yield (
            f"Proposed statements that wait for a moderator: {result.pending}; rejected: "
            f"{result.rejected}."
        )


def _people(n: int) -> str:
    return "1 person" if n == 1 else f"{n} people"


def _votes(n: int) -> str:
    return "1 vote" if n == 1 else f"{n:,} votes"
