"""Handing over what must not arrive twice: a file, a job."""

from __future__ import annotations

from collections.abc import Callable

from mores.errors import ServiceError, TuneError
from mores.remote.reply import Clock, Reply
from mores.remote.service import LONGEST_WAIT
from mores.tune.elsewhere.client import text

SENDS = 4
"""Times that something is sent, when the host has not taken it."""


def hand_over(
    what: str,
    send: Callable[[], Reply],
    there: Callable[[], str],
    *,
    where: str,
    clock: Clock,
    refused: Callable[[], object] = lambda: None,
) -> str:
    """Send once and return the host's id; look before sending again.

    Args:
        what: as errors call it.
        send: sends it, without a second attempt.
        there: returns the id of what has arrived, or "".
        where: the host's address.
        clock: what is waited by.
        refused: called when the host has said no to what was sent, so that it is not there.

    Raises:
        ServiceError: the host refuses it.
        TuneError: it may have arrived, and the host does not say so.
    """
    reply = Reply()
    for attempt in range(SENDS):
        if attempt:
            clock.sleep(reply.wait if reply.wait is not None else 2.0**attempt)
            if found := there():
                return found
        try:
            reply = send()
        except ServiceError:
            refused()
            raise
        if not reply.reason and (found := text(reply.body, "id")):
            return found
        if reply.reason and not reply.again:
            refused()
            raise ServiceError(
                f"{what} was refused: {reply.reason}",
                where=where,
                fix="nothing runs there; correct what it names and run again",
            )
        if (reply.wait or 0) > LONGEST_WAIT:
            break
    if found := there():
        return found
    raise TuneError(
        f"{what} could not be handed over: {reply.reason or 'the answer names no id'}",
        where=where,
        fix="run the same command again: it looks at the host before it sends anything",
    )
