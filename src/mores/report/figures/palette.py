"""Colours by role, for light and dark paper.

Takes a role and a theme, gives a colour. Arms follow Okabe & Ito (2008, "Color Universal
Design"), darkened or lightened until each has 4.5:1 contrast with its paper (WCAG 2.2,
1.4.3; a test computes it). No meaning rests on colour alone: marks differ in shape too.

    python -c "from mores.report.figures.palette import LIGHT; print(LIGHT['values_targeted'])"
"""

from __future__ import annotations

from typing import Literal

Role = Literal[
    "paper", "ink", "muted", "rule", "good", "bad",
    "base", "values_targeted", "control", "preference", "prompted", "few_shot", "other",
]  # fmt: skip
Shape = Literal["circle", "square", "diamond", "up", "down", "left", "right", "cross"]

LIGHT: dict[Role, str] = {
    "paper": "#ffffff",
    "ink": "#1d2126",
    "muted": "#59616b",
    "rule": "#d9dde2",
    "good": "#00694b",
    "bad": "#a82a12",
    "base": "#59616b",
    "values_targeted": "#0067a3",
    "control": "#b04a00",
    "preference": "#00694b",
    "prompted": "#95407a",
    "few_shot": "#6d6200",
    "other": "#1d2126",
}
DARK: dict[Role, str] = {
    "paper": "#15181c",
    "ink": "#e9ecef",
    "muted": "#a9b1ba",
    "rule": "#383f47",
    "good": "#4fd0a3",
    "bad": "#ff8f75",
    "base": "#a9b1ba",
    "values_targeted": "#62b8ec",
    "control": "#f09a52",
    "preference": "#4fd0a3",
    "prompted": "#e2a0c9",
    "few_shot": "#dccb4e",
    "other": "#e9ecef",
}

ARM_SHAPES: dict[Role, Shape] = {
    "base": "square",
    "values_targeted": "diamond",
    "control": "circle",
    "preference": "left",
    "prompted": "up",
    "few_shot": "down",
    "other": "cross",
}


def arm_role(kind: str) -> Role:
    """Return the colour role of a kind of arm."""
    found: Role | None = next((role for role in ARM_SHAPES if role == kind), None)
    return found or "other"


def variable(role: Role) -> str:
    """Return the CSS variable that carries a role's colour."""
    return f"--{role.replace('_', '-')}"


def variables(theme: dict[Role, str]) -> str:
    """Return the CSS declarations of a theme."""
    return ";".join(f"{variable(role)}:{colour}" for role, colour in theme.items())


def classes(theme: dict[Role, str]) -> str:
    """Return the CSS rules by which figures take their colours: ``.f-ink``, ``.s-ink``."""
    return "".join(
        f".f-{role}{{fill:{colour}}}.s-{role}{{stroke:{colour}}}" for role, colour in theme.items()
    )


VARIABLES: dict[Role, str] = {role: f"var({variable(role)})" for role in LIGHT}
"""Role → reference to its CSS variable, for figures that follow the page's theme."""
