"""What a figure is made of: a handful of shapes in a coordinate frame, without any format.

`svg` writes it with CSS variables for the page, and with fixed colours as a file, of which
`raster` makes a PNG. Units are CSS pixels at the width of a phone; y grows downwards.

    Scene(width=380, height=20, title="t", description="d", items=(Line(0, 10, 380, 10),))
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from mores.report.figures.palette import Role, Shape

WIDTH = 360.0
Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """A straight line."""

    x1: float
    y1: float
    x2: float
    y2: float
    role: Role = "ink"
    width: float = 1.0
    dashed: bool = False


@dataclass(frozen=True)
class Curve:
    """A line through points."""

    points: tuple[Point, ...]
    role: Role
    width: float = 1.6
    dashed: bool = False


@dataclass(frozen=True)
class Dots:
    """Many small round points of one colour."""

    points: tuple[Point, ...]
    role: Role
    size: float = 3.0


@dataclass(frozen=True)
class Mark:
    """One symbol whose shape carries meaning."""

    x: float
    y: float
    shape: Shape
    role: Role = "ink"
    size: float = 4.5
    filled: bool = True


@dataclass(frozen=True)
class Box:
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    role: Role = "rule"


@dataclass(frozen=True)
class Text:
    """One line of text; y is the baseline."""

    x: float
    y: float
    text: str
    role: Role = "ink"
    size: float = 11.0
    anchor: Literal["start", "middle", "end"] = "start"
    bold: bool = False


Item = Line | Curve | Dots | Mark | Box | Text


@dataclass(frozen=True)
class Scene:
    """One panel."""

    width: float
    height: float
    title: str
    description: str
    """For those who hear the figure: what it shows, in one sentence."""
    items: tuple[Item, ...]


def outline(mark: Mark) -> tuple[Point, ...]:
    """Return the corners of a mark that is no circle."""
    x, y, r = mark.x, mark.y, mark.size
    corners: dict[str, tuple[Point, ...]] = {
        "square": ((-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)),
        "diamond": ((0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)),
        "up": ((0, -1.15), (1.1, 0.85), (-1.1, 0.85)),
        "down": ((0, 1.15), (1.1, -0.85), (-1.1, -0.85)),
        "left": ((-1.15, 0), (0.85, 1.1), (0.85, -1.1)),
        "right": ((1.15, 0), (-0.85, 1.1), (-0.85, -1.1)),
        "cross": ((-0.9, -0.9), (0.9, 0.9), (0, 0), (-0.9, 0.9), (0.9, -0.9), (0, 0)),
    }
    return tuple((x + r * dx, y + r * dy) for dx, dy in corners[mark.shape])


def text_width(text: str, size: float = 11.0, *, bold: bool = False) -> float:
    """Return about how wide a line is; system fonts differ, so a little is added."""
    return len(text) * size * (0.55 if bold else 0.52)


def fit(text: str, width: float, size: float = 11.0, *, bold: bool = False) -> str:
    """Return the text, shortened with an ellipsis if it is wider than ``width``."""
    most = int(width / (text_width("x", size, bold=bold)))
    return text if len(text) <= most else text[: max(1, most - 1)].rstrip(" ,;:") + "…"


def moved(item: Item, dx: float, dy: float) -> Item:
    """Return the item shifted."""
    match item:
        case Line(x1, y1, x2, y2):
            return replace(item, x1=x1 + dx, y1=y1 + dy, x2=x2 + dx, y2=y2 + dy)
        case Curve() | Dots():
            return replace(item, points=tuple((x + dx, y + dy) for x, y in item.points))
        case _:
            return replace(item, x=item.x + dx, y=item.y + dy)
