"""One request to a service: JSON (or a file) in, JSON or a reason out, with patience and caution.

Waits its turn, retries what may pass (429, 5xx, a broken or late answer) and never what
will not. TLS is verified, plain http goes to this machine only, redirects are refused,
and the key appears in no message, no log and no record.

    reply = Service("https://host/v1/moderations", key="...").post({"input": ["text"]})
    reply = Service("https://host/v1", key="...").call("GET", "fine_tuning/jobs/job-1")

Threads may share a service.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import json
import logging
import ssl
import threading
import urllib.parse
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import tenacity

from mores.errors import ServiceError
from mores.remote.address import checked_url, is_loopback
from mores.remote.reply import Clock, Meter, Reply

ATTEMPTS = 4
_BACKOFF = tenacity.wait_exponential_jitter(initial=1.0)
"""Seconds before the second attempt; doubled each time, and up to a second more."""
LONGEST_WAIT = 120.0
"""A service that asks for more patience than this is not waited for."""
MOST_BYTES = 8_000_000
PASSING = frozenset({408, 425, 429})
"""With all from 500 on."""
REFUSED = {
    401: "the key was refused",
    402: "the account has no money left",
    403: "the key was refused, or may not be used for this",
    404: "there is no such service at this address",
    405: "there is no such service at this address",
    410: "the service is gone",
}
REFUSED_STATUS = 400
"""What a meter is told where an error says the rest."""
NO_QUOTA = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")
"""Codes of errors that look like "too many requests" and pass only when somebody pays."""


@dataclass(frozen=True)
class Upload:
    """A file sent as a form (multipart)."""

    name: str
    data: bytes
    fields: Mapping[str, str]
    """Other fields of the form, such as ``purpose``."""
    field: str = "file"


@dataclass(frozen=True)
class _Call:
    method: str
    path: str = ""
    payload: Any = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    upload: Upload | None = None
    raw: bool = False
    meter: Meter | None = None
    expected: Collection[int] = ()


@dataclass
class Service:
    """An address that is asked."""

    url: str
    key: str = ""
    """Never shown; sent in the Authorization header unless ``key_in_url``."""
    key_in_url: bool = False
    """Send it as ``?key=``, as Google's services document."""
    key_header: tuple[str, str] = ("Authorization", "Bearer ")
    """Header that the key is sent in, and what stands before it; Azure: ``("api-key", "")``."""
    timeout: float = 30.0
    """Seconds; a service that trickles is as late as one that says nothing."""
    interval: float = 0.0
    """Least seconds between the starts of two requests."""
    clock: Clock = field(default_factory=Clock)
    attempts: int = ATTEMPTS
    _last: float | None = None

    def __post_init__(self) -> None:
        self.url = checked_url(self.url)
        self._turn = threading.Lock()
        self._trusted = ssl.create_default_context()
        # httpx logs every address, and this one may hold the key.
        logging.getLogger("httpx").addFilter(_holds_no_key)

    def post(self, payload: dict[str, Any], headers: Mapping[str, str] | None = None) -> Reply:
        """Post JSON to the address itself; see `call`."""
        return self._call(_Call("POST", payload=payload, headers=headers or {}))

    def call(
        self,
        method: str,
        path: str,
        payload: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        upload: Upload | None = None,
        raw: bool = False,
        meter: Meter | None = None,
        expected: Collection[int] = (),
    ) -> Reply:
        """Ask below the address and return the reply, after retries.

        Args:
            method: ``GET``, ``POST`` or ``DELETE``.
            path: below the address, such as ``files``.
            payload: sent as JSON; nothing if None.
            query: what follows the question mark.
            upload: a file, sent as a form instead of JSON.
            raw: the body is bytes as they came, of any size, not JSON.
            meter: told of each attempt.
            expected: statuses that are an answer to the question, such as 404 to "is it there?".

        Raises:
            ServiceError: the service refuses the key, is not there, sends elsewhere, has no quota
                left, or cannot prove who it is: no other request would fare better.
        """
        call = _Call(
            method,
            path,
            payload,
            query=query or {},
            upload=upload,
            raw=raw,
            meter=meter,
            expected=expected,
        )
        return self._call(call)

    def _call(self, call: _Call) -> Reply:
        retrying = tenacity.Retrying(
            sleep=self.clock.sleep,
            stop=tenacity.stop_after_attempt(self.attempts),
            wait=_wait,
            retry=tenacity.retry_if_result(_worth_another),
            retry_error_callback=_reply_of,
        )
        return retrying(self._attempt, call)

    def _attempt(self, call: _Call) -> Reply:
        if call.meter is not None:
            call.meter.before()
        try:
            reply = self._once(call)
        except ServiceError as error:
            if call.meter is not None:
                call.meter.after(Reply(REFUSED_STATUS, reason=error.message))
            raise
        if call.meter is not None:
            call.meter.after(reply)
        return reply

    def _once(self, call: _Call) -> Reply:
        self._take_turn()
        request = self._request(call)
        try:
            with self._client() as client:
                response = client.send(request, stream=True)
                if not response.is_success:
                    return self._failed(response, call.expected)
                if call.raw:
                    return Reply(response.status_code, response.read())
                return self._read(response)
        except httpx.TimeoutException:
            return Reply(reason=f"no answer within {self.timeout:g} s", again=True)
        except (httpx.ConnectError, httpx.ProxyError) as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                what = "the service's certificate cannot be verified"
                raise ServiceError(what, where=self._place()) from None
            return Reply(reason=f"no connection: {self._clean(str(error))}", again=True)
        except httpx.RequestError as error:
            return Reply(reason=f"the answer broke off: {type(error).__name__}", again=True)

    def _take_turn(self) -> None:
        with self._turn:  # those behind wait too: that is what a turn is
            if self._last is not None:
                early = self._last + self.interval - self.clock.now()
                if early > 0:
                    self.clock.sleep(early)
            self._last = self.clock.now()

    def _client(self) -> httpx.Client:
        # A proxy of the environment would carry off what is meant for this machine.
        proxied = not is_loopback(httpx.URL(self.url).host)
        try:
            return httpx.Client(verify=self._trusted, timeout=self.timeout, trust_env=proxied)
        except (ImportError, ValueError) as error:  # such as SOCKS without its library
            raise ServiceError(
                f"the proxy that this environment names cannot be used: {error}",
                where=self._place(),
                fix="name one with http:// or https:// in HTTPS_PROXY, or leave it out (NO_PROXY)",
            ) from None

    def _request(self, call: _Call) -> httpx.Request:
        url = httpx.URL(self.url)
        if call.path:  # before what follows a question mark
            url = url.copy_with(path=f"{url.path.rstrip('/')}/{call.path}")
        url = url.copy_merge_params(dict(call.query)) if call.query else url
        headers = {"User-Agent": "mores", **call.headers}
        if self.key and self.key_in_url:
            url = url.copy_merge_params({"key": self.key})
        elif self.key:
            headers[self.key_header[0]] = self.key_header[1] + self.key
        if call.upload is not None:
            files = {call.upload.field: (call.upload.name, call.upload.data)}
            fields = dict(call.upload.fields)
            return httpx.Request(call.method, url, data=fields, files=files, headers=headers)
        if call.payload is None:
            return httpx.Request(call.method, url, headers=headers)
        headers["Content-Type"] = "application/json"
        data = json.dumps(call.payload, ensure_ascii=False, allow_nan=False).encode("utf-8")
        return httpx.Request(call.method, url, content=data, headers=headers)

    def _failed(self, response: httpx.Response, expected: Collection[int]) -> Reply:
        code = response.status_code
        try:
            body = self._clean_all(_parsed(self._text(response)))
        except httpx.RequestError:
            body = None
        if _code(body) in NO_QUOTA:
            raise ServiceError(
                f"the account has no quota left (HTTP {code}){_said(body)}",
                where=self._place(),
                fix="pay or raise the limit there, then run the same command again: what was "
                "answered is kept",
            )
        if code not in expected and (code in REFUSED or code < 400):
            what = REFUSED.get(code, "it sends the request elsewhere, which is not followed")
            raise ServiceError(
                f"{what} (HTTP {code}){_said(body)}",
                where=self._place(),
                fix="check the address, the name of the model and the key",
            )
        again = code in PASSING or code >= 500
        wait = self._retry_after(response.headers.get("Retry-After")) if again else None
        asked = f", asks to wait {wait:.0f} s" if wait is not None else ""
        return Reply(code, body, f"HTTP {code}{_said(body)}{asked}", again=again, wait=wait)

    def _read(self, response: httpx.Response) -> Reply:
        text = self._text(response)
        body = self._clean_all(_parsed(text))
        if body is None:
            start = " ".join(text[:40].split())
            reason = f"the answer is not JSON: {start!r}"
            return Reply(response.status_code, reason=reason, again=True)
        return Reply(response.status_code, body)

    def _clean_all(self, value: Any) -> Any:
        """Take the key out of parsed texts: JSON may have written its signs in another way."""
        if isinstance(value, str):
            return self._clean(value)
        if isinstance(value, list):
            return [self._clean_all(v) for v in value]
        if isinstance(value, dict):
            return {self._clean(k): self._clean_all(v) for k, v in value.items()}
        return value

    def _text(self, response: httpx.Response) -> str:
        until = self.clock.now() + self.timeout
        data = b""
        for chunk in response.iter_bytes():
            data += chunk
            if len(data) > MOST_BYTES:
                raise httpx.ReadError("too long")
            if self.clock.now() > until:
                raise httpx.ReadTimeout("trickles")
        return self._clean(data.decode("utf-8", "replace"))

    def _retry_after(self, value: str | None) -> float | None:
        """Return seconds from a Retry-After header: a number of seconds or a date."""
        if not value:
            return None
        if value.strip().isdecimal():
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
        return self.url.partition("?")[0]


def _holds_no_key(record: logging.LogRecord) -> bool:
    return "key=" not in record.getMessage()


def _worth_another(reply: Reply) -> bool:
    return reply.again and (reply.wait or 0) <= LONGEST_WAIT


def _reply_of(attempts: tenacity.RetryCallState) -> Reply:
    assert attempts.outcome is not None
    reply: Reply = attempts.outcome.result()
    return reply


def _wait(attempts: tenacity.RetryCallState) -> float:
    """What the service asks for; else 1, 2, 4 seconds and up to a second more by chance."""
    asked = _reply_of(attempts).wait
    return _BACKOFF(attempts) if asked is None else asked


def _parsed(text: str) -> Any:
    """Parse JSON that can be written and read again; None for anything else."""
    try:
        value = json.loads(text)
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        return None
    return value


def _code(body: Any) -> str:
    """The service's own name of an error."""
    error = body.get("error") if isinstance(body, dict) else None
    code = (error.get("code") or error.get("type")) if isinstance(error, dict) else None
    return code if isinstance(code, str) else ""


def _said(body: Any) -> str:
    """The service's own words of an error, cut short."""
    error = body.get("error") if isinstance(body, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    return f": {' '.join(message.split())[:200]}" if isinstance(message, str) else ""
