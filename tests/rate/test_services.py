"""The services that the tests start really are what the tests take them for."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import sqlalchemy as sa

import services

TESTS = Path(__file__).parent.parent


def ask(url: str, statement: str):
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            return connection.execute(sa.text(statement)).scalar_one()
    finally:
        engine.dispose()


def tell(url: str, *statements: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    engine.dispose()


def test_postgresql_answers_and_writes_to_the_disk(postgres_url):
    assert ask(postgres_url, "SELECT 1") == 1
    assert ask(postgres_url, "SHOW fsync") == "on"
    assert ask(postgres_url, "SHOW synchronous_commit") == "on"
    assert ask(postgres_url, "SHOW server_encoding") == "UTF8"


def test_each_test_has_a_database_of_its_own(postgres_server, postgres_database):
    other = postgres_server.new_database()
    tell(postgres_database, "CREATE TABLE seen (n int)")
    query = "SELECT count(*) FROM information_schema.tables WHERE table_name = 'seen'"
    assert (ask(postgres_database, query), ask(other, query)) == (1, 0)
    postgres_server.drop_database(other)
    with pytest.raises(sa.exc.OperationalError, match="does not exist"):
        ask(other, "SELECT 1")


def test_a_commit_survives_kill_9_of_the_server(postgres_database, restart_postgres):
    tell(postgres_database, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (42)")
    before = ask(postgres_database, "SELECT pg_postmaster_start_time()")
    restart_postgres()
    assert ask(postgres_database, "SELECT n FROM kept") == 42
    assert ask(postgres_database, "SELECT pg_postmaster_start_time()") > before


def test_the_browser_opens_a_page(page):
    page.goto("data:text/html,<title>a page</title><p id=x>text</p>")
    assert page.title() == "a page"
    assert page.locator("#x").inner_text() == "text"


def test_pages_share_no_cookies(browser, page):
    other = browser.new_context()
    page.context.add_cookies([{"name": "a", "value": "b", "url": "http://localhost"}])
    assert (len(page.context.cookies()), other.cookies()) == (1, [])
    other.close()


# What happens where they are missing: a session of its own, in which nothing can be found.


def session(tmp_path: Path, **environment: str) -> str:
    own = (TESTS / "service_fixtures.py").read_text("utf-8")
    hook = "def pytest_collection_modifyitems(items):\n    mark_services(items)\n"
    (tmp_path / "conftest.py").write_text(f"{own}\n\n{hook}")
    ini = "[pytest]\naddopts = --strict-markers\nmarkers =\n  postgres\n  browser\n"
    (tmp_path / "pytest.ini").write_text(ini)
    (tmp_path / "test_missing.py").write_text(
        textwrap.dedent("""
        import services

        def nowhere():
            raise services.Missing("it is not here")

        services.chromium = services.postgres_programs = nowhere

        def test_browser(browser): pass
        def test_postgres(postgres_database): pass
        def test_plain(): pass
        """)
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-rsf", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(TESTS), "MORES_REQUIRE_SERVICES": "", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def test_without_services_their_tests_are_skipped_with_a_line(tmp_path):
    text = session(tmp_path)
    assert "1 passed, 2 skipped" in text
    assert "it is not here" in text


def test_where_services_are_required_their_tests_fail(tmp_path):
    text = session(tmp_path, MORES_REQUIRE_SERVICES="1")
    assert "1 passed, 2 errors" in text
    assert "MORES_REQUIRE_SERVICES=1, but it is not here" in text


def test_a_chosen_browser_that_is_not_there(monkeypatch):
    monkeypatch.setenv("MORES_CHROMIUM", "/nowhere/chromium")
    with pytest.raises(services.Missing, match="apt-get install chromium"):
        services.chromium()


def test_a_machine_without_a_server(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(services.Path, "glob", lambda *_: [])
    with pytest.raises(services.Missing, match="apt-get install postgresql"):
        services.postgres_programs()
