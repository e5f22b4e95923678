"""The Perspective API, until its last day: ``perspective``.

Takes texts, gives the summary score of one attribute. One request a second, 20 KB of
bytes a text, the language always named, nothing stored by the service; what is refused
for good is not asked again.

    PerspectiveScorer(key_env="PERSPECTIVE_API_KEY").score(["You are an idiot."])
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

from mores import store
from mores.errors import ServiceError
from mores.measure.toxicity.raw import RawAnswer
from mores.measure.toxicity.remote import GIVE_UP, RemoteScorer, highest
from mores.measure.toxicity.scorer import Item, Reading
from mores.remote.reply import Clock, Post, Reply

KIND = "perspective"
URL = "https://commentanalyzer.googleapis.com/v1alpha1/comments:analyze"
KEY = "PERSPECTIVE_API_KEY"
LAST_DAY = dt.date(2026, 12, 31)
MOST_BYTES = 20_480
"""20 KB; of bytes, not of characters."""
SECONDS = 1.0
"""Default quota: one query a second."""
ATTRIBUTE = "TOXICITY"
ENGLISH = (
    "TOXICITY",
    "SEVERE_TOXICITY",
    "IDENTITY_ATTACK",
    "INSULT",
    "PROFANITY",
    "THREAT",
)
"""Asked for at once in English, so that scores can be read again; elsewhere some are refused."""
NOTE = (
    f"Perspective ends on {LAST_DAY}; it was changed without notice while it ran, and what it "
    "calls toxic is one company's definition: keep the raw answers, report a local scorer beside it"
)


class PerspectiveScorer(RemoteScorer):
    """One attribute of the Perspective API."""

    kind = KIND
    note = NOTE
    key_needed = True
    key_in_url = True
    interval = SECONDS
    name = "perspective"
    version = "v1alpha1"

    def __init__(
        self,
        *,
        attributes: Sequence[str] = (),
        languages: Sequence[str] = ("en",),
        key_env: str = "",
        timeout: float = 30.0,
        url: str = URL,
        clock: Clock | None = None,
        say: store.Say | None = None,
    ) -> None:
        """Set up; nothing is asked yet.

        Args:
            attributes: those that count (the highest is the value); ``TOXICITY`` if none.
            languages: of the texts, as the service names them.
            key_env: name of the environment variable with the key; `KEY` if empty.
            timeout: seconds for one request.
            url: for tests and for services of the same form.
            clock: for tests.
            say: where the end of the service is announced.
        """
        super().__init__(key_env=key_env or KEY, timeout=timeout, clock=clock)
        self.url = url
        self.languages = tuple(languages)
        self.attributes = tuple(attributes) or (ATTRIBUTE,)
        extra = ENGLISH if self.languages == ("en",) else ()
        self.requested = tuple(dict.fromkeys((*self.attributes, *extra)))
        self.attribute = " or ".join(self.attributes)
        if say:
            say(f"perspective: the service ends on {LAST_DAY}; {_instead()}")

    @property
    def request(self) -> dict[str, Any]:
        """The documented body without the text, and the address."""
        return {"url": self.url, **self._body()}

    @property
    def settings(self) -> dict[str, object]:
        """The attributes that count."""
        return {"attributes": list(self.attributes)}

    def _body(self) -> dict[str, Any]:
        return {
            "languages": list(self.languages),
            "doNotStore": True,
            "spanAnnotations": False,
            "requestedAttributes": {name: {} for name in self.requested},
        }

    def ready(self) -> None:
        """Check the date and the key.

        Raises:
            ServiceError: the service has ended, or there is no key.
        """
        if self.clock.utc().date() > LAST_DAY:
            raise ServiceError(
                f"the Perspective API ended on {LAST_DAY}", where=self.name, fix=_instead()
            )
        super().ready()

    def ask(self, items: Sequence[Item]) -> Iterator[tuple[Item, RawAnswer]]:
        """Ask one text after the other."""
        post, failed = self.service().post, 0
        for item in items:
            reply = self._ask(post, item.text)
            yield item, self.kept(item, reply)
            failed = failed + 1 if reply.again else 0
            if failed == GIVE_UP:
                return

    def _ask(self, post: Post, text: str) -> Reply:
        size = len(text.encode("utf-8"))
        if size > MOST_BYTES:
            return Reply(reason=f"COMMENT_TOO_LONG: {size} bytes, at most {MOST_BYTES}; not sent")
        comment = {"text": text, "type": "PLAIN_TEXT"}
        reply = post({"comment": comment, **self._body()})
        # Google's services refuse a key with 400: of the key's fault no text may become absent.
        if reply.status == 400 and "api key" in reply.reason.lower():
            raise ServiceError(
                f"the key was refused ({reply.reason})",
                where=self.name,
                fix=f"check what {self.key_env} holds",
            )
        return reply

    def read(self, answer: RawAnswer) -> Reading:
        """Return the highest counted attribute's summary score."""
        return read_perspective(answer, self.attributes)


def read_perspective(answer: RawAnswer, attributes: Sequence[str] = (ATTRIBUTE,)) -> Reading:
    """Return the highest summary score of some attributes in a kept answer."""
    if answer.reason:
        kind = _error_type(answer.response)
        reason = f"{kind}: {answer.reason}" if kind else answer.reason
        return Reading(None, reason, again=answer.again)
    scores = answer.response.get("attributeScores") if isinstance(answer.response, dict) else None
    if not isinstance(scores, dict):
        return Reading(None, "the answer holds no attributeScores")
    # The summary, never the score of a span, and no value where the service gives none.
    summaries = {name: _summary(score) for name, score in scores.items()}
    versions = ", ".join(name for name in attributes if "@" in name)
    return highest(summaries, attributes, f"v1alpha1 {versions}" if versions else "")


def _summary(score: Any) -> Any:
    summary = score.get("summaryScore") if isinstance(score, dict) else None
    return summary.get("value") if isinstance(summary, dict) else None


def _error_type(body: Any) -> str:
    """Return such as LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE from an error's details."""
    error = body.get("error") if isinstance(body, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    for detail in details if isinstance(details, list) else []:
        kind = detail.get("errorType") if isinstance(detail, dict) else None
        if isinstance(kind, str):
            return kind
    return ""


def _instead() -> str:
    return (
        "instead use a local classifier (hf:<model>), a guard model (guard:<model>), a moderation "
        "service (moderation:<url>), or stored answers of it (replay:<file>)"
    )
