"""PostgreSQL and Chromium for the tests of the apps (imported by conftest.py).

postgres_database   the address of a new, empty database for one test
postgres_url        the address of the server's maintenance database
restart_postgres    a function: kill -9 the server, start it again (crash recovery)
browser             headless Chromium (`playwright.sync_api.Browser`); page: a fresh page of it

Where a service is missing, its tests are skipped with a line that says how to get it; with
MORES_REQUIRE_SERVICES=1, as in CI, they fail with that line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from services import Missing, PostgresServer, absent, open_browser

__all__ = [
    "browser",
    "mark_services",
    "page",
    "postgres_database",
    "postgres_server",
    "postgres_url",
    "restart_postgres",
]
BROWSER = {"browser", "page"}
POSTGRES = {"postgres_server", "postgres_url", "postgres_database", "restart_postgres"}


def mark_services(items: list[pytest.Item]) -> None:
    """Mark what needs a service."""
    for item in items:
        used = set(getattr(item, "fixturenames", ()))
        if used & POSTGRES:
            item.add_marker(pytest.mark.postgres)
        if used & BROWSER:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A private server that really writes to the disk (fsync=on); stopped at the end."""
    try:
        server = PostgresServer.started()
    except Missing as missing:
        absent(str(missing))
    with server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres_server: PostgresServer) -> str:
    """The address of the maintenance database, which no test should fill."""
    return postgres_server.url()


@pytest.fixture
def postgres_database(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of a new, empty database; dropped after the test, whoever is connected."""
    url = postgres_server.new_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
def restart_postgres(postgres_server: PostgresServer) -> Iterator[Callable[[], None]]:
    """A function that kills the server with -9 and starts it again; all connections are lost."""

    def restart() -> None:
        postgres_server.kill()
        postgres_server.start()

    yield restart
    postgres_server.start()  # also after a test that failed between the two


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium. From here on, `asyncio.run` works in other threads only (`app.run`)."""
    with ExitStack() as stack:
        try:
            opened = stack.enter_context(open_browser())
        except Missing as missing:
            absent(str(missing))
        yield opened


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A fresh page with cookies and storage of its own."""
    context = browser.new_context()
    yield context.new_page()
    context.close()
