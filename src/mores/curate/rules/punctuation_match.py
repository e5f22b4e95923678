"""M404: the control set is punctuated differently.

list(PunctuationMatch().find(subject))
"""

from __future__ import annotations

from mores.curate.rules.style_match import StyleMatch


class PunctuationMatch(StyleMatch):
    """Control answers are punctuated like values answers.

    Measure: ten kinds of marks for 100 words; the effect is that of the mark that
    differs most, the p-value that of the largest of ten.
    """

    id = "M404"
    name = "punctuation-match"
    advice = "use that mark as often as the values answers do"
