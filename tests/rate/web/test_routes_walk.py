"""Every address x every role, from a table that must list exactly `routes.PAGES`.

What may happen is fixed by the table; what may not is checked on the whole database: a GET, a
refusal and an unknown method leave every table as it was, down to SQLite's count of changed rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from app import (
    Client,
    Clock,
    app_of,
    client,
    consent,
    dump,
    form,
    join,
    make_site,
    make_study,
    new_link,
    next_form,
    owner,
    rate_one,
)

from mores.rate.db.raters import revoke
from mores.rate.db.release import forget
from mores.rate.db.tables import invite, slot
from mores.rate.web.answers import _tag
from mores.rate.web.call import Site
from mores.rate.web.routes import PAGES

ROLES = ("anonymous", "forged", "revoked", "forgotten", "ada", "bob", "owner")
"""`ada` owns the practice item and the answer that the addresses name; `bob` rates here too."""
OUT = (401, 401, 401, 401)
ALL = (200,) * 7
OPEN = (303,) * 7
# Status by role, in the order of ROLES; in the order of PAGES, since the owner's walk unblinds.
TABLE: dict[str, tuple[int, ...]] = {
    "GET /static/{name}": ALL,
    "GET /favicon.ico": OPEN,
    "GET /healthz": ALL,
    "GET /": ALL,
    "GET /r/{token}": ALL,
    "POST /r/{token}": OPEN,
    "GET /o/{token}": ALL,
    "POST /o/{token}": OPEN,
    "GET /begin": (*OUT, 303, 303, 403),
    "POST /begin": (*OUT, 303, 303, 403),
    "GET /rate": (*OUT, 200, 200, 403),
    "POST /rate": (*OUT, 303, 404, 403),
    "POST /next": (*OUT, 303, 303, 403),
    "GET /answer/{item}": (*OUT, 200, 404, 403),
    "GET /feedback/{item}": (*OUT, 200, 404, 403),
    "POST /stop": (*OUT, 303, 303, 403),
    "GET /stopped": (*OUT, 200, 200, 403),
    "GET /guess": (*OUT, 303, 303, 403),
    "POST /guess": (*OUT, 403, 403, 403),  # not before everything is rated
    "GET /done": (*OUT, 303, 303, 403),
    "POST /settings": (*OUT, 303, 303, 403),
    "POST /logout": (*OUT, 303, 303, 303),
    "GET /media/{item}": (*OUT, 404, 404, 404),  # their items are texts
    "GET /media/{item}/captions": (*OUT, 404, 404, 404),
    "GET /owner": (*OUT, 403, 403, 200),
    "GET /owner/raters": (*OUT, 403, 403, 200),
    "POST /owner/invite": (*OUT, 403, 403, 200),
    "POST /owner/revoke": (*OUT, 403, 403, 303),
    "POST /owner/release": (*OUT, 403, 403, 303),
    "POST /owner/forget": (*OUT, 403, 403, 303),
    "POST /owner/backup": (*OUT, 403, 403, 303),
    "GET /owner/audit": (*OUT, 403, 403, 200),
    "GET /owner/export": (*OUT, 403, 403, 200),
    "GET /owner/files/{name}": (*OUT, 403, 403, 200),
    "GET /owner/unblind": (*OUT, 403, 403, 200),
    "POST /owner/unblind": (*OUT, 403, 403, 303),
    "GET /owner/compare": (*OUT, 403, 403, 200),
}
RATING = """
version = "1"
practice_pass = 0.0
[[practice]]
id = "try"
category = "topic-1"
prompt = "Is it kind?"
output = "It is kind to be kind."
low = 4
high = 5
feedback = "It is."
"""


@dataclass
class World:
    """A site with people in every role."""

    site: Site
    app: Any = None
    links: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    practice: str = ""
    answered: str = ""
    shown: dict[str, str] = field(default_factory=dict)
    """The form of the item that Ada holds."""
    eve: str = ""
    """A rater without further meaning, for the owner to release and forget."""
    invite: str = ""

    def person(self, role: str) -> Client:
        """A client of a role, with a session of its own where the role has a working one."""
        me = client(self.site, self.app)
        if role in ("ada", "bob"):
            return join(me, self.links[role])
        if role == "owner":
            return owner(me)
        if role != "anonymous":
            me.cookies.set(self.site.place.cookie, self.sessions.get(role, "A" * 43))
        me.csrf = "A" * 32
        return me


def make_world(folder: Path) -> World:
    site = make_site(make_study(folder, prompts=6, seats=6, rating_toml=RATING), now=Clock())
    world = World(site, app_of(site))
    people = {name: join(site, label=name, app=world.app) for name in ("ada", "bob", "eve", "fay")}
    for name, me in people.items():
        consent(me)
        world.links[name] = me.link
        if name == "ada":
            world.practice = rate_one(me) or ""
            world.answered = rate_one(me) or ""
            world.shown = next_form(me)
        next_form(me)
    for name, role in (("eve", "revoked"), ("fay", "forgotten")):
        world.sessions[role] = people[name].cookie
    world.eve = people["eve"].rater
    with site.database.write() as tx:
        row = tx.execute(sa.select(invite).where(invite.c.rater == people["eve"].rater)).one()
        world.invite = row.id
        revoke(tx, row.id, site.now())
        forget(tx, people["fay"].rater, ratings="keep", now=site.now())
    return world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world of one's own, to be changed."""
    made = make_world(tmp_path / "study")
    yield made
    made.site.database.close()


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world for tests that must leave it as it was."""
    made = make_world(tmp_path_factory.mktemp("still"))
    yield made
    made.site.database.close()


def address(world: World, path: str) -> str:
    """An address that exists, and is Ada's where it is anybody's."""
    if path.startswith(("/r/", "/o/")):
        kind = "personal" if path.startswith("/r/") else "owner"
        return path.replace("{token}", new_link(world.site, kind, label=""))
    item = world.practice if path.startswith("/feedback") else world.answered
    name = "app.css" if path.startswith("/static") else "ratings.csv"
    return path.replace("{item}", item).replace("{name}", name)


def fields(world: World, path: str) -> dict[str, str]:
    """What an honest form would say; the item is the one that Ada holds."""
    return {
        "/begin": {"decision": "agree"},
        "/rate": {name: value for name, value in world.shown.items() if name != "csrf"}
        | {"answer": "2"},
        "/guess": {"cues": "style"},
        "/settings": {"language": "es", "back": "/rate"},
        "/owner/invite": {"kind": "personal", "count": "1", "days": "3", "label": "x"},
        "/owner/revoke": {"invite": world.invite},
        "/owner/release": {"rater": world.eve},
        "/owner/forget": {"rater": world.eve, "ratings": "keep"},
        "/owner/unblind": {"who": "Olga", "word": "trial"},
    }.get(path, {})


def state(site: Site) -> tuple[Any, ...]:
    """All tables, and how many rows SQLite has ever changed: the same again says no write."""
    with site.database.alone() as raw:
        assert isinstance(raw, sqlite3.Connection)
        changes = raw.total_changes
    return dump(site.database), changes


def test_the_table_lists_every_route_and_no_other() -> None:
    assert [f"{page.method} {page.path}" for page in PAGES] == list(TABLE)
    assert all(len(row) == len(ROLES) for row in TABLE.values())


def test_the_table_agrees_with_the_roles_that_routes_name() -> None:
    for page in PAGES:
        row = dict(zip(ROLES, TABLE[f"{page.method} {page.path}"], strict=True))
        if page.role not in ("static", "public"):
            assert {row[r] for r in ("anonymous", "forged", "revoked", "forgotten")} == {401}, page
            for role, kind in (("ada", "rater"), ("owner", "owner")):
                assert kind in page.role.split() or row[role] == 403, page
        # Only an answer that saves, or pages that need no session, may let anybody else in.
        assert page.role == "static" or not page.path.startswith("/owner") or page.role == "owner"


@pytest.mark.parametrize("role", ROLES)
def test_every_route_as(world: World, role: str) -> None:
    assert world.person("owner").get("/owner/compare").status_code == 403  # still blind
    for page in PAGES:
        where = address(world, page.path)
        me = world.person(role)
        before = state(world.site)
        if page.method == "GET":
            answer = me.get(where)
        else:
            answer = me.submit(where, fields(world, page.path))
        expected = TABLE[f"{page.method} {page.path}"][ROLES.index(role)]
        assert answer.status_code == expected, (role, page, answer.text[-600:])
        if page.method == "GET" or expected >= 400:
            assert state(world.site) == before, (role, page)
        if page.method == "POST" and expected in (401, 403, 404):
            assert "set-cookie" not in answer.headers


def test_get_writes_nothing_whatever_it_asks_for(still: World) -> None:
    query = "?saved=1&lang=ar&PROLIFIC_PID=a&SESSION_ID=b&page=9&sort=low&decision=agree&answer=5"
    people = [still.person(role) for role in ROLES]
    where = {page.path: address(still, page.path) for page in PAGES if page.method == "GET"}
    before = state(still.site)
    for me in people:
        for path in where.values():
            for method in ("GET", "HEAD"):
                assert me.request(method, path + query).status_code < 500
    assert state(still.site) == before


def test_head_says_what_get_would_say(still: World) -> None:
    # RFC 9110 9.1: every server answers HEAD; it is GET without the content, so it writes nothing.
    for role in ("anonymous", "ada", "owner"):
        me = still.person(role)
        for page in PAGES:
            if page.method == "GET":
                where = address(still, page.path)
                assert me.head(where).status_code == me.get(where).status_code


def test_other_methods_are_refused_and_write_nothing(still: World) -> None:
    people = [still.person(role) for role in ("anonymous", "ada")]
    paths = [(address(still, path), path) for path in dict.fromkeys(page.path for page in PAGES)]
    before = state(still.site)
    for method in ("OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "BREW"):
        for me in people:
            for where, path in paths:
                sent = {"csrf": me.csrf, **fields(still, path)}
                answer = me.request(method, where, data=sent)
                assert answer.status_code == 405, (method, path)
                known = {page.method for page in PAGES if page.path == path}
                expected = known | ({"HEAD"} if "GET" in known else set())
                assert answer.headers["allow"] == ", ".join(sorted(expected))
    assert state(still.site) == before


def test_get_of_what_only_takes_forms_is_refused(still: World) -> None:
    reads = {page.path for page in PAGES if page.method == "GET"}
    only = {page.path for page in PAGES} - reads
    assert len(only) >= 9
    for role in ("anonymous", "ada", "owner"):
        me = still.person(role)
        before = state(still.site)
        for path in only:
            assert me.get(path).status_code == 405
        for path in reads - {page.path for page in PAGES if page.method == "POST"}:
            assert me.submit(address(still, path)).status_code == 405
        assert state(still.site) == before


def test_unknown_addresses(still: World) -> None:
    paths = """/admin /owner/ /Owner /rate/ //rate /r /r/ /o/ /r/a/b /static/ /static /owner/files/
        /owner/files/a/b /.env /.git/config /docs /openapi.json /answer/ /robots.txt /rate.php"""
    for role in ("anonymous", "ada", "owner"):
        me = still.person(role)
        before = state(still.site)
        for path in paths.split():
            url = "http://127.0.0.1:8765" + path  # so that // is no other host
            assert me.get(url).status_code == 404, path
            assert me.submit(url).status_code == 404, path
        assert state(still.site) == before


# One rater and another's things ------------------------------------------------------------


def test_nobody_reads_or_rates_what_another_was_given(still: World) -> None:
    bob = still.person("bob")
    with still.site.database.read() as tx:
        every = set(tx.execute(sa.select(slot.c.item)).scalars())
    mine = form(bob.get("/rate").text)
    before = state(still.site)
    for item in [*sorted(every - {mine["item"]}), "0" * 16, "", "' OR 1=1 --", "%", "*"]:
        assert bob.get(f"/answer/{item}").status_code == 404
        assert bob.get(f"/feedback/{item}").status_code == 404
        for answer in ("3", "cannot", "skip"):
            sent = {**mine, "item": item, "answer": answer}
            if item:  # a form that seems to be Bob's own, so that only the claim is missing
                sent["key"] = _tag(bob.rater, item) + "x" * 24
            sent |= {"cannot_reason": "other", "skip_reason": "other"}
            assert bob.submit("/rate", sent).status_code == 404, item
    assert state(still.site) == before


def test_a_held_item_is_not_an_answered_one(still: World) -> None:
    ada = still.person("ada")
    before = state(still.site)
    assert ada.get(f"/answer/{still.shown['item']}").status_code == 404
    assert ada.get(f"/feedback/{still.shown['item']}").status_code == 404
    assert ada.get(f"/feedback/{still.answered}").status_code == 404  # no practice item
    assert state(still.site) == before


def test_another_raters_key_saves_nothing(world: World) -> None:
    ada, bob = world.person("ada"), world.person("bob")
    shown, own = form(ada.get("/rate").text), form(bob.get("/rate").text)
    assert ada.submit("/rate", {**shown, "answer": "1"}).status_code == 303
    before = state(world.site)
    assert bob.submit("/rate", {**own, "key": shown["key"], "answer": "5"}).status_code == 404
    sent = {**shown, "csrf": bob.csrf, "answer": "1"}
    assert bob.submit("/rate", sent).status_code == 404
    assert ada.submit("/rate", {**shown, "answer": "5"}).status_code == 409  # nor twice by Ada
    assert state(world.site) == before


def test_the_owners_forms_name_things_that_exist(still: World) -> None:
    boss = still.person("owner")
    before = state(still.site)
    for path, sent in [
        ("/owner/revoke", {"invite": "nobody"}),
        ("/owner/release", {"rater": "nobody"}),
        ("/owner/release", {"rater": still.eve, "to": "nobody"}),
        ("/owner/forget", {"rater": "nobody", "ratings": "keep"}),
        ("/owner/forget", {"rater": still.eve, "ratings": "burn"}),
        ("/owner/invite", {"kind": "owner", "count": "1", "days": "1"}),
        ("/owner/invite", {"kind": "personal", "count": "501", "days": "1"}),
        ("/owner/invite", {"kind": "personal", "count": "1", "days": "-1"}),
        ("/owner/invite", {"kind": "personal", "count": "9" * 5000, "days": "1"}),
        ("/owner/unblind", {"who": "Olga", "word": "wrong"}),
        ("/owner/unblind", {"who": " ", "word": "trial"}),
    ]:
        assert boss.submit(path, sent).status_code == 400, path
    assert boss.get("/owner/files/key.jsonl").status_code == 404
    assert state(still.site) == before


def test_a_raters_link_opens_no_owners_door_and_the_reverse(still: World) -> None:
    personal, boss = new_link(still.site), new_link(still.site, "owner", label="")
    me = client(still.site, still.app)
    before = state(still.site)
    for where in (f"/o/{personal}", f"/r/{boss}"):
        assert me.get(where).status_code == 404
        assert me.submit(where).status_code == 404
    assert state(still.site) == before
