"""Addresses and keys: what may be asked, and where its key comes from.

url = checked_url("https://host/v1")
key = key_from("HOST_API_KEY", needed=True, where=url)
"""

from __future__ import annotations

import ipaddress
import os

from mores.errors import ServiceError


def checked_url(url: str) -> str:
    """Return an address that may be asked.

    Raises:
        ServiceError: not https (http is for this machine), no host, or a secret in it.
    """
    import httpx

    # Read by what will send: two readings of one address are a way around this check.
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        parts = httpx.URL("")
    if parts.scheme not in ("http", "https") or not parts.host:
        raise ServiceError(
            "not an address",
            where=repr(url[:100]),
            fix="give an address such as https://host/v1/moderations",
        )
    names = {name.lower() for name in parts.params}
    if parts.userinfo or names & {"key", "api_key", "apikey", "token"}:
        raise ServiceError(
            "an address must not hold a key: it is written into reports",
            where=f"{parts.scheme}://{parts.host}",
            fix="put the key into an environment variable and name that as key_env",
        )
    if parts.scheme == "http" and not is_loopback(parts.host):
        raise ServiceError(
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
        ServiceError: the variable is not set or holds no key.
    """
    if not variable and not needed:
        return ""
    key = os.environ.get(variable, "").strip() if variable else ""
    if not key:
        what = (
            f"the environment variable {variable} holds no key" if variable else "no key is named"
        )
        raise ServiceError(
            what, where=where, fix="set the variable that key_env names; keys go into no file"
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ServiceError(f"what {variable} holds is no key: it has odd characters", where=where)
    return key
