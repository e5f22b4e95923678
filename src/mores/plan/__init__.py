"""Before a run: what a study will do here, a sealed plan, what this machine can do.

mores.plan(study)                  work, time, memory, and what the design can show
seal_plan(study, now=...)          the plan in a hashed file, before sampling
examine()                          is this machine ready?
"""

from mores.plan.doctor import Check, examine
from mores.plan.seal import SealedPlan, SealStatus, seal_plan, seal_status
from mores.plan.work import ModelPlan, Plan, plan
from mores.step import callable_room

__all__ = [
    "Check",
    "ModelPlan",
    "Plan",
    "SealStatus",
    "SealedPlan",
    "examine",
    "plan",
    "seal_plan",
    "seal_status",
]

callable_room(__name__)
