"""Step 3: tune the base model on the values set and on the control set."""

from mores.step import callable_room
from mores.tune.run import TunedArm, tune, tune_arm

__all__ = ["TunedArm", "tune", "tune_arm"]

callable_room(__name__)
