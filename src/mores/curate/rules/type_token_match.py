"""M403: the control set's wording is richer or poorer.

list(TypeTokenMatch().find(subject))
"""

from __future__ import annotations

from mores.curate.rules.style_match import StyleMatch


class TypeTokenMatch(StyleMatch):
    """Control answers repeat words as much as values answers do.

    Measure: moving-average type-token ratio over 40 words, which length does not shift
    (`mores.curate.style.measures.moving_ratio`).
    """

    id = "M403"
    name = "type-token-match"
    advice = "vary the words of the control answers more, or less"
