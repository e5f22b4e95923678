"""The rating app killed again and again under load: nothing acknowledged may be lost or doubled.

    python benchmarks/rating_soak.py                                   # `make soak`
    python benchmarks/rating_soak.py --kills 40 --ratings 4000 --database sqlite --json soak.json

Starts `mores rate serve` on studies of its own and lets simulated raters fill them, while kill -9
hits the app (on SQLite) or, in turn by lot, the app and PostgreSQL's postmaster. At every study's
end the raters' own ledger is compared with the database. Ends with code 1 where anything is lost,
doubled, above k, below k, or where a rater met an answer that should not be.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psutil

from mores.rate.opened import looking
from mores.study import Study
from rating_client import Browser, Ledger, Rater
from rating_judge import Tally, judge
from rating_server import PER_ITEM, Server, free_port, links, machine, new_study
from services import PostgresServer

RATERS = 16
FULL = 1500
"""Outputs of one study."""
CUT_SHORT = 0.1
"""Share of kills after which the app is killed once more while it starts."""
SET_UP = 0.5
"""Share of studies whose first start is cut short."""


# Killing -------------------------------------------------------------------------------------


class Killer:
    """Kills at moments drawn by lot, so that kills and ratings come to their ends together."""

    def __init__(
        self,
        tally: Tally,
        kills: int,
        ratings: int,
        rng: random.Random,
        postgres: PostgresServer | None,
    ) -> None:
        self.tally = tally
        self.kills = kills
        self.ratings = ratings
        self.rng = rng
        self.postgres = postgres

    async def run(self, server: Server, ledger: Ledger, over: asyncio.Event) -> None:
        """Kill until `over`; what was killed last is started again first."""
        while True:
            await self._wait(server, ledger, over)
            if over.is_set():
                return
            await self._strike(server)

    async def _wait(self, server: Server, ledger: Ledger, over: asyncio.Event) -> None:
        """Wait for some acknowledgements, then for a moment within an answer."""
        left = self.ratings - self.tally.acknowledged - len(ledger.given)
        mean = max(left, 20) / max(self.kills - self.tally.killed, 1)
        target = len(ledger.given) + self.rng.uniform(0.0, 2.0 * mean)
        while not over.is_set() and (len(ledger.given) < target or not self.more):
            if not server.alive:
                raise RuntimeError(f"the server ended by itself:\n{server.tail()}")
            await asyncio.sleep(0.01)
        await asyncio.sleep(self.rng.uniform(0.0, 0.1))

    @property
    def more(self) -> bool:
        """Whether there is anything left to kill."""
        return self.tally.killed < self.kills

    async def begin(self, server: Server, raters: int) -> list[str]:
        """Start on a new study, now and then killed while it sets up; return the raters' links."""
        if self.more and self.rng.random() < SET_UP:
            await server.start(at_most=self.rng.uniform(0.2, 1.2))
            server.kill()
            self.tally.kills["app while setting up"] += 1
        printed = await server.start(invite=raters)  # those of a start cut short are lost
        assert printed is not None
        return links(printed)[-raters:]

    async def _strike(self, server: Server) -> None:
        if self.postgres is not None and self.rng.random() < 0.5:
            await asyncio.to_thread(self._strike_postgres, self.postgres)
            return
        server.kill()
        self.tally.kills["app"] += 1
        if self.more and self.rng.random() < CUT_SHORT:
            await server.start(at_most=self.rng.uniform(0.05, 1.0))
            server.kill()
            self.tally.kills["app while starting"] += 1
        await server.start()

    def _strike_postgres(self, postgres: PostgresServer) -> None:
        """Kill the postmaster; half of the time every process of it at the same moment."""
        children = []
        name = "postmaster"
        if self.rng.random() < 0.5 and postgres.process is not None:
            name = "postmaster and backends"
            children = psutil.Process(postgres.process.pid).children(recursive=True)
        if postgres.process is not None:
            postgres.process.kill()
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        self.tally.kills[name] += 1
        postgres.kill()
        postgres.start()


# One database --------------------------------------------------------------------------------


