"""Requests against a real server: what is retried, what is not, what never leaves."""

import datetime as dt
import itertools
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from mores.errors import ServiceError
from mores.remote.address import checked_url, key_from
from mores.remote.reply import Clock
from mores.remote.service import MOST_BYTES, Service
from services import absent


@pytest.fixture(autouse=True)
def chance(monkeypatch):
    """Jitter is drawn by tenacity; here it always draws a quarter of what it may."""
    monkeypatch.setattr("random.uniform", lambda low, high: low + (high - low) / 4)


@pytest.fixture
def asked(service, clock):
    return Service(service.url, key="s3cret+key", clock=clock, timeout=5)


def test_json_there_and_back(service, asked, answer):
    service.answers = [answer({"ok": True, "word": "né"})]
    reply = asked.post({"text": "Ä \u2028"})
    assert (reply.status, reply.body, reply.reason) == (200, {"ok": True, "word": "né"}, "")
    assert service.requests == [{"text": "Ä \u2028"}]
    assert service.headers[0]["Authorization"] == "Bearer s3cret+key"
    assert service.headers[0]["Content-Type"] == "application/json"


def test_without_a_key_no_header(service, clock, answer):
    service.answers = [answer({})]
    Service(service.url, clock=clock).post({})
    assert "Authorization" not in service.headers[0]


def test_a_key_in_the_address_is_quoted_and_in_no_header(service, clock, answer):
    service.answers = [answer({})]
    Service(service.url, key="s3cret+key", key_in_url=True, clock=clock).post({})
    assert service.paths == ["/v1?key=s3cret%2Bkey"]
    assert "Authorization" not in service.headers[0]


def test_429_with_retry_after_waits_that_long(service, asked, answer, clock):
    service.answers = [answer({}, 429, {"Retry-After": "7"}), answer({"ok": 1})]
    assert asked.post({}).body == {"ok": 1}
    assert clock.slept == [7.0]


def test_retry_after_may_be_a_date(service, asked, answer, clock):
    service.answers = [
        answer({}, 503, {"Retry-After": "Tue, 01 Sep 2026 12:00:30 GMT"}),
        answer({"ok": 1}),
    ]
    assert asked.post({}).body == {"ok": 1}
    assert clock.slept == [30.0]


def test_a_retry_after_that_says_nothing_is_as_none(service, asked, answer, clock):
    odd = [answer({}, 503, {"Retry-After": said}) for said in ("soon", "\u00b2")]
    service.answers = [*odd, answer({"ok": 1})]
    assert asked.post({}).body == {"ok": 1}
    assert clock.slept == [1.25, 2.25]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_without_retry_after_the_waits_double_with_jitter_and_end(
    service, asked, answer, clock, status
):
    service.answers = [answer({"error": {"message": "busy\nnow"}}, status) for _ in range(4)]
    reply = asked.post({})
    assert (reply.status, reply.again) == (status, True)
    assert reply.reason == f"HTTP {status}: busy now"
    assert clock.slept == [1.25, 2.25, 4.25]
    assert len(service.requests) == 4


def test_a_service_that_asks_for_an_hour_is_not_waited_for(service, asked, answer, clock):
    service.answers = [answer({}, 429, {"Retry-After": "3600"})]
    reply = asked.post({})
    assert reply.reason == "HTTP 429, asks to wait 3600 s"
    assert reply.again
    assert clock.slept == []


def test_a_permanent_refusal_is_asked_once(service, asked, answer, clock):
    service.answers = [answer({"error": {"message": "bad text"}}, 400)]
    reply = asked.post({})
    assert (reply.reason, reply.again, reply.body) == (
        "HTTP 400: bad text",
        False,
        {"error": {"message": "bad text"}},
    )
    assert clock.slept == []


