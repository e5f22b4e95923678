"""What the sampling engines took → a table, whether they agree, who is ahead. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine_ask import Told
from mores.records import Record
from speed_tables import Spread, shown, spread

OURS = "mores"
NAMES = {
    "mores": "mores",
    "generate": "transformers' generate",
    "vllm": "vLLM",
    "llama": "llama.cpp",
}
MOST_FIRST = 0.9
"""Share of first tokens that must be ours, or an engine does not do the same work."""


class Run(Record, frozen=True, kw_only=True):
    """One engine's process in one repeat."""

    started: float
    """When it was started, in seconds of the epoch; as `Told.loaded` and `Told.done`."""
    loaded: float
    done: tuple[float, ...]
    tokens: int
    peak_gb: float
    """Largest resident memory of the process and its children."""
    gpu_peak_gb: float | None
    """Most memory in use on the GPU beyond what was in use before; None without one."""

    @property
    def loading(self) -> float:
        """Seconds from its start to the model in memory."""
        return self.loaded - self.started

    @property
    def drawing(self) -> float:
        """Seconds of drawing, the first time."""
        return self.done[0] - self.loaded

    @property
    def whole(self) -> float:
        """Seconds from its start to all answers."""
        return self.done[0] - self.started

    @property
    def warm(self) -> float:
        """Seconds of drawing the last time; the first where it drew once."""
        return self.done[-1] - (self.done[-2] if len(self.done) > 1 else self.loaded)


def run_of(told: Told, started: float, peak_gb: float, gpu_peak_gb: float | None) -> Run:
    """Put together what a process told and what was seen from outside."""
    return Run(
        started=started,
        loaded=told["loaded"],
        done=tuple(told["done"]),
        tokens=sum(len(ids) for ids in told["answers"].values()),
        peak_gb=peak_gb,
        gpu_peak_gb=gpu_peak_gb,
    )


class Agreement(Record, frozen=True, kw_only=True):
    """How an engine's answers compare with ours."""

    first: float
    """Share of answers with the same first token."""
    whole: float
    """Share of answers that are the same to the last token."""


def agreement(ours: Mapping[str, Sequence[int]], theirs: Mapping[str, Sequence[int]]) -> Agreement:
    """Compare answers one by one.

    Raises:
        ValueError: they answer different rows, or not all with the same number of tokens.
    """
    if ours.keys() != theirs.keys() or any(len(ours[k]) != len(theirs[k]) for k in ours):
        raise ValueError("the engines did not draw the same number of tokens for the same rows")
    first = sum(ours[k][0] == theirs[k][0] for k in ours)
    whole = sum(list(ours[k]) == list(theirs[k]) for k in ours)
    return Agreement(first=first / len(ours), whole=whole / len(ours))


def rates(runs: Sequence[Run]) -> Spread:
    """Tokens a second, start included."""
    return spread([run.tokens / run.whole for run in runs])


def times_faster(ours: Sequence[Run], theirs: Sequence[Run]) -> Spread:
    """Ratio of tokens a second, start included, within each repeat."""
    return spread(
        [(a.tokens / a.whole) / (b.tokens / b.whole) for a, b in zip(ours, theirs, strict=True)]
    )


def table(runs: Mapping[str, Sequence[Run]], agreed: Mapping[str, Agreement]) -> str:
    """Return a line for each engine."""
    titles = (
        "engine",
        "start and load s",
        "draw s",
        "in all s",
        "tok/s",
        "tok/s with start",
        "mores times faster",
        "GB",
        "same first token",
        "same answer",
    )
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for name, own in runs.items():
        beside = name != OURS
        cells = [
            NAMES[name],
            shown(spread([run.loading for run in own]), 1),
            shown(spread([run.drawing for run in own]), 1),
            shown(spread([run.whole for run in own]), 1),
            shown(spread([run.tokens / run.drawing for run in own]), 0),
            shown(rates(own), 0),
            shown(times_faster(runs[OURS], own), 2) if beside else "",
            f"{max(run.peak_gb for run in own):.1f}",
            f"{agreed[name].first:.0%}" if beside else "",
            f"{agreed[name].whole:.0%}" if beside else "",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def verdicts(runs: Mapping[str, Sequence[Run]], agreed: Mapping[str, Agreement]) -> list[str]:
    """Say of each other engine whether mores is ahead; of one that answers otherwise, only that."""
    lines = []
    for name, own in runs.items():
        if name == OURS:
            continue
        if agreed[name].first < MOST_FIRST:
            lines.append(
                f"- **{NAMES[name]} ANSWERS OTHERWISE: THE COMPARISON DOES NOT COUNT.** "
                f"{agreed[name].first:.0%} of its first tokens are those of mores, wanted "
                f"{MOST_FIRST:.0%}."
            )
            continue
        found = times_faster(runs[OURS], own)
        met = "met" if found.median > 1.0 else "MISSED"
        lines.append(
            f"- {met}: {shown(found, 2)} times the tokens a second of {NAMES[name]}, start "
            "included (aim: more than 1)"
        )
    return lines
