"""What keeps others out: response headers, cookies, the origin of forms, limits.

Model output is hostile: the policy below runs no inline script, loads nothing from elsewhere and
cannot be framed. Numbers of sections: OWASP ASVS 5.0.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

MAX_BODY = 64 * 1024
"""Bytes of a form."""
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "media-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
        "base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "x-robots-tag": "noindex, nofollow",
    "cache-control": "no-store",
}
HSTS = "max-age=31536000"


@dataclass(frozen=True)
class Place:
    """Where the app can be reached, as the browser sees it."""

    url: str
    """Scheme, host and port, without a slash at the end."""

    @property
    def secure(self) -> bool:
        """Whether browsers reach it over TLS."""
        return self.url.startswith("https://")

    @property
    def host(self) -> str:
        """Host name without the port."""
        return urlsplit(self.url).hostname or ""

    @property
    def cookie(self) -> str:
        """Name of the session cookie: bound to this host where TLS allows it (V3.3.1)."""
        return "__Host-mores" if self.secure else "mores_local"


def set_cookie(place: Place, token: str, seconds: int) -> str:
    """The Set-Cookie header of a session; seconds 0 takes it away."""
    secure = "; Secure" if place.secure else ""
    return f"{place.cookie}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}"


def same_origin(place: Place, headers: Mapping[str, str]) -> bool:
    """Say whether a form comes from one of our own pages (V3.5.1).

    The browser says so itself in ``Sec-Fetch-Site``; an older one by ``Origin``. Where both are
    missing the answer is no.
    """
    site = headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    origin = headers.get("origin")
    if origin in (None, "null"):  # "null" is what our own no-referrer policy makes of it
        return site == "same-origin"
    return origin in _spellings(place)


def _spellings(place: Place) -> set[str]:
    """On this machine alone, 127.0.0.1 and localhost are one place."""
    parts = urlsplit(place.url)
    if not is_loopback(place.host):
        return {place.url}
    port = f":{parts.port}" if parts.port else ""
    return {f"{parts.scheme}://{name}{port}" for name in ("127.0.0.1", "localhost", "[::1]")}


def inner_path(path: str, default: str) -> str:
    """Return a path that a form gives, or the default where it might lead to another site."""
    inner = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path if inner and path.isprintable() and path.isascii() else default


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine only."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:  # a name such as 127.example.org
        return False


def same_secret(left: str, right: str) -> bool:
    """Compare two secrets in constant time."""
    return secrets.compare_digest(left.encode(), right.encode())


class Limiter:
    """Token buckets in memory: so many at once, so many a minute."""

    def __init__(self, burst: int, per_minute: float) -> None:
        self.burst = burst
        self.rate = per_minute / 60.0
        self._buckets: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def allows(self, name: str, now: float) -> bool:
        """Take a token from a bucket; False where it is empty. ``now`` is a monotonic clock."""
        with self._lock:
            if len(self._buckets) > 20_000:
                self._sweep(now)
            left, before = self._buckets.get(name, (float(self.burst), now))
            left = min(self.burst, left + max(now - before, 0.0) * self.rate)
            allowed = left >= 1.0
            self._buckets[name] = (left - allowed, now)
            return allowed

    def _sweep(self, now: float) -> None:
        full = self.burst / self.rate
        self._buckets = {k: v for k, v in self._buckets.items() if now - v[1] < full}
