"""How fast a model goes on this machine, as `mores plan` has measured it once.

    seconds = planned_seconds(resolved.digest, study.config.recipe.method, read=9000, draw=2000)

Steps say with it how long they will take until they can tell from their own speed.
"""

from __future__ import annotations

from pathlib import Path

from mores import store
from mores.records import Record
from mores.step import versions


class Rates(Record, frozen=True, kw_only=True):
    """Measured speed of one model on this machine, in tokens a second."""

    train: float
    read: float
    draw: float
    rows: int
    """Rows decoded side by side in the measurement."""

    def seconds(self, *, train: float = 0, read: float = 0, draw: float = 0) -> float:
        """Seconds for so many tokens: of samples times epochs, read once, drawn."""
        return train / self.train + read / self.read + draw / self.draw


def rates_file(model: str, method: str) -> Path:
    """Where the rates of a model are kept: for this machine, method of tuning and libraries.

    Args:
        model: digest of its weights.
        method: ``lora`` or ``full``.
    """
    import platform

    from mores.weights.machine import usable_cores

    key = store.digest([model, platform.node(), usable_cores(), method, versions()])
    return store.cache_folder() / "probes" / f"{key.removeprefix('sha256:')[:24]}.json"


def known_rates(model: str, method: str) -> Rates | None:
    """Return the rates of a model (`rates_file`); None where they were not measured.

    Raises:
        DataError: the file is damaged.
    """
    path = rates_file(model, method)
    return store.as_record(store.read_json(path), Rates, path=path) if path.exists() else None


def planned_seconds(
    model: str, method: str, *, train: float = 0, read: float = 0, draw: float = 0
) -> float | None:
    """Return how long so many tokens take by `known_rates`; None where nothing was measured.

    Raises:
        DataError: the file of the rates is damaged.
    """
    rates = known_rates(model, method)
    return None if rates is None else rates.seconds(train=train, read=read, draw=draw)
