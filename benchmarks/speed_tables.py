"""Measurements → medians, ranges, shares of the machine's rate, a Markdown table. Pure arithmetic.

    rows = summarise(repeats, method="lora", gflops=165.0)
    print(markdown(rows))

Takes for each repeat and side the measurements of its processes; a stage's row compares the sides.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from mores.records import Record
from workload import ARMS, Measurement, Side, Workload

Repeat = Mapping[Side, Mapping[str, Measurement]]
"""Side → stage name → measurement, of one repeat."""

STAGES = {
    **{f"train {arm}": f"train {arm}" for arm in ARMS},
    "sample": "sample (base and both arms)",
}
LOAD, ALL = "start and load (3 processes)", "all"
ASSUMED = {"mores": (0.55, 0.35), "trl": (0.28, 0.20)}
"""Shares of the matrix rate (training, sampling) that the estimate of time counts on."""
LOAD_SECONDS = {"mores": 10.0, "trl": 8.0}
TOLERANCE = {"float32": 0.01, "bfloat16": 0.05}
"""Largest difference of held-out loss in nats that rounding can explain."""


class Spread(Record, frozen=True, kw_only=True):
    """Median and range over repeats."""

    median: float
    low: float
    high: float


class Sided(Record, frozen=True, kw_only=True):
    """One side's figures in one stage."""

    seconds: Spread
    tokens_per_second: Spread | None
    """None for stages that pass no tokens."""
    share: float | None
    """Share of the measured matrix rate, at the median."""
    peak_gb: float
    """Largest memory of any repeat's process: resident, or on the GPU where there is one."""


class StageRow(Record, frozen=True, kw_only=True):
    """One line of the table."""

    stage: str
    mores: Sided
    trl: Sided
    times_faster: Spread
    """Ratio within each repeat: of tokens a second where tokens are counted, else of seconds."""


def spread(values: Sequence[float]) -> Spread:
    """Return median, least and greatest of at least one value."""
    return Spread(median=statistics.median(values), low=min(values), high=max(values))


def memory_gb(measurement: Measurement) -> float:
    """Memory that the work is short of: the GPU's where it ran there, else the process's."""
    on_gpu = measurement.gpu_peak_gb
    return measurement.peak_gb if on_gpu is None else on_gpu


def flop_per_weight(stage: str, method: Literal["full", "lora"]) -> int:
    """Floating-point operations for each weight and token.

    Forward 2, backward towards activations 2, backward towards weights 2. LoRA leaves out the last
    (its own weights are too few to count); drawing a token is a forward pass.
    """
    if stage == "sample":
        return 2
    return 4 if method == "lora" else 6


def share_of_rate(
    tokens_per_second: float, parameters: int, per_weight: int, gflops: float
) -> float:
    """Share of the machine's matrix rate that the work needs at least.

    Args:
        tokens_per_second: measured.
        parameters: weights that take part in matrix products.
        per_weight: operations a weight and token, see `flop_per_weight`.
        gflops: measured matrix rate in GFLOP/s.
    """
    return tokens_per_second * parameters * per_weight / (gflops * 1e9)


def summarise(
    repeats: Sequence[Repeat], *, method: Literal["full", "lora"], gflops: float
) -> list[StageRow]:
    """Compare the sides stage by stage, then in all.

    Args:
        repeats: measurements, all stages of both sides in each.
        method: decides the operations a token.
        gflops: the machine's matrix rate in GFLOP/s.
    """
    rows = [_seconds_row(LOAD, repeats, loading=True)]
    rows += [_token_row(stage, title, repeats, method, gflops) for stage, title in STAGES.items()]
    return [*rows, _seconds_row(ALL, repeats, loading=False)]


def _token_row(
    stage: str,
    title: str,
    repeats: Sequence[Repeat],
    method: Literal["full", "lora"],
    gflops: float,
) -> StageRow:
    rates: dict[Side, list[float]] = {
        side: [r[side][stage].tokens / r[side][stage].stage_seconds for r in repeats]
        for side in ("mores", "trl")
    }

    def sided(side: Side) -> Sided:
        found = [r[side][stage] for r in repeats]
        rate = spread(rates[side])
        return Sided(
            seconds=spread([m.stage_seconds for m in found]),
            tokens_per_second=rate,
            share=share_of_rate(
                rate.median, found[0].parameters, flop_per_weight(stage, method), gflops
            ),
            peak_gb=max(memory_gb(m) for m in found),
        )

    ratios = [a / b for a, b in zip(rates["mores"], rates["trl"], strict=True)]
    return StageRow(
        stage=title, mores=sided("mores"), trl=sided("trl"), times_faster=spread(ratios)
    )


def _seconds_row(title: str, repeats: Sequence[Repeat], *, loading: bool) -> StageRow:
    def seconds(side: Side) -> list[float]:
        return [
            sum(m.wall_seconds - (m.stage_seconds if loading else 0.0) for m in r[side].values())
            for r in repeats
        ]

    def sided(side: Side) -> Sided:
        return Sided(
            seconds=spread(seconds(side)),
            tokens_per_second=None,
            share=None,
            peak_gb=max(memory_gb(m) for r in repeats for m in r[side].values()),
        )

    ratios = [b / a for a, b in zip(seconds("mores"), seconds("trl"), strict=True)]
    return StageRow(
        stage=title, mores=sided("mores"), trl=sided("trl"), times_faster=spread(ratios)
    )


