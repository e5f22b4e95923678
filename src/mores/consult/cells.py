"""Small cells: figures of few people are not shown, nor what would give them away.

hidden({"nurse": 12, "lawyer": 3, "not said": 9}, 5)      # {"lawyer", "not said"}

The total stands beside the groups, so a single group that is left out is the total less the others.
"""

from __future__ import annotations

from collections.abc import Mapping

SMALL = "fewer than {least} people"
BESIDE = "not shown, since a smaller group could be worked out from it"
NOBODY = "nobody"


def hidden(counts: Mapping[str, int], least: int) -> set[str]:
    """Return the groups whose figures stay out, where the total of all groups is shown.

    Groups of 1 to least − 1 people stay out; then, the smallest first, more, until those who stay
    out are at least two groups and together at least so many people (secondary suppression). A
    group of nobody has nothing to hide.

    Args:
        counts: group → people, every person in one group, "not said" among them.
        least: people that a figure needs.
    """
    out = {group for group, n in counts.items() if 0 < n < least}
    while out and (len(out) < 2 or sum(counts[group] for group in out) < least):
        rest = [group for group, n in counts.items() if n and group not in out]
        if not rest:
            return out
        out.add(min(rest, key=lambda group: (counts[group], group)))
    return out


def why_hidden(count: int, least: int) -> str:
    """Say why a group's figures stay out."""
    return SMALL.format(least=least) if count < least else BESIDE
