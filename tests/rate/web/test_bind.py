"""Where the app may listen, and that nobody gets in by a secret that is not fresh."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from app import Clock, client, make_site, make_study

from mores.errors import StoreError
from mores.rate.db.migrations import upgrade
from mores.rate.db.tables import metadata
from mores.rate.serve import Options, Started, place_for, prepare
from mores.rate.web.routes import PAGES
from mores.web.database import open_database
from mores.web.security import Place, same_origin

SRC = Path(__file__).parents[3] / "src" / "mores"


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Files that exist; whether they hold a certificate is not asked here."""
    monkeypatch.setattr("ssl.SSLContext.load_cert_chain", lambda *_args, **_named: None)
    files = {"tls_cert": tmp_path / "cert.pem", "tls_key": tmp_path / "key.pem"}
    for file in files.values():
        file.touch()
    return files


def test_this_machine_alone_by_default() -> None:
    assert Options().host == "127.0.0.1"
    assert place_for(Options()) == Place("http://127.0.0.1:8765")


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("localhost", "http://localhost:8765"),
        ("127.0.0.2", "http://127.0.0.2:8765"),
        ("::1", "http://[::1]:8765"),
    ],
)
def test_loopback_needs_nothing(host: str, url: str) -> None:
    place = place_for(Options(host=host))
    assert place.url == url
    assert not place.secure


@pytest.mark.parametrize(
    "host",
    [
        "0.0.0.0",
        "::",
        "",
        "192.168.1.20",
        "10.0.0.1",
        "203.0.113.9",
        "2001:db8::1",
        "example.org",
        "127.example.org",
        "127.0.0.1.nip.io",
        "localhost.example.org",
    ],
)
def test_nothing_beyond_it_without_encryption(host: str) -> None:
    with pytest.raises(StoreError, match="can be reached from other machines") as error:
        place_for(Options(host=host))
    assert "--tls-cert" in str(error.value)
    assert "--behind-proxy" in str(error.value)


def test_with_a_certificate(certificate: dict[str, Path]) -> None:
    place = place_for(Options(host="Rate.example.org", **certificate))  # type: ignore[arg-type]
    assert place == Place("https://rate.example.org:8765")
    assert place.secure
    place = place_for(Options(host="2001:db8::1", port=443, **certificate))  # type: ignore[arg-type]
    assert place == Place("https://[2001:db8::1]")


@pytest.mark.parametrize("port", [443, 8443])
def test_forms_are_taken_on_the_usual_port_too(certificate: dict[str, Path], port: int) -> None:
    # Browsers leave 443 out of Origin; an address with it would refuse every form.
    place = place_for(Options(host="rate.example.org", port=port, **certificate))  # type: ignore[arg-type]
    origin = "https://rate.example.org" + ("" if port == 443 else ":8443")
    assert same_origin(place, {"origin": origin, "sec-fetch-site": "same-origin"})


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])
def test_no_link_can_be_made_to_everywhere(certificate: dict[str, Path], host: str) -> None:
    with pytest.raises(StoreError, match="no address that a browser can open"):
        place_for(Options(host=host, **certificate))  # type: ignore[arg-type]


def test_half_a_certificate(certificate: dict[str, Path]) -> None:
    for name, file in certificate.items():
        with pytest.raises(StoreError, match="both a certificate and its key"):
            place_for(Options(host="example.org", **{name: file}))  # type: ignore[arg-type]
    certificate["tls_key"].unlink()
    with pytest.raises(StoreError, match="no such file"):
        place_for(Options(host="example.org", **certificate))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("https://rate.example.org", "https://rate.example.org"),
        ("https://Rate.Example.org/", "https://rate.example.org"),
        ("https://rate.example.org:443", "https://rate.example.org"),
        ("https://rate.example.org:8443", "https://rate.example.org:8443"),
        ("https://127.example.org", "https://127.example.org"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
    ],
)
def test_behind_a_proxy(given: str, url: str) -> None:
    place = place_for(Options(host="0.0.0.0", behind_proxy=given))
    assert place == Place(url)
    assert place.secure
    assert place.cookie == "__Host-mores"


@pytest.mark.parametrize(
    "given",
    [
        "http://rate.example.org",
        "rate.example.org",
        "https://",
        "https:///",
        "",
        "https://rate.example.org/app",
        "https://ada@rate.example.org",
        "https://rate.example.org?x",
        "https://rate.example.org#x",
        "https://rate example.org",
        "https://rate.example.org:port",
        "https://rate.example.org\nhttps://evil.example",
    ],
)
def test_a_proxy_is_named_by_its_https_address(given: str) -> None:
    with pytest.raises(StoreError, match="https://host"):
        place_for(Options(behind_proxy=given))


# Nothing to guess --------------------------------------------------------------------------


def first_start(folder: Path) -> Started:
    study = make_study(folder)
    database = open_database(folder / "ratings.sqlite")
    upgrade(database)
    _, started = prepare(database, study, Place("http://127.0.0.1:1"), invites=None, now=Clock()())
    database.close()
    return started


def test_every_first_start_makes_fresh_links(tmp_path: Path) -> None:
    starts = [first_start(tmp_path / name) for name in ("a", "b")]  # the same study, seed and time
    links = [link for start in starts for link in (start.owner_link, *start.rater_links)]
    assert len(links) == len(set(links)) == 2 * (1 + 3)
    for link in links:
        # 43 characters of base64: 32 bytes of the operating system's randomness.
        assert re.fullmatch(r"http://127\.0\.0\.1:1/[or]/[A-Za-z0-9_-]{43}", link)
    assert len({link[-43:-35] for link in links}) == len(links)


def test_there_are_no_passwords() -> None:
    columns = {c.name for table in metadata.tables.values() for c in table.columns}
    assert not {name for name in columns if re.search("passw|pwd|login|email", name)}
    assert not [page for page in PAGES if re.search("login|signin|register|reset|admin", page.path)]
    for template in (SRC / "rate" / "web" / "templates").iterdir():
        assert 'type="password"' not in template.read_text("utf-8")


def test_no_usual_secret_opens_a_door(tmp_path: Path) -> None:
    site = make_site(make_study(tmp_path / "study"), now=Clock())
    me = client(site)
    for word in (
        "admin",
        "owner",
        "password",
        "changeme",
        "default",
        "test",
        "1",
        "null",
        "A" * 43,
    ):
        for door in ("o", "r"):
            assert me.submit(f"/{door}/{word}").status_code == 404
        me.cookies.set(site.place.cookie, word)
        assert me.get("/owner").status_code == 401
    site.database.close()
