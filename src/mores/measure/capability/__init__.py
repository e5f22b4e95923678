"""Capability integrity: is the model still able to do what it could before?"""

from mores.measure.capability.run import measure_capability, read_items
from mores.measure.capability.sizes import Support, support, supports
from mores.measure.capability.task import Item, Task
from mores.measure.capability.tasks import TASKS, load_task, load_tasks

__all__ = [
    "TASKS",
    "Item",
    "Support",
    "Task",
    "load_task",
    "load_tasks",
    "measure_capability",
    "read_items",
    "support",
    "supports",
]
