"""A figure's SVG file as PNG, by resvg, with a font that is a dependency of ours.

The fonts of the machine are left alone, so that the same figure gives the same bytes
everywhere. Only where words are in a script that Roboto lacks are they asked, too.

    Path("figure.png").write_bytes(png(svg))
"""

from __future__ import annotations

import re
from importlib import resources

DPI = 200
_FAMILY = "Roboto"
_LACKING = re.compile("[\u0530-\u1cff\u2c80-\uf8ff\U00010000-\U0010ffff]")
"""Beyond Latin, Greek and Cyrillic, and the signs beside them."""


def png(svg: str) -> bytes:
    """Return an SVG file as the bytes of a PNG file, 200 dots an inch."""
    from resvg_py import svg_to_bytes

    folder = resources.files("font_roboto") / "files"
    return svg_to_bytes(
        svg_string=svg,
        zoom=DPI / 96,
        skip_system_fonts=_LACKING.search(svg) is None,
        font_files=[str(folder / f"Roboto-{weight}.ttf") for weight in ("Regular", "Bold")],
        font_family=_FAMILY,
        sans_serif_family=_FAMILY,
    )
