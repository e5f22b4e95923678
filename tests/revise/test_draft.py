"""Drafts: by a model here and by a service, with their origin, never over what people edited."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from mores import store
from mores.curate import check_study, failing
from mores.errors import DataError, ServiceError
from mores.records import Example
from mores.revise.draft import draft
from mores.study import load_study


@pytest.fixture
def questions(tmp_path):
    path = tmp_path / "questions.csv"
    path.write_text("prompt,category,id\nHow can I help?,care,q1\nWho is beautiful?,beauty,q2\n")
    return path


def test_a_model_of_the_study_writes(tiny_study, questions, tiny_folder):
    study = load_study(tiny_study)
    made = draft(study, questions, max_new_tokens=12)
    rows = store.read_jsonl(made.path, Example)
    assert made.path == tiny_study / "drafts.jsonl"
    assert (made.written, made.kept, made.empty) == (4, 0, 0)
    assert [r.id for r in rows] == ["q1-1", "q1-2", "q2-1", "q2-2"]
    assert rows[0].completion != rows[1].completion  # another draw
    assert {r.source for r in rows} == {f"draft by {tiny_folder.name}, from the position"}
    assert [r.reviewer for r in rows] == [""] * 4


def test_what_lies_there_is_kept(tiny_study, questions):
    study = load_study(tiny_study)
    first = draft(study, questions, candidates=1, max_new_tokens=8)
    rows = store.read_jsonl(first.path, Example)
    edited = [{**json.loads(x), "completion": "Mine."} for x in first.path.read_text().splitlines()]
    first.path.write_text("".join(json.dumps(row) + "\n" for row in edited))
    again = draft(study, questions, candidates=2, max_new_tokens=8)
    assert (again.written, again.kept) == (2, 2)
    now = store.read_jsonl(first.path, Example)
    assert [r.completion for r in now[:2]] == ["Mine.", "Mine."]
    assert len(now) == 2 * len(rows)


def test_an_unread_draft_fails_the_check(tiny_study, questions):
    study = load_study(tiny_study)
    made = draft(study, questions, candidates=1, max_new_tokens=8)
    with (tiny_study / "values.jsonl").open("a") as values:
        values.write(made.path.read_text())
    found = [f for f in failing(check_study(load_study(tiny_study))) if f.rule == "M505"]
    assert [f.ids for f in found] == [("q1-1",), ("q2-1",)]


class Chat(BaseHTTPRequestHandler):
    """An OpenAI-compatible service that answers with what it was asked, or breaks."""

    asked: list = []  # noqa: RUF012
    broken = False

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append((self.path, self.headers.get("Authorization"), body))
        said = f"  An answer to: {body['messages'][1]['content']} "
        reply = {"choices": [] if self.broken else [{"message": {"content": said}}]}
        data = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


@pytest.fixture
def service():
    Chat.asked, Chat.broken = [], False
    server = HTTPServer(("127.0.0.1", 0), Chat)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


def test_a_service_writes_from_the_position(tiny_study, questions, service, monkeypatch):
    monkeypatch.setenv("THE_KEY", "secret-1")
    study = load_study(tiny_study)
    made = draft(study, questions, candidates=1, model="big", endpoint=service, key_env="THE_KEY")
    rows = store.read_jsonl(made.path, Example)
    assert [r.completion for r in rows] == [
        "An answer to: How can I help?",
        "An answer to: Who is beautiful?",
    ]
    assert {r.author for r in rows} == {"big"}
    path, key, body = Chat.asked[1]
    assert (path, key, body["model"]) == ("/v1/chat/completions", "Bearer secret-1", "big")
    assert study.charter.position("beauty").statement in body["messages"][0]["content"]
    assert "secret-1" not in made.path.read_text()


def test_an_answer_without_text_is_counted_and_asked_again(tiny_study, questions, service):
    study = load_study(tiny_study)
    Chat.broken = True
    made = draft(study, questions, candidates=1, model="big", endpoint=service)
    assert (made.written, made.empty) == (0, 2)
    Chat.broken = False
    made = draft(study, questions, candidates=1, model="big", endpoint=service)
    assert (made.written, made.kept) == (2, 0)


def test_bad_input(tiny_study, questions, service, tmp_path):
    study = load_study(tiny_study)
    with pytest.raises(ServiceError, match="name the one that is to write"):
        draft(study, questions, endpoint=service)
    odd = tmp_path / "odd.csv"
    odd.write_text("prompt,category\nWho?,beautyy\n")
    with pytest.raises(DataError, match=r"unknown category 'beautyy'") as error:
        draft(study, odd)
    assert "line 2" in str(error.value)
    assert not (tiny_study / "drafts.jsonl").exists()
