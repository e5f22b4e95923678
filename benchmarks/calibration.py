"""Do the report's own functions err as rarely as they say? Simulated studies answer that.

    python benchmarks/calibration.py                    # 2,000 studies a design
    python benchmarks/calibration.py --studies 400      # and 640 where a statement hangs on a row
    python benchmarks/calibration.py --docs docs/calibration.md --readme README.md

Every simulated study goes through the functions that the report calls (`compare`, `size_summary`,
`task_results`, `judged`, `judge_summaries`, `stats`), never through copies of them: see
`calibration_studies.py`, `calibration_checks.py` and `calibration_more.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import calibration_checks as checks
import calibration_more as more
from calibration_page import Rate, Row, page_text, renewed
from calibration_studies import PER_ITEM, RATERS, SD, Design, disasters, one_study, truth
from mores.stats import rating_spread, study_power

NULL = (
    Design("palms-2021: 8 x 5 prompts, 3 draws, one run", per_category=5, draws=3),
    Design("8 x 15 prompts, one run"),
    Design("one run, runs differ (SD .15)", run_sd=0.15),
    Design("one run, runs differ (SD .30)", run_sd=0.30),
    Design("two runs (SD .15)", runs=2, run_sd=0.15),
    Design("three runs that do not differ", runs=3),
    Design("three runs (SD .15)", runs=3, run_sd=0.15),
    Design("three runs (SD .30)", runs=3, run_sd=0.30),
    Design("five runs (SD .15)", runs=5, run_sd=0.15),
    Design("five runs (SD .30)", runs=5, run_sd=0.30),
    Design("categories of 60 and 4 prompts, three runs", sizes=(60, 4), runs=3),
    Design("categories of 30 and 1 prompts, three runs", sizes=(30, 1), runs=3),
)
WRONG = (
    Design("one answer of 360 missing (SD .15)", runs=3, run_sd=0.15, one_missing=True),
    Design("one answer of 360 missing (SD .30)", runs=3, run_sd=0.30, one_missing=True),
    Design("10 % missing at random (SD .15)", runs=3, run_sd=0.15, missing=0.10),
    Design("worst 5 % of values answers cannot be rated", runs=3, worst_missing=0.05),
    Design("worst 20 % of values answers cannot be rated", worst_missing=0.20),
    Design("worst 20 % of values answers, 24 % of control's at random",
           worst_missing=0.20, control_missing=0.24),
    Design("worst 20 % of values answers, 22 % of control's at random, 3 draws, three runs",
           draws=3, runs=3, run_sd=0.15, worst_missing=0.20, control_missing=0.22),
    Design("raters differ between arms (SD .3)", rater_arm=0.3),
    Design("raters differ between arms (SD .3), three runs", runs=3, rater_arm=0.3),
    Design("half of the raters rate values 3 to 1, severity .5", uneven=3.0, severity=0.5),
    Design("raters drift (SD .5), answers in random order", drift=0.5),
    Design("raters drift (SD .5), control answers first", drift=0.5, arms_in_turn=True),
    Design("5 % of values answers fail, 40 prompts", per_category=5, failures=0.05),
)  # fmt: skip
MANY = (Design("five arms, all alike, three runs (SD .15)", runs=3, run_sd=0.15, arms=5),)
EFFECT = (
    Design("8 x 2 prompts, one run, shift .6", per_category=2, shift=0.6),
    Design("palms-2021, shift .25", per_category=5, draws=3, shift=0.25),
    Design("8 x 15, one run, shift .25", shift=0.25),
    Design("quick: 8 x 5, one run (SD .15), shift .5", per_category=5, run_sd=0.15, shift=0.5),
    Design("8 x 15, two runs (SD .15), shift .4", runs=2, run_sd=0.15, shift=0.4),
    Design("confirm: 8 x 15, 2 draws, three runs (SD .15), shift .5",
           draws=2, runs=3, run_sd=0.15, shift=0.5),
    Design("8 x 15, five runs (SD .15), shift .4", runs=5, run_sd=0.15, shift=0.4),
)  # fmt: skip


@dataclass(frozen=True)
class Job:
    """One kind of study, a row of a section of the page."""

    section: str
    name: str
    run: Callable[[int], dict[str, float]]
    share: float = 1.0
    """Part of the studies that are simulated: less than 1 for what takes long."""
    decides: bool = False
    """Whether a statement about the method hangs on it: three training runs or more."""
    predicted: float | None = None

    def studies(self, wanted: int, deciding: int) -> int:
        """How many to simulate: no fewer than ``deciding`` where a statement hangs on the row."""
        least = deciding if self.decides else 1
        return max(least, round(wanted * self.share))


def jobs() -> list[Job]:
    """Everything that is simulated, in the order of the page."""
    found = [
        Job(section, d.name, partial(one_study, d), share / 2 if d.runs > 3 else share, d.runs > 2)
        for section, designs, share in (
            ("null", NULL, 1.0),
            ("wrong", WRONG, 0.4),
            ("many", MANY, 0.3),
        )
        for d in designs
    ]
    found += [
        Job("categories", f"{raters} raters a category, {runs} run{'s' * (runs > 1)}",
            partial(more.by_category, raters, runs), 0.2, raters > 2)
        for raters, runs in ((2, 1), (3, 1), (3, 3))
    ]  # fmt: skip
    found += [Job("disasters", f"{n} prompts", partial(disasters, n)) for n in (40, 120)]
    found += [
        Job("disasters", f"ratings from 4.5 to 1, {n} prompts, {100 * share:g} %, runs: {runs}",
            partial(more.spikes, n, share, runs), decides=runs > 2)
        for n, share, runs in ((40, 0.045, 1), (120, 0.0125, 1), (120, 0.015, 3), (120, 0.02, 3))
    ]  # fmt: skip
    found += [
        Job("effect", d.name, partial(one_study, d), 0.4, predicted=predicted(d)) for d in EFFECT
    ]
    found += [
        Job("sizes", f"{n} (SD {sd:.2f})", partial(checks.sizes, n, sd), 0.2, n > 2)
        for n, sd in ((1, 0.15), (1, 0.30), (3, 0.0), (3, 0.15), (3, 0.30), (5, 0.30))
    ]
    found += [
        Job("sizes", name, partial(more.rated_sizes, raters, own, missing), 0.2, True)
        for name, raters, own, missing in (
            ("3 (SD 0.15), three raters of each size its own (SD .3)", 3, True, 0.0),
            ("3 (SD 0.15), the same three raters (SD .3 anew)", 3, False, 0.0),
            ("3 (SD 0.15), the same six raters (SD .3 anew)", 6, False, 0.0),
            ("3 (SD 0.15), six raters, worst 20 % of the largest missing", 6, False, 0.2),
        )
    ]
    found += [
        Job("capability", f"{n}, loss {loss:g} (SD {sd:g})",
            partial(checks.capability, n, sd, loss), 0.3, n > 2 and loss > 0)
        for n, sd, loss in ((1, 0.0, 0.02), (1, 0.01, 0.02), (2, 0.01, 0.02), (3, 0.0, 0.02),
                            (3, 0.01, 0.02), (5, 0.01, 0.02), (1, 0.0, 0.0), (3, 0.01, 0.0))
    ]  # fmt: skip
    found += [
        Job("gates", f"{n} (SD {sd:g})", partial(checks.gate, n, sd), decides=n > 2)
        for n, sd in ((1, 0.0), (1, 0.03), (2, 0.03), (3, 0.0), (3, 0.03), (5, 0.03))
    ]
    found += [
        Job(
            "gates",
            f"{n}, 15 % refuse in words that have no score",
            partial(more.hidden_harm, n, 0.15),
            decides=n > 2,
        )
        for n in (1, 3)
    ]
    found += [
        Job(
            "capability",
            f"{n}, loss 0.03, the lost items without a value",
            partial(more.hidden_loss, n, 0.03),
            0.3,
            n > 2,
        )
        for n in (1, 3)
    ]
    found += [
        Job("judges", f"{n} (SD {sd:.2f})", partial(checks.judges, n, sd), 0.3, n > 2)
        for n, sd in ((1, 0.0), (1, 0.15), (1, 0.30), (3, 0.0), (3, 0.15), (3, 0.30), (5, 0.30))
    ]
    found += [
        Job("agreement", f"{prompts} prompts, {answers} answers each",
            partial(checks.agreement, prompts, answers), 0.5)
        for prompts, answers in ((40, 15), (40, 6), (120, 5), (15, 5))
    ]  # fmt: skip
    return [*found, Job("shares", "share of 120", checks.shares, 5.0)]


def predicted(design: Design) -> float:
    """What `mores plan` predicts for a design, claims in this run included."""
    assumed = rating_spread(draws=design.draws, raters=PER_ITEM, seats=RATERS)
    spread = replace(assumed, run=assumed.run * design.run_sd / SD["run"])
    prompts = [design.per_category] * design.categories
    return study_power(prompts, design.runs, spread).power(truth(replace(design, name="")))


def rates(job: Job, count: int, pool: ProcessPoolExecutor | None) -> list[Rate]:
    """Run many times; average each thing over the studies in which it could be computed."""
    sums: dict[str, list[float]] = {}
    seeds = range(count)
    results = map(job.run, seeds) if pool is None else pool.map(job.run, seeds, chunksize=8)
    for result in results:
        for name, value in result.items():
            sums.setdefault(name, []).append(value)
    return [Rate(name, sum(v) / len(v), len(v)) for name, v in sums.items()]


def main() -> int:
    """Run everything, print it, and write the page of the docs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--studies", type=int, default=2000, help="studies a design")
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", default="", help="only sections whose name has this")
    parser.add_argument(
        "--deciding",
        type=int,
        default=640,
        help="studies a design at least, where a statement hangs on it",
    )
    parser.add_argument("--docs", type=Path, help="write this page")
    parser.add_argument("--readme", type=Path, help="renew the sentence about it in this file")
    parser.add_argument("--json", type=Path, help="write the figures")
    arguments = parser.parse_args()
    start, rows = time.perf_counter(), []
    chosen = [job for job in jobs() if arguments.only in job.section]
    pool = ProcessPoolExecutor(arguments.cores) if arguments.cores > 1 else None
    for done, job in enumerate(chosen, 1):
        count = job.studies(arguments.studies, arguments.deciding)
        row = Row(job.section, job.name, rates(job, count, pool), job.predicted)
        rows.append(row)
        passed = time.perf_counter() - start
        left = passed / done * (len(chosen) - done)
        print(f"{job.section}: {job.name} ({passed:.0f} s, about {left:.0f} s left)", flush=True)
        for rate in row.rates:
            print(f"  {rate.what:<50} {rate.share:6.3f} ± {rate.error:.3f}  (n {rate.n})")
        if row.predicted is not None:
            print(f"  {'predicted':<50} {row.predicted:6.3f}")
    if pool is not None:
        pool.shutdown()
    if arguments.docs:
        text = page_text(rows, arguments.studies, time.perf_counter() - start, arguments.cores)
        arguments.docs.write_text(text, "utf-8")
    if arguments.readme:
        old = arguments.readme.read_text("utf-8")
        arguments.readme.write_text(renewed(old, rows, time.strftime("%Y-%m-%d")), "utf-8")
    if arguments.json:
        plain = [
            [r.section, r.name, r.predicted, [[x.what, x.share, x.n] for x in r.rates]]
            for r in rows
        ]
        arguments.json.write_text(json.dumps(plain, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
