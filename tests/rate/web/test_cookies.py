"""Cookies, sessions and links: their flags, their ends, and that no secret is kept or logged.

Sections: OWASP ASVS 5.0 V3.3 (cookies), V7.2 and V7.4 (sessions).
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from app import (
    Clock,
    app_of,
    client,
    consent,
    dump,
    join,
    make_site,
    make_study,
    new_link,
    owner,
    rate_all,
    raw,
)

from mores.rate.db.raters import revoke
from mores.rate.db.release import forget
from mores.rate.db.tables import invite, session
from mores.rate.serve import prepare
from mores.rate.web.call import Site
from mores.web.security import Place, set_cookie

DAY = 86_400
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
"""32 random bytes in base64: 256 bits."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def site(tmp_path: Path, clock: Clock) -> Iterator[Site]:
    made = make_site(make_study(tmp_path / "study"), now=clock)
    yield made
    made.database.close()


def test_the_cookie_on_this_machine(site: Site) -> None:
    me = client(site)
    answer = me.submit(f"/r/{new_link(site)}")
    found = re.fullmatch(
        r"mores_local=([A-Za-z0-9_-]{43}); Path=/; HttpOnly; SameSite=Lax; Max-Age=1209600",
        answer.headers["set-cookie"],
    )
    assert found is not None, answer.headers["set-cookie"]
    assert answer.headers["location"] == "/begin"
    assert me.cookie == found[1]
    out = owner(site).submit("/logout").headers["set-cookie"]
    assert out == "mores_local=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"


def test_the_cookie_with_tls(site: Site) -> None:
    # The prefix makes browsers refuse it without Secure, with a Domain or with another path, so
    # that no neighbouring host can set it.
    secure = dataclasses.replace(site, place=Place("https://rate.example.org"))
    answer = client(secure).submit(f"/o/{new_link(secure, 'owner')}")
    assert re.fullmatch(
        r"__Host-mores=[A-Za-z0-9_-]{43}; Path=/; HttpOnly; SameSite=Lax; Max-Age=43200; Secure",
        answer.headers["set-cookie"],
    )
    assert answer.headers["location"] == "/owner"
    assert set_cookie(secure.place, "", 0) == (
        "__Host-mores=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0; Secure"
    )


def test_each_mode_takes_its_own_cookie_only(site: Site) -> None:
    ada = join(site)
    app = app_of(dataclasses.replace(site, place=Place("https://rate.example.org")))
    host = {"host": "rate.example.org"}
    for name, status in (("mores_local", 401), ("__host-mores", 401), ("__Host-mores", 200)):
        answer = raw(app, "GET", "/begin", {**host, "cookie": f"{name}={ada.cookie}"})
        assert answer.status == status, name
    # Nor is a session taken from anywhere else.
    for headers in ({"authorization": f"Bearer {ada.cookie}"}, {"x-session": ada.cookie}):
        assert raw(app, "GET", f"/begin?mores={ada.cookie}", {**host, **headers}).status == 401


def test_no_page_but_a_door_sets_a_cookie(site: Site) -> None:
    me = join(site)
    consent(me)
    for path in ("/", "/rate", "/stopped", "/static/app.js", "/nothing", f"/r/{me.link}"):
        assert "set-cookie" not in me.get(path).headers
    for path in ("/next", "/stop", "/settings"):
        assert "set-cookie" not in me.submit(path).headers


# Sessions ----------------------------------------------------------------------------------


def test_a_session_is_new_at_each_joining_and_ends_the_one_before(site: Site) -> None:
    me = client(site)
    seen = ["A" * 43]
    # Fixation: a session that somebody else chose.
    me.cookies.set(site.place.cookie, seen[0], domain="127.0.0.1", path="/")
    link = new_link(site)
    for _ in range(3):
        join(me, link)
        assert me.cookie not in seen
        assert TOKEN.fullmatch(me.cookie)
        seen.append(me.cookie)
        assert me.get("/begin").status_code == 200
    for old in seen[:-1]:
        other = client(site)
        other.cookies.set(site.place.cookie, old)
        assert other.get("/begin").status_code == 401
    assert len(dump(site.database)["rater"]) == 1


