"""200 raters at once on one rating app: response times, memory, exactly k ratings everywhere.

    python benchmarks/rating_load.py                                   # `make load`
    python benchmarks/rating_load.py --database sqlite --raters 50 --seconds 60 --json load.json

The raters come one after the other within one pace, then each answers about every 20 seconds; an
owner reloads the overview every 5 seconds and the page of raters every 10. Everything runs on this
machine: server, raters, and PostgreSQL where it is used. Ends with code 1 where an aim is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from mores.rate.opened import looking
from rating_client import Browser, Habits, Ledger, Rater
from rating_judge import Tally, judge
from rating_server import PER_ITEM, Server, free_port, links, machine, new_study, owner_link
from services import PostgresServer

P95, P99, MEGABYTES = 0.150, 0.500, 200.0
"""The aims: seconds, seconds, resident memory of the server."""
OVERVIEW_EVERY = 5.0
EXERCISES = 3
"""Practice and gold items, which every rater gets besides."""


@dataclass
class Measured:
    """What was seen on one database."""

    database: str
    seconds: dict[str, list[float]] = field(default_factory=dict)
    """``GET``, ``POST`` (raters), ``/owner``, ``/owner/raters`` → seconds of every answer."""
    failures: int = 0
    """Answers with 5xx."""
    refused: int = 0
    """Answers with 429."""
    rss: float = 0.0
    """Most resident memory of the server, MB."""
    processor: float = 0.0
    """Processor seconds of the server a second."""
    duration: float = 0.0
    tally: Tally = field(default_factory=lambda: Tally(""))

    def note(self, method: str, path: str, status: int, seconds: float) -> None:
        """Keep one answer's time."""
        name = path if path.startswith("/owner") else method
        self.seconds.setdefault(name, []).append(seconds)
        self.failures += status >= 500
        self.refused += status == 429

    def percentile(self, name: str, share: float) -> float:
        """The least time that so large a share of the answers stayed within."""
        ordered = sorted(self.seconds[name])
        return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]

    def aims(self) -> list[tuple[str, str, bool]]:
        """What was aimed at, what was measured, whether it was met."""
        rows = []
        for name in ("GET", "POST"):
            for share, most in ((0.95, P95), (0.99, P99)):
                found = self.percentile(name, share)
                wanted = f"{name} p{share * 100:.0f} under {most * 1000:.0f} ms"
                rows.append((wanted, f"{found * 1000:.0f} ms", found < most))
        lost = self.tally.counts["lost"]
        off = self.tally.above + self.tally.below
        rows.append(("no answer with 5xx", f"{self.failures}", self.failures == 0))
        rows.append(("no request without an answer", f"{lost}", lost == 0))
        rows.append(
            (f"memory under {MEGABYTES:.0f} MB", f"{self.rss:.0f} MB", self.rss < MEGABYTES)
        )
        rows.append((f"exactly {PER_ITEM} ratings everywhere", f"{off} items off", off == 0))
        rows.append(("nothing lost, doubled or broken", _state(self.tally), self.tally.good))
        return rows


def _state(tally: Tally) -> str:
    return f"{tally.lost} lost, {tally.doubled} doubled, {len(tally.broken)} broken"


