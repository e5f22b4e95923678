"""A scene as SVG: inside the page (colours from CSS variables) or as a file of its own.

No style attributes, so that the page's content security policy can refuse them all. Text
is text: it can be selected, searched and read aloud. The same scene gives the same bytes.

    print(inline(scene, "forest-1"))
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from mores.report.figures.palette import LIGHT, Role, classes
from mores.report.figures.scene import (
    Box,
    Curve,
    Dots,
    Item,
    Line,
    Mark,
    Point,
    Scene,
    Text,
    outline,
)
from mores.report.words import visible

FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','Liberation Sans',Arial,sans-serif"


def rules(theme: dict[Role, str]) -> str:
    """Return the CSS that figures need: in the page with `VARIABLES`, in a file with colours."""
    paper = theme["paper"]
    return (
        f".fig-svg text{{font-family:{FONT};font-variant-numeric:tabular-nums;"
        # Lines of the grid stop short of the words.
        f"paint-order:stroke;stroke:{paper};stroke-width:3px;stroke-linejoin:round}}"
        f".fig-svg .none{{fill:none}}.fig-svg .hollow{{fill:{paper}}}"
        ".fig-svg .dash{stroke-dasharray:5 4}.fig-svg .bold{font-weight:700}"
        ".fig-svg .dots{stroke-linecap:round;stroke-opacity:.62}" + classes(theme)
    )


def inline(scene: Scene, name: str) -> str:
    """Return the scene as an ``<svg>`` element for the page; ``name`` makes its ids unique."""
    return _element(scene, name, head="", extra="")


def standalone(scene: Scene, name: str) -> str:
    """Return the scene as an SVG file with light colours and its own paper."""
    # Not every viewer of SVG files knows CSS variables.
    style = f"<style>{rules(LIGHT)}</style>"
    paper = f'<rect class="f-paper" width="{_n(scene.width)}" height="{_n(scene.height)}"/>'
    extra = (
        f' xmlns="http://www.w3.org/2000/svg" width="{_n(scene.width)}" height="{_n(scene.height)}"'
    )
    return _element(scene, name, head=style + paper, extra=extra) + "\n"


def symbol(item: Mark | Line) -> str:
    """Return one mark or line as a small decorative ``<svg>`` for legends and badges."""
    box = 'viewBox="0 0 14 14" width="14" height="14"'
    return f'<svg class="fig-svg mark" {box} aria-hidden="true">{_item(item)}</svg>'


def _element(scene: Scene, name: str, *, head: str, extra: str) -> str:
    title, description = f"{escape(name)}-t", f"{escape(name)}-d"
    body = "".join(_item(item) for item in scene.items)
    return (
        f'<svg class="fig-svg"{extra} viewBox="0 0 {_n(scene.width)} {_n(scene.height)}" '
        f'role="img" aria-labelledby="{title} {description}">'
        f'<title id="{title}">{_t(scene.title)}</title>'
        f'<desc id="{description}">{_t(scene.description)}</desc>{head}{body}</svg>'
    )


def _item(item: Item) -> str:
    match item:
        case Line():
            place = f'x1="{_n(item.x1)}" y1="{_n(item.y1)}" x2="{_n(item.x2)}" y2="{_n(item.y2)}"'
            return f"<line {_stroke(item.role, item.width, dashed=item.dashed)} {place}/>"
        case Curve():
            style = _stroke(item.role, item.width, dashed=item.dashed, more=" none")
            return f'<polyline {style} points="{_points(item.points)}"/>'
        case Dots():
            # A stroke of no length with round ends is a dot in a dozen bytes.
            path = "".join(f"M{_n(x)} {_n(y)}h0" for x, y in item.points)
            return (
                f'<path class="dots none s-{item.role}" stroke-width="{_n(item.size)}" d="{path}"/>'
            )
        case Box():
            place = f'x="{_n(item.x)}" y="{_n(item.y)}"'
            size = f'width="{_n(item.width)}" height="{_n(item.height)}"'
            return f'<rect class="f-{item.role}" {place} {size}/>'
        case Mark():
            return _mark(item)
        case Text():
            bold = " bold" if item.bold else ""
            anchor = "" if item.anchor == "start" else f' text-anchor="{item.anchor}"'
            return (
                f'<text class="f-{item.role}{bold}" x="{_n(item.x)}" y="{_n(item.y)}" '
                f'font-size="{_n(item.size)}"{anchor}>{_t(item.text)}</text>'
            )


def _mark(mark: Mark) -> str:
    fill = f"f-{mark.role}" if mark.filled else "hollow"
    style = f'class="{fill} s-{mark.role}" stroke-width="1.5"'
    if mark.shape == "circle":
        return f'<circle {style} cx="{_n(mark.x)}" cy="{_n(mark.y)}" r="{_n(mark.size)}"/>'
    return f'<polygon {style} points="{_points(outline(mark))}"/>'


def _stroke(role: str, width: float, *, dashed: bool, more: str = "") -> str:
    dash = " dash" if dashed else ""
    return f'class="s-{role}{dash}{more}" stroke-width="{_n(width)}"'


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{_n(x)},{_n(y)}" for x, y in points)


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _t(text: str) -> str:
    return escape(visible(text))