async def soak(
    folder: Path,
    *,
    kills: int,
    ratings: int,
    seed: int = 1,
    postgres: PostgresServer | None = None,
    raters: int = RATERS,
    full: int = FULL,
    say: Any = None,
) -> Tally:
    """Fill study after study under kill -9 until there were so many kills and ratings.

    Args:
        folder: for the studies; each is removed once it was found in order.
        kills: to be made.
        ratings: to be acknowledged.
        seed: of the raters' answers and of the moments to kill.
        postgres: a server of our own, killed as well; SQLite without it.
        raters: at the same time.
        full: outputs of one study.
        say: a function that is told the tally every few seconds.

    Raises:
        RuntimeError: the server ended by itself, or does not start.
    """
    tally = Tally("postgresql" if postgres else "sqlite")
    rng = random.Random(seed)
    killer = Killer(tally, kills, ratings, rng, postgres)
    began = time.perf_counter()
    while tally.acknowledged < ratings or tally.killed < kills:
        tally.studies += 1
        left = max(ratings - tally.acknowledged, 30 * (kills - tally.killed), 30)
        size = min(full, -(-left // PER_ITEM))
        place = folder / f"{tally.database}-{tally.studies}"
        study = new_study(place, items=size, seats=raters, seed=rng.randrange(1 << 30))
        url = postgres.new_database() if postgres else None
        await _fill(study, Server(study.folder, free_port(), url), killer, raters, say)
        tally.seconds = time.perf_counter() - began
        if not tally.good:
            break
        shutil.rmtree(place)
        if postgres and url:
            postgres.drop_database(url)
    return tally


async def _fill(study: Study, server: Server, killer: Killer, raters: int, say: Any) -> None:
    """One study from its first start to its judgement."""
    tally = killer.tally
    paths = await killer.begin(server, raters)
    with (study.folder / "acknowledged.jsonl").open("w", encoding="utf-8") as file:
        ledger = Ledger(file)
        people = [
            Rater(
                Browser(server.port),
                link,
                ledger,
                random.Random(killer.rng.randrange(1 << 30)),
                number=number,
            )
            for number, link in enumerate(paths, 1)
        ]
        try:
            await _together(people, killer, server, ledger, say)
        except (RuntimeError, OSError) as error:
            tally.broken.append(str(error))
        finally:
            server.kill()
    tally.counts += ledger.counts
    tally.broken += ledger.faults
    tally.starts += server.starts
    tally.errors += server.errors()
    with looking(study, server.database) as database:
        judge(database, study, ledger.given, tally)


async def _together(
    people: Sequence[Rater], killer: Killer, server: Server, ledger: Ledger, say: Any
) -> None:
    """Raters at work, a killer beside them; ends when all raters are done."""

    async def work(one: Rater) -> None:
        try:
            await one.run()
        except Exception as error:  # noqa: BLE001 - whatever it is, the run has failed
            ledger.faults.append(f"{type(error).__name__}: {error}")

    async def everybody() -> None:
        await asyncio.gather(*(work(one) for one in people))

    over = asyncio.Event()
    killing = asyncio.create_task(killer.run(server, ledger, over))
    telling = asyncio.create_task(_tell(killer, ledger, say))
    working = asyncio.create_task(everybody())
    try:
        await asyncio.wait({killing, working}, return_when=asyncio.FIRST_COMPLETED)
        over.set()  # nothing may be half started when the database is looked at
        await killing
    finally:
        telling.cancel()
        working.cancel()
        await asyncio.gather(telling, working, return_exceptions=True)


async def _tell(killer: Killer, ledger: Ledger, say: Any) -> None:
    while say is not None:
        await asyncio.sleep(10)
        say(killer.tally, len(ledger.given))


# The program ---------------------------------------------------------------------------------


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Kill the rating app again and again under load.")
    parser.add_argument("--kills", type=int, default=1_000, help="over all databases")
    parser.add_argument("--ratings", type=int, default=100_000, help="acknowledged, over all")
    parser.add_argument("--database", choices=("both", "sqlite", "postgresql"), default="both")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--raters", type=int, default=RATERS, help="at the same time")
    parser.add_argument("--json", type=Path, help="write the result here")
    parser.add_argument("--folder", type=Path, help="for the studies; a temporary one by default")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the soak; return 1 where anything was lost or doubled."""
    options = parse(arguments)
    names = ("sqlite", "postgresql") if options.database == "both" else (options.database,)
    tallies: list[Tally] = []
    began = time.perf_counter()
    with ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for number, name in enumerate(names):
            postgres = None
            if name == "postgresql":
                postgres = stack.enter_context(PostgresServer.started())
            share = _part(options.kills, len(names), number)
            wanted = _part(options.ratings, len(names), number)

            def say(tally: Tally, now: int, *, done: int = number, of: int = wanted) -> None:
                share_done = (done + (tally.acknowledged + now) / of) / len(names)
                _progress(tally, now, share_done, time.perf_counter() - began)

            tally = asyncio.run(
                soak(
                    folder,
                    kills=share,
                    ratings=wanted,
                    seed=options.seed + number,
                    postgres=postgres,
                    raters=options.raters,
                    say=say,
                )
            )
            tallies.append(tally)
            _write(options.json, tallies, options)
            if not tally.good:
                break
    print(table(tallies))
    return 0 if all(tally.good for tally in tallies) else 1


def _part(whole: int, parts: int, number: int) -> int:
    return whole // parts + (number < whole % parts)


def _progress(tally: Tally, now: int, share: float, seconds: float) -> None:
    left = seconds / share - seconds if share > 0 else 0.0
    state = "" if tally.good else ", NOT IN ORDER"
    print(
        f"{tally.database}: {tally.killed:,} kills, {tally.acknowledged + now:,} acknowledged, "
        f"study {tally.studies}{state}; about {left / 60:.0f} min left",
        flush=True,
    )


def table(tallies: Sequence[Tally]) -> str:
    """The result as a table in Markdown, and what was not in order."""
    names = ["", *(tally.database for tally in tallies)]
    rows = [
        ("kill -9", [f"{t.killed:,}" for t in tallies]),
        ("of these", ["; ".join(f"{n} {name}" for name, n in t.kills.items()) for t in tallies]),
        ("ratings acknowledged", [f"{t.acknowledged:,}" for t in tallies]),
        ("studies filled", [f"{t.studies:,}" for t in tallies]),
        ("requests cut off, sent again", [f"{t.counts['lost']:,}" for t in tallies]),
        ("forms sent twice on purpose", [f"{t.counts['twice']:,}" for t in tallies]),
        ("refused for the moment", [_refused(t) for t in tallies]),
        ("**lost**", [f"**{t.lost}**" for t in tallies]),
        ("**doubled**", [f"**{t.doubled}**" for t in tallies]),
        ("kept otherwise than sent", [str(t.differ) for t in tallies]),
        ("kept, never acknowledged", [str(t.unknown) for t in tallies]),
        ("items above k", [str(t.above) for t in tallies]),
        ("items below k", [str(t.below) for t in tallies]),
        ("rules broken", [str(len(t.broken)) for t in tallies]),
        ("errors in the server's log", [f"{sum(t.errors.values()):,}" for t in tallies]),
        ("start, median s (most)", [_starts(t.starts) for t in tallies]),
        ("minutes", [f"{t.seconds / 60:.1f}" for t in tallies]),
    ]
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    lines += [f"| {name} | {' | '.join(cells)} |" for name, cells in rows]
    wrong = [f"{t.database}: {text}" for t in tallies for text in t.broken[:20]]
    wrong += [f"{t.database}, log: {n} × {text}" for t in tallies for text, n in t.errors.items()]
    return "\n".join([machine(), "", *lines, *(["", *wrong] if wrong else [])])


def _refused(tally: Tally) -> str:
    found = {k.removeprefix("status "): n for k, n in tally.counts.items() if "status" in k}
    return ", ".join(f"{n:,} × {code}" for code, n in sorted(found.items())) or "none"


def _starts(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds):.2f} ({max(seconds):.2f})" if seconds else "none"


def _write(path: Path | None, tallies: Sequence[Tally], options: argparse.Namespace) -> None:
    if path is None:
        return
    asked = {name: str(value) for name, value in vars(options).items() if value is not None}
    rows = [{**vars(tally), "good": tally.good} for tally in tallies]
    result = {"machine": machine(), "asked": asked, "at": time.time(), "databases": rows}
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
