"""Forms, sizes, hosts, limits, redirects, and the headers of every kind of response.

Sections: OWASP ASVS 5.0 V3.4 (headers), V3.5 (origin of forms), V2.4 and V11 (limits).
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

import pytest
import sqlalchemy as sa
from app import (
    Client,
    Clock,
    Raw,
    app_of,
    consent,
    dump,
    join,
    make_site,
    make_study,
    new_link,
    next_form,
    owner,
    rate_one,
    raw,
)
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette

from mores.errors import StoreError
from mores.rate.db.tables import remark
from mores.rate.web.app import APP
from mores.rate.web.call import Site
from mores.rate.web.routes import PAGES
from mores.web import door as app_module
from mores.web.database import DatabaseBusyError, DatabaseFullError, DatabaseReadOnlyError
from mores.web.security import Limiter, Place, is_loopback, same_origin

FORM = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
ON_ALL = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "x-robots-tag": "noindex, nofollow",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = make_site(make_study(tmp_path_factory.mktemp("study"), seats=6), now=Clock())
    yield made
    made.database.close()


@pytest.fixture(scope="module")
def app(site: Site) -> Starlette:
    return app_of(site)


@pytest.fixture(scope="module")
def ada(site: Site, app: Starlette) -> Client:
    me = join(site, app=app)
    consent(me)
    rate_one(me)
    next_form(me)
    return me


@pytest.fixture(scope="module")
def boss(site: Site, app: Starlette) -> Client:
    return owner(site, app=app)


def signed(me: Client, **headers: str) -> dict[str, str]:
    return {**FORM, "cookie": f"{me.site.place.cookie}={me.cookie}", **headers}


def posted(app: Any, me: Client, path: str, sent: bytes, **headers: str) -> Raw:
    return raw(app, "POST", path, signed(me, **headers), [sent])


# Where a form comes from -------------------------------------------------------------------

HERE = "http://127.0.0.1:8765"
REFUSED: list[dict[str, str]] = [
    {},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "none"},
    {"sec-fetch-site": ""},
    {"sec-fetch-site": "cross-site", "origin": HERE},
    {"sec-fetch-site": "same-origin", "origin": "https://evil.example"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1:8766"},
    {"origin": "https://127.0.0.1:8765"},
    {"origin": "http://127.0.0.1"},
    {"origin": "http://127.0.0.1:8765.evil.example"},
    {"origin": "http://evil.example/http://127.0.0.1:8765"},
    {"referer": HERE + "/rate"},
]
TAKEN: list[dict[str, str]] = [
    {"sec-fetch-site": "same-origin"},
    {"sec-fetch-site": "same-origin", "origin": HERE},
    {"sec-fetch-site": "same-origin", "origin": "null"},
    {"origin": HERE},
    {"origin": "http://localhost:8765"},
]


@pytest.mark.parametrize("headers", REFUSED)
def test_forms_from_elsewhere_are_refused(headers: dict[str, str]) -> None:
    assert not same_origin(Place(HERE), headers)


@pytest.mark.parametrize("headers", TAKEN)
def test_forms_of_our_own_pages_are_taken(headers: dict[str, str]) -> None:
    assert same_origin(Place(HERE), headers)


def test_the_origin_of_a_public_place_is_its_own_alone() -> None:
    place = Place("https://rate.example.org")
    assert same_origin(place, {"origin": "https://rate.example.org"})
    for other in ("https://localhost", "http://rate.example.org", "https://example.org"):
        assert not same_origin(place, {"origin": other})


def test_every_form_asks_where_it_comes_from(site: Site, app: Starlette) -> None:
    ada, boss = join(site, app=app), owner(site, app=app)
    paths = {
        page.path.replace("{token}", new_link(site, "owner" if "/o/" in page.path else "personal"))
        for page in PAGES
        if page.method == "POST"
    }
    before = dump(site.database)
    for me in (ada, boss):
        body = urlencode({"csrf": me.csrf, "decision": "agree"}).encode()
        cookie = f"{site.place.cookie}={me.cookie}"
        for path in paths:
            for headers in REFUSED:
                sent = {"content-type": FORM["content-type"], "cookie": cookie, **headers}
                answer = raw(app, "POST", path, sent, [body])
                assert answer.status == 403, (path, headers)
    assert dump(site.database) == before


def test_every_form_needs_the_token_of_its_own_session(site: Site, app: Starlette) -> None:
    ada, bob, boss = join(site, app=app), join(site, app=app), owner(site, app=app)
    again = join(site, ada.link, app=app)
    assert again.csrf != ada.csrf
    wrong = [None, "", "x", ada.csrf[:-1], ada.csrf + "x", ada.csrf.swapcase(), "\u00e9" * 32]
    forms = [page for page in PAGES if page.method == "POST" and page.role != "public"]
    assert len(forms) >= 13
    before = dump(site.database)
    for page in forms:
        me = boss if "owner" in page.role else ada
        strangers = [one.csrf for one in (bob, again, ada if me is boss else boss)]
        for token in [*(None if t == me.csrf else t for t in wrong), *strangers]:
            sent = {} if token is None else {"csrf": token}
            body = urlencode({**sent, "decision": "agree"}).encode()
            assert posted(app, me, page.path, body).status == 403, (page.path, token)
    assert dump(site.database) == before
    # A field that comes twice: the last one counts, so a good one in front does not help.
    body = f"csrf={ada.csrf}&csrf=x&decision=agree".encode()
    assert posted(app, ada, "/begin", body).status == 403


# What a form may be ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data; boundary=x", "text/plain", "", "text/html"]
)
def test_other_content_types(site: Site, app: Starlette, ada: Client, kind: str) -> None:
    before = dump(site.database)
    for me in (ada,):
        body = urlencode({"csrf": me.csrf}).encode()
        assert posted(app, me, "/next", body, **{"content-type": kind}).status == 415
    headers = {k: v for k, v in signed(ada).items() if k != "content-type"}
    assert raw(app, "POST", "/next", headers, [body]).status == 415
    assert dump(site.database) == before


def test_parameters_of_the_content_type_do_not_matter(app: Starlette, ada: Client) -> None:
    kind = "Application/X-WWW-Form-Urlencoded; charset=UTF-8"
    body = urlencode({"csrf": ada.csrf}).encode()
    assert posted(app, ada, "/next", body, **{"content-type": kind}).status == 303


def test_a_large_form_is_not_read_to_its_end(site: Site, app: Starlette, ada: Client) -> None:
    before = dump(site.database)
    start = f"csrf={ada.csrf}&remark=".encode()
    pieces = [start] + [b"a" * 1024] * 10_000
    for headers in (signed(ada), FORM, signed(ada, **{"content-length": "5"})):
        answer = raw(app, "POST", "/rate", headers, pieces)
        assert answer.status == 413
        assert answer.read == 65  # the piece that goes beyond 64 KB is the last one taken
    assert dump(site.database) == before


def test_the_largest_form_that_is_read(app: Starlette, ada: Client) -> None:
    start = f"csrf={ada.csrf}&x=".encode()
    fits = start + b"a" * (64 * 1024 - len(start))
    assert posted(app, ada, "/next", fits).status == 303
    assert posted(app, ada, "/next", fits + b"a").status == 413


def test_too_many_fields(site: Site, app: Starlette, ada: Client) -> None:
    start = f"csrf={ada.csrf}".encode()
    assert posted(app, ada, "/next", start + b"&a=" * 199).status == 303
    before = dump(site.database)
    assert posted(app, ada, "/next", start + b"&a=" * 200).status == 400
    assert posted(app, ada, "/next", start + b"&" * 60_000).status == 400
    assert dump(site.database) == before


def test_a_remark_that_is_too_long(site: Site, ada: Client) -> None:
    shown = next_form(ada)
    before = dump(site.database)
    assert ada.submit("/rate", {**shown, "answer": "3", "remark": "a" * 4001}).status_code == 413
    assert dump(site.database) == before


def odd_forms(site: Site) -> None:
    """Bytes that are no text, NUL and the like, everywhere: no error of ours, and no NUL kept."""
    app = app_of(site)
    ada, boss = join(site, app=app), owner(site, app=app)
    shared = new_link(site, "open", places=9)
    consent(ada)
    for odd in (b"%00", b"\xff\xfe", b"%ED%A0%80", b"\x00", b"%F0%9F%98%80%00", b"%zz"):
        shown = next_form(ada)
        body = urlencode({**shown, "csrf": ada.csrf, "answer": "3"}).encode()
        assert posted(app, ada, "/rate", body + b"&remark=a" + odd + b"b").status == 303
        clean = urlencode({**next_form(ada), "csrf": ada.csrf, "answer": "cannot"}).encode()
        for name in ("key", "item", "revision", "answer", "cannot_reason", "csrf"):
            status = posted(app, ada, "/rate", clean + f"&{name}=a".encode() + odd).status
            assert status in (400, 403, 404), name
        csrf = f"csrf={boss.csrf}&".encode()
        for path, rest in [
            ("/owner/invite", b"kind=personal&count=2&days=1&label=a"),
            ("/owner/revoke", b"invite="),
            ("/owner/release", b"rater="),
            ("/owner/forget", b"ratings=keep&rater="),
            ("/owner/unblind", b"word=trial&who=%20"),
            ("/owner/unblind", b"who=a&word="),
        ]:
            assert posted(app, boss, path, csrf + rest + odd).status in (200, 303, 400), path
        where = odd if odd.isascii() else b"%ff"
        for path in ("/answer/", "/feedback/", "/r/", "/o/", "/static/", "/owner/files/"):
            me = boss if path.startswith("/owner") else ada
            answer = raw(app, "GET", path + quote(where.decode(), safe="%"), signed(me))
            assert answer.status == 404, path
        sent = b"PROLIFIC_PID=a" + odd + b"&SESSION_ID=b" + odd
        assert raw(app, "POST", f"/r/{shared}", FORM, [sent]).status in (303, 404)
        hard = {"cookie": "mores_local=\xff; mores_local", "accept-language": "\xff;q=a,,;=;"}
        assert raw(app, "GET", "/rate?%00=%ff&lang=%00", hard).status == 401
    kept = [cell for rows in dump(site.database).values() for row in rows for cell in row]
    assert not any(isinstance(cell, str) and "\x00" in cell for cell in kept)


def test_odd_bytes_on_sqlite(tmp_path: Path) -> None:
    site = make_site(make_study(tmp_path / "study", prompts=8, seats=3), now=Clock())
    odd_forms(site)
    with site.database.read() as tx:
        said = list(tx.execute(sa.select(remark.c.text).order_by(remark.c.event)).scalars())
    # %zz is no escape and stays; a lone surrogate's three bytes are each no character.
    assert said[0] == "a\ufffdb"
    assert "a%zzb" in said
    assert all("\x00" not in text and text.encode() for text in said)
    site.database.close()


def test_odd_bytes_on_postgresql(tmp_path: Path, postgres_database: str) -> None:
    study = make_study(tmp_path / "study", prompts=8, seats=3)
    site = make_site(study, postgres_database, now=Clock())
    odd_forms(site)
    site.database.close()


# Addresses ---------------------------------------------------------------------------------

TRAVERSALS = """
../app.py ..%2fapp.py ..%2f..%2fapp.py %2e%2e/app.py %2e%2e%2fapp.py ..%5capp.py ....//app.py
..%252fapp.py app.css%00 app.css%00.js %00 .. . ~ /etc/passwd %2fetc%2fpasswd app.css/ app.css/..
C:%5cwindows file:%2f%2f%2fetc%2fpasswd app.css%20 APP.CSS .%2fapp.css ..%c0%afapp.py __init__.py
../../../../../../../etc/passwd ratings.sqlite key.jsonl ..%2fkey.jsonl ratings.csv%00 ../raters.csv
"""


@pytest.mark.parametrize("folder", ["/static/", "/owner/files/"])
def test_no_path_leads_out_of_a_folder(app: Starlette, boss: Client, folder: str) -> None:
    for path in TRAVERSALS.split():
        answer = raw(app, "GET", folder + path, signed(boss))
        assert answer.status == 404, path
        assert b"root:" not in answer.body
        assert b"def " not in answer.body


def test_the_files_that_there_are(app: Starlette, boss: Client) -> None:
    for name, kind in {
        "app.css": "text/css",
        "app.js": "text/javascript",
        "icon.svg": "image/svg",
    }.items():
        assert (raw(app, "GET", f"/static/{name}").header("content-type") or "").startswith(kind)
    for name in ("ratings.csv", "ratings.jsonl", "ratings.parquet", "codebook.json", "heds.md"):
        answer = raw(app, "GET", f"/owner/files/{name}", signed(boss))
        assert answer.status == 200
        assert answer.header("content-disposition") == f'attachment; filename="{name}"'


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8765",
        "127.0.0.1.evil.example",
        "127.0.0.1@evil.example",
        "localhost.evil.example:8765",
        "evil.example#127.0.0.1",
        "",
        "127.0.0.1 evil.example",
        "[::1",
        "0.0.0.0:8765",
    ],
)
def test_another_host_is_refused(site: Site, app: Starlette, ada: Client, host: str) -> None:
    before = dump(site.database)
    for path in ("/rate", "/static/app.css", "/nothing", "/r/x"):
        answer = raw(app, "GET", path, [("host", host), *signed(ada).items()])
        assert answer.status == 400
        assert ON_ALL.items() <= dict(answer.headers).items()
        assert b"evil" not in answer.body
    body = urlencode({"csrf": ada.csrf}).encode()
    answer = raw(app, "POST", "/next", [("host", host), *signed(ada).items()], [body])
    assert answer.status == 400
    assert dump(site.database) == before


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:8765", "[::1]:8765", "LOCALHOST"])
def test_this_machine_has_three_names(app: Starlette, host: str) -> None:
    assert raw(app, "GET", "/healthz", [("host", host)]).status == 200


@pytest.mark.parametrize("url", ["https://rate.example.org", "https://[2001:db8::1]:8765"])
def test_a_public_place_has_one_name(site: Site, url: str) -> None:
    app = app_of(dataclasses.replace(site, place=Place(url)))
    name = url.removeprefix("https://")
    assert raw(app, "GET", "/healthz", [("host", name)]).status == 200
    assert raw(app, "GET", "/healthz", [("host", "127.0.0.1:8765")]).status == 400
    assert raw(app, "GET", "/healthz", [("host", "www." + name)]).status == 400


def test_only_addresses_of_this_machine_are_loopback() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost")))
    others = (
        "127.example.org",
        "127.0.0.1.nip.io",
        "localhost.example",
        "0.0.0.0",
        "::",
        "",
        "10.0.0.1",
    )
    assert not any(map(is_loopback, others))


# Where the app sends people ----------------------------------------------------------------

AWAY = r"""
//evil.example ///evil.example /\evil.example \/evil.example \\evil.example https://evil.example
http:evil.example javascript:alert(1) evil.example /%09/evil.example /..//evil.example
data:text/html,x
"""


@pytest.mark.parametrize(
    "back",
    [
        *AWAY.split(),
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        " //evil.example",
        "",
        "/rate\r\nSet-Cookie: a=b",
        "/ü",
        "/\x00",
        "/rate\u2028x",
        "?a",
        "#a",
    ],
)
def test_back_leads_nowhere_else(ada: Client, back: str) -> None:
    answer = ada.submit("/settings", {"back": back, "keys": "on"})
    assert answer.status_code == 303
    where = answer.headers["location"]
    assert urlsplit(urljoin(HERE + "/settings", where)).netloc == "127.0.0.1:8765"
    assert "set-cookie" not in answer.headers
    if not back.startswith(("/%09", "/..")):  # paths of ours, strange as they are
        assert where == "/rate"


@pytest.mark.parametrize("back", ["/rate", "/answer/0123", "/owner", "/rate?saved=1", "/"])
def test_back_leads_back(ada: Client, back: str) -> None:
    assert ada.submit("/settings", {"back": back}).headers["location"] == back


@given(st.text(alphabet=st.sampled_from("/\\.:@?#%\t\n\r aeht09éevil"), max_size=12))
def test_back_is_a_path_of_ours_whatever_it_says(back: str) -> None:
    from mores.rate.web import rater
    from mores.rate.web.call import Call

    nothing: Any = None
    form = {"back": [back]}
    call: Any = Call(site=nothing, app=APP, path="/", params={}, query={}, headers={}, form=form)
    where = rater.settings(call).headers["location"]
    # What the WHATWG URL standard does first: tabs and line ends go, backslashes turn.
    seen = "".join(c for c in where if c not in "\t\r\n").replace("\\", "/")
    assert seen.startswith("/")
    assert not seen.startswith("//")


# Headers -----------------------------------------------------------------------------------


def sealed(answer: Raw, *, static: bool = False, secure: bool = False) -> None:
    """Every header once, with exactly its value."""
    names = [name for name, _ in answer.headers]
    for name, value in ON_ALL.items():
        assert names.count(name) == 1, (answer.status, name)
        assert answer.header(name) == value
    assert answer.header("cache-control") == ("max-age=600" if static else "no-store")
    assert (answer.header("strict-transport-security") is not None) == secure
    assert not {"server", "x-powered-by", "access-control-allow-origin"} & set(names)


def every_kind(site: Site, app: Any, me: Client, boss: Client, host: str) -> dict[str, Raw]:
    """One response of each kind."""
    body = urlencode({"csrf": me.csrf}).encode()
    home = [("host", host)]
    mine, theirs = [*home, *signed(me).items()], [*home, *signed(boss).items()]
    old = new_link(site, days=-1)
    return {
        "200 /rate": raw(app, "GET", "/rate", mine),
        "200 /": raw(app, "GET", "/", home),
        "200 /healthz": raw(app, "GET", "/healthz", home),
        "200 /static/app.js": raw(app, "GET", "/static/app.js", home),
        "200 /static/icon.svg": raw(app, "GET", "/static/icon.svg", home),
        "200 HEAD": raw(app, "HEAD", "/rate", mine),
        "200 /owner": raw(app, "GET", "/owner", theirs),
        "200 /owner/files": raw(app, "GET", "/owner/files/ratings.csv", theirs),
        "303 /next": raw(app, "POST", "/next", mine, [body]),
        "303 /favicon": raw(app, "GET", "/favicon.ico", home),
        "303 join": raw(app, "POST", f"/r/{new_link(site)}", [*home, *FORM.items()]),
        "400 host": raw(app, "GET", "/rate", [("host", "evil.example")]),
        "400 form": raw(app, "POST", "/begin", mine, [body]),
        "401": raw(app, "GET", "/rate", home),
        "403 role": raw(app, "GET", "/owner", mine),
        "403 csrf": raw(app, "POST", "/next", mine, [b"csrf=x"]),
        "403 link": raw(app, "GET", f"/r/{old}", home),
        "404 page": raw(app, "GET", "/nothing", home),
        "404 item": raw(app, "GET", "/answer/x", mine),
        "404 static": raw(app, "GET", "/static/x", home),
        "405": raw(app, "PUT", "/rate", mine),
        "413": raw(app, "POST", "/next", mine, [b"a" * 70_000]),
        "415": raw(app, "POST", "/next", home),
    }


def test_every_kind_of_response_carries_the_headers(
    site: Site, app: Starlette, ada: Client, boss: Client
) -> None:
    for kind, answer in every_kind(site, app, ada, boss, "127.0.0.1:8765").items():
        assert str(answer.status) == kind[:3], (kind, answer.status)
        sealed(answer, static="/static/" in kind)


def test_hsts_with_tls_only(site: Site) -> None:
    secure = dataclasses.replace(site, place=Place("https://rate.example.org"))
    app = app_of(secure)
    me, boss = join(secure, app=app), owner(secure, app=app)
    for kind, answer in every_kind(secure, app, me, boss, "rate.example.org").items():
        sealed(answer, static="/static/" in kind, secure=True)
        if answer.status != 400:
            assert answer.header("strict-transport-security") == "max-age=31536000"


def broken(site: Site, error: Exception) -> Any:
    """The app, with pages that raise."""

    def raises(call: Any) -> Any:
        raise error

    pages = tuple(dataclasses.replace(page, handler=raises) for page in PAGES)
    return app_of(site, dataclasses.replace(APP, pages=pages))


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RuntimeError("secret-of-ours"), 500),
        (KeyError("secret-of-ours"), 500),
        (DatabaseFullError("no room"), 507),
        (DatabaseReadOnlyError("read only"), 503),
        (DatabaseBusyError("busy"), 503),
        (StoreError("secret-of-ours"), 503),
    ],
)
def test_an_error_of_ours_shows_a_plain_page(
    site: Site, ada: Client, error: Exception, status: int
) -> None:
    app = broken(site, error)
    body = urlencode({"csrf": ada.csrf}).encode()
    for answer in (
        raw(app, "GET", "/rate", signed(ada)),
        raw(app, "POST", "/next", signed(ada), [body]),
        raw(app, "GET", "/static/app.css"),
        raw(app, "POST", "/r/x", FORM),
    ):
        assert answer.status == status
        sealed(answer)
        assert b"secret-of-ours" not in answer.body
        assert b"Traceback" not in answer.body
        assert f"Code {status}".encode() in answer.body


def test_an_error_outside_the_pages(
    app: Starlette, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def raises(*_args: Any, **_kind: Any) -> Any:
        raise RuntimeError("secret-of-ours")

    monkeypatch.setattr(app_module, "message", raises)
    for path in ("/nothing", "/rate"):
        answer = raw(app, "GET", path)
        assert answer.status == 500
        sealed(answer)
        assert answer.body == b"Something went wrong.\n"
    assert "secret-of-ours" in caplog.text


def test_comments_do_not_get_into_the_log(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    me = join(site)
    consent(me)
    shown = next_form(me)
    with site.database.alone() as connection:
        refuse = "BEFORE INSERT ON remark BEGIN SELECT RAISE(ABORT, 'refused'); END"
        connection.execute(f"CREATE TRIGGER trouble {refuse}")
    try:
        sent = {**shown, "answer": "2", "remark": "my-name-is-Ada"}
        assert me.submit("/rate", sent).status_code == 500
    finally:
        with site.database.alone() as connection:
            connection.execute("DROP TRIGGER trouble")
    assert "INSERT INTO remark" in caplog.text
    assert "my-name-is-Ada" not in caplog.text


# Limits ------------------------------------------------------------------------------------


class Still(SimpleNamespace):
    """Stands for the module `time` in the app: monotonic is moved by hand."""

    at = 1000.0

    def monotonic(self) -> float:
        return self.at


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Still:
    still = Still()
    monkeypatch.setattr(app_module, "time", still)
    return still


def until_refused(ask: Any, most: int = 1000) -> int:
    """How often it was answered before the first 429."""
    for n in range(most):
        if ask() == 429:
            return n
    return most


def test_limits_of_links(site: Site, clock: Still) -> None:
    app = app_of(site, limits=True)
    before = dump(site.database)

    def guess() -> int:
        return raw(app, "GET", "/r/" + "A" * 43).status

    assert until_refused(guess) == 60  # at once
    refused = raw(app, "POST", f"/r/{'A' * 43}", FORM)
    assert refused.status == 429  # opening and joining share the limit
    sealed(refused)
    assert raw(app, "GET", "/o/" + "A" * 43).status == 429
    clock.at += 0.5
    assert until_refused(guess) == 1  # 120 a minute
    clock.at += 3600.0
    assert until_refused(guess) == 60
    assert dump(site.database) == before


def test_limits_of_forms_and_pages(site: Site, clock: Still) -> None:
    app = app_of(site, limits=True)
    plain = app_of(site)
    ada, bob = join(site, app=plain), join(site, app=plain)

    def post(me: Client) -> int:
        body = urlencode({"csrf": me.csrf, "keys": "on"}).encode()
        return raw(app, "POST", "/settings", signed(me), [body]).status

    def get(me: Client) -> int:
        return raw(app, "GET", "/stopped", signed(me)).status

    assert until_refused(lambda: post(ada)) == 60
    before = dump(site.database)
    assert post(ada) == 429
    assert dump(site.database) == before
    assert post(bob) == 303  # one session's haste is not another's
    assert get(ada) == 200
    assert until_refused(lambda: get(ada)) == 239
    assert get(bob) == 200
    clock.at += 60.0
    assert post(ada) == 303
    assert get(ada) == 200


def test_made_up_sessions_share_the_limit_of_their_address(site: Site, clock: Still) -> None:
    app = app_of(site, limits=True)
    names = iter(range(10_000))

    def ask(method: str) -> int:
        headers = {**FORM, "cookie": f"mores_local=made-up-{next(names)}"}
        return raw(app, method, "/rate", headers).status

    assert until_refused(lambda: ask("POST")) == 60
    assert until_refused(lambda: ask("GET")) == 240


def test_whose_address_counts_behind_a_proxy(site: Site, clock: Still) -> None:
    def asker(app: Any, header: Any) -> Any:
        names = iter(range(10_000))
        return lambda: raw(app, "GET", "/r/x", {"x-forwarded-for": header(next(names))}).status

    direct = app_of(site, limits=True)  # without a proxy, the header is only what a client says
    assert until_refused(asker(direct, lambda n: f"198.51.100.{n}")) == 60
    proxied = app_of(dataclasses.replace(site, behind_proxy=True), limits=True)
    assert until_refused(asker(proxied, lambda n: f"10.0.0.{n}, 198.51.100.7")) == 60
    assert until_refused(asker(proxied, lambda n: f"10.0.0.{n}, 198.51.100.8")) == 60


def test_a_bucket_fills_at_its_rate_and_no_further() -> None:
    limiter = Limiter(3, 60.0)  # one a second
    assert [limiter.allows("a", 0.0) for _ in range(4)] == [True, True, True, False]
    assert [limiter.allows("a", 1.0) for _ in range(2)] == [True, False]
    assert [limiter.allows("a", 0.5) for _ in range(2)] == [False, False]  # back in time: no gain
    assert [limiter.allows("a", 1e9) for _ in range(4)] == [True, True, True, False]
    assert limiter.allows("b", 0.0)


def test_limits_do_not_fill_the_memory() -> None:
    limiter = Limiter(3, 60.0)
    for n in range(50_000):
        limiter.allows(f"address {n}", n / 1000.0)
    assert len(limiter._buckets) <= 20_001  # those that are full again are let go
