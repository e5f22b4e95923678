"""Nothing goes out and nothing comes from elsewhere: no request of the server, no foreign asset.

Also that the wheel holds what the app needs, so that nothing has to be fetched after installing.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import tomllib
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from app import (
    Clock,
    app_of,
    client,
    consent,
    join,
    make_site,
    make_study,
    new_link,
    next_form,
    owner,
    rate_all,
    rate_one,
)

from mores.rate.web.call import Site
from mores.web.door import STATIC

ROOT = Path(__file__).parents[3]
WEB = ROOT / "src" / "mores" / "rate" / "web"
RATING = """
version = "1"
completion_url = "https://panel.example/done"
practice_pass = 0.0
[[support]]
name = "Help"
where = "https://help.example/"
[[practice]]
id = "try"
category = "topic-1"
prompt = "Is it kind?"
output = "It is kind to be kind."
low = 4
high = 5
feedback = "It is."
"""
THE_STUDYS = ("https://panel.example/done", "https://help.example/")
"""Links that the study's own texts ask for; people follow them, pages do not."""


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """No socket of Python connects; who tries is noted. SQLite needs none."""
    tried: list[Any] = []

    def refuse(*args: Any, **_named: Any) -> Any:
        tried.append(args[-1])
        raise OSError("the tests are offline")

    for name in ("connect", "connect_ex", "sendto", "bind"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("create_connection", "getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, refuse)
    return tried


def tour(site: Site) -> dict[str, str]:
    """All that a rater and an owner do; the pages that they saw."""
    pages: dict[str, str] = {}
    app = app_of(site)

    def see(me: Any, path: str) -> None:
        answer = me.get(path)
        assert answer.status_code in (200, 303, 403), (path, answer.status_code)
        pages[path] = answer.text

    link = new_link(site)
    me = client(site, app)
    see(me, "/")
    see(me, f"/r/{link}?PROLIFIC_PID=a")
    join(me, link)
    see(me, "/begin")
    consent(me)
    see(me, "/rate")
    done = rate_one(me)
    see(me, f"/feedback/{done}")
    next_form(me)
    see(me, "/rate")
    done = rate_one(me, remark="fine", flag="yes")
    see(me, f"/answer/{done}")
    me.submit("/stop")
    see(me, "/stopped")
    me.submit("/settings", language="ar", keys="off")
    rate_all(me)
    see(me, "/guess")
    asked = re.findall(r'name="(guess_\w+)"', pages["/guess"])
    me.submit("/guess", dict.fromkeys(asked, "unsure"))
    see(me, "/done")
    me.submit("/logout")
    boss = owner(site, app=app)
    boss.submit("/owner/invite", kind="personal", count="2", days="3", label="x")
    boss.submit("/owner/release", rater=me.rater)
    assert boss.submit("/owner/backup").status_code == 303
    assert boss.submit("/owner/unblind", who="Olga", word="trial").status_code == 303
    for path in ("", "/raters", "/export", "/unblind", "/compare", "/audit"):
        see(boss, f"/owner{path}")
    for name in ("ratings.csv", "ratings.jsonl", "ratings.parquet", "codebook.json", "heds.md"):
        assert boss.get(f"/owner/files/{name}").status_code == 200
    boss.submit("/owner/forget", rater=me.rater, ratings="withdraw")
    for name in sorted(p.name for room in (STATIC, WEB / "static") for p in room.iterdir()):
        see(boss, f"/static/{name}")
    return pages


def test_the_server_connects_to_nothing(tmp_path: Path, offline: list[Any]) -> None:
    study = make_study(tmp_path / "study", per_item=1, seats=1, rating_toml=RATING)
    site = make_site(study, now=Clock())
    with closing(site.database):
        pages = tour(site)
    assert offline == []
    assert len(pages) >= 18
    with pytest.raises(OSError, match="offline"):  # the guard does guard
        socket.create_connection(("127.0.0.1", 9))

    # Every address in every page, style and script is ours.
    for path, text in pages.items():
        for url in re.findall(r"""(?i)\b(?:https?|wss?|ftp):[^\s"'<>)]*""", text):
            ours = url in THE_STUDYS or url.startswith("http://127.0.0.1:8765/")
            assert ours or (path.endswith(".svg") and url == "http://www.w3.org/2000/svg"), (
                path,
                url,
            )
        loads = re.findall(r"""(?i)<(?:script|link|img|iframe|source|use)\b[^>]*""", text)
        for tag in loads if not path.endswith(".svg") else []:
            for url in re.findall(r"""(?:src|href)="([^"]*)""", tag):
                assert re.fullmatch(r"/static/[a-z.]+", url), (path, url)
        for url in re.findall(r"""url\(([^)]*)\)|@import\s*(\S+)""", text):
            raise AssertionError((path, url))


def test_no_page_holds_code_or_style_of_its_own(tmp_path: Path) -> None:
    study = make_study(tmp_path / "study", per_item=1, seats=1, rating_toml=RATING)
    site = make_site(study, now=Clock())
    with closing(site.database):
        pages = tour(site)
    for path, text in pages.items():
        if path.startswith("/static/") or not text:
            continue
        assert re.findall(r"<script[^>]*>", text) == ['<script src="/static/app.js" defer>'], path
        assert "<style" not in text
        assert not re.search(r"""<[a-z][^>]*\s(?:style|on[a-z]+)\s*=""", text), path
        assert "javascript:" not in text


def test_scripts_ask_the_server_alone() -> None:
    script = (WEB / "static" / "app.js").read_text("utf-8")
    for word in (
        "eval(",
        "Function(",
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "importScripts",
        "WebSocket",
        "EventSource",
        "sendBeacon",
        "postMessage",
        "//cdn",
    ):
        assert word not in script, word


def test_nothing_in_the_app_can_fetch() -> None:
    # Imports that would: the rule is on the source, for code that no walk reaches.
    can = re.compile(
        r"^\s*(?:import|from)\s+(?:urllib\.request|http\.client|requests|httpx|aiohttp|smtplib|ftplib)\b",
        re.M,
    )
    for path in sorted((ROOT / "src" / "mores" / "rate").rglob("*.py")):
        assert not can.search(path.read_text("utf-8")), path.name


# The wheel ---------------------------------------------------------------------------------


def needed() -> set[str]:
    """All files of the room but notes for those who change it."""
    base = ROOT / "src"
    return {
        path.relative_to(base).as_posix()
        for path in (base / "mores" / "rate").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.name != "README.md"
    }


def test_the_globs_cover_every_file() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    endings = {
        glob.rpartition("*")[2] for glob in config["tool"]["setuptools"]["package-data"]["mores"]
    }
    left_out = {name for name in needed() if Path(name).suffix not in endings | {".py"}}
    assert left_out == set()


def test_the_wheel_holds_every_file(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    out.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    skip = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "src", source / "src", ignore=skip)
    code = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", code, str(out)],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (wheel,) = out.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert needed() <= names
    for name in (
        "web/static/icon.svg",
        "web/messages/ar.po",
        "web/templates/base.html",
        "web/alembic/env.py",
        "rate/web/templates/item.html",
        "rate/db/migrations/versions/0001_first.py",
        "rate/data/self_names.toml",
    ):
        assert f"mores/{name}" in names
