"""Random numbers that depend on (study seed, model, prompt id, draw) and on nothing else.

Not on the arm: the same draw of different arms shares its random numbers, so
that a difference between arms is the model's and less of chance's. Not on batch
size or order: a row gets the same numbers wherever it is decoded.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from mores.study.arms import slug


def uniforms(
    seed: int, model: str, prompt_id: str, draw: int, count: int
) -> npt.NDArray[np.float64]:
    """Return numbers in [0, 1), one for each token of a completion, shape (count,).

    Args:
        seed: the study's seed.
        model: name of the base model.
        prompt_id: id of the prompt.
        draw: 0 for the first draw.
        count: most tokens that the completion can have.
    """
    key = _number(16, seed, model, prompt_id, draw)
    return np.random.Generator(np.random.Philox(key=key)).random(count)


def seed_of(seed: int, model: str, prompt_id: str, draw: int) -> int:
    """Return a seed below 2^31 for an engine that draws by itself; arguments as `uniforms`."""
    return _number(8, seed, slug(model), prompt_id, draw) % (1 << 31)


def _number(size: int, *made_from: int | str) -> int:
    """A number of so many bytes that follows from these."""
    name = "\x1f".join(map(str, made_from))
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=size).digest(), "little")
