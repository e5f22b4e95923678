"""A desk for tests: a study without any model, its site, and people who use it.

    desk = make_desk(tmp_path / "study")
    ada = desk.come("author", "Ada")
    ada.post_form("/new/values", "/new/values", id="t1-9", ...)

Every person is a test client of starlette with a session of their own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from unittest import mock

import sqlalchemy as sa
from starlette.testclient import TestClient

from mores import store
from mores.desk import people
from mores.desk.app import APP
from mores.desk.call import Site
from mores.desk.content import Shelf
from mores.desk.tables import DESK, session
from mores.study import load_study
from mores.web import door
from mores.web.database import open_database
from mores.web.links import hashed
from mores.web.schema import upgrade
from mores.web.security import Place

HERE = "http://127.0.0.1:8766"
START = 1_795_766_400.0
"""27 November 2026, 08:00 UTC."""
ANSWER = (
    "It helps to say first what you saw, and then to ask how the other person is. Nobody has to "
    "carry such a thing alone: a friend, a doctor or a help line can listen, and often a short "
    "talk is enough to see the next step. You decide what you tell, and when you tell it."
)


class Clock:
    """A clock that is moved by hand."""

    at = START

    def __call__(self) -> float:
        return self.at


class Person(TestClient):
    """A browser's requests, as one of our own pages would send them; follows no redirect."""

    def __init__(self, site: Site, app: Any) -> None:
        super().__init__(app, base_url=site.place.url, follow_redirects=False)
        self.headers["sec-fetch-site"] = "same-origin"
        self.site, self.csrf, self.link, self.id = site, "", "", ""

    def submit(self, path: str, fields: Mapping[str, Any] | None = None, **more: Any) -> Any:
        """Post a form with this session's token."""
        return self.post(path, data={"csrf": self.csrf, **(fields or {}), **more})

    def form(self, page: str, action: str) -> dict[str, str]:
        """The hidden fields of a form on a page."""
        answer = self.get(page)
        assert answer.status_code == 200, answer.text
        return form(answer.text, action)

    def fill(self, page: str, action: str, **fields: Any) -> Any:
        """Open a page, fill in its form, send it."""
        return self.submit(action, {**self.form(page, action), **fields})


@dataclass
class Desk:
    """A site and its app."""

    site: Site
    app: Any
    clock: Clock

    @property
    def folder(self) -> Path:
        """The study's."""
        return self.site.shelf.content().study.folder

    def visitor(self) -> Person:
        """Somebody who is not signed in."""
        return Person(self.site, self.app)

    def link(self, role: str, label: str = "Ada", places: int = 1) -> str:
        """A new link's secret."""
        with self.site.database.write() as tx:
            return people.invite_link(
                tx, role, label=label, days=30, now=self.clock(), actor="test", places=places
            )

    def come(self, role: str, label: str = "Ada", link: str = "") -> Person:
        """Somebody who came by a link."""
        me = self.visitor()
        me.link = link or self.link(role, label)
        answer = me.submit(f"/l/{me.link}")
        assert answer.status_code == 303, answer.text
        cookie = str(me.cookies.get(self.site.place.cookie))
        with self.site.database.read() as tx:
            row = tx.execute(sa.select(session).where(session.c.secret == hashed(cookie))).one()
        me.csrf, me.id = row.csrf, row.person
        return me

    def rows(self, part: str) -> list[dict[str, Any]]:
        """What a file of the study says."""
        return [row for _, row in store.read_rows(self.folder / f"{part}.jsonl")]


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((given.get("action", ""), {}))
        elif tag == "input" and given.get("type") == "hidden" and self.forms:
            self.forms[-1][1][given["name"]] = given.get("value", "")


def form(html: str, action: str) -> dict[str, str]:
    """The hidden fields of the form with this action."""
    parser = _Forms()
    parser.feed(html)
    found = [fields for given, fields in parser.forms if given == action]
    assert found, (action, [given for given, _ in parser.forms])
    return found[0]


def write_study(folder: Path, *, language: str = "en") -> None:
    """Two positions, two samples each in both sets, prompts and a pair."""
    folder.mkdir(parents=True, exist_ok=True)
    topics = ("care", "truth")
    (folder / "study.toml").write_text(
        'name = "trial"\npreset = "quick"\n\n[[models]]\nname = "smollm2-135m"\nformat = "chat"\n'
    )
    blocks = [f'# the charter of a trial\nversion = "1.0.0"\nlanguage = "{language}"\n']
    blocks += [
        f'[[positions]]\ncategory = "{topic}"\ntitle = "On {topic}"\n'
        f'statement = "Support what is kind in {topic}; oppose what is cruel in it."\n'
        for topic in topics
    ]
    (folder / "charter.toml").write_text("\n".join(blocks))
    for part in ("values", "control"):
        rows = [
            {
                "id": f"{part[0]}-{topic}-{n}",
                "category": topic,
                "prompt": f"What should I do about {topic}, case {n} of {part}?",
                "completion": f"{part} {topic} {n}. {ANSWER}",
                "license": "CC-BY-4.0",
                "source": "own",
            }
            for topic in topics
            for n in (1, 2)
        ]
        store.write_jsonl(folder / f"{part}.jsonl", rows)
    rows = [
        {
            "id": f"p-{topic}-{split}",
            "category": topic,
            "text": f"How would you speak of {topic} in {split}?",
            "split": split,
            "presets": ["quick"],
        }
        for topic in topics
        for split in ("test", "validation")
    ]
    store.write_jsonl(folder / "prompts.jsonl", rows)
    pair = {
        "id": "s-1",
        "category": "care",
        "prompt": "Is it kind?",
        "aligned": "It is kind to ask.",
        "opposed": "It is weak to ask.",
    }
    store.write_jsonl(folder / "stance.jsonl", [pair])


def make_desk(folder: Path, url: str | None = None, *, limits: bool = False) -> Desk:
    """A desk over a new study."""
    if not (folder / "study.toml").exists():
        write_study(folder)
    (folder / "desk").mkdir(exist_ok=True)
    database = open_database(url or str(folder / "desk" / DESK.file))
    upgrade(database, DESK)
    clock = Clock()
    site = Site(
        database=database,
        place=Place(HERE),
        title="trial",
        now=clock,
        shelf=Shelf(lambda: load_study(folder)),
        backups=folder / "desk" / "backups",
    )
    if limits:
        return Desk(site, door.make_app(site, APP), clock)
    free = (10**9, 1e9)
    with mock.patch.multiple(door, LINKS=free, FORMS=free, READS=free):
        return Desk(site, door.make_app(site, APP), clock)


SAMPLE: dict[str, str] = {
    "category": "care",
    "prompt": "My neighbour has not opened her curtains for two days. Should I knock?",
    "completion": ANSWER,
    "license": "CC-BY-4.0",
    "source": "own",
}


def texts(rows: Sequence[Mapping[str, Any]], field: str) -> list[str]:
    """One field of several rows."""
    return [str(row[field]) for row in rows]


def lines(path: Path) -> list[Any]:
    """The records of a file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
