"""Capability integrity: is the model still able to do what it could before?"""

from mores.measure.capability.run import capability, items_step, read_items
from mores.measure.capability.sizes import Support, support, supports
from mores.measure.capability.task import Item, Task
from mores.measure.capability.tasks import TASKS, load_task, load_tasks
from mores.step import callable_room

__all__ = [
    "TASKS",
    "Item",
    "Support",
    "Task",
    "capability",
    "items_step",
    "load_task",
    "load_tasks",
    "read_items",
    "support",
    "supports",
]

callable_room(__name__)
