"""Gates against harm: what a tune must not have made worse, with margins fixed beforehand."""

from mores.measure.gates.result import GateResult, Gates
from mores.measure.gates.run import measure_gates, outdated_gates, read_gates

__all__ = ["GateResult", "Gates", "measure_gates", "outdated_gates", "read_gates"]
