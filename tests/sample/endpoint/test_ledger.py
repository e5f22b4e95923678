"""The account of a service: sums by hand, kills, waiting for what is under way."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mores.errors import ServiceError, StoreError
from mores.remote.reply import Reply
from mores.sample.endpoint.ledger import Bill, Ledger, Metered
from mores.study.elsewhere import Prices

PRICES = Prices(read=2.0, drawn=8.0)


def ledger(folder: Path, **limits: float) -> Ledger:
    return Ledger(folder, prices=PRICES, **limits)  # type: ignore[arg-type]


def test_settled_and_open_requests_by_hand(tmp_path: Path) -> None:
    book = ledger(tmp_path)
    book.reserve("a", read=10, drawn=100)
    assert book.spent == Bill(10, 100)
    book.settle("a", read=9, drawn=30)
    book.reserve("b", read=20, drawn=100)
    assert book.spent == Bill(29, 130)
    assert book.spent.money(PRICES) == pytest.approx((29 * 2 + 130 * 8) / 1e6)


def test_what_a_killed_process_had_sent_counts_in_full(tmp_path: Path) -> None:
    book = ledger(tmp_path)
    book.reserve("a", read=10, drawn=100)
    later = ledger(tmp_path)
    assert later.spent == Bill(10, 100)
    later.reserve("a", read=10, drawn=100)  # sent again: both may be billed
    later.settle("a", read=10, drawn=7)
    assert later.spent == Bill(20, 107)
    with (tmp_path / "ledger.jsonl").open("ab") as file:
        file.write(b'{"request":"c","re')  # killed within a line
    assert ledger(tmp_path).spent == Bill(20, 107)


def test_a_request_waits_for_those_under_way_and_then_may_fit(tmp_path: Path) -> None:
    book = ledger(tmp_path, most_tokens=150)
    meters = [Metered(book, n, 10, 100, lambda _: (10, 5)) for n in ("a", "b")]
    meters[0].before()
    sent = threading.Event()
    thread = threading.Thread(target=lambda: (meters[1].before(), sent.set()))
    thread.start()
    time.sleep(0.05)
    assert not sent.is_set()  # 110 of 150 may be spent
    meters[0].after(Reply(200, {}))
    thread.join(5)
    assert sent.is_set()  # 15 were
    meters[1].after(Reply(reason="broke off"))
    assert book.spent == Bill(20, 105)  # b counts in full
    with pytest.raises(ServiceError, match="125 of 150 tokens are spent"):
        Metered(book, "c", 10, 100, lambda _: (10, 5)).before()


def test_refused_costs_nothing_and_lets_others_go_on(tmp_path: Path) -> None:
    book = ledger(tmp_path, most_money=0.001)
    meter = Metered(book, "a", 10, 100, lambda _: (None, None))
    meter.before()
    meter.after(Reply(429, reason="HTTP 429", again=True))
    assert book.spent == Bill(0, 0)
    meter.before()
    meter.after(Reply(200, {}))  # says nothing of tokens: the most
    assert book.spent == Bill(10, 100)
    with pytest.raises(ServiceError, match=r"0.0008 of 0.001 USD are spent"):
        Metered(book, "b", 10, 100, lambda _: (1, 1)).before()


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 90), st.integers(0, 3)), max_size=30))
def test_no_order_of_events_passes_the_budget(tmp_path_factory, events) -> None:
    """Events: (read, drawn at most, what comes: 0 all, 1 half, 2 refused, 3 nothing)."""
    book = ledger(tmp_path_factory.mktemp("book"), most_tokens=400)
    billed = 0
    for number, (read, drawn, what) in enumerate(events):
        meter = Metered(book, str(number), read, drawn, lambda _, r=read, d=drawn: (r, d // 2))
        try:
            meter.before()
        except ServiceError:
            continue
        if what == 3:  # it may be billed in full, and nobody will ever know
            meter.after(Reply(reason="broke off"))
            billed += read + drawn
        elif what == 2:
            meter.after(Reply(500, reason="HTTP 500", again=True))
        else:
            meter.after(Reply(200, {}))
            billed += read + drawn // 2
        assert billed <= book.spent.tokens <= 400


def test_a_full_disk_lets_no_other_thread_wait_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = ledger(tmp_path, most_tokens=150)
    meters = [Metered(book, n, 10, 100, lambda _: (10, 5)) for n in ("a", "b")]
    meters[0].before()

    def full(*_: object) -> None:
        raise StoreError("disk full")

    monkeypatch.setattr("mores.step.Journal.append", full)
    caught: list[BaseException] = []

    def wait() -> None:
        try:
            meters[1].before()
        except (ServiceError, StoreError) as error:
            caught.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    with pytest.raises(StoreError):
        meters[0].after(Reply(200, {}))
    thread.join(5)
    assert not thread.is_alive()
    assert len(caught) == 1


@pytest.mark.parametrize(
    ("status", "spent"), [(500, 0), (503, 0), (429, 0), (504, 110), (408, 110)]
)
def test_what_somebody_between_gave_up_on_counts_in_full(
    tmp_path: Path, status: int, spent: int
) -> None:
    book = ledger(tmp_path)
    meter = Metered(book, "a", 10, 100, lambda _: (10, 5))
    meter.before()
    meter.after(Reply(status, reason=f"HTTP {status}", again=True))
    assert book.spent.tokens == spent
