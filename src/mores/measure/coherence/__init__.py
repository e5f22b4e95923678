"""Coherence: does a model still write answers that can be read, in the study's language?"""

from mores.measure.coherence.run import coherence, coherence_step, read_coherence
from mores.step import callable_room

__all__ = ["coherence", "coherence_step", "read_coherence"]

callable_room(__name__)