@pytest.mark.parametrize(
    ("body", "announced"),
    [
        (b'{"results": [{"flag', None),  # whole by its length, broken as JSON
        (b'{"results": [{"flag', 400),  # shorter than announced
        (b"<html><body>Gateway</body></html>", None),
        (b'{"value": NaN}', None),
        (b'{"value": 1e999}', None),
        (b'{"value": "\\ud800"}', None),  # could not be written and read again
        (b"[" * 100_000, None),
        (b"", None),
        (b"\xff\xfe", None),
    ],
)
def test_what_is_no_json_is_asked_again_and_then_has_a_reason(
    service, asked, answer, clock, body, announced
):
    service.answers = [answer(body, announced=announced) for _ in range(4)]
    reply = asked.post({})
    assert reply.body is None
    assert reply.again
    assert reply.reason.startswith(("the answer is not JSON", "the answer broke off"))
    assert len(service.requests) == 4


def test_an_html_error_page_is_a_server_error(service, asked, answer):
    service.answers = [answer(b"<html>Bad gateway</html>", 502), answer({"ok": 1})]
    assert asked.post({}).body == {"ok": 1}


def test_an_endless_answer_is_broken_off(service, asked, answer):
    service.answers = [answer(b" " * (MOST_BYTES + 1)) for _ in range(4)]
    assert asked.post({}).reason == "the answer broke off: ReadError"


def test_a_slow_service_is_not_waited_for(service, answer, clock):
    service.answers = [answer({}, hang=True) for _ in range(4)]
    reply = Service(service.url, clock=clock, timeout=0.05).post({})
    assert (reply.reason, reply.again) == ("no answer within 0.05 s", True)
    assert clock.slept == [1.25, 2.25, 4.25]


def test_a_service_that_trickles_is_as_late_as_one_that_is_silent(service, answer, clock):
    seconds = itertools.count()
    clock.now = lambda: float(next(seconds))  # a second passes with every piece of the answer
    service.answers = [answer({"ok": 1}) for _ in range(4)]
    reply = Service(service.url, clock=clock, timeout=0.5).post({})
    assert (reply.reason, reply.again) == ("no answer within 0.5 s", True)


def test_nobody_there(service, clock):
    service.server.shutdown()
    service.server.server_close()
    reply = Service(service.url, clock=clock).post({})
    assert reply.again
    assert reply.reason.startswith("no connection")


def test_requests_keep_their_distance(service, answer, clock):
    service.answers = [answer({"ok": 1}), answer({}, 500), answer({"ok": 2}), answer({"ok": 3})]
    asked = Service(service.url, clock=clock, interval=1.0)
    asked.post({})
    clock.seconds += 0.25
    asked.post({})  # waits .75; fails; waits its second and a bit; goes again
    assert clock.slept == [0.75, 1.25]
    clock.seconds += 10
    asked.post({})
    assert clock.slept == [0.75, 1.25]


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "the key was refused"),
        (403, "the key was refused"),
        (404, "no such service"),
        (410, "is gone"),
    ],
)
def test_what_concerns_all_texts_stops_at_once(service, asked, answer, status, message):
    service.answers = [answer({"error": {"message": "no: s3cret+key s3cret%2Bkey"}}, status)]
    with pytest.raises(ServiceError, match=message) as caught:
        asked.post({})
    assert f"(HTTP {status}): no: [key] [key]" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert len(service.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(service, asked, answer, status):
    service.answers = [answer(b"", status, {"Location": service.url + "/elsewhere"})]
    with pytest.raises(ServiceError, match="elsewhere, which is not followed"):
        asked.post({"text": "private"})
    assert service.paths == ["/v1"]


def test_a_proxy_of_the_environment_gets_nothing_of_this_machine(
    service, answer, clock, monkeypatch
):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    service.answers = [answer({"ok": 1})]
    assert Service(service.url, clock=clock).post({}).body == {"ok": 1}


def test_a_proxy_that_cannot_be_spoken_to_is_named(monkeypatch, clock):
    monkeypatch.setenv("https_proxy", "ftp://me:pw@127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(ServiceError, match="Unknown scheme for proxy URL") as caught:
        Service("https://example.org/v1", clock=clock).post({})
    assert "pw" not in str(caught.value)


def test_the_key_is_in_no_log(service, answer, clock, caplog):
    service.answers = [answer({"ok": 1}), answer({"ok": 1})]
    with caplog.at_level("DEBUG"):
        Service(service.url, key="s3cret", key_in_url=True, clock=clock).post({})
        Service(service.url, key="s3cret", clock=clock).post({})
    assert service.paths == ["/v1?key=s3cret", "/v1"]
    assert caplog.records != []
    assert "s3cret" not in caplog.text


def test_the_key_is_in_nothing_that_is_kept(service, asked, answer):
    service.answers = [answer({"echo": "s3cret+key"})]
    assert asked.post({}).body == {"echo": "[key]"}


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://example.org/v1", "without encryption"),
        ("http://127.0.0.1.example.org/v1", "without encryption"),
        ("https://user:pw@example.org/v1", "must not hold a key"),
        ("https://example.org/v1?API_KEY=x", "must not hold a key"),
        ("ftp://example.org", "not an address"),
        ("example.org/v1", "not an address"),
        ("https://", "not an address"),
        ("https://[::1/v1", "not an address"),
        ("https://host:port/", "not an address"),
        ("", "not an address"),
    ],
)
def test_addresses_that_are_refused(url, message):
    with pytest.raises(ServiceError, match=message) as caught:
        checked_url(url)
    assert "pw@" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/v1",
        "http://localhost:80/x",
        "http://[::1]:8/",
        "http://127.0.0.9/",
        "https://example.org/v1?api-version=2",
    ],
)
def test_addresses_that_are_taken(url):
    assert checked_url(url) == url


