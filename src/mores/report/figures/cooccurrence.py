"""Words whose tie to a group changed most between two arms, with the family-wise threshold.

Takes a report, gives figures ``cooccurrence_<topic>_<contrast>``, panels by groups and models.

    cooccurrences(report)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mores.report.figures.axis import Axis, around, bottom, end_labels
from mores.report.figures.figure import Figure, Key
from mores.report.figures.scene import WIDTH, Item, Line, Mark, Scene, Text, fit
from mores.report.model import Report
from mores.report.select import name_of, primary_first
from mores.report.words import contrast_label, fmt, listed, short_arm

CAPTION = (
    "Each mark is a word: right, it goes more with the group in the first arm than in the second; "
    "left, less, by z of the change. Only words beyond the dashed lines stand out from chance "
    "among all words tested (family-wise p at most .05). That the others do not "
    "does not show that nothing changed."
)
_EACH = 6
_LINE = 17.0
_FULL = 20
_WORD = 108.0


@dataclass(frozen=True)
class _Change:
    model: str
    change: dict[str, Any]


def cooccurrences(report: Report) -> list[Figure]:
    """Return one figure for each topic and contrast in which words were tested."""
    found: dict[tuple[str, str], list[_Change]] = {}
    for entry in report.cooccurrence:
        for change in entry["result"]["changes"]:
            if change["terms"]:
                contrast = f"{change['arm']} - {change['reference']}"
                own = found.setdefault((change["topic"], contrast), [])
                own.append(_Change(entry["model"], change))
    order = primary_first(contrast for _, contrast in found)
    return [
        _figure(topic, contrast, found[topic, contrast])
        for topic in dict.fromkeys(topic for topic, _ in found)
        for contrast in order
        if (topic, contrast) in found
    ]


def _figure(topic: str, contrast: str, changes: Sequence[_Change]) -> Figure:
    every = [t["z"] for c in changes for t in _chosen(c.change)]
    limits = [z for c in changes for z in (c.change["critical_z"] or {}).values()]
    axis = around(every, _WORD, WIDTH - 10, include=[0.0, *limits, *(-z for z in limits)])
    panels = [
        scene for change in changes for scene in _panels(change, axis, named=len(changes) > 1)
    ]
    keys = [
        Key("change shown (family-wise p ≤ .05)", "diamond"),
        Key("not shown", "circle", "ink", filled=False),
    ]
    if limits:
        keys.append(Key("family-wise threshold", None, "muted", dashed=True))
    return Figure(
        name=name_of("cooccurrence", topic, contrast),
        title=f"Words that go with groups, {topic}: {contrast_label(contrast)}",
        caption=CAPTION,
        panels=tuple(panels),
        keys=tuple(keys),
        notes=tuple(dict.fromkeys(note for c in changes if (note := c.change["note"]))),
    )


def _chosen(change: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the words of the largest |z| for each group, in order of z."""
    return [term for terms in _by_group(change).values() for term in terms]


def _by_group(change: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for term in change["terms"]:
        groups.setdefault(term["group"], []).append(term)
    return {
        group: sorted(
            sorted(terms, key=lambda t: (-abs(t["z"]), t["term"]))[:_EACH],
            key=lambda t: (-t["z"], t["term"]),
        )
        for group, terms in groups.items()
    }


def _panels(change: _Change, axis: Axis, *, named: bool) -> list[Scene]:
    """Fill panels with whole groups, so that wide screens can set them side by side."""
    columns: list[list[tuple[str, list[dict[str, Any]]]]] = [[]]
    for group in _by_group(change.change).items():
        if columns[-1] and sum(len(terms) + 1 for _, terms in [*columns[-1], group]) > _FULL:
            columns.append([])
        columns[-1].append(group)
    head = f"{change.model}: " if named else ""
    return [_panel(column, change.change, axis, head) for column in columns]


def _panel(
    groups: Sequence[tuple[str, list[dict[str, Any]]]],
    change: dict[str, Any],
    axis: Axis,
    head: str,
) -> Scene:
    arm = short_arm(change["arm"])
    title = head + listed([name for name, _ in groups])
    items: list[Item] = [Text(0, 14, fit(title, WIDTH, 12.5, bold=True), size=12.5, bold=True)]
    rows: list[Item] = []
    y = 22.0
    starts: list[float] = []
    for group, terms in groups:
        starts.append(y)
        if len(groups) > 1:
            y += _LINE
            rows.append(Text(0, y - 3, fit(group, _WORD - 8), bold=True))
        for term in terms:
            y += _LINE
            rows += _row(term, axis, y - 5)
    end = y + 6
    ends = [*starts[1:], end]
    names = [name for name, _ in groups]
    limits = _limits(change, axis, list(zip(names, starts, ends, strict=True)))
    items += [*bottom(axis, 22, end), *limits, *rows]
    items += end_labels(_WORD, end + 30, "less", f"more in {arm}")
    words = [f"{t['term']} {fmt(t['z'], 1)}" for _, terms in groups for t in terms]
    said = f"{change['topic']}, {title}: change in z of {listed(words)}."
    return Scene(WIDTH, end + 36, title, said, tuple(items))


def _row(term: dict[str, Any], axis: Axis, y: float) -> list[Item]:
    shown = term["p_family"] <= 0.05
    x = axis.at(term["z"])
    mark = Mark(x, y, "diamond", "ink", 3.8) if shown else Mark(x, y, "circle", "ink", 3.6, False)
    return [
        Text(_WORD - 10, y + 4, fit(term["term"], _WORD - 18), anchor="end"),
        Line(axis.at(0), y, x, y, "muted", 0.9),
        mark,
    ]


def _limits(
    change: dict[str, Any], axis: Axis, groups: Sequence[tuple[str, float, float]]
) -> list[Item]:
    """The zero line, and beside each group's words its own threshold."""
    zero = axis.at(0.0)
    items: list[Item] = [Line(zero, groups[0][1], zero, groups[-1][2], "muted", 1.2)]
    for name, start, end in groups:
        z = (change["critical_z"] or {}).get(name)
        if z is not None:
            at = [axis.at(sign * z) for sign in (-1, 1)]
            items += [Line(x, start, x, end, "muted", 1.4, True) for x in at]
    return items
