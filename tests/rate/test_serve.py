"""`mores rate serve` as people start it: a process of its own, links, one at a time, Ctrl-C."""

from __future__ import annotations

import os
import queue
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
from app import form, make_study

import mores
from mores.errors import DataError, StoreError
from mores.rate.db.backup import read_backup
from mores.rate.db.migrations import RATING
from mores.rate.opened import backup_folder
from mores.rate.serve import Options, place_for, serve
from mores.study import Study, folders
from mores.web.places import lock_path
from services import absent

PATIENCE = 60.0
END = "running; Ctrl-C stops it"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A running `mores rate serve`."""

    def __init__(self, study: Study, *words: str, port: int | None = None) -> None:
        self.port = port or free_port()
        command = [sys.executable, "-m", "mores", "rate", "serve", str(study.folder)]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._read: queue.Queue[str | None] = queue.Queue()
        self._pumping = threading.Thread(target=self._pump, daemon=True)
        self._pumping.start()

    def _pump(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as said:
            for line in said:
                self._read.put(line.rstrip("\n"))
        self._read.put(None)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=PATIENCE)
        self._pumping.join(timeout=PATIENCE)

    def until(self, text: str | None) -> str:
        """Read until a line holds this text, or to the end; return all that was said."""
        while True:
            line = self._read.get(timeout=PATIENCE)
            if line is None:
                assert text is None, f"ended without {text!r}:\n" + "\n".join(self.lines)
                return "\n".join(self.lines)
            self.lines.append(line)
            if text is not None and text in line:
                return "\n".join(self.lines)

    def links(self, kind: str) -> list[str]:
        return re.findall(rf"^ *(https?://\S+/{kind}/\S+)$", "\n".join(self.lines), re.M)

    def interrupt(self, number: int = signal.SIGINT) -> tuple[int, str]:
        """Press Ctrl-C, or send another signal; return exit code and what was said."""
        self.process.send_signal(number)
        said = self.until(None)
        return self.process.wait(timeout=PATIENCE), said


@contextmanager
def running(study: Study, *words: str, port: int | None = None) -> Iterator[Server]:
    server = Server(study, *words, port=port)
    try:
        server.until(END)
        wait_for(server)
        yield server
    finally:
        server.end()


def wait_for(server: Server) -> None:
    """The links are printed just before the port is open."""
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", server.port)) == 0:
                return
        assert server.process.poll() is None
        threading.Event().wait(0.1)
    raise AssertionError("nothing listens")


def browser(server: Server, **more) -> httpx.Client:
    base = server.links("o")[0].partition("/o/")[0]
    headers = {"sec-fetch-site": "same-origin", "origin": base}
    return httpx.Client(base_url=base, headers=headers, timeout=PATIENCE, **more)


def csrf(html: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', html)
    assert found, html
    return found.group(1)


def come_in(me: httpx.Client, link: str) -> None:
    assert me.get(link).status_code == 200
    answer = me.post(link, data={"x": "y"})
    assert answer.status_code == 303, answer.text


def rate(me: httpx.Client, value: str = "4") -> str:
    """Answer the item on the screen; return its id."""
    page = me.get("/rate").text
    if not form(page):
        assert me.post("/next", data={"csrf": csrf(page)}).status_code == 303
        page = me.get("/rate").text
    shown = form(page)
    answer = me.post("/rate", data={**shown, "answer": value})
    assert answer.status_code == 303, answer.text
    assert "saved=1" in answer.headers["location"]
    return shown["item"]


def mores_command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mores", "rate", *words],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_from_completions_to_ratings_and_on_again(tmp_path: Path) -> None:
    """Start, rate, Ctrl-C, start again: nothing is lost, the same session goes on."""
    study = make_study(tmp_path / "study")
    port = free_port()
    with running(study, port=port) as server:
        said = "\n".join(server.lines)
        assert "12 outputs to rate, 36 ratings" in said
        assert str(folders.rating_folder(study) / RATING.file) in said
        assert len(server.links("r")) == 3  # one a seat
        assert len(server.links("o")) == 1
        assert all(link.startswith(f"http://127.0.0.1:{port}/") for link in server.links("r"))
        me = browser(server)
        come_in(me, server.links("r")[0])
        agreed = me.post("/begin", data={"csrf": csrf(me.get("/begin").text), "decision": "agree"})
        assert agreed.status_code == 303
        first = rate(me)
        old_owner = server.links("o")[0]
        code, said = server.interrupt()
    assert code == 0, said
    assert said.endswith("stopped; everything that was saved is kept, the same command goes on")
    assert "Traceback" not in said
    (backup,) = backup_folder(study).glob("backup-*.tar")  # at the end, as something was answered
    assert b'"events": 1' in read_backup(backup)["manifest.json"]

    with running(study, port=port) as server:
        assert "links for raters" not in "\n".join(server.lines)  # shown once
        assert server.links("r") == []
        second = rate(me)  # the cookie of before
        assert second != first
        assert me.get(f"/answer/{first}").status_code == 200
        boss = browser(server)
        assert boss.get(old_owner).status_code == 403  # the last start's link lets nobody in
        come_in(boss, server.links("o")[0])
        assert boss.get("/owner").status_code == 200
        server.process.kill()  # and without Ctrl-C
        server.process.wait(timeout=PATIENCE)
    assert mores.rate.rating_status(study).totals["done"] == 2
    assert mores.rate.verify_ratings(study).problems == ()
    me.close()
    boss.close()


def test_more_links_when_asked_for(tmp_path: Path) -> None:
    study = make_study(tmp_path / "study")
    with running(study, "--invite", "5") as server:
        assert len(server.links("r")) == len(set(server.links("r"))) == 5


# While a server runs -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Study, Server]]:
    study = make_study(tmp_path_factory.mktemp("served") / "study")
    with running(study) as server:
        yield study, server


def test_a_second_server_is_told_which_process_is_the_first(served) -> None:
    study, server = served
    done = mores_command("serve", str(study.folder), "--port", str(free_port()))
    assert done.returncode == 2
    assert f"already being served (process {server.process.pid} on" in done.stderr
    assert "Ctrl-C" in done.stderr
    assert "Traceback" not in done.stderr
    assert "http" not in done.stdout
    assert server.process.poll() is None


CHANGES: dict[str, Callable[[Path, Path], object]] = {
    "unblind": lambda folder, _: mores.rate.unblind_ratings(mores.load_study(folder), who="Ada"),
    "backup": lambda folder, _: mores.rate.backup_ratings(mores.load_study(folder)),
    "release": lambda folder, _: mores.rate.release_rater(mores.load_study(folder), "r"),
    "forget-rater": lambda folder, _: mores.rate.forget_rater(mores.load_study(folder), "r"),
    "import": lambda folder, file: mores.rate.import_ratings(mores.load_study(folder), file),
}


@pytest.mark.parametrize("what", CHANGES)
def test_commands_that_change_are_refused(served, tmp_path: Path, what: str) -> None:
    study, server = served
    path = tmp_path / "paper.csv"
    path.write_text("item_id,rater,value\nx,anna,4\n", "utf-8")
    with pytest.raises(StoreError, match=f"already being served .process {server.process.pid} "):
        CHANGES[what](study.folder, path)


def test_commands_that_look_work_beside_it(served) -> None:
    study, _ = served
    for name, said in (
        ("status", "0 of 36 ratings"),
        ("export", "ratings.csv"),
        ("verify", "the log is intact"),
    ):
        done = mores_command(name, str(study.folder))
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        assert said in done.stdout
    assert (folders.rating_folder(study) / "export" / "codebook.json").exists()


def test_health_and_headers(served) -> None:
    _, server = served
    with browser(server) as me:
        answer = me.get("/healthz")
        assert (answer.status_code, answer.text) == (200, "ok\n")
        assert "server" not in answer.headers
        assert "strict-transport-security" not in answer.headers


def test_the_lock_goes_with_the_process(tmp_path: Path) -> None:
    study = make_study(tmp_path / "study")
    with running(study) as server:
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait(timeout=PATIENCE)
        assert lock_path(folders.rating_folder(study) / RATING.file).exists()
        assert mores.rate.rating_status(study).totals["needed"] == 36
        assert mores.rate.backup_ratings(study).events == 0


# Databases and addresses -------------------------------------------------------------------


def test_postgresql(tmp_path: Path, postgres_database: str) -> None:
    study = make_study(tmp_path / "study")
    address = postgres_database.replace("+psycopg", "")
    with running(study, "--database", address) as server:
        me = browser(server)
        come_in(me, server.links("r")[0])
        me.post("/begin", data={"csrf": csrf(me.get("/begin").text), "decision": "agree"})
        rate(me)
        done = mores_command("status", str(study.folder), "--database", address)
        assert "1 of 36 ratings" in done.stdout, done.stderr
        assert server.interrupt()[0] == 0
        me.close()
    assert not (folders.rating_folder(study) / RATING.file).exists()
    assert mores.rate.verify_ratings(study, database=address).problems == ()
    restored = tmp_path / "restored.sqlite"
    (backup,) = backup_folder(study).glob("backup-*.tar")
    assert mores.rate.restore_ratings(study, backup, database=str(restored)) == 1
    assert mores.rate.rating_status(study, database=str(restored)).totals["done"] == 1


def test_a_password_is_not_shown(tmp_path: Path) -> None:
    study = make_study(tmp_path / "study")
    address = "postgresql://ada:geheim@127.0.0.1:1/none?connect_timeout=2"
    done = mores_command("serve", str(study.folder), "--database", address)
    assert done.returncode == 2
    assert "error:" in done.stderr
    assert "geheim" not in done.stdout + done.stderr


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, and its key."""
    if shutil.which("openssl") is None:
        absent("the command openssl is not installed: apt-get install openssl")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    words = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        ["openssl", "req", "-x509", *words, *subject, "-keyout", str(key), "-out", str(cert)],
        check=True,
        capture_output=True,
    )
    return cert, key