def test_a_key_comes_from_the_environment_only(monkeypatch):
    monkeypatch.setenv("MORES_TEST_KEY", " abc\n")
    assert key_from("MORES_TEST_KEY", needed=True, where="x") == "abc"
    assert key_from("", needed=False, where="x") == ""
    monkeypatch.setenv("MORES_TEST_KEY", "a\r\nInjected: b")
    with pytest.raises(ServiceError, match="odd characters") as caught:
        key_from("MORES_TEST_KEY", needed=True, where="x")
    assert "Injected" not in str(caught.value)
    monkeypatch.delenv("MORES_TEST_KEY")
    with pytest.raises(ServiceError, match="MORES_TEST_KEY holds no key"):
        key_from("MORES_TEST_KEY", needed=False, where="x")
    with pytest.raises(ServiceError, match="no key is named"):
        key_from("", needed=True, where="x")


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path, clock):
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        tmp_path / "key.pem",
        "-out",
        tmp_path / "cert.pem",
        "-days",
        "2",
    ]
    try:
        subprocess.run(made, check=True, capture_output=True)
    except FileNotFoundError:
        absent("the command openssl is not installed: apt-get install openssl")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            seen.append(self.path)

    class Quiet(HTTPServer):
        def handle_error(self, *_):
            pass

    with Quiet(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            with pytest.raises(ServiceError, match="certificate cannot be verified"):
                Service(f"https://127.0.0.1:{server.server_port}/", clock=clock).post({"t": "x"})
        finally:
            server.shutdown()
            thread.join()
    assert seen == []


def test_the_system_clock_is_utc():
    clock = Clock()
    before = clock.now()
    clock.sleep(0)
    assert clock.now() >= before
    assert clock.utc().tzinfo is dt.UTC


def test_a_key_that_json_writes_in_another_way_is_cleaned_too(service, clock, answer):
    service.answers = [answer(b'{"said": "s3cret\\u002Bkey", "list": ["s3cret\\u002bkey"]}')]
    reply = Service(service.url, key="s3cret+key", clock=clock).post({})
    assert reply.body == {"said": "[key]", "list": ["[key]"]}


def test_a_path_goes_before_the_question_mark(service, clock, answer):
    service.answers = [answer({})]
    Service(f"{service.url}?api-version=1", clock=clock).call("POST", "files", {})
    assert service.paths == ["/v1/files?api-version=1"]
