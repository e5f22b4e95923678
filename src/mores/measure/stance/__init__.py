"""Stance: does a model find the answer for a position likelier than the one against it?"""

from mores.measure.stance.run import read_stance, stance, stance_step, stance_variants
from mores.step import callable_room

__all__ = ["read_stance", "stance", "stance_step", "stance_variants"]

callable_room(__name__)
