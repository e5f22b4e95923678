"""Step 6: tables, figures and one self-contained page from what the steps have left."""

from mores import callable_room
from mores.report.run import Written, report

__all__ = ["Written", "report"]

callable_room(__name__)
