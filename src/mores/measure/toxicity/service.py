"""One request to a scoring service: JSON in, JSON or a reason out, with patience and caution.

Waits its turn, retries what may pass (429, 5xx, a broken or late answer) and never what
will not. TLS is verified, plain http goes to this machine only, redirects are refused,
and the key appears in no message and no record.

    reply = Service("https://host/v1/moderations", key="...").post({"input": ["text"]})
"""

from __future__ import annotations

import datetime as dt
import email.utils
import http.client
import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from mores.errors import MeasureError
from mores.measure.toxicity.address import checked_url, is_loopback
from mores.measure.toxicity.clock import Clock, SystemClock

ATTEMPTS = 4
FIRST_WAIT = 1.0
"""Seconds before the second attempt; doubled each time."""
LONGEST_WAIT = 120.0
"""A service that asks for more patience than this is not waited for."""
MOST_BYTES = 8_000_000
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
REFUSED = {
    401: "the key was refused",
    403: "the key was refused, or may not be used for this",
    404: "there is no such service at this address",
    405: "there is no such service at this address",
    410: "the service is gone",
}


@dataclass(frozen=True)
class Reply:
    """What came of one request."""

    status: int = 0
    body: Any = None
    """Parsed JSON, or None."""
    reason: str = ""
    """Why there is no usable body."""
    again: bool = False
    """It may pass."""
    wait: float | None = None
    """Seconds that the service asks to wait."""


@dataclass
class Service:
    """An address to which JSON is posted."""

    url: str
    key: str = ""
    """Never shown; sent in the Authorization header unless ``key_in_url``."""
    key_in_url: bool = False
    """Send it as ``?key=``, as Google's services document."""
    timeout: float = 30.0
    interval: float = 0.0
    """Least seconds between the starts of two requests."""
    clock: Clock = field(default_factory=SystemClock)
    _last: float | None = None

    def __post_init__(self) -> None:
        self.url = checked_url(self.url)
        host = urllib.parse.urlsplit(self.url).hostname or ""
        handlers: list[urllib.request.BaseHandler] = [
            _NoRedirect(),
            urllib.request.HTTPSHandler(context=ssl.create_default_context()),
        ]
        if is_loopback(host):  # a proxy would carry it off this machine
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)

    def post(self, payload: dict[str, Any]) -> Reply:
        """Post JSON and return the reply, after retries.

        Raises:
            MeasureError: the service refuses the key, is not there, sends elsewhere, or
                cannot prove who it is: no other text would fare better.
        """
        for attempt in range(ATTEMPTS):
            self._take_turn()
            reply = self._once(payload)
            if not reply.again or attempt == ATTEMPTS - 1:
                break
            wait = FIRST_WAIT * 2**attempt if reply.wait is None else reply.wait
            if wait > LONGEST_WAIT:
                break
            self.clock.sleep(wait)
        return reply

    def _take_turn(self) -> None:
        if self._last is not None:
            early = self._last + self.interval - self.clock.now()
            if early > 0:
                self.clock.sleep(early)
        self._last = self.clock.now()

    def _once(self, payload: dict[str, Any]) -> Reply:
        try:
            with self._opener.open(self._request(payload), timeout=self.timeout) as response:
                return self._read(response.status, _body(response, self.timeout))
        except urllib.error.HTTPError as error:
            with error:
                return self._failed(error)
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise MeasureError(
                    "the service's certificate cannot be verified", where=self._place()
                ) from None
            if isinstance(error.reason, TimeoutError):
                return self._late()
            return Reply(reason=f"no connection: {self._clean(str(error.reason))}", again=True)
        except TimeoutError:
            return self._late()
        except (OSError, http.client.HTTPException) as error:
            return Reply(reason=f"the answer broke off: {type(error).__name__}", again=True)

    def _late(self) -> Reply:
        return Reply(reason=f"no answer within {self.timeout:g} s", again=True)

    def _request(self, payload: dict[str, Any]) -> urllib.request.Request:
        url = self.url
        headers = {"Content-Type": "application/json", "User-Agent": "mores"}
        if self.key and self.key_in_url:
            url += f"{'&' if '?' in url else '?'}key={urllib.parse.quote(self.key, safe='')}"
        elif self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        data = json.dumps(payload, ensure_ascii=False, allow_nan=False).encode("utf-8")
        # The address was checked above: https, or http on this machine.
        return urllib.request.Request(url, data=data, headers=headers, method="POST")  # noqa: S310

    def _failed(self, error: urllib.error.HTTPError) -> Reply:
        code = error.code
        try:
            text = self._clean(_body(error, self.timeout).decode("utf-8", "replace"))
        except (OSError, http.client.HTTPException):
            text = ""
        body = _parsed(text)
        if code in REFUSED or 300 <= code < 400:
            what = REFUSED.get(code, "it sends the request elsewhere, which is not followed")
            raise MeasureError(
                f"{what} (HTTP {code}){_said(body)}",
                where=self._place(),
                fix="check the address and the key",
            )
        again = code in PASSING or code >= 500
        wait = self._retry_after(error.headers.get("Retry-After")) if again else None
        asked = f", asks to wait {wait:.0f} s" if wait is not None else ""
        return Reply(code, body, f"HTTP {code}{_said(body)}{asked}", again=again, wait=wait)

    def _read(self, status: int, data: bytes) -> Reply:
        text = self._clean(data.decode("utf-8", "replace"))
        body = _parsed(text)
        if body is None:
            start = " ".join(text[:40].split())
            return Reply(status, reason=f"the answer is not JSON: {start!r}", again=True)
        return Reply(status, body)

    def _retry_after(self, value: str | None) -> float | None:
        """Return seconds from a Retry-After header: a number of seconds or a date."""
        if not value:
            return None
        if value.strip().isdigit():
            return float(value)
        try:
            when = email.utils.parsedate_to_datetime(value)
        except ValueError:
            return None
        if when.tzinfo is None:
            when = when.replace(tzinfo=dt.UTC)
        return max(0.0, (when - self.clock.utc()).total_seconds())

    def _clean(self, text: str) -> str:
        if not self.key:
            return text
        quoted = urllib.parse.quote(self.key, safe="")
        return text.replace(self.key, "[key]").replace(quoted, "[key]")

    def _place(self) -> str:
        return urllib.parse.urlsplit(self.url)._replace(query="").geturl()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Texts and key go to the address that was given, and nowhere else."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow nothing; the reply then raises as any other refusal."""


def _body(response: Any, seconds: float) -> bytes:
    """Read a body; a service that trickles is as late as one that says nothing."""
    until = time.monotonic() + seconds
    data = b""
    while chunk := response.read1(65536):
        data += chunk
        if len(data) > MOST_BYTES:
            raise http.client.HTTPException("too long")
        if time.monotonic() > until:
            raise TimeoutError
    # read1 does not notice a body that is shorter than announced.
    if getattr(response, "length", None):
        raise http.client.IncompleteRead(data)
    return data


def _parsed(text: str) -> Any:
    """Parse JSON that can be written and read again; None for anything else."""
    try:
        value = json.loads(text)
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        return None
    return value


def _said(body: Any) -> str:
    """The service's own words of an error, cut short."""
    error = body.get("error") if isinstance(body, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    return f": {' '.join(message.split())[:200]}" if isinstance(message, str) else ""
