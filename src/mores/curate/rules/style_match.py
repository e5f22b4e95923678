"""What the rules M401 to M406 share: one measure of form, compared between the sets.

A rule of this family is a subclass that gives an id and a name; the name picks
its measure in `mores.curate.style.compare.MEASURES`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from mores.curate.lint.rule import found_in_file
from mores.curate.lint.subject import Subject
from mores.curate.style.compare import EFFECT, LEVEL, Difference, compare
from mores.records import Finding, Severity


class StyleMatch:
    """Values and control set have the same form in one measure."""

    id: str = ""
    name: str = ""
    severity: Severity = "warning"
    advice: ClassVar[str] = ""
    """What to change in the control samples."""

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return one finding if |Cliff's delta| > 0.33 and the Holm-adjusted p < .05."""
        difference = compare(subject).get(self.name)
        if difference is not None and difference.differs:
            yield found_in_file(
                self,
                "control.jsonl",
                describe(difference),
                fix=self.advice,
                value=round(difference.effect, 4),
            )


def describe(difference: Difference) -> str:
    """Return a difference in words."""
    values, control = difference.means
    return (
        f"{difference.feature}: mean {values:.3g} in the values set, {control:.3g} in the "
        f"control set; Cliff's delta {difference.effect:+.2f} (expected within ±{EFFECT}), "
        f"permutation p {difference.p:.2g}, after Holm {difference.p_adjusted:.2g} "
        f"(expected {LEVEL} or more)"
    )