def test_another_browser_of_the_same_rater_stays_signed_in(site: Site) -> None:
    desk = join(site)
    phone = join(site, desk.link)
    assert desk.rater == phone.rater
    assert desk.cookie != phone.cookie
    assert desk.get("/begin").status_code == phone.get("/begin").status_code == 200


def test_signing_out_ends_the_session_itself(site: Site) -> None:
    for me, page in ((join(site), "/begin"), (owner(site), "/owner")):
        kept = me.cookie
        assert me.get(page).status_code == 200
        answer = me.submit("/logout")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert me.cookie == ""
        me.cookies.set(site.place.cookie, kept)  # a copy of the cookie opens nothing either
        assert me.get(page).status_code == 401
    assert dump(site.database)["session"] == []


@pytest.mark.parametrize(("role", "lasts"), [("rater", 14 * DAY), ("owner", DAY // 2)])
def test_sessions_end_by_themselves(site: Site, clock: Clock, role: str, lasts: int) -> None:
    me, page = (join(site), "/begin") if role == "rater" else (owner(site), "/owner")
    clock.step(lasts - 1)
    assert me.get(page).status_code == 200
    clock.step(1)  # use does not prolong it
    assert me.get(page).status_code == 401
    assert me.submit("/logout").status_code == 401
    join(site)
    with site.database.read() as tx:  # those that ended are swept out by the next
        assert tx.execute(sa.select(sa.func.count()).select_from(session)).scalar() == 1


def test_revoking_and_forgetting_end_sessions_at_once(site: Site) -> None:
    ada, bob = join(site), join(site)
    consent(ada)
    with site.database.write() as tx:
        row = tx.execute(sa.select(invite.c.id).where(invite.c.rater == ada.rater)).scalar()
        revoke(tx, str(row), site.now())
        forget(tx, bob.rater, ratings="withdraw", now=site.now())
    for me in (ada, bob):
        assert me.get("/rate").status_code == 401
        answer = me.submit(f"/r/{me.link}")
        assert answer.status_code == 403
        assert "withdrawn" in answer.text


def test_revoking_a_link_that_nobody_used_ends_no_session(site: Site) -> None:
    me, boss = join(site), owner(site)
    secret = hashlib.sha256(new_link(site).encode()).hexdigest()
    with site.database.write() as tx:
        unused = tx.execute(sa.select(invite.c.id).where(invite.c.secret == secret)).scalar_one()
        revoke(tx, unused, site.now())
    assert me.get("/begin").status_code == 200
    assert boss.get("/owner").status_code == 200


# Links -------------------------------------------------------------------------------------


def test_links_that_let_nobody_in(site: Site, clock: Clock) -> None:
    short, gone, full = new_link(site, days=1), new_link(site), new_link(site, "open", places=1)
    with site.database.write() as tx:
        secret = hashlib.sha256(gone.encode()).hexdigest()
        revoke(
            tx, tx.execute(sa.select(invite.c.id).where(invite.c.secret == secret)).scalar_one(), 1
        )
    join(site, full, panel={"PROLIFIC_PID": "a", "SESSION_ID": "b"})
    me = client(site)
    clock.step(DAY - 1)
    assert me.get(f"/r/{short}").status_code == 200
    clock.step(1)
    before = dump(site.database)
    panel = {"PROLIFIC_PID": "c", "SESSION_ID": "d"}
    for link, status, words in [
        (short, 403, "This link has expired"),
        (gone, 403, "This link was withdrawn"),
        ("A" * 43, 404, "This link does not work"),
        (short[:-1], 404, "This link does not work"),
        (short.swapcase(), 404, "This link does not work"),
        (hashlib.sha256(short.encode()).hexdigest(), 404, "This link does not work"),
    ]:
        for answer in (me.get(f"/r/{link}"), me.submit(f"/r/{link}", panel)):
            assert (answer.status_code, words in answer.text) == (status, True), (link, words)
            assert "set-cookie" not in answer.headers
    answer = me.submit(f"/r/{full}", panel)
    assert (answer.status_code, "All places are taken" in answer.text) == (403, True)
    assert dump(site.database) == before


def test_a_panel_id_alone_opens_nobody_elses_place(site: Site) -> None:
    # Participant ids are known to other studies; the session's id of the panel is not.
    link = new_link(site, "open", places=5)
    ada = join(site, link, panel={"PROLIFIC_PID": "ada", "SESSION_ID": "secret"})
    assert (
        join(site, link, panel={"PROLIFIC_PID": "ada", "SESSION_ID": "secret"}).rater == ada.rater
    )
    for session_id in ("", "x", "secret2"):
        me = client(site)
        sent = {"PROLIFIC_PID": "ada", "SESSION_ID": session_id}
        assert me.submit(f"/r/{link}", sent).status_code in (403, 404)
        assert me.cookie == ""
    assert len(dump(site.database)["rater"]) == 1


def test_the_owners_link_of_an_earlier_start_is_dead(site: Site, clock: Clock) -> None:
    def start() -> str:
        assert site.study is not None
        _, started = prepare(site.database, site.study, site.place, invites=None, now=clock())
        return started.owner_link.rpartition("/")[2]

    first = start()
    me = client(site)
    assert me.submit(f"/o/{first}").status_code == 303
    second = start()
    assert second != first
    stranger = client(site)
    assert stranger.get(f"/o/{first}").status_code == 403
    assert stranger.submit(f"/o/{first}").status_code == 403
    assert stranger.submit(f"/o/{second}").status_code == 303
    assert me.get("/owner").status_code == 200  # a session goes on over a new start
    clock.step(DAY)
    assert client(site).submit(f"/o/{second}").status_code == 403  # and a link is for one day


# Secrets -----------------------------------------------------------------------------------


def test_no_secret_is_kept_or_logged(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ada, boss = join(site), owner(site)
    panel = {"PROLIFIC_PID": "5f0c", "SESSION_ID": "panel-session-5f0c"}
    open_link = new_link(site, "open", places=2)
    bob = join(site, open_link, panel=panel)
    consent(ada)
    rate_all(ada)
    made = boss.submit("/owner/invite", kind="personal", count="2", days="3", label="x").text
    shown = re.findall(r"/r/([A-Za-z0-9_-]{43})", made)
    assert len(shown) == 2
    for path in ("/owner", "/owner/raters", "/owner/audit", "/owner/export", "/owner/unblind"):
        page = boss.get(path).text
        assert not any(secret in page for secret in (*shown, ada.link, ada.cookie, open_link))
    boss.submit("/owner/backup")
    boss.submit("/owner/unblind", who="Olga", word="trial")
    for bad in (ada.link[:-1] + "_", "A" * 43):
        client(site).get(f"/r/{bad}")
    secrets = [ada.link, ada.cookie, boss.link, boss.cookie, bob.cookie, open_link, *shown]
    assert all(TOKEN.fullmatch(secret) for secret in secrets)
    assert len(set(secrets)) == len(secrets)
    secrets.append(panel["SESSION_ID"])
    kept = repr(dump(site.database))
    assert site.study is not None
    files = [f.read_bytes() for f in site.study.run_folder.rglob("*") if f.is_file()]
    assert len(files) >= 4  # the database, its log, the key, a backup, completions
    logged = "\n".join(r.getMessage() for r in caplog.records if not r.name.startswith("httpx"))
    assert logged  # asyncio's own lines, at least
    for secret in secrets:
        assert secret not in kept
        assert secret not in logged
        assert not any(secret.encode() in content for content in files)
    # What is kept instead: SHA-256.
    assert hashlib.sha256(ada.link.encode()).hexdigest() in kept
    assert hashlib.sha256(ada.cookie.encode()).hexdigest() in kept


def test_the_files_are_the_owners_alone(site: Site) -> None:
    assert site.study is not None
    folder = site.study.run_folder / "rating"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "key.jsonl").stat().st_mode & 0o777 == 0o600


def test_secrets_are_compared_in_constant_time() -> None:
    source = (Path(__file__).parents[3] / "src/mores/web/security.py").read_text("utf-8")
    assert "secrets.compare_digest(" in source
