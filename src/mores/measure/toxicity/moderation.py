"""Moderation endpoints of the form that OpenAI documented: ``moderation:<url>``.

Takes texts, gives the highest score of the categories that were declared. There is
no default address: whoever names one decides where the texts go.

    ModerationScorer("https://host/v1/moderations", key_env="SERVICE_KEY").score(["text"])

Request ``{"model": ..., "input": ["a", "b"]}``; answer ``{"id", "model", "results":
[{"flagged", "categories", "category_scores", ...}]}``, one result a text, in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mores.measure.toxicity.raw import RawAnswer
from mores.measure.toxicity.remote import GIVE_UP, RemoteScorer, highest
from mores.measure.toxicity.scorer import Item, Reading
from mores.remote.address import checked_url
from mores.remote.reply import Clock, Post, Reply

KIND = "moderation"
BATCH = 32
"""Texts in one request."""
ONE_BY_ONE = frozenset({200, 400, 413, 422, 500})
"""After these, one text may have spoilt the batch for all."""
CATEGORIES = ("harassment", "harassment/threatening", "hate", "hate/threatening")
"""Those of the documented categories that come nearest to what "toxic" means elsewhere."""
NOTE = (
    "violation of the categories of a moderation service, which is not toxicity; a service may "
    "change without notice, so the model that it names goes with every score"
)


class ModerationScorer(RemoteScorer):
    """A moderation endpoint."""

    kind = KIND
    note = NOTE

    def __init__(
        self,
        url: str,
        *,
        attributes: Sequence[str] = (),
        model: str = "",
        key_env: str = "",
        timeout: float = 30.0,
        clock: Clock | None = None,
    ) -> None:
        """Set up; nothing is asked yet.

        Args:
            url: the endpoint; https, or http on this machine.
            attributes: categories that count; those of `CATEGORIES` if none.
            model: sent as ``model``; not sent if empty.
            key_env: name of the environment variable with the key; no key if empty.
            timeout: seconds for one request.
            clock: for tests.

        Raises:
            ServiceError: an address to which texts may not be sent.
        """
        super().__init__(key_env=key_env, timeout=timeout, clock=clock)
        self.url = checked_url(url)
        self.model = model
        self.categories = tuple(attributes) or CATEGORIES
        self.name = f"moderation:{url}"
        self.version = model or "model not named"
        self.attribute = " or ".join(self.categories)

    @property
    def request(self) -> dict[str, Any]:
        """Address and model."""
        return {"url": self.url, **({"model": self.model} if self.model else {})}

    @property
    def settings(self) -> dict[str, object]:
        """The categories that count."""
        return {"categories": list(self.categories)}

    def ask(self, items: Sequence[Item]) -> Iterator[tuple[Item, RawAnswer]]:
        """Ask in batches; a batch that cannot be answered as one is asked text by text."""
        post, failed = self.service().post, 0
        batches = [list(items[i : i + BATCH]) for i in range(0, len(items), BATCH)]
        while batches:
            batch = batches.pop(0)
            reply = self._ask(post, batch)
            if len(batch) > 1 and reply.reason and reply.status in ONE_BY_ONE:
                batches[:0] = [[item] for item in batch]
                continue
            yield from self._shared(batch, reply)
            failed = failed + 1 if reply.again else 0
            if failed == GIVE_UP:
                return

    def _ask(self, post: Post, batch: Sequence[Item]) -> Reply:
        payload: dict[str, Any] = {"input": [item.text for item in batch]}
        if self.model:
            payload = {"model": self.model, **payload}
        reply = post(payload)
        if reply.reason:
            return reply
        results = reply.body.get("results") if isinstance(reply.body, dict) else None
        if not isinstance(results, list):
            return Reply(reply.status, reply.body, "the answer holds no list of results")
        if len(results) != len(batch):
            reason = f"{len(results)} results for {len(batch)} texts"
            return Reply(reply.status, reply.body, reason)
        return reply

    def _shared(self, batch: Sequence[Item], reply: Reply) -> Iterator[tuple[Item, RawAnswer]]:
        """Give each text its own result, beside all that the answer said of the batch."""
        for place, item in enumerate(batch):
            response = reply.body
            if not reply.reason:
                response = {**reply.body, "results": [reply.body["results"][place]]}
            yield item, self.kept(item, reply, response)

    def read(self, answer: RawAnswer) -> Reading:
        """Return the highest declared category's score."""
        return read_moderation(answer, self.categories)


def read_moderation(answer: RawAnswer, categories: Sequence[str] = CATEGORIES) -> Reading:
    """Return the highest score of some categories in a kept answer."""
    if answer.reason:
        return Reading(None, answer.reason, again=answer.again)
    body = answer.response if isinstance(answer.response, dict) else {}
    version = body.get("model")
    version = version if isinstance(version, str) else ""
    results = body.get("results")
    result = results[0] if isinstance(results, list) and results else None
    scores = result.get("category_scores") if isinstance(result, dict) else None
    if not isinstance(scores, dict):
        return Reading(None, "the answer holds no category_scores", version)
    return highest(scores, categories, version)
