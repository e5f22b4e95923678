"""M302: categories of very different size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from mores.curate.lint.rule import found_in_file
from mores.curate.lint.subject import Item, Subject
from mores.records import Finding, Prompt, Severity

RATIO = 2.0


class Balance:
    """The largest category of a set has at most twice as many records as the smallest.

    Looked at: values, control, validation prompts, and the test prompts as a
    whole and of each prompt set. A category without records is M301's.
    """

    id = "M302"
    name = "balance"
    severity: Severity = "warning"

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return a finding for every set that is out of balance."""
        yield from self._set("values.jsonl", "samples", subject.values)
        yield from self._set("control.jsonl", "samples", subject.control)
        for split in ("validation", "test"):
            prompts = [item for item in subject.prompts if item.split == split]
            yield from self._set("prompts.jsonl", f"{split} prompts", prompts)
        for name, prompts in sorted(_prompt_sets(subject).items()):
            yield from self._set("prompts.jsonl", f"test prompts of the set {name!r}", prompts)

    def _set(self, path: str, what: str, items: Sequence[Item]) -> Iterator[Finding]:
        counts = Counter(item.category for item in items)
        if not counts:
            return
        (most, high), (least, low) = counts.most_common()[0], counts.most_common()[-1]
        if high > RATIO * low:
            yield found_in_file(
                self,
                path,
                f"{most!r} has {high} {what}, {least!r} has {low}: "
                f"expected at most {RATIO:g} times as many",
                fix=f"write more for {least!r}, or leave out some of {most!r}",
                value=high / low,
            )


def _prompt_sets(subject: Subject) -> dict[str, list[Item]]:
    sets: dict[str, list[Item]] = {}
    for item in subject.prompts:
        if isinstance(item.record, Prompt) and item.split == "test":
            for name in item.record.presets:
                sets.setdefault(name, []).append(item)
    return sets
