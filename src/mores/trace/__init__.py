"""From an answer back to its reasons: what tuning changed, which samples, which position, who.

    mores.trace(study, "smollm2-135m.values_targeted-s1.t-abv-01.d0")
    mores.trace(study, question="Is it my fault?")

asked.py     the answer: a completion of the study, typed in, or drawn now
change.py    its tokens under tuned, control and base
keep.py      the samples' gradients along training, taken once     sketch.py  made short
gradients.py, answer.py      TracIn and alignment                  near.py    likeness of wording
behind.py    position and people     words.py  the paragraph, and what is not shown     page.py
"""

from mores.step import callable_room
from mores.trace.model import Trace
from mores.trace.run import trace

__all__ = ["Trace", "trace"]

callable_room(__name__)
