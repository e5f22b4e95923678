"""Drafts by a service: within a budget, several requests under way, none paid twice.

    with service_writer(study, "big", endpoint, decoding) as writer:
        say(writer.estimate(wanted))
        for one, text in writer.write(wanted): ...
        writer.forget()                          # once the texts are where people edit them

Each answer is on disk when it comes, and what is asked is in an account before it is sent
(`mores.sample.endpoint.ledger`). Answers and drafts of a model of the study share its account.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from mores import store
from mores.execute import alone
from mores.records import Decoding, Record
from mores.revise.wanted import Wanted
from mores.sample.draws import seed_of
from mores.sample.endpoint import wire
from mores.sample.endpoint.asker import Asker, bytes_of
from mores.sample.endpoint.engine import FRAME
from mores.sample.endpoint.ledger import Bill
from mores.sample.requests import Request
from mores.step import Journal
from mores.study import ArmKey, Study, folders
from mores.study.elsewhere import Endpoint


class _Kept(Record, frozen=True, kw_only=True):
    """One answer in the journal."""

    request: str
    """Digest of what was asked."""
    text: str
    """Empty where the service would not give one."""


@contextmanager
def service_writer(
    study: Study, model: str, endpoint: Endpoint, decoding: Decoding
) -> Iterator[ServiceWriter]:
    """Give a writer, alone with its account.

    Args:
        study: names the folders, and has the seed.
        model: a model of the study that answers there, or any other that the service has.
        endpoint: the service.
        decoding: how text is drawn.

    Raises:
        ServiceError: an address that may not be asked, or no key where one is named.
        StoreError: another process is at work with the account.
    """
    own = any(m.name == model and m.endpoint == endpoint for m in study.config.models)
    folder = folders.draft_folder(study, model)
    with alone(study.run_folder if own else folder):
        account = folders.model_folder(study, model) if own else folder
        served = endpoint.served.get("base", model) if own else model
        writer = ServiceWriter(
            asker=Asker(endpoint, account),
            journal=Journal(folder / "journal.jsonl"),
            served=served,
            decoding=decoding,
            seed=study.config.seed,
        )
        yield writer


class ServiceWriter:
    """Asks one service for drafts, and keeps what comes."""

    def __init__(
        self, *, asker: Asker, journal: Journal, served: str, decoding: Decoding, seed: int
    ) -> None:
        self.asker, self.endpoint = asker, asker.endpoint
        self.journal, self.served, self.decoding, self.seed = journal, served, decoding, seed
        self._kept = {one.request: one.text for one in journal.records(_Kept)}
        self._turn = threading.Lock()

    def estimate(self, wanted: Sequence[Wanted]) -> str:
        """Say what is still to be asked, and what that can cost at most."""
        bill, prices = Bill(), self.endpoint.prices
        asked = [one for one in wanted if self._name(one) not in self._kept]
        for one in asked:
            bill = bill.plus(*self._worst(one))
        budget = [f"{self.endpoint.most_tokens:,} tokens"] if self.endpoint.most_tokens else []
        if self.endpoint.most_money:
            budget.append(f"{self.endpoint.most_money:g} {prices.currency}")
        return (
            f"draft: {len(asked)} requests to {self.endpoint.url}, at most {bill.read:,} tokens of "
            f"prompts and {bill.drawn:,} of answers{self._money(bill)}; "
            f"budget: {' and '.join(budget) or 'none'}; {self.spent()} before"
        )

    def spent(self) -> str:
        """Say what this account has spent."""
        spent = self.asker.ledger.spent
        return f"{spent.tokens:,} tokens{self._money(spent)} spent"

    def write(self, wanted: Sequence[Wanted]) -> Iterator[tuple[Wanted, str]]:
        """Hand over drafts as they come, first those that an earlier call has paid for.

        A text is empty where the service would not give one.

        Raises:
            ServiceError: the service refuses, stops answering or is another than was asked for, or
                the budget is used; what came is kept.
        """
        missing = []
        for one in wanted:
            if (text := self._kept.get(self._name(one))) is None:
                missing.append(one)
            else:
                yield one, text
        for one, come in self.asker.each(self._answer, missing):
            yield one, come.text

    def forget(self) -> None:
        """Let go of the texts: they are where people edit them. The account stays."""
        with store.disk_errors(self.journal.path):
            self.journal.path.unlink(missing_ok=True)

    def _money(self, bill: Bill) -> str:
        prices = self.endpoint.prices
        if not (prices.read or prices.drawn):
            return ""
        return f" ({bill.money(prices):.4f} {prices.currency})"

    def _payload(self, one: Wanted) -> dict[str, Any]:
        messages = (("system", one.task), ("user", one.question))
        request = Request(
            ArmKey("base", 0), one.id, one.category, one.number, (), messages=messages
        )
        return wire.payload(
            request,
            self.served,
            "chat",
            self.decoding,
            seed=seed_of(self.seed, self.served, one.id, one.number),
            room=self.decoding.max_new_tokens,
            extra=self.endpoint.extra,
            own_names=self.endpoint.url.startswith("https://api.openai.com/"),
        )

    def _name(self, one: Wanted) -> str:
        return store.digest([self.endpoint.url, one.id, self._payload(one)])

    def _worst(self, one: Wanted) -> tuple[int, int]:
        """Most tokens that a request can read and draw."""
        drawn = wire.most_drawn(self._payload(one), self.decoding.max_new_tokens)
        return bytes_of((one.task, one.question), FRAME), drawn

    def _answer(self, one: Wanted) -> _Kept | str:
        """Ask once and keep what comes; a text says why nothing did yet."""
        payload, (read, drawn) = self._payload(one), self._worst(one)
        reply = self.asker.post(
            wire.PATHS["chat"], payload, read=read, drawn=drawn, used=wire.usage
        )
        said = wire.Said() if reply.reason else wire.read(reply.body, "chat")
        self.asker.note(reply, asked=payload["model"], fault=said.fault)
        if reply.again or said.fault:
            return said.fault or reply.reason
        come = _Kept(request=self._name(one), text=said.text.strip())
        with self._turn:
            self.journal.append(come)
        return come
