"""Items of a study x ratings for each -> seats: who rates what, in which order.

Takes one `Unit` for each item, gives the items of each seat in order. Every item goes to exactly
`per_item` different seats, and every seat gets its share, rounded down or up, of all items, of
each category, arm and condition, and of each category under each condition. The plan is made on
the sealed side; what the rating app gets of it is item ids in an order.

    plan = assign(units, per_item=3, seats=6, seed=2021)

Seats are filled in turn. A seat's share of what remains is remaining / seats left; these
fractions are rounded together, at random and without bias, so that all sums are rounded down or
up as well: unbiased controlled rounding (L. H. Cox, JASA 82(398), 1987) on the network

    all -> category -> category x condition -> condition -> arm -> all

An item with as many copies left as there are seats must be taken; the others may wait. Rounding
what remains seat by seat keeps every total within floor and ceiling of its share: the equitable
edge colouring of a bipartite multigraph (D. de Werra, 1971), made one colour at a time.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heapreplace
from itertools import pairwise
from typing import TYPE_CHECKING

from mores.errors import DataError

if TYPE_CHECKING:
    from numpy.random import Generator

Cell = tuple[str, str]
"""Category and condition."""
Node = tuple[str, str]
Edge = tuple[Node, Node]


@dataclass(frozen=True)
class Unit:
    """What the assignment knows of an item; never shown to a rater."""

    item: str
    category: str
    prompt: str
    condition: str
    """Model, arm and seed, such as ``smollm2-135m/base/0``."""
    arm: str


def assign(units: Sequence[Unit], *, per_item: int, seats: int, seed: int) -> list[tuple[str, ...]]:
    """Share out the items, balanced within every seat.

    For every seat and every set of items (all, a category, arm or condition, a category under a
    condition) the seat's number of them is floor(share) or ceil(share) with share = size of the
    set x `per_item` / `seats`. Equal arguments give an equal plan, in whatever order the units
    come. Items with most ratings missing go first, so that a few seats already cover many items.

    Args:
        units: the items, one or more; ids differ, a condition belongs to one arm.
        per_item: ratings wanted for each item, at least 1.
        seats: shares to make, at least `per_item`; more than there are ratings leaves some empty.
        seed: of everything drawn at random, 0 or more.

    Returns:
        For seats 1 to `seats` the ids of their items, in the order in which the rater sees them.

    Raises:
        DataError: fewer seats than ratings of an item.
    """
    import numpy as np

    if seats < per_item:
        raise DataError(
            f"{seats} seats cannot give every item {per_item} different raters",
            fix=f"plan at least {per_item} seats, or fewer ratings for each item",
        )
    units = sorted(units, key=lambda unit: unit.item)
    cells: dict[Cell, list[Unit]] = defaultdict(list)
    for unit in units:
        cells[unit.category, unit.condition].append(unit)
    # Seat numbers start at 1: entropy [seed, 0] is free for the choice of items.
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0]))
    copies = dict.fromkeys((unit.item for unit in units), per_item)
    plan = []
    for number in range(1, seats + 1):
        quotas = _quotas(cells, copies, seats - number + 1, rng)
        chosen = _choose(cells, quotas, copies, rng)
        for unit in chosen:
            copies[unit.item] -= 1
        plan.append(_order(chosen, seed, number))
    return plan


def _quotas(
    cells: dict[Cell, list[Unit]], copies: dict[str, int], seats_left: int, rng: Generator
) -> dict[Cell, int]:
    """Return how many items of each cell the next seat gets."""
    amounts: Counter[Edge] = Counter()
    for (category, condition), members in cells.items():
        path = (
            ("all", ""),
            ("category", category),
            ("condition", condition),
            ("arm", members[0].arm),
            ("sum", ""),
            ("all", ""),
        )
        remaining = sum(copies[unit.item] for unit in members)
        for edge in pairwise(path):
            amounts[edge] += remaining
    rounded = _rounded(dict(amounts), seats_left, rng)
    return {cell: rounded[("category", cell[0]), ("condition", cell[1])] for cell in cells}


def _rounded(amounts: dict[Edge, int], unit: int, rng: Generator) -> dict[Edge, int]:
    """Divide a circulation by `unit` and round it to whole numbers, without bias.

    While an edge is fractional there is a cycle of such edges, since what enters a node leaves
    it. Around it the flow is pushed by one of the two steps that make an edge whole, with the
    probabilities that leave every expected value as it is. All arithmetic is in whole numbers.
    """
    flow = dict(amounts)
    fractional: dict[Node, dict[Edge, None]] = defaultdict(dict)
    for edge, amount in flow.items():
        if amount % unit:
            for node in edge:
                fractional[node][edge] = None
    while cycle := _cycle(fractional, rng):
        below = [flow[edge] % unit for edge, _ in cycle]
        rooms = [
            (unit - b, b) if forward else (b, unit - b)
            for b, (_, forward) in zip(below, cycle, strict=True)
        ]
        up, down = min(room[0] for room in rooms), min(room[1] for room in rooms)
        step = up if rng.integers(up + down) < down else -down
        for edge, forward in cycle:
            flow[edge] += step if forward else -step
            if flow[edge] % unit == 0:
                for node in edge:
                    del fractional[node][edge]
    return {edge: amount // unit for edge, amount in flow.items()}


def _cycle(fractional: dict[Node, dict[Edge, None]], rng: Generator) -> list[tuple[Edge, bool]]:
    """Return a cycle as (edge, whether along its direction); empty if no edge is fractional."""
    start = next((node for node, edges in fractional.items() if edges), None)
    if start is None:
        return []
    node, edge, seen = start, None, {start: 0}
    path: list[tuple[Edge, bool]] = []
    while True:
        onward = [other for other in fractional[node] if other != edge]
        edge = onward[int(rng.integers(len(onward)))]
        forward = edge[0] == node
        node = edge[1] if forward else edge[0]
        path.append((edge, forward))
        if node in seen:
            return path[seen[node] :]
        seen[node] = len(path)


def _choose(
    cells: dict[Cell, list[Unit]],
    quotas: dict[Cell, int],
    copies: dict[str, int],
    rng: Generator,
) -> list[Unit]:
    """Take each cell's quota: most copies left, then the seat's rarest prompt, then at random."""
    chosen: list[Unit] = []
    prompts: Counter[str] = Counter()
    names = list(cells)
    for index in rng.permutation(len(names)):
        members = [unit for unit in cells[names[index]] if copies[unit.item]]
        heap = [
            (-copies[unit.item], prompts[unit.prompt], int(tie), unit.item, unit)
            for unit, tie in zip(members, rng.permutation(len(members)), strict=True)
        ]
        heapify(heap)
        for _ in range(quotas[names[index]]):
            # Counts of prompts only grow: an outdated entry is put back further down.
            while heap[0][1] != prompts[heap[0][4].prompt]:
                left, _, tie, item, unit = heap[0]
                heapreplace(heap, (left, prompts[unit.prompt], tie, item, unit))
            unit = heappop(heap)[4]
            prompts[unit.prompt] += 1
            chosen.append(unit)
    return chosen


def _order(chosen: Sequence[Unit], seed: int, number: int) -> tuple[str, ...]:
    """Shuffle a seat's items; arm and condition are not looked at from here on."""
    import numpy as np

    rng = np.random.default_rng(np.random.SeedSequence([seed, number]))
    units = sorted(chosen, key=lambda unit: unit.item)
    shuffled = [(units[i].item, units[i].prompt) for i in rng.permutation(len(units))]
    return tuple(_spaced(shuffled))


def _spaced(shuffled: list[tuple[str, str]]) -> list[str]:
    """Move items (id, prompt) as little as needed so that neighbours differ in prompt.

    The next is the first whose prompt is not the last one's. Only a prompt that fills every
    other place of what remains goes before it. Where repeats cannot be avoided, they are as few
    as possible.
    """
    rest, counts = list(shuffled), Counter(prompt for _, prompt in shuffled)
    most = max(counts.values(), default=0)  # never too small, and counted anew when it matters
    last: str | None = None
    done = []
    while rest:
        wanted = None
        if 2 * most > len(rest):
            most = max(counts.values())
            wanted = next((p for p, n in counts.items() if 2 * n > len(rest) and p != last), None)
        index = next(
            (
                i
                for i, (_, p) in enumerate(rest)
                if (p == wanted if wanted is not None else p != last)
            ),
            0,
        )
        item, last = rest.pop(index)
        counts[last] -= 1
        done.append(item)
    return done
