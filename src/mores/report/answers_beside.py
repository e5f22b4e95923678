"""What a page that cannot show every answer says of the file that holds them all."""

from __future__ import annotations

from mores.records import Record


class AnswersBeside(Record, frozen=True, kw_only=True):
    """All answers in a file, of which a page has room for some."""

    file: str
    """Beside the page: one answer a line."""
    answers: int
    """In the file: all there are."""
    shown: int
    """Answers in the page, and in `Report.questions`."""
    questions: int
    """Questions that were put, shown or not."""
    rule: str
    """Which ones are shown, for readers."""
