"""Step 5a: automatic measures of what a model writes, one room each.

mores.measure.toxicity(study)
mores.measure.cooccurrence(study)
mores.measure.capability(study)
mores.measure.gates(study)
mores.measure.stance(study)
mores.measure.coherence(study)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mores.measure.capability import capability
    from mores.measure.coherence import coherence
    from mores.measure.cooccurrence import cooccurrence
    from mores.measure.gates import gates
    from mores.measure.stance import stance
    from mores.measure.toxicity import toxicity

__all__ = ["capability", "coherence", "cooccurrence", "gates", "stance", "toxicity"]


def __getattr__(name: str) -> Any:
    """Load a measure when it is first used."""
    from importlib import import_module

    if name not in __all__:
        raise AttributeError(f"module 'mores.measure' has no attribute {name!r}")
    return import_module(f"mores.measure.{name}")
