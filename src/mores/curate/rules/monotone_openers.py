"""M502: many answers that open with the same two words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from mores.curate.lint.rule import found_in_file
from mores.curate.lint.subject import Part, Subject
from mores.records import Finding, Severity

SHARE = 0.1
FEWEST = 3
"""Two answers of a small set may open alike by chance."""


class MonotoneOpeners:
    """At most a tenth of a set's answers open with the same two words.

    With so few samples an opener that repeats is among the first things that a
    model learns. Three answers or more must share it to count.
    """

    id = "M502"
    name = "monotone-opener"
    severity: Severity = "warning"
    of_words = True

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return a finding for every opener that too many answers of a set share."""
        parts: tuple[Part, ...] = ("values", "control")
        for part in parts:
            items = subject.part(part)
            openers = [item.answer_words[:2] for item in items if len(item.answer_words) > 1]
            for opener, count in Counter(openers).most_common():
                if count < FEWEST or count <= SHARE * len(items):
                    break
                places = [i.id for i in items if i.answer_words[:2] == opener]
                yield found_in_file(
                    self,
                    f"{part}.jsonl",
                    f'{count} of {len(items)} answers open with "{" ".join(opener)}", '
                    f"expected at most {SHARE:.0%} ({', '.join(places)})",
                    fix="open some of them differently",
                    value=round(count / len(items), 4),
                )
