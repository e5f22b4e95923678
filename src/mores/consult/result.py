"""What an analysis says: the content of ``consult show --json`` and of the report's section."""

from __future__ import annotations

from mores.consult.agreement import Tally
from mores.consult.consensus import Consensus, Difference
from mores.consult.count import SetApart
from mores.consult.model import Kind
from mores.consult.stability import OpinionGroups
from mores.consult.turnout import Turnout
from mores.consult.voices import Objection
from mores.records import Record


class StatementResult(Record, frozen=True, kw_only=True):
    """Votes on one statement."""

    statement: str
    text: str
    kind: Kind
    about: str
    """Category of the position; empty for proposals about none."""
    clause: int | None
    rival: str
    """Text that a wording stands against: agree is for the wording, disagree for the rival."""
    total: Tally
    groups: dict[str, tuple[Tally, ...]]
    """Question → every group that was declared, and who did not say."""
    opinion: tuple[Tally, ...]
    """Opinion groups, where they are shown."""
    objection: Objection


class PositionResult(Record, frozen=True, kw_only=True):
    """What was said of one position."""

    category: str
    title: str
    statements: tuple[str, ...]
    """Ids of the statements about it that have votes."""
    reworded: bool
    """The position has been reworded since: people answered to an earlier text."""

    @property
    def asked(self) -> bool:
        """Whether anybody answered anything about it."""
        return bool(self.statements)


class ConsultResult(Record, frozen=True, kw_only=True):
    """Who was asked, and what they said."""

    title: str
    version: str
    participants: int
    """With at least one vote that counts."""
    by: dict[str, int]
    """``invitation``, ``open link`` or ``import`` → participants."""
    invited: int | None
    silent: int
    """Agreed to take part, and have no vote that counts."""
    withdrew: int
    votes: int
    apart: tuple[SetApart, ...]
    """Votes that are in no figure, and why."""
    pending: int
    """Proposals that wait for a moderator."""
    rejected: int
    min_cell: int
    cautions: tuple[str, ...]
    """What these figures do not say; printed wherever they are."""
    turnout: tuple[Turnout, ...]
    positions: tuple[PositionResult, ...]
    statements: tuple[StatementResult, ...]
    consensus: tuple[Consensus, ...]
    """The best supported in the least of their groups first."""
    differences: tuple[Difference, ...]
    """All that were tested, the largest first."""
    groups: OpinionGroups
