"""Step 7: from what the evaluation showed to the next dataset. Validation prompts only.

mores.revise(study)           where the tuned arm falls short, and what to write next
mores.revise.diff(old, new)   two versions of a dataset, and their effects
"""

from mores.revise.compare import StudyDiff, diff
from mores.revise.run import RevisionResult, revise
from mores.step import callable_room

__all__ = ["RevisionResult", "StudyDiff", "diff", "revise"]

callable_room(__name__)
