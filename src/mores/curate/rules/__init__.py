"""The built-in rules, in order of their ids.

    M1xx text · M2xx duplicates and leakage · M3xx coverage and balance
    M4xx style match of values and control · M5xx content and provenance

(M0xx are the checks of the suppressions, in `mores.curate.lint.suppress`.)

    from mores.curate.rules import RULES
    [rule.id for rule in RULES]
"""

from mores.curate.lint.rule import Rule
from mores.curate.rules.accountable import Accountable
from mores.curate.rules.answer_length import AnswerLength
from mores.curate.rules.balance import Balance
from mores.curate.rules.broken_text import BrokenText
from mores.curate.rules.coverage import Coverage
from mores.curate.rules.duplicates import Duplicates
from mores.curate.rules.foreign_text import ForeignText
from mores.curate.rules.leaked_question import LeakedQuestion
from mores.curate.rules.leaked_run import LeakedRun
from mores.curate.rules.monotone_openers import MonotoneOpeners
from mores.curate.rules.near_duplicates import NearDuplicates
from mores.curate.rules.other_language import OtherLanguage
from mores.curate.rules.pair_form import PairForm
from mores.curate.rules.personal_data import PersonalData
from mores.curate.rules.provenance import Provenance
from mores.curate.rules.quoted_position import QuotedPosition
from mores.curate.rules.reworded_question import RewordedQuestion
from mores.curate.rules.set_size import SetSize
from mores.curate.rules.sign_off import SIGN_OFF
from mores.curate.rules.special_tokens import SpecialTokens
from mores.curate.rules.style_classifier import StyleClassifier
from mores.curate.rules.style_match import STYLE_MATCHES
from mores.curate.rules.unread_draft import UnreadDraft
from mores.curate.rules.variants import LeakedVariant, Variants

RULES: tuple[Rule, ...] = (
    AnswerLength(),
    BrokenText(),
    SpecialTokens(),
    OtherLanguage(),
    Duplicates(),
    NearDuplicates(),
    LeakedQuestion(),
    LeakedRun(),
    RewordedQuestion(),
    LeakedVariant(),
    Coverage(),
    Balance(),
    SetSize(),
    *STYLE_MATCHES,
    StyleClassifier(),
    ForeignText(),
    PairForm(),
    QuotedPosition(),
    MonotoneOpeners(),
    PersonalData(),
    Provenance(),
    UnreadDraft(),
    *SIGN_OFF,
    Accountable(),
    Variants(),
)

__all__ = ["RULES"]
