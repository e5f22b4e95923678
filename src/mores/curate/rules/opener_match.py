"""M406: the control set opens differently.

list(OpenerMatch().find(subject))
"""

from __future__ import annotations

from mores.curate.rules.style_match import StyleMatch


class OpenerMatch(StyleMatch):
    """Control questions and answers open with the words that values samples open with.

    Measure: the first word of question and of answer, for words that at least 5 % of all
    samples open with. Cliff's delta of a yes-or-no feature is the difference in shares.
    """

    id = "M406"
    name = "opener-match"
    advice = "vary the first words of the control samples in the same way"
