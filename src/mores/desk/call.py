"""What a page of the desk knows of its request, beyond what every app's page does."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from mores.desk.content import Content, Name, Shelf
from mores.desk.entries import Saying, save
from mores.web import call as web
from mores.web.call import RefusedError

STAFF = "owner author reviewer"
"""Everybody who works on the study."""


@dataclass(frozen=True, kw_only=True)
class Site(web.Site):
    """What all requests share."""

    shelf: Shelf
    backups: Path | None = None
    link_days: float = 60.0
    cache: dict[str, object] = field(default_factory=dict)
    """What takes a while to work out, by the digest of what it is made from."""


@dataclass(frozen=True, kw_only=True)
class Call(web.Call):
    """One request."""

    site: Site

    @property
    def content(self) -> Content:
        """What the study's files say now."""
        return self.site.shelf.content()

    @property
    def name(self) -> Name:
        """The record that the address names; perhaps one that is not there."""
        return Name(self.params["part"], self.params["id"])

    @property
    def key(self) -> str:
        """A key for a form that is shown now."""
        return str(self.person.id)[:8] + secrets.token_urlsafe(18)

    def number(self, field: str) -> int:
        """A whole number of the form or the address.

        Raises:
            RefusedError: it is none.
        """
        text = self.params.get(field) or self.get(field)
        if not text.isascii() or not text.isdecimal() or len(text) > 12:
            raise RefusedError("bad_form", 400)
        return int(text)

    def save(
        self,
        kind: str,
        about: str,
        text: str = "",
        *,
        value: str = "",
        digest: str = "",
        parent: int | None = None,
        may_quote: bool = False,
    ) -> int:
        """Save what the form says, in the name of whoever sent it; return the entry's number."""
        key = self.get("key")
        if not key.startswith(self.person.id[:8]):
            raise RefusedError("csrf", 403)  # a form of somebody else on the same browser
        saying = Saying(key, kind, about, text.strip(), value, digest, parent, may_quote)
        with self.site.database.write() as tx:
            return save(tx, saying, who=self.person.id, now=self.now)
