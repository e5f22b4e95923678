"""Step 4: put the prompts to every arm and keep what each answers."""

from mores.sample.run import read_completions, sample, sample_stems, sample_validation

__all__ = ["read_completions", "sample", "sample_stems", "sample_validation"]
