"""Drafts by a service: kept as they come, paid once, within a budget."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading

import pytest
from msgspec.structs import replace

from fake_service import answer, service  # noqa: F401 - fixtures
from mores import store
from mores.errors import ServiceError
from mores.progress import Progress
from mores.records import Example
from mores.revise.draft import draft
from mores.sample.endpoint.ledger import LEDGER
from mores.study import load_study
from mores.study.elsewhere import Endpoint, Prices

READ, DRAWN = 100, 40


class Heard(Progress):
    """Keeps what is said."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def questions(tmp_path):
    path = tmp_path / "questions.csv"
    rows = [f"How can I help {i}?,{('care', 'beauty')[i % 2]},q{i}" for i in range(6)]
    path.write_text("prompt,category,id\n" + "\n".join(rows) + "\n")
    return path


def said(request, text=None, ended="stop"):
    """What a service answers; 100 tokens read, 40 drawn."""
    if text is None:
        text = f"  An answer to: {request['messages'][1]['content']} "
    return {
        "id": "x",
        "model": request["model"],
        "choices": [{"message": {"content": text}, "finish_reason": ended}],
        "usage": {"prompt_tokens": READ, "completion_tokens": DRAWN},
    }


@pytest.fixture
def chat(service, answer):  # noqa: F811
    service.answer = lambda request: answer(said(request))
    return service


def account(folder):
    return [row for _, row in store.read_rows(folder / LEDGER)]


def spent(folder):
    return sum(r["read"] + r["drawn"] for r in account(folder) if r.get("settled"))


def test_a_service_writes_from_the_position(tiny_study, questions, chat, monkeypatch):
    monkeypatch.setenv("THE_KEY", "secret-1")
    study, heard = load_study(tiny_study), Heard()
    made = draft(
        study,
        questions,
        model="big",
        endpoint=chat.url + "/chat/completions",
        key_env="THE_KEY",
        price_read=2.0,
        price_drawn=10.0,
        progress=heard,
    )
    assert (made.written, made.kept, made.empty) == (12, 0, 0)
    rows = store.read_jsonl(made.path, Example)
    assert [r.id for r in rows] == [f"q{i}-{c}" for i in range(6) for c in (1, 2)]
    assert [r.completion for r in rows[:3]] == [
        "An answer to: How can I help 0?",
        "An answer to: How can I help 0?",
        "An answer to: How can I help 1?",
    ]
    assert {r.author for r in rows} == {"big"}
    assert {r.source for r in rows} == {"draft by big, from the position"}
    assert set(chat.paths) == {"/v1/chat/completions"}
    assert {h["Authorization"] for h in chat.headers} == {"Bearer secret-1"}
    beauty = [r for r in chat.requests if r["messages"][1]["content"].endswith("1?")]
    assert study.charter.position("beauty").statement in beauty[0]["messages"][0]["content"]
    assert len({r["seed"] for r in chat.requests}) == 12  # candidates are other draws
    assert {(r["temperature"], r["max_tokens"]) for r in chat.requests} == {(0.7, 320)}
    texts = [m["content"] for r in chat.requests for m in r["messages"]]
    most = sum(len(t.encode()) + 16 for t in texts)
    dollars = (2 * most + 10 * 12 * 320) / 1e6
    asked = f"draft: 12 requests to {chat.url}, at most {most:,} tokens of prompts and 3,840 of "
    assert heard.lines == [
        f"{asked}answers ({dollars:.4f} USD); budget: none; 0 tokens (0.0000 USD) spent before",
        "draft: 1,680 tokens (0.0072 USD) spent",
    ]
    folder = study.run_folder / "drafts" / "big"
    assert spent(folder) == 12 * 140
    assert not (folder / "journal.jsonl").exists()
    for path in tiny_study.rglob("*"):
        assert not path.is_file() or b"secret-1" not in path.read_bytes()
    assert draft(study, questions, model="big", endpoint=chat.url).kept == 12
    assert len(chat.requests) == 12


def test_a_key_that_is_not_there_asks_nothing(tiny_study, questions, chat):
    study = load_study(tiny_study)
    with pytest.raises(ServiceError, match="NO_SUCH_KEY"):
        draft(study, questions, model="big", endpoint=chat.url, key_env="NO_SUCH_KEY")
    assert chat.requests == []


def test_an_answer_that_is_withheld_is_counted_and_asked_again(
    tiny_study,
    questions,
    chat,
    answer,  # noqa: F811
):
    study = load_study(tiny_study)

    def withheld(request):
        if "0?" in request["messages"][1]["content"]:
            return answer(said(request, "", "content_filter"))
        return answer(said(request))

    chat.answer = withheld
    made = draft(study, questions, candidates=1, model="big", endpoint=chat.url)
    assert (made.written, made.empty) == (5, 1)
    chat.answer = lambda request: answer(said(request))
    made = draft(study, questions, candidates=1, model="big", endpoint=chat.url)
    assert (made.written, made.kept, made.empty) == (1, 5, 0)
    assert len(chat.requests) == 7


