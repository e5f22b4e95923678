"""Step 6: tables, figures and one self-contained page from what the steps have left."""

from mores.report.run import Written, report
from mores.step import callable_room

__all__ = ["Written", "report"]

callable_room(__name__)
