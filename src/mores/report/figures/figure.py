"""One figure: panels, a legend, how to read it, and what its numbers are not.

In the page the panels wrap to the width of the screen; as a file they stand in two columns
with legend and notes below, so that a figure on its own still says what it must.

    figure.svg; figure.write(Path("figures"))
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import wrap

from mores import store
from mores.report.figures import raster, svg
from mores.report.figures.palette import Role, Shape
from mores.report.figures.scene import WIDTH, Item, Line, Mark, Scene, Text, moved, text_width
from mores.report.words import visible

_GAP = 28.0
_EDGE = 20.0


@dataclass(frozen=True)
class Key:
    """One entry of a legend."""

    label: str
    shape: Shape | None
    """None stands for a line."""
    role: Role = "ink"
    filled: bool = True
    dashed: bool = False

    @property
    def symbol(self) -> str:
        """The mark as a small ``<svg>``."""
        if self.shape is None:
            return svg.symbol(Line(0, 7, 14, 7, self.role, 1.6, self.dashed))
        return svg.symbol(Mark(7, 7, self.shape, self.role, 4.2, self.filled))


@dataclass(frozen=True)
class Figure:
    """A figure of the report."""

    name: str
    """File name without ending; also the prefix of ids in the page."""
    title: str
    caption: str
    """How to read it."""
    panels: tuple[Scene, ...]
    keys: tuple[Key, ...] = ()
    notes: tuple[str, ...] = ()
    """What stands wherever the numbers stand, such as a scorer's note."""

    @property
    def svg(self) -> str:
        """The panels as ``<svg>`` elements for the page; colours are CSS variables."""
        return "".join(svg.inline(p, f"{self.name}-{k}") for k, p in enumerate(self.panels, 1))

    @property
    def svg_file(self) -> bytes:
        """The figure as an SVG file: light colours, the same bytes each time."""
        return svg.standalone(self.sheet(), self.name).encode("utf-8")

    @property
    def png_file(self) -> bytes:
        """The figure as a PNG file, the same bytes each time."""
        return raster.png(self.svg_file.decode())

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write ``<name>.svg`` and ``<name>.png`` into a folder and return their paths.

        Raises:
            StoreError: the files cannot be written.
        """
        paths = folder / f"{self.name}.svg", folder / f"{self.name}.png"
        store.write_bytes(paths[0], self.svg_file)
        store.write_bytes(paths[1], self.png_file)
        return paths

    def named(self, name: str) -> Figure:
        """Return the figure under another name."""
        return replace(self, name=name)

    def sheet(self) -> Scene:
        """Return all panels, legend and notes as one scene."""
        columns = 2 if len(self.panels) > 1 else 1
        width = 2 * _EDGE + columns * WIDTH + (columns - 1) * _GAP
        items: list[Item] = []
        y = _EDGE + 14
        for row in wrap(visible(self.title), int((width - 2 * _EDGE) / text_width("x", 15))):
            items.append(Text(_EDGE, y, row, size=15, bold=True))
            y += 20
        for start in range(0, len(self.panels), columns):
            row_panels = self.panels[start : start + columns]
            for column, panel in enumerate(row_panels):
                dx = _EDGE + column * (WIDTH + _GAP)
                items += [moved(item, dx, y) for item in panel.items]
            y += max(panel.height for panel in row_panels) + 14
        y = self._legend(items, y, width)
        y = self._words(items, y, width)
        description = " ".join([panel.description for panel in self.panels])
        return Scene(width, y + _EDGE - 8, self.title, description, tuple(items))

    def _legend(self, items: list[Item], y: float, width: float) -> float:
        x = _EDGE
        for key in self.keys:
            room = 20 + text_width(key.label, 11) + 16
            if x > _EDGE and x + room > width - _EDGE:
                x, y = _EDGE, y + 18
            if key.shape is None:
                items.append(Line(x, y, x + 14, y, key.role, 1.6, key.dashed))
            else:
                items.append(Mark(x + 6, y, key.shape, key.role, 4.2, key.filled))
            items.append(Text(x + 20, y + 4, key.label))
            x += room
        return y + 24 if self.keys else y

    def _words(self, items: list[Item], y: float, width: float) -> float:
        per_line = int((width - 2 * _EDGE) / text_width("x", 11))
        for text in (self.caption, *self.notes):
            for row in wrap(visible(text), per_line):
                items.append(Text(_EDGE, y, row, role="muted"))
                y += 15
        return y
