"""Step 4: put the prompts to every arm and keep what each answers."""

from mores import callable_room
from mores.sample.run import read_completions, sample, sample_stems, sample_validation

__all__ = ["read_completions", "sample", "sample_stems", "sample_validation"]

callable_room(__name__)