async def load(
    folder: Path,
    *,
    raters: int,
    seconds: float,
    pace: float,
    postgres: PostgresServer | None = None,
    seed: int = 1,
) -> Measured:
    """Let so many raters rate a whole study, each about every `pace` seconds.

    Args:
        folder: for the study, which must not exist.
        raters: at once.
        seconds: about how long each of them rates.
        pace: mean seconds from one answer to the next.
        postgres: a server of our own; SQLite without it.
        seed: of texts, answers and moments.
    """
    measured = Measured("postgresql" if postgres else "sqlite")
    each = max(1, round(seconds / pace) - EXERCISES)
    study = new_study(folder, items=raters * each // PER_ITEM, seats=raters, seed=seed)
    url = postgres.new_database() if postgres else None
    server = Server(study.folder, free_port(), url)
    printed = await server.start()
    assert printed is not None
    ledger = Ledger()
    began = time.perf_counter()
    watching = [
        asyncio.create_task(_watch(server, measured)),
        asyncio.create_task(_own(server, owner_link(printed), measured)),
    ]
    rng = random.Random(seed)
    people = [
        _person(server, path, ledger, number, rng.randrange(1 << 30), pace, measured)
        for number, path in enumerate(links(printed), 1)
    ]
    try:
        await asyncio.gather(*people)
        measured.duration = time.perf_counter() - began
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        server.stop()
    measured.tally.counts += ledger.counts
    measured.tally.errors += server.errors()
    with looking(study, server.database) as database:
        judge(database, study, ledger.given, measured.tally)
    return measured


async def _person(
    server: Server,
    path: str,
    ledger: Ledger,
    number: int,
    seed: int,
    pace: float,
    measured: Measured,
) -> None:
    rng = random.Random(seed)
    await asyncio.sleep(rng.uniform(0.0, pace))
    browser = Browser(server.port, address=_address(number), timed=measured.note)
    await Rater(browser, path, ledger, rng, number=number, habits=Habits(pace=pace)).run()


def _address(number: int) -> str | None:
    """An address of this machine for each rater, where the system has so many (Linux)."""
    return f"127.0.{1 + number // 250}.{1 + number % 250}" if sys.platform == "linux" else None


async def _own(server: Server, path: str, measured: Measured) -> None:
    """The owner, who looks on."""
    browser = Browser(server.port, timed=measured.note)
    await browser.post(path, {})
    while True:
        for page in ("/owner", "/owner/raters", "/owner"):
            answer = await browser.get(page)
            if answer.status != 200:
                measured.tally.broken.append(f"{answer.status} at {page}")
            if page == "/owner":
                await asyncio.sleep(OVERVIEW_EVERY)


async def _watch(server: Server, measured: Measured) -> None:
    """Note the server's memory and processor time."""
    assert server.process is not None
    process = psutil.Process(server.process.pid)
    began, before = time.perf_counter(), sum(process.cpu_times()[:2])
    while True:
        measured.rss = max(measured.rss, process.memory_info().rss / 1e6)
        used = sum(process.cpu_times()[:2]) - before
        measured.processor = used / max(time.perf_counter() - began, 0.001)
        await asyncio.sleep(0.25)


# The program ---------------------------------------------------------------------------------


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="200 raters at once on one rating app.")
    parser.add_argument("--raters", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=120.0, help="that each of them rates")
    parser.add_argument("--pace", type=float, default=20.0, help="seconds from answer to answer")
    parser.add_argument("--database", choices=("both", "sqlite", "postgresql"), default="both")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the result here")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the load; return 1 where an aim is missed."""
    options = parse(arguments)
    names = ("sqlite", "postgresql") if options.database == "both" else (options.database,)
    found: list[Measured] = []
    minutes = len(names) * (options.seconds + options.pace) / 60
    print(f"about {minutes:.0f} minutes; nothing else should run meanwhile", flush=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name in names:
            postgres = None
            if name == "postgresql":
                postgres = stack.enter_context(PostgresServer.started())
            running = load(
                folder / name,
                raters=options.raters,
                seconds=options.seconds,
                pace=options.pace,
                postgres=postgres,
                seed=options.seed,
            )
            found.append(asyncio.run(running))
    print(table(found, options))
    if options.json is not None:
        rows = [_as_json(one) for one in found]
        result = {"machine": machine(), "at": time.time(), "databases": rows}
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0 if all(met for one in found for _, _, met in one.aims()) else 1


def table(found: Sequence[Measured], options: argparse.Namespace) -> str:
    """Times of every kind of request, then aims beside figures."""
    lines = [
        machine(),
        "",
        f"{options.raters} raters, one answer about every {options.pace:g} s",
        "",
    ]
    lines += ["| database | requests | number | p50 ms | p95 ms | p99 ms | most ms |"]
    lines += ["|---|---|---|---|---|---|---|"]
    for one in found:
        for name in sorted(one.seconds):
            shares = (0.5, 0.95, 0.99, 1.0)
            times = " | ".join(f"{one.percentile(name, share) * 1000:.0f}" for share in shares)
            lines.append(f"| {one.database} | {name} | {len(one.seconds[name]):,} | {times} |")
    for one in found:
        lines += ["", f"{one.database}: {_summary(one)}", ""]
        lines += [f"- {'met' if met else 'MISSED'}: {a} (found: {b})" for a, b, met in one.aims()]
        lines += [f"- {text}" for text in one.tally.broken[:20]]
        lines += [f"- log: {n} × {text}" for text, n in one.tally.errors.items()]
    return "\n".join(lines)


def _summary(one: Measured) -> str:
    rate = one.tally.acknowledged / one.duration
    return (
        f"{one.tally.acknowledged:,} answers kept in {one.duration:.0f} s ({rate:.1f} a second), "
        f"the server at {one.processor:.2f} of a core, {one.refused} times asked to wait (429)"
    )


def _as_json(one: Measured) -> dict[str, Any]:
    shares = (0.5, 0.95, 0.99, 1.0)
    return {
        "database": one.database,
        "seconds": {
            name: {f"p{share * 100:g}": one.percentile(name, share) for share in shares}
            for name in one.seconds
        },
        "aims": [{"aim": a, "found": b, "met": met} for a, b, met in one.aims()],
        "answers": one.tally.acknowledged,
        "duration": one.duration,
        "rss_mb": one.rss,
        "processor": one.processor,
    }


if __name__ == "__main__":
    sys.exit(main())
