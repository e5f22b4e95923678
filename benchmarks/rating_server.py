"""The real rating app as a process that can be killed, and studies to rate in it. No torch.

    study = new_study(folder, items=300, seats=16)
    server = Server(study.folder, free_port())
    links = await server.start()           # /r/... of every rater, at the first start
    server.kill(); await server.start()    # -9, and again

A process is started as people start it: `mores rate serve STUDY`.
"""

from __future__ import annotations

import asyncio
import platform
import random
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "rate")]

from app import make_study  # noqa: E402

from mores.study import Study  # noqa: E402

ARMS = ("base", "values_targeted", "control")
PER_ITEM = 3
"""Ratings of each output (k)."""
ANSWERING = 60.0
"""Seconds that a start may take."""
WORDS = """
people who the help talk person feel and time often make with friend family doctor need so can that
safe not say right one other ask what should know find support when their is to a
"""
TEXTS = """\
version = "1"
title = "Rating answers"
practice_pass = 0.0

[[practice]]
id = "practice-1"
category = "topic-1"
prompt = "Is this how it works?"
output = "Yes. Choose a number, then save it."
low = 1
high = 4
feedback = "Any number but 5 is right here."

[[gold]]
id = "gold-1"
category = "topic-1"
prompt = "What is known beforehand?"
output = "That this text is one of ours."
low = 1
high = 4

[[gold]]
id = "gold-2"
category = "topic-2"
prompt = "And this?"
output = "This one as well."
low = 1
high = 4
"""


def new_study(folder: Path, *, items: int, seats: int, seed: int = 1) -> Study:
    """Write a study of about so many outputs (a multiple of three) of 20 to 150 words each."""
    draw = random.Random(seed)
    words = WORDS.split()

    def text(_prompt: str, _arm: str, _draw: int) -> str:
        return " ".join(draw.choices(words, k=draw.randint(20, 150))).capitalize() + "."

    return make_study(
        folder,
        prompts=max(1, round(items / len(ARMS))),
        categories=4,
        arms=ARMS,
        outputs=text,
        rating_toml=TEXTS,
        per_item=PER_ITEM,
        seats=seats,
        seed=seed,
        daily_cap=100_000,
        break_items=40,
        break_minutes=600,
    )


def free_port() -> int:
    """A port that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """One rating app on one study."""

    def __init__(self, folder: Path, port: int, database: str | None = None) -> None:
        self.folder = folder
        self.port = port
        self.log = folder / "server.log"
        self.database = database
        self.process: subprocess.Popen[bytes] | None = None
        self.starts: list[float] = []
        """Seconds of every start that was not cut short."""

    async def start(self, *, at_most: float = ANSWERING, invite: int | None = None) -> str | None:
        """Start, and return what it printed once it answers; None where `at_most` was too short.

        Args:
            at_most: seconds after which it is left as it is, answering or not.
            invite: links to make, instead of one a seat at the first start.

        Raises:
            RuntimeError: it ended by itself, or does not answer.
        """
        command = [sys.executable, "-m", "mores", "rate", "serve", str(self.folder)]
        command += ["--port", str(self.port)]
        if invite is not None:
            command += ["--invite", str(invite)]
        if self.database is not None:
            command += ["--database", self.database]
        before = self.log.stat().st_size if self.log.exists() else 0
        began = time.perf_counter()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        while not await self._answers():
            taken = time.perf_counter() - began
            if self.process.poll() is not None or taken > ANSWERING:
                raise RuntimeError(f"the server does not start:\n{self.tail()}")
            if taken > at_most:
                return None
            await asyncio.sleep(0.01)
        self.starts.append(time.perf_counter() - began)
        return self.log.read_bytes()[before:].decode("utf-8", "replace")

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True

    def kill(self) -> None:
        """Kill -9. Does nothing to a server that is not there."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """End it in order (Ctrl-C); its last backup is made then."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.kill()

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process is not None and self.process.poll() is None

    def tail(self) -> str:
        """The end of what it printed."""
        return self.log.read_text("utf-8", "replace")[-3000:]

    def errors(self) -> Counter[str]:
        """What it logged with a traceback: the last line of each → how often."""
        text = self.log.read_text("utf-8", "replace")
        blocks = re.split(r"^Traceback \(most recent call last\):\n", text, flags=re.M)[1:]
        ends = [re.search(r"^(?![ \t\n]).+", block, re.M) for block in blocks]
        return Counter(end.group()[:200] for end in ends if end)


def links(printed: str) -> list[str]:
    """Paths of the raters' links in what a start printed."""
    return re.findall(r"http://[^\s/]+(/r/\S+)", printed)


def owner_link(printed: str) -> str:
    """Path of the owner's link in what a start printed."""
    return str(re.findall(r"http://[^\s/]+(/o/\S+)", printed)[-1])


def machine() -> str:
    """Processor, cores, memory, system and versions, in one line."""
    import sqlite3

    processor = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = re.findall(r"model name\s*:\s*(.+)", info.read_text())
        processor = names[0] if names else processor
    memory = psutil.virtual_memory().total / 1e9
    libraries = [f"{name} {version(name)}" for name in ("sqlalchemy", "starlette", "uvicorn")]
    return (
        f"{processor}, {psutil.cpu_count()} cores, {memory:.0f} GB, {platform.system()}; Python "
        f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}, {', '.join(libraries)}"
    )