def test_tls(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    study = make_study(tmp_path / "study")
    cert, key = certificate
    with running(study, "--tls-cert", str(cert), "--tls-key", str(key)) as server:
        assert server.links("r")[0].startswith(f"https://127.0.0.1:{server.port}/r/")
        trusted = ssl.create_default_context(cafile=str(cert))
        with browser(server, verify=trusted) as me:
            come_in(me, server.links("r")[0])
            assert list(me.cookies) == ["__Host-mores"]
            answer = me.get("/begin")
            assert answer.status_code == 200
            assert "max-age" in answer.headers["strict-transport-security"]
        assert server.interrupt()[0] == 0


def test_a_certificate_that_is_none(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    study = make_study(tmp_path / "study")
    cert, key = certificate
    cert.write_text("no certificate", "utf-8")
    words = ["--tls-cert", str(cert), "--tls-key", str(key), "--port", str(free_port())]
    done = mores_command("serve", str(study.folder), *words)
    assert done.returncode == 2, done.stderr
    assert "error:" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folders.rating_folder(study) / RATING.file).exists()


def test_other_machines_are_not_let_in_without_tls(tmp_path: Path) -> None:
    study = make_study(tmp_path / "study")
    done = mores_command("serve", str(study.folder), "--host", "0.0.0.0")
    assert done.returncode == 2
    assert "can be reached from other machines" in done.stderr
    assert "--tls-cert" in done.stderr
    assert not folders.rating_folder(study).exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "ratings.example.org", ""])
