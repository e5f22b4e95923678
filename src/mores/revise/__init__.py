"""Step 7: from what the evaluation showed to the next dataset. Validation prompts only.

mores.revise(study)           where the tuned arm falls short, and what to write next
mores.revise.diff(old, new)   two versions of a dataset, and their effects
"""

from mores.revise.compare import DatasetDiff, StudyDiff, diff, diff_examples
from mores.revise.gaps import Gap, Near, find_gaps
from mores.revise.run import RevisionResult, revise
from mores.step import callable_room

__all__ = [
    "DatasetDiff",
    "Gap",
    "Near",
    "RevisionResult",
    "StudyDiff",
    "diff",
    "diff_examples",
    "find_gaps",
    "revise",
]

callable_room(__name__)
