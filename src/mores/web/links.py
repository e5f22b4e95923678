"""Secrets that let people in: links and sessions, of which a database holds the SHA-256 only.

There are no passwords: what can be guessed is not used. Opening a link changes nothing; joining
does. Each app keeps its own people; this is what their links and sessions have in common.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from mores.errors import DataError

DAY = 86_400.0
LinkState = Literal["link_unknown", "link_expired", "link_revoked", "link_full", "bad_form"]


class LinkError(DataError):
    """A link that lets nobody in; `state` says why."""

    def __init__(self, state: LinkState) -> None:
        self.state = state
        super().__init__(f"this link cannot be used ({state.replace('_', ' ')})")


@dataclass(frozen=True)
class Who:
    """The person behind a request."""

    role: str
    csrf: str
    person: Any | None
    """The row of the app's own table of people, where the role has one."""


def new_secret() -> str:
    """256 random bits, as text for an address or a cookie."""
    return secrets.token_urlsafe(32)


def hashed(token: str) -> str:
    """SHA-256 of a link's or session's secret, 64 hexadecimal digits."""
    return hashlib.sha256(token.encode()).hexdigest()


def open_link(
    tx: sa.Connection, links: sa.Table, token: str, kinds: tuple[str, ...], now: float
) -> Any:
    """Return the row of a link that works.

    Args:
        tx: a view or a write.
        links: a table with the columns ``secret``, ``kind``, ``revoked`` and ``expires``.
        token: the link's secret.
        kinds: what the link may be for.
        now: seconds since 1970.

    Raises:
        LinkError: unknown, expired or revoked.
    """
    row = tx.execute(sa.select(links).where(links.c.secret == hashed(token))).first()
    if row is None or row.kind not in kinds:
        raise LinkError("link_unknown")
    if row.revoked is not None:
        raise LinkError("link_revoked")
    if row.expires <= now:
        raise LinkError("link_expired")
    return row


def new_session(
    tx: sa.Connection, sessions: sa.Table, *, seconds: float, now: float, **columns: Any
) -> str:
    """Begin a session; return its secret. Sessions that ended are swept out.

    Args:
        tx: a write.
        sessions: a table with the columns ``secret``, ``csrf``, ``created`` and ``expires``.
        seconds: how long it lasts.
        now: seconds since 1970.
        columns: what else the table holds, such as whose it is.
    """
    token = new_secret()
    tx.execute(sessions.delete().where(sessions.c.expires <= now))
    tx.execute(
        sessions.insert().values(
            secret=hashed(token),
            csrf=secrets.token_urlsafe(24),
            created=now,
            expires=now + seconds,
            **columns,
        )
    )
    return token


def end_session(tx: sa.Connection, sessions: sa.Table, token: str) -> None:
    """Sign out."""
    tx.execute(sessions.delete().where(sessions.c.secret == hashed(token)))


def session_of(tx: sa.Connection, sessions: sa.Table, token: str, now: float) -> Any | None:
    """Return a session's row, or None where it ended or never was."""
    query = sa.select(sessions).where(sessions.c.secret == hashed(token), sessions.c.expires > now)
    return tx.execute(query).first()
