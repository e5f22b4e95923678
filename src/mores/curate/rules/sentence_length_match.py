"""M402: the control set's sentences are longer or shorter.

list(SentenceLengthMatch().find(subject))
"""

from __future__ import annotations

from mores.curate.rules.style_match import StyleMatch


class SentenceLengthMatch(StyleMatch):
    """Control sentences are as long as values sentences.

    Measure: mean words in a sentence of an answer. See `mores.curate.style.compare`.
    """

    id = "M402"
    name = "sentence-length-match"
    advice = "join or split sentences of the control answers"
