"""A long gradient → few numbers that keep its inner products, the same way every time.

    sketch = Sketch(4_884_480, 32_768)
    sketch(gradient)       # shape (32768,)

A count sketch (Charikar, Chen & Farach-Colton 2002; for inner products of feature vectors
Weinberger et al. 2009): each weight is given a place at random and a sign at random, and what falls
on one place is added up. The inner product of two sketches is right on average; its standard
deviation is at most sqrt(2 / dimension) times the product of the two lengths. A gradient that is
no longer than the dimension is kept whole, and products are then exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
SEED = 1_402
"""Of places and signs: fixed, since only sketches made alike can be multiplied."""


class Sketch:
    """Takes gradients of one length."""

    def __init__(self, length: int, dimension: int) -> None:
        """Draw places and signs.

        Args:
            length: numbers in a gradient.
            dimension: numbers to keep of it, at most.
        """
        self.length, self.dimension = length, min(length, dimension)
        self._place: NDArray[np.int64] | None = None
        if length > dimension:
            rng = np.random.default_rng([SEED, length, dimension])
            self._place = rng.integers(0, dimension, size=length)
            self._sign = rng.integers(0, 2, size=length, dtype=np.int8) * np.int8(2) - np.int8(1)

    def __call__(self, gradient: NDArray[Any]) -> Vector:
        """Return the sketch of one gradient, shape (length,) → (dimension,)."""
        if self._place is None:
            return gradient.astype(np.float32)
        summed = np.bincount(self._place, weights=gradient * self._sign, minlength=self.dimension)
        return summed.astype(np.float32)
