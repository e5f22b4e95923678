"""Toxicity of completions: scorers behind one protocol, and how far one may be trusted.

    from mores.measure.toxicity import score_completions, scorer
    scores = score_completions(completions, scorer("lexical"))

The default, `lexical`, is led by profanity and at chance on implicit hate: see
`docs/toxicity.md`. ``hf:<model>`` names any sequence classifier; `scorer` lists the
other kinds.
"""

from mores.measure.toxicity.card import ValidationCard
from mores.measure.toxicity.labelled import LabelledText, read_labelled
from mores.measure.toxicity.registry import scorer
from mores.measure.toxicity.run import toxicity
from mores.measure.toxicity.scorer import PairScorer, Scorer, score_completions
from mores.measure.toxicity.validate import validate
from mores.step import callable_room

__all__ = [
    "LabelledText",
    "PairScorer",
    "Scorer",
    "ValidationCard",
    "read_labelled",
    "score_completions",
    "scorer",
    "toxicity",
    "validate",
]

callable_room(__name__)