def test_only_this_machine_without_tls(host: str) -> None:
    with pytest.raises(StoreError, match="can be reached from other machines"):
        place_for(Options(host=host))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_this_machine_may(host: str) -> None:
    shown = f"[{host}]" if ":" in host else host
    assert place_for(Options(host=host, port=8000)).url == f"http://{shown}:8000"


@pytest.mark.parametrize(
    "address",
    ["http://example.org", "example.org", "https://", "https://example.org/path", "", "ftp://a"],
)
def test_a_proxy_needs_an_https_address(address: str) -> None:
    with pytest.raises(StoreError, match="proxy's address as https://host"):
        place_for(Options(behind_proxy=address))


def test_behind_a_proxy_links_carry_its_address() -> None:
    options = Options(behind_proxy="https://ratings.example.org/", host="127.0.0.1")
    assert place_for(options).url == "https://ratings.example.org"


def test_half_of_tls(tmp_path: Path) -> None:
    path = tmp_path / "cert.pem"
    for options in (Options(tls_cert=path), Options(tls_key=path)):
        with pytest.raises(StoreError, match="both a certificate and its key"):
            place_for(options)
    with pytest.raises(StoreError, match="no such file"):
        place_for(Options(tls_cert=path, tls_key=path))


def test_a_port_that_is_taken_makes_nothing(tmp_path: Path) -> None:
    """Links are shown once: not for a port at which nobody will listen."""
    study = make_study(tmp_path / "study")
    said: list[str] = []
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(StoreError, match=f"port {port}") as found:
            serve(study, Options(port=port), say=said.append)
    assert "--port" in str(found.value)
    assert said == []
    assert not (folders.rating_folder(study) / "key.jsonl").exists()


@pytest.mark.parametrize("port", [-1, 65_536])
def test_no_such_port(tmp_path: Path, port: int) -> None:
    with pytest.raises(StoreError, match="cannot listen"):
        serve(make_study(tmp_path / "study"), Options(port=port), say=print)


def test_nothing_sampled(tmp_path: Path) -> None:
    study = make_study(tmp_path / "study")
    shutil.rmtree(study.run_folder)
    done = mores_command("serve", str(study.folder), "--port", str(free_port()))
    assert done.returncode == 2
    assert "completions.jsonl" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folders.rating_folder(study) / "key.jsonl").exists()


def test_fewer_seats_than_ratings_an_item(tmp_path: Path) -> None:
    study = make_study(tmp_path / "study", per_item=3, seats=2)
    with pytest.raises(DataError, match="seats"):
        serve(study, Options(port=free_port()), say=print)


def test_a_database_of_a_newer_version(tmp_path: Path) -> None:
    study = make_study(tmp_path / "study")
    path = tmp_path / "ratings.sqlite"
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE alembic_version (version_num TEXT)")
        raw.execute("INSERT INTO alembic_version VALUES ('9999')")
        raw.commit()
    with pytest.raises(StoreError, match="made by a newer version") as found:
        serve(study, Options(database=str(path), port=free_port()), say=print)
    assert "update mores" in str(found.value)


def test_a_service_managers_stop_is_like_ctrl_c(tmp_path: Path) -> None:
    with running(make_study(tmp_path / "study")) as server:
        code, said = server.interrupt(signal.SIGTERM)
    assert code == 0
    assert "everything that was saved is kept" in said
