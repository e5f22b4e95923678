"""M501: a passage of a position statement, copied into an answer."""

from __future__ import annotations

from collections.abc import Iterator

from mores.curate.lint.rule import found
from mores.curate.lint.subject import Subject
from mores.curate.text import Run, longest_run, runs, words
from mores.records import Finding, Severity

LENGTH = 6


class QuotedPosition:
    """No answer copies six words in a row from a position statement.

    A sample shows what the position means for one question; a model that is
    tuned on the statement itself learns to recite it.
    """

    id = "M501"
    name = "quoted-position"
    severity: Severity = "warning"
    of_words = True

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return one finding for every answer and position it quotes."""
        positions = [(p.category, words(p.statement)) for p in subject.charter.positions]
        known = [(name, text, set(runs(text, LENGTH))) for name, text in positions]
        for item in subject.samples:
            for name, text, parts in known:
                if parts.isdisjoint(runs(item.answer_words, LENGTH)):
                    continue
                run: Run = longest_run(item.answer_words, text)
                yield found(
                    self,
                    item,
                    f"quotes {len(run)} words of the position {name!r}, expected fewer than "
                    f'{LENGTH} in a row: "{" ".join(run)}"',
                    fix="say it in words that fit this question",
                    value=float(len(run)),
                )
