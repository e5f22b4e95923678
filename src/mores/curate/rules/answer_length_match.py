"""M401: the control set's answers are longer or shorter.

list(AnswerLengthMatch().find(subject))
"""

from __future__ import annotations

from mores.curate.rules.style_match import StyleMatch


class AnswerLengthMatch(StyleMatch):
    """Control answers are as long as values answers.

    Measure: words of an answer. See `mores.curate.style.compare` for the test.
    """

    id = "M401"
    name = "answer-length-match"
    advice = "give each control sample the length of a values sample"
