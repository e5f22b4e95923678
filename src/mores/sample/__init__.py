"""Step 4: put the prompts to every arm and keep what each answers."""

from mores.sample.run import read_completions, sample, sample_stems

__all__ = ["read_completions", "sample", "sample_stems"]
