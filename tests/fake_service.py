"""A real HTTP server on this machine that says what a test tells it, and a clock that jumps."""

from __future__ import annotations

import datetime as dt
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class FakeClock:
    """Sleeping moves it on at once."""

    def __init__(self, when: dt.datetime) -> None:
        self.seconds = 1000.0
        self.when = when
        self.slept: list[float] = []

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    def utc(self) -> dt.datetime:
        return self.when


class Answer:
    """One response: a status, a body (bytes as they are, else JSON), headers, faults."""

    def __init__(self, body, status=200, headers=None, announced=None, hang=False):
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.status = status
        self.headers = headers or {}
        self.announced = len(self.body) if announced is None else announced
        self.hang = hang


class FakeService:
    """Gives the answers of a list in order, or those of a function of the request."""

    def __init__(self, server):
        self.server = server
        self.url = f"http://127.0.0.1:{server.server_port}/v1"
        self.requests: list[dict] = []
        self.headers: list[dict] = []
        self.paths: list[str] = []
        self.answers: list[Answer] = []
        self.answer = None
        self.over = threading.Event()

    def reply(self, request):
        return self.answer(request) if self.answer else self.answers.pop(0)


@pytest.fixture
def service():
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            fake = self.server.fake
            body = self.rfile.read(int(self.headers["Content-Length"]))
            fake.requests.append(json.loads(body))
            fake.headers.append(dict(self.headers))
            fake.paths.append(self.path)
            answer = fake.reply(fake.requests[-1])
            if answer.hang:
                fake.over.wait(30)
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(answer.announced))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.fake = FakeService(server)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.fake
        server.fake.over.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def answer():
    return Answer


@pytest.fixture
def clock():
    return FakeClock(dt.datetime(2026, 9, 1, 12, 0, tzinfo=dt.UTC))
