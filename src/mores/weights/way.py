"""The ways in which a model can be run, and what each of them costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Way:
    """How token ids go through a model; see `mores.weights.probe` for how it is found."""

    flat: bool = False
    """All texts in one row through our attention; beginnings that texts share are read once."""
    padded: bool = False
    """Plain reading: texts of different lengths side by side, else one at a time."""
    steps: Literal["padded", "level", "alone", "whole"] = "alone"
    """Plain decoding with the architecture's own cache: prompts of any lengths side by side, of one
    length only, or one at a time; where its cache gives other numbers, a text is read again for
    each token."""
    why: str = ""
    """Why it is not run through our attention."""

    def note(self, name: str) -> str:
        """Say it in one line, with its cost; empty where the model is run as most are."""
        if self.flat:
            return ""
        reads = "padded side by side" if self.padded else "one at a time"
        writes = {
            "padded": "decodes with its own cache",
            "level": "decodes prompts of equal length together",
            "alone": "decodes one prompt at a time",
            "whole": "reads a text again for each token, which is slow",
        }[self.steps]
        return (
            f"{name} is run as transformers runs it: {self.why}. Exact, and slower: reads texts "
            f"{reads}, {writes}, shares no beginnings"
        )
