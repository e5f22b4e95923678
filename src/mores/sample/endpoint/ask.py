"""Many requests at the same time, each answer handed over as it comes.

for request, answer in ask_all(ask, requests, at_once=8): ...
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from queue import Queue
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def ask_all(ask: Callable[[A], B], asked: Sequence[A], at_once: int) -> Iterator[tuple[A, B]]:
    """Call a function on each, several at a time, and give results in the order that they come.

    Where a call raises, no more are begun; those under way are still handed over (a service may
    have billed them), then the error is raised. The threads do not keep a process that wants to
    end.

    Args:
        ask: called in threads.
        asked: its arguments.
        at_once: calls under way at the same time.
    """
    todo = iter(asked)
    turn, over = threading.Lock(), threading.Event()
    results: Queue[tuple[A, B] | BaseException | None] = Queue()

    def work() -> None:
        while not over.is_set():
            with turn:
                one = next(todo, None)
            if one is None:
                break
            try:
                results.put((one, ask(one)))
            except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
                over.set()
                results.put(error)
        results.put(None)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(at_once, len(asked)))]
    for thread in threads:
        thread.start()
    raised: BaseException | None = None
    left = len(threads)
    try:
        while left:
            result = results.get()
            if result is None:
                left -= 1
            elif isinstance(result, BaseException):
                raised = raised or result
            else:
                yield result
    finally:
        over.set()
    if raised is not None:
        raise raised
