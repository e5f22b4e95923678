"""Capability integrity: is the model still able to do what it could before?"""

from mores.measure.capability.run import capability
from mores.measure.capability.sizes import supports
from mores.measure.capability.task import Task
from mores.measure.capability.tasks import load_tasks
from mores.step import callable_room

__all__ = ["Task", "capability", "load_tasks", "supports"]

callable_room(__name__)
