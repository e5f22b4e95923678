"""M405: the control set is laid out differently.

list(LayoutMatch().find(subject))
"""

from __future__ import annotations

from mores.curate.rules.style_match import StyleMatch


class LayoutMatch(StyleMatch):
    """Control answers have the lists and paragraphs of values answers.

    Measure: list items, paragraphs and markup of an answer; the effect is that of the
    one that differs most, the p-value that of the largest of three.
    """

    id = "M405"
    name = "layout-match"
    advice = "give control answers as many list items and paragraphs"
