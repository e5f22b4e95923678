"""Gates against harm: what a tune must not have made worse, with margins fixed beforehand."""

from mores.measure.gates.result import GateResult, Gates
from mores.measure.gates.run import gates, outdated_gates, read_gates
from mores.step import callable_room

__all__ = ["GateResult", "Gates", "gates", "outdated_gates", "read_gates"]

callable_room(__name__)
