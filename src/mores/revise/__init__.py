"""Step 7: from what the evaluation showed to the next dataset. Validation prompts only.

result = revise(study)               where the tuned arm falls short, and what to write next
diff = compare_studies(old, new)     two versions of a dataset, and their effects
"""

from mores.revise.diff import DatasetDiff, StudyDiff, compare_studies, diff_examples
from mores.revise.gaps import Gap, Near, find_gaps
from mores.revise.run import RevisionResult, revise

__all__ = [
    "DatasetDiff",
    "Gap",
    "Near",
    "RevisionResult",
    "StudyDiff",
    "compare_studies",
    "diff_examples",
    "find_gaps",
    "revise",
]
