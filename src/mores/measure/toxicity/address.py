"""Where texts may be sent, and where a key comes from.

checked_url("https://host/v1/moderations")
key_from("SERVICE_KEY", needed=True, where="perspective")
"""

from __future__ import annotations

import ipaddress
import os
import urllib.parse

from mores.errors import MeasureError


def checked_url(url: str) -> str:
    """Return an address that may be asked.

    Raises:
        MeasureError: not https (http is for this machine), no host, or a secret in it.
    """
    fix = "give an address such as https://host/v1/moderations"
    try:
        parts = urllib.parse.urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise MeasureError("not an address", where=repr(url[:100]), fix=fix) from None
    if parts.scheme not in ("http", "https") or not host:
        raise MeasureError("not an address", where=repr(url[:100]), fix=fix)
    names = {name.lower() for name, _ in urllib.parse.parse_qsl(parts.query)}
    if parts.username or parts.password or names & {"key", "api_key", "apikey", "token"}:
        raise MeasureError(
            "an address must not hold a key: it is written into reports",
            where=f"{parts.scheme}://{host}",
            fix="put the key into an environment variable and name that as key_env",
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise MeasureError(
            "texts and keys are not sent without encryption",
            where=url,
            fix="use https; http is for services on this machine",
        )
    return url


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def key_from(variable: str, *, needed: bool, where: str) -> str:
    """Return the key that an environment variable holds; nothing where no variable is named.

    Raises:
        MeasureError: the variable is not set or holds no key.
    """
    if not variable and not needed:
        return ""
    key = os.environ.get(variable, "").strip() if variable else ""
    if not key:
        what = (
            f"the environment variable {variable} holds no key" if variable else "no key is named"
        )
        raise MeasureError(
            what, where=where, fix="set the variable that key_env names; keys go into no file"
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise MeasureError(f"what {variable} holds is no key: it has odd characters", where=where)
    return key
