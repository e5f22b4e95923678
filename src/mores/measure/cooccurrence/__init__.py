"""Which words does a model use about whom: gender, race, religion, or any groups.

associations.toml → stem_prompts → (sample) → analyse → CooccurrenceResult
any corpus        → analyse_file / analyse_corpus → TopicAssociations
"""

from mores.measure.cooccurrence.analyse import analyse
from mores.measure.cooccurrence.change import association_change
from mores.measure.cooccurrence.corpus import analyse_corpus, analyse_file, read_columns
from mores.measure.cooccurrence.count import Counts, count_stream, count_terms, term_counts
from mores.measure.cooccurrence.documents import count_completions
from mores.measure.cooccurrence.gap_change import gap_change
from mores.measure.cooccurrence.log_odds import LogOdds, group_log_odds, log_odds_ratio
from mores.measure.cooccurrence.pairs import paired_counts
from mores.measure.cooccurrence.permutation import (
    Chance,
    dealt_chance,
    family_p,
    normal_p,
)
from mores.measure.cooccurrence.result import (
    CooccurrenceResult,
    GroupSize,
    TermAssociation,
    TermChange,
    TopicAssociations,
    TopicChange,
)
from mores.measure.cooccurrence.run import cooccurrence, read_cooccurrence, words_step
from mores.measure.cooccurrence.sentiment import group_sentiment, read_lexicon, vader_lexicon
from mores.measure.cooccurrence.sentiment_change import sentiment_change
from mores.measure.cooccurrence.stems import excluded_words, prompt_id, stem_prompts
from mores.measure.cooccurrence.tokens import stop_words, words
from mores.measure.cooccurrence.total_variation import total_variation
from mores.step import callable_room

__all__ = [
    "Chance",
    "CooccurrenceResult",
    "Counts",
    "GroupSize",
    "LogOdds",
    "TermAssociation",
    "TermChange",
    "TopicAssociations",
    "TopicChange",
    "analyse",
    "analyse_corpus",
    "analyse_file",
    "association_change",
    "cooccurrence",
    "count_completions",
    "count_stream",
    "count_terms",
    "dealt_chance",
    "excluded_words",
    "family_p",
    "gap_change",
    "group_log_odds",
    "group_sentiment",
    "log_odds_ratio",
    "normal_p",
    "paired_counts",
    "prompt_id",
    "read_columns",
    "read_cooccurrence",
    "read_lexicon",
    "sentiment_change",
    "stem_prompts",
    "stop_words",
    "term_counts",
    "total_variation",
    "vader_lexicon",
    "words",
    "words_step",
]

callable_room(__name__)
