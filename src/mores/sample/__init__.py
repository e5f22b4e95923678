"""Step 4: put the prompts to every arm and keep what each answers."""

from mores.sample.log import sample_log
from mores.sample.run import (
    read_completions,
    sample,
    sample_rejected,
    sample_stems,
    sample_validation,
)
from mores.sample.varied import sample_variants
from mores.step import callable_room

__all__ = [
    "read_completions",
    "sample",
    "sample_log",
    "sample_rejected",
    "sample_stems",
    "sample_validation",
    "sample_variants",
]

callable_room(__name__)
