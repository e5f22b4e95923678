"""Who was asked, and what they said: a consultation on the charter, and its analysis.

consultation = read_consultation(study)      # consult.toml, or None
answers = read_answers(study)                # participants, votes, proposals
result = consulted(study)                    # agreement, groups, who is missing
"""

from mores.consult.acts import (
    asked,
    moderated,
    proposed,
    sound_proposal,
    sound_vote,
    statements_of,
    voted,
    withdrawn,
)
from mores.consult.answers import Answers, open_now, read_answers, write_answers
from mores.consult.config import need_consultation, read_consultation
from mores.consult.model import (
    Consultation,
    Participant,
    Proposal,
    Question,
    Statement,
    Support,
    Vote,
    wording_of,
)
from mores.consult.result import ConsultResult
from mores.consult.run import consulted

__all__ = [
    "Answers",
    "ConsultResult",
    "Consultation",
    "Participant",
    "Proposal",
    "Question",
    "Statement",
    "Support",
    "Vote",
    "asked",
    "consulted",
    "moderated",
    "need_consultation",
    "open_now",
    "proposed",
    "read_answers",
    "read_consultation",
    "sound_proposal",
    "sound_vote",
    "statements_of",
    "voted",
    "withdrawn",
    "wording_of",
    "write_answers",
]
