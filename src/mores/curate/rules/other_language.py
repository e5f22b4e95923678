"""M104: a text in another language than the one that is declared."""

from __future__ import annotations

from collections.abc import Iterator

from mores.curate.lint.rule import found, found_in_file, not_checked
from mores.curate.lint.subject import Item, Subject
from mores.curate.text import excerpt
from mores.records import Example, Finding, Severity
from mores.study.languages import can_tell, other_language


class OtherLanguage:
    """Every text is in the language that its record, or else the charter, declares.

    Languages are told apart by py3langid. What is too short or too mixed to tell, and what is in a
    language that it does not know, is passed over.
    """

    id = "M104"
    name = "other-language"
    severity: Severity = "error"

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return a finding for every text of another language."""
        charter = subject.charter
        if not can_tell(charter.language):
            yield not_checked(self, subject, "what tells languages apart does not know it")
        for position in charter.positions:
            if other := other_language(position.statement, charter.language):
                yield found_in_file(
                    self,
                    "charter.toml",
                    f"expected {charter.language}, found {other} in the statement of "
                    f"{position.category!r}: {excerpt(position.statement)}",
                    fix=FIX,
                )
        for item in subject.items:
            yield from self._one(item, language_of(item) or charter.language)

    def _one(self, item: Item, declared: str) -> Iterator[Finding]:
        for part, text in item.texts:
            if other := other_language(text, declared):
                yield found(
                    self,
                    item,
                    f"expected {declared}, found {other} in the {part}: {excerpt(text)}",
                    fix=FIX if isinstance(item.record, Example) else FIX_OR_SAY,
                )


FIX = "write it in the language of the study, or correct language in charter.toml"
FIX_OR_SAY = f"{FIX}; a prompt or pair may say which it is in: language"


def language_of(item: Item) -> str:
    """The language that a record declares itself, or nothing."""
    return "" if isinstance(item.record, Example) else item.record.language
