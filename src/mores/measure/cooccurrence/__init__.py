"""Which words does a model use about whom: gender, race, religion, or any groups.

a study's stems   cooccurrence(study), or analyse(completions by arm) → CooccurrenceResult
any corpus        analyse_file(path) → TopicAssociations
"""

from mores.measure.cooccurrence.analyse import analyse
from mores.measure.cooccurrence.corpus import analyse_file
from mores.measure.cooccurrence.result import (
    CooccurrenceResult,
    TermAssociation,
    TopicAssociations,
)
from mores.measure.cooccurrence.run import cooccurrence
from mores.measure.cooccurrence.sentiment import vader_lexicon
from mores.step import callable_room

__all__ = [
    "CooccurrenceResult",
    "TermAssociation",
    "TopicAssociations",
    "analyse",
    "analyse_file",
    "cooccurrence",
    "vader_lexicon",
]

callable_room(__name__)
