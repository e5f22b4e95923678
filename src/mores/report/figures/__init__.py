"""The figures of a report, drawn once and shown in the page, as SVG and as PNG.

scene      a handful of shapes        svg, raster   a scene as SVG, that file as PNG
axis       values to places           palette       colours by role, light and dark
figure     panels, legend, notes      verdicts      a mark for each verdict
forest  distribution  capability  cooccurrence  sizes  training  consultation  robust: a kind each

for name, figure in figures(report).items(): figure.write(Path("figures"))
"""

from __future__ import annotations

from mores.report.figures.capability import capability
from mores.report.figures.consultation import consultation
from mores.report.figures.cooccurrence import cooccurrences
from mores.report.figures.distribution import distributions
from mores.report.figures.figure import Figure, Key
from mores.report.figures.forest import forests
from mores.report.figures.robust import robust
from mores.report.figures.sizes import sizes
from mores.report.figures.training import training
from mores.report.model import Report

__all__ = ["Figure", "Key", "figures"]


def figures(report: Report) -> dict[str, Figure]:
    """Draw everything that a report has numbers for; what has none is left out.

    Returns:
        Name → figure: ``forest_<measure>``, ``toxicity_<scorer>``,
        ``sizes_<measure>``, ``cooccurrence_<topic>_<contrast>``, ``capability``, ``training``,
        ``consultation``, ``robust_<measure>_<model>``.
        Names that would be the same get a number. Same report, same bytes.
    """
    drawn = [
        *forests(report),
        *distributions(report),
        *sizes(report),
        *cooccurrences(report),
        *capability(report),
        *training(report),
        *consultation(report),
        *robust(report),
    ]
    by_name: dict[str, Figure] = {}
    for figure in drawn:
        by_name[_free(figure.name, by_name)] = figure
    return {name: figure.named(name) for name, figure in by_name.items()}


def _free(name: str, taken: dict[str, Figure]) -> str:
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free