def markdown(rows: Sequence[StageRow]) -> str:
    """Return the table: seconds, tokens a second, share of the matrix rate, memory."""
    names = ("s", "tok/s", "share", "GB")
    titles = ["stage", *(f"{side} {name}" for name in names for side in ("mores", "TRL"))]
    titles.insert(5, "times faster")
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for row in rows:
        memory = (
            ["", ""] if row.stage == LOAD else [f"{s.peak_gb:.1f}" for s in (row.mores, row.trl)]
        )
        cells = [
            row.stage,
            shown(row.mores.seconds, 1),
            shown(row.trl.seconds, 1),
            shown(row.mores.tokens_per_second, 0),
            shown(row.trl.tokens_per_second, 0),
            shown(row.times_faster, 2),
            *("" if s.share is None else f"{s.share:.0%}" for s in (row.mores, row.trl)),
            *memory,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def shown(value: Spread | None, digits: int) -> str:
    """Return median and range, or the median alone where there is no range; empty for None."""
    if value is None:
        return ""
    low, middle, high = (f"{v:.{digits}f}" for v in (value.low, value.median, value.high))
    return middle if low == high else f"{middle} ({low}-{high})"


def losses_agree(
    mores: Sequence[float], trl: Sequence[float], tolerance: float
) -> tuple[bool, str]:
    """Say whether both sides' held-out losses agree, seed by seed.

    Both start from the same adapter and see the same batches, so only rounding can part them.

    Args:
        mores: losses in nats, one for each arm and repeat.
        trl: the same for the peer, in the same order.
        tolerance: largest difference that counts as equal.

    Returns:
        Whether they agree, and a sentence with the figures.
    """
    gap = max(abs(a - b) for a, b in zip(mores, trl, strict=True))
    facts = (
        f"held-out loss mores {statistics.median(mores):.4f}, TRL {statistics.median(trl):.4f} "
        f"nats a token (medians); largest difference at equal arm and seed {gap:.4f}"
    )
    if gap <= tolerance:
        return True, f"{facts}: equal within {tolerance:g}."
    return False, (
        f"**HELD-OUT LOSSES DIFFER: THE SPEED DOES NOT COUNT.** {facts}, allowed {tolerance:g}."
    )


def unrest(rows: Sequence[StageRow], rates: Sequence[float]) -> str | None:
    """Say so where the machine was too busy for the figures to mean much; None where it was not.

    Args:
        rows: the table.
        rates: matrix rates measured before, between and after the repeats.
    """
    highest = max(s.share or 0.0 for row in rows for s in (row.mores, row.trl))
    if max(rates) <= 1.2 * min(rates) and highest <= 1.0:
        return None
    return (
        "**THE MACHINE WAS NOT QUIET: these figures are indicative only.** Its matrix rate ranged "
        f"from {min(rates):.0f} to {max(rates):.0f} GFLOP/s; the highest share is {highest:.0%}."
    )


def aims(rows: Sequence[StageRow], processor: str = "") -> list[str]:
    """Compare the rows with what the project aims for; one sentence for each aim.

    Args:
        rows: of one run.
        processor: its name; on an AMD EPYC, whose matrix rate the peer comes nearer to, twice as
            fast in all is aimed for, elsewhere three times.
    """
    times = 2 if "EPYC" in processor else 3
    training = min(r.mores.share or 0.0 for r in rows if r.stage.startswith("train"))
    sampling = min(r.mores.share or 0.0 for r in rows if r.stage.startswith("sample"))
    slowest = min(rows, key=lambda r: r.times_faster.median)
    whole = rows[-1]
    memory = whole.mores.peak_gb / whole.trl.peak_gb
    faster = whole.times_faster.median
    return [
        _aim(f"training at {training:.0%} of the matrix rate", "55%", training >= 0.55),
        _aim(f"sampling at {sampling:.0%} of the matrix rate", "40%", sampling >= 0.4),
        _aim(f"{faster:.2f} times faster in all", str(times), faster >= times),
        _aim(
            f"slowest stage against TRL: {slowest.stage}, {slowest.times_faster.median:.2f} times",
            "1",
            slowest.times_faster.median >= 1.0,
        ),
        _aim(f"{memory:.0%} of TRL's peak memory", "at most 40%", memory <= 0.4),
    ]


def _aim(found: str, wanted: str, met: bool) -> str:
    return f"- {'met' if met else 'MISSED'}: {found} (aim: {wanted})"


def quick_samples(seconds: Callable[[int], float], limit: float = 630.0) -> int:
    """Return the largest of a few sample counts whose estimate stays within the limit.

    Args:
        seconds: estimate for a number of samples.
        limit: seconds; the least count is returned where none fits.
    """
    return next((n for n in (24, 16, 12, 8) if seconds(n) <= limit), 4)


def estimate_seconds(
    workload: Workload,
    *,
    repeats: int,
    parameters: int,
    gflops: float,
    tokens_a_sample: float,
) -> float:
    """Estimate the whole run's time from the matrix rate and assumed shares of it."""
    flop = parameters / (gflops * 1e9)
    trained = workload.samples * tokens_a_sample * workload.epochs * len(ARMS)
    drawn = workload.prompts * workload.max_new_tokens * (1 + len(ARMS))
    seconds = 0.0
    for side, (training, sampling) in ASSUMED.items():
        seconds += trained * flop_per_weight("train", workload.method) * flop / training
        seconds += drawn * flop_per_weight("sample", workload.method) * flop / sampling
        seconds += 3 * LOAD_SECONDS[side]
    # Held-out loss: both sides' values arms in every repeat, the control arms and the base once.
    judged = workload.held_out * tokens_a_sample * 2 * flop / 0.4
    return repeats * (seconds + 2 * judged + LOAD_SECONDS["trl"]) + 3 * judged
