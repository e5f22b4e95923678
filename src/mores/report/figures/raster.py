"""A scene as PNG, drawn by matplotlib on paper of its own, in light colours.

Only objects, never `pyplot`: no global state, no display. The font is the one that comes
with matplotlib, so that the same scene gives the same bytes on every machine.

    Path("figure.png").write_bytes(png(scene))
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Literal

from mores.report.figures.palette import LIGHT
from mores.report.figures.scene import Box, Curve, Dots, Item, Line, Mark, Scene, Text, outline
from mores.report.words import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Patch

DPI = 200
_INCH = 96.0
_POINTS = 72.0 / _INCH
# DejaVu Sans is wider than the fonts of the page; this keeps lines within their room.
_NARROW = 0.88


def png(scene: Scene) -> bytes:
    """Return the scene as the bytes of a PNG file, 200 dots an inch."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(scene.width / _INCH, scene.height / _INCH), dpi=DPI)
    figure.patch.set_facecolor(LIGHT["paper"])
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, scene.width)
    axes.set_ylim(scene.height, 0)
    axes.set_axis_off()
    for order, item in enumerate(scene.items):
        _draw(axes, item, order + 1)
    file = io.BytesIO()
    with warnings.catch_warnings():
        # A word in a script that the font lacks is drawn as a box; the SVG shows it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        canvas.print_png(file, metadata={"Software": None})
    return file.getvalue()


def _draw(axes: Axes, item: Item, order: int) -> None:
    match item:
        case Line():
            _line(axes, [item.x1, item.x2], [item.y1, item.y2], item, order)
        case Curve():
            _line(axes, [x for x, _ in item.points], [y for _, y in item.points], item, order)
        case Dots():
            xs, ys = [x for x, _ in item.points], [y for _, y in item.points]
            size = (item.size * _POINTS) ** 2
            color = LIGHT[item.role]
            axes.scatter(xs, ys, s=size, c=color, alpha=0.62, linewidths=0, zorder=order)
        case Box():
            from matplotlib.patches import Rectangle

            corner = (item.x, item.y)
            color = LIGHT[item.role]
            axes.add_patch(
                Rectangle(corner, item.width, item.height, color=color, lw=0, zorder=order)
            )
        case Mark():
            axes.add_patch(_symbol(item, order))
        case Text():
            _text(axes, item, order)


def _line(axes: Axes, xs: list[float], ys: list[float], item: Line | Curve, order: int) -> None:
    from matplotlib.lines import Line2D

    style: Literal["-"] | tuple[int, tuple[int, int]] = (0, (5, 4)) if item.dashed else "-"
    axes.add_line(
        Line2D(
            xs,
            ys,
            color=LIGHT[item.role],
            lw=item.width * _POINTS,
            linestyle=style,
            solid_capstyle="butt",
            zorder=order,
        )
    )


def _symbol(mark: Mark, order: int) -> Patch:
    from matplotlib.patches import Circle, Polygon

    colour = LIGHT[mark.role]
    face = colour if mark.filled else LIGHT["paper"]
    style = {"facecolor": face, "edgecolor": colour, "lw": 1.5 * _POINTS, "zorder": order}
    if mark.shape == "circle":
        return Circle((mark.x, mark.y), mark.size, **style)
    return Polygon(outline(mark), closed=True, **style)


def _text(axes: Axes, item: Text, order: int) -> None:
    from matplotlib.patheffects import withStroke

    axes.text(
        item.x,
        item.y,
        visible(item.text),
        color=LIGHT[item.role],
        fontsize=item.size * _POINTS * _NARROW,
        fontfamily="DejaVu Sans",
        fontweight="bold" if item.bold else "normal",
        ha={"start": "left", "middle": "center", "end": "right"}[item.anchor],
        va="baseline",
        parse_math=False,
        # Lines of the grid stop short of the words.
        path_effects=[withStroke(linewidth=3 * _POINTS, foreground=LIGHT["paper"])],
        zorder=order,
    )