def test_answers_that_do_not_come_are_said_and_the_others_kept(
    tiny_study,
    questions,
    chat,
    answer,  # noqa: F811
):
    study = load_study(tiny_study)

    def broken(request):
        body = said(request)
        if "3?" in request["messages"][1]["content"]:
            body["choices"] = []
        return answer(body)

    chat.answer = broken
    with pytest.raises(ServiceError, match="1 of 6 answers did not come"):
        draft(study, questions, candidates=1, model="big", endpoint=chat.url)
    rows = store.read_jsonl(tiny_study / "drafts.jsonl", Example)
    assert [r.id for r in rows] == ["q0-1", "q1-1", "q2-1", "q4-1", "q5-1"]
    chat.answer = lambda request: answer(said(request))
    made = draft(study, questions, candidates=1, model="big", endpoint=chat.url)
    assert (made.written, made.kept) == (1, 5)
    rows = store.read_jsonl(made.path, Example)
    assert sorted(r.id for r in rows) == [f"q{i}-1" for i in range(6)]


def test_the_budget_in_tokens_is_never_passed(tiny_study, questions, chat):
    study, heard = load_study(tiny_study), Heard()
    where = {"candidates": 1, "model": "big", "endpoint": chat.url, "max_new_tokens": 50}
    with pytest.raises(ServiceError, match=r"pass the budget: 700 of 1,000 tokens are spent"):
        # A prompt can have about 360 tokens: with 50 for the answer, the sixth could pass it.
        draft(study, questions, most_tokens=1000, progress=heard, **where)
    assert len(chat.requests) == 5
    assert "budget: 1,000 tokens; 0 tokens spent before" in heard.lines[0]
    assert heard.lines[-1] == "draft: 700 tokens spent"
    assert len(store.read_jsonl(tiny_study / "drafts.jsonl", Example)) == 5
    made = draft(study, questions, most_tokens=100_000, **where)
    assert (made.written, made.kept) == (1, 5)
    assert len(chat.requests) == 6
    assert spent(study.run_folder / "drafts" / "big") == 6 * 140


def test_the_budget_in_money_is_never_passed(tiny_study, questions, chat):
    study = load_study(tiny_study)
    with pytest.raises(ServiceError, match=r"of 0.05 USD are spent"):
        draft(
            study,
            questions,
            candidates=1,
            model="big",
            endpoint=chat.url,
            max_new_tokens=50,
            most_money=0.05,
            price_drawn=400.0,  # 0.02 an answer at most, 0.016 as billed
        )
    assert len(chat.requests) == 2


def test_a_model_of_the_study_drafts_at_its_endpoint_and_from_its_budget(
    tiny_study, questions, chat
):
    study = load_study(tiny_study)
    prices = Prices(read=1.0, drawn=1.0, currency="EUR")
    endpoint = Endpoint(
        url=chat.url, served={"base": "there"}, most_tokens=100_000, prices=prices, concurrency=1
    )
    spec = replace(study.config.models[0], engine="openai", endpoint=endpoint)
    study = study.with_config(replace(study.config, models=(spec,)))
    heard = Heard()
    made = draft(study, questions, candidates=1, progress=heard)
    assert made.written == 6
    assert {r["model"] for r in chat.requests} == {"there"}
    assert {e.author for e in store.read_jsonl(made.path, Example)} == {spec.name}
    assert spent(study.run_folder / spec.name) == 840  # where its answers are paid from, too
    assert heard.lines[-1] == "draft: 840 tokens (0.0008 EUR) spent"


KILLED = """
import os, signal, sys
from pathlib import Path
from mores.revise.draft import draft
from mores.step import Journal
from mores.study import load_study

real, kept = Journal.append, 0

def append(self, record):
    global kept
    real(self, record)
    kept += self.path.name == "journal.jsonl"
    if kept == 3:
        os.kill(os.getpid(), signal.SIGKILL)

Journal.append = append
draft(load_study(Path(sys.argv[1])), Path(sys.argv[2]), candidates=1, model="big",
      endpoint=sys.argv[3])
"""


def test_killed_and_gone_on_without_a_second_bill(tiny_study, questions, chat, answer):  # noqa: F811
    turn = threading.Lock()
    answered = []

    def slowly(request):
        with turn:  # one after the other, so that the others are still under way
            if len(answered) >= 3:
                chat.over.wait(20)
            answered.append(request["messages"][1]["content"])
            return answer(said(request))

    chat.answer = slowly
    words = [sys.executable, "-c", KILLED, str(tiny_study), str(questions), chat.url]
    done = subprocess.run(words, check=False, timeout=120, env=os.environ)
    assert done.returncode == -signal.SIGKILL
    assert not (tiny_study / "drafts.jsonl").exists()
    kept = answered[:3]
    chat.over.set()
    study = load_study(tiny_study)
    folder = study.run_folder / "drafts" / "big"
    before = len((folder / LEDGER).read_text().splitlines())
    heard = Heard()
    chat.requests.clear()
    chat.answer = lambda request: answer(said(request))
    made = draft(study, questions, candidates=1, model="big", endpoint=chat.url, progress=heard)
    assert (made.written, made.empty) == (6, 0)
    assert heard.lines[0].startswith("draft: 3 requests to ")
    again = [r["messages"][1]["content"] for r in chat.requests]
    assert len(again) == 3
    assert not set(again) & set(kept)
    # The three that were under way may have been billed: they count in full.
    rows = account(folder)
    assert len(rows) - before == 6  # reserved and settled
    assert sum(bool(r.get("settled")) for r in rows) == 6
    assert json.loads((folder / LEDGER).read_text().splitlines()[0])["drawn"] == 320
    rows = store.read_jsonl(made.path, Example)
    assert [r.id for r in rows] == [f"q{i}-1" for i in range(6)]
