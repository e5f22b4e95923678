"""Participants of a consultation at once, on a desk that may be killed again and again.

    python benchmarks/desk_load.py                       # 200 people, a vote about every 10 s each
    python benchmarks/desk_load.py --people 50 --kills 10 --pace 2
    python benchmarks/desk_load.py --database postgresql

Every person comes by one open link, agrees, and votes on all statements. A vote that was answered
must be in the database once; one whose answer was lost is sent again with its key, as a person
would send the form again. Ends with code 1 where a vote is lost or doubled, or an aim is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from mores.desk import people
from mores.desk.tables import DESK
from mores.desk.votes import answers_of
from mores.study import load_study
from mores.web.database import open_database
from mores.web.schema import upgrade

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "desk"))
from visitors import write_study

from services import PostgresServer

P95 = 0.150
"""The aim: seconds of a POST."""
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


@dataclass
class Seen:
    """What the participants met."""

    posts: list[float] = field(default_factory=list)
    votes: dict[tuple[str, str], str] = field(default_factory=dict)
    """Session and statement → choice that the server called saved."""
    failures: int = 0
    refused: int = 0
    busy: int = 0
    """Pages that said that the database was busy and nothing saved."""
    repeated: int = 0
    """Forms that were sent again because no answer came."""


def consultation(statements: int) -> str:
    """A consult.toml of so many statements."""
    parts = ['title = "How should it answer?"\n']
    parts += [
        f'[[statements]]\nid = "s-{n}"\ntext = "It should do {n}."\nabout = "care"\n'
        for n in range(statements)
    ]
    return "\n".join(parts)


class Server:
    """`mores desk` as a process of its own."""

    def __init__(self, folder: Path, database: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.folder, self.database = folder, database
        self.home = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-m", "mores", "desk", str(self.folder)]
        command += ["--port", str(self.port), "--database", self.database]
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(command, stdout=quiet, stderr=quiet)
        for _ in range(600):
            try:
                if httpx.get(f"{self.home}/healthz").status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.05)
        raise RuntimeError("the desk did not start")

    def stop(self, how: int = signal.SIGINT) -> None:
        """End it."""
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(timeout=60)


async def person(home: str, link: str, number: int, pace: float, seen: Seen) -> None:
    """Come in, agree, vote on everything."""
    draw = random.Random(number)
    headers = {"sec-fetch-site": "same-origin"}
    async with httpx.AsyncClient(base_url=home, headers=headers, timeout=30) as web:

        async def ask(method: str, path: str, form: dict[str, str] | None = None) -> httpx.Response:
            while True:
                start = time.perf_counter()
                try:
                    answer = await web.request(method, path, data=form)
                except httpx.HTTPError:  # the server was killed: send it again
                    seen.repeated += method == "POST"
                    await asyncio.sleep(0.3)
                    continue
                if method == "POST":
                    seen.posts.append(time.perf_counter() - start)
                if answer.status_code in (429, 503):  # too fast; or "nothing was saved, try again"
                    seen.refused += answer.status_code == 429
                    seen.busy += answer.status_code == 503
                    await asyncio.sleep(1.0)
                    continue
                seen.failures += answer.status_code >= 500
                return answer

        await asyncio.sleep(draw.uniform(0, pace))
        await ask("POST", f"/l/{link}", {"come": "in"})
        page = await ask("GET", "/begin")
        await ask("POST", "/begin", dict(HIDDEN.findall(page.text)) | {"decision": "agree"})
        while True:
            await asyncio.sleep(draw.expovariate(1.0 / pace))
            page = await ask("GET", "/vote")
            if page.status_code != 200:
                return
            form = dict(HIDDEN.findall(page.text))
            choice = draw.choice(("agree", "disagree", "pass"))
            answer = await ask(
                "POST", "/vote", {**form, "choice": choice, "why": f"Because {number}."}
            )
            if answer.status_code == 303:
                seen.votes[str(number), form["statement"]] = choice


async def killer(server: Server, kills: int, every: float) -> None:
    """Kill the server so many times, and start it again each time."""
    for _ in range(kills):
        await asyncio.sleep(every)
        await asyncio.to_thread(server.stop, signal.SIGKILL)
        await asyncio.to_thread(server.start)


async def load(
    server: Server, link: str, *, count: int, pace: float, kills: int
) -> tuple[Seen, float, float]:
    """Let everybody vote; return what was seen, the seconds, the most memory in MB."""
    seen, start, most = Seen(), time.perf_counter(), 0.0
    work = [person(server.home, link, n, pace, seen) for n in range(count)]
    tasks = [asyncio.create_task(one) for one in work]
    if kills:
        await killer(server, kills, 3.0)
    while not all(task.done() for task in tasks):
        assert server.process is not None
        most = max(most, psutil.Process(server.process.pid).memory_info().rss / 1e6)
        await asyncio.sleep(0.5)
    await asyncio.gather(*tasks)
    return seen, time.perf_counter() - start, most


def judge(database: str, seen: Seen, count: int, statements: int) -> list[str]:
    """What is wrong with what the database holds."""
    opened = open_database(database)
    with opened.read() as tx:
        told = answers_of(tx)
    opened.close()
    kept = Counter((v.participant, v.statement) for v in told.votes)
    choices = Counter(v.choice for v in told.votes)
    wrong = [f"{n} times {who}" for who, n in kept.items() if n != 1]
    if len(kept) != count * statements or len(seen.votes) != count * statements:
        wrong.append(f"{len(kept)} kept, {len(seen.votes)} answered, {count * statements} wanted")
    if choices != Counter(seen.votes.values()):
        wrong.append(f"choices differ: {choices} kept, {Counter(seen.votes.values())} answered")
    if seen.failures:
        wrong.append(f"{seen.failures} answers with 5xx")
    return wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure once; print a line; 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else None)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--statements", type=int, default=12)
    parser.add_argument("--pace", type=float, default=10.0, help="mean seconds between two votes")
    parser.add_argument("--kills", type=int, default=0, help="kill -9 the desk so often")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    options = parser.parse_args(arguments)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "study"
        write_study(folder)
        (folder / "consult.toml").write_text(consultation(options.statements), "utf-8")
        load_study(folder)
        (folder / "desk").mkdir()
        database = str(folder / "desk" / DESK.file)
        if options.database == "postgresql":
            server_of = stack.enter_context(PostgresServer.started())
            database = server_of.new_database().replace("+psycopg", "")
        opened = open_database(database)
        upgrade(opened, DESK)
        with opened.write() as tx:
            link = people.invite_link(
                tx, "participant", label="all", days=9, now=time.time(), actor="load", places=10_000
            )
        opened.close()
        server = Server(folder, database)
        server.start()
        told = load(server, link, count=options.people, pace=options.pace, kills=options.kills)
        seen, seconds, most = asyncio.run(told)
        server.stop()
        wrong = judge(database, seen, options.people, options.statements)
    ordered = sorted(seen.posts)
    p95, p99 = (ordered[int(share * (len(ordered) - 1))] for share in (0.95, 0.99))
    print(
        f"{options.database}, {os.cpu_count()} cores: {options.people} people, "
        f"{len(seen.votes)} votes in {seconds:.0f} s, {options.kills} kills; POST p95 "
        f"{p95 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms; {most:.0f} MB; {seen.repeated} forms sent "
        f"again, {seen.refused} asked to wait, {seen.busy} told that it was busy, "
        f"{seen.failures} failures"
    )
    if not options.kills and p95 > P95:
        wrong.append(f"POST p95 over {P95 * 1000:.0f} ms")
    for line in wrong:
        print("WRONG:", line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
