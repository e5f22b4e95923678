r"""Guard models that answer in text, on this machine: ``guard:<model>``.

Takes answers with their questions, gives the probability that the guard gives to its
word for "harmful": the softmax over the logits of its two words, at the place where
it says one. What it wrote has to have the documented form, else there is no value.

    scorer = GuardScorer("meta-llama/Llama-Guard-3-1B")
    scorer.readings([Item("They all are.", "Who is the worst?")])
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from mores import store
from mores.errors import MeasureError, ModelError, did_you_mean
from mores.measure.toxicity.guard_form import GuardForm, guard_form
from mores.measure.toxicity.guard_model import ROWS, LoadedGuard
from mores.measure.toxicity.guard_prompt import Frame, render
from mores.measure.toxicity.guard_read import KIND, parse, read_guard
from mores.measure.toxicity.raw import AskingScorer, RawAnswer
from mores.measure.toxicity.scorer import Item, Reading

NOTE = (
    "how likely a guard model finds the answer to break its policy, which is not toxicity; an "
    "answer that agrees with a question can be marked for what was asked"
)


class GuardScorer(AskingScorer):
    """A guard model's probability of "harmful"."""

    kind = KIND
    note = NOTE
    takes_prompt = True

    def __init__(
        self,
        model: str,
        *,
        form: str = "",
        attributes: Sequence[str] = (),
        guard: LoadedGuard | None = None,
        say: store.Say | None = None,
    ) -> None:
        """Find the model; it is loaded when it is first asked.

        Args:
            model: a local folder, a GGUF file or a Hub id.
            form: name or file of its form; by the model's name if empty.
            attributes: policies to ask (the highest counts), or categories that count.
            guard: what writes and gives logits, for tests.
            say: where to announce a download.

        Raises:
            MeasureError: no form goes with it, or the form has no such policy.
            ModelError: not found, or weights that must be unpickled.
        """
        from mores.weights.resolve import resolve

        self.form = guard_form(model, form)
        self.policies, self.categories = _chosen(self.form, attributes)
        resolved = resolve(model, say=say)
        self.guard = guard or LoadedGuard(resolved)
        self.model = model if resolved.source == "hub" else Path(model).name
        self.digest = resolved.digest
        self._frames: dict[tuple[str, bool], Frame] = {}
        self.name = f"guard:{self.model}"
        self.version = f"{self.form.name} {self.form.version}"
        policies = self.policies if self.form.policies else ()
        self.attribute = " or ".join(policies or self.categories) or self.form.words[1]

    @property
    def request(self) -> dict[str, Any]:
        """Model, form and policies."""
        return {
            "model": self.model,
            "weights": self.digest,
            "form": store.digest(self.form),
            "form_name": self.version,
            "answer": self.form.answer,
            "words": list(self.form.words),
            "policies": list(self.policies),
        }

    @property
    def settings(self) -> dict[str, object]:
        """The policies or categories that count."""
        return {"policies": list(self.policies), "categories": list(self.categories)}

    def ready(self) -> None:
        """Check that the model's chat template says what it is asked about.

        Raises:
            ModelError: it does not: the wrong template, or the wrong form.
        """
        other = [name for name in self.form.policies if name != self.policies[0]]
        if not other or self.form.template:
            return
        if self._frame(self.policies[0], False) == self._frame(other[0], False):
            raise ModelError(
                f"its chat template does not use {self.form.argument!r}, so that it would be "
                "asked about nothing in particular",
                where=self.name,
                fix="name the form that goes with this model",
            )

    def ask(self, items: Sequence[Item]) -> Iterator[tuple[Item, RawAnswer]]:
        """Ask a few items at a time, each about every policy."""
        for first in range(0, len(items), ROWS):
            batch = items[first : first + ROWS]
            verdicts: list[dict[str, Any]] = [{} for _ in batch]
            reasons = [""] * len(batch)
            for policy in self.policies:
                for i, said in enumerate(self._about(policy, batch)):
                    if isinstance(said, str):
                        reasons[i] = said
                    else:
                        verdicts[i][policy] = said
            for item, verdict, reason in zip(batch, verdicts, reasons, strict=True):
                response = None if reason else {"verdicts": verdict}
                yield item, self.answer(item, response, reason=reason)

    def _about(self, policy: str, items: Sequence[Item]) -> list[dict[str, Any] | str]:
        """Return what the guard says of each item, or why it was not asked."""
        rows = [self._encode(policy, item) for item in items]
        asked = [row for row in rows if not isinstance(row, str)]
        said = iter(self._said(asked) if asked else ())
        return [row if isinstance(row, str) else next(said) for row in rows]

    def _encode(self, policy: str, item: Item) -> list[int] | str:
        frame = self._frame(policy, item.prompt is not None)
        ids = frame.encode(self.guard.tokenizer, item.prompt, item.text)
        room = self.guard.context - self.form.max_new_tokens
        if not isinstance(ids, str) and len(ids) > room:
            return f"too long for the guard model: {len(ids)} tokens, at most {room}"
        return ids

    def _said(self, rows: list[list[int]]) -> list[dict[str, Any]]:
        if self.form.answer == "next token":
            logits = self.guard.logits(rows, [self._pairs[0]] * len(rows))
            return [{"logits": dict(zip(self.form.words, row, strict=True))} for row in logits]
        written = self.guard.write(rows, self.form.max_new_tokens)
        texts = [self.guard.tokenizer.decode(ids, skip_special_tokens=True) for ids in written]
        places = [self._place(ids, text) for ids, text in zip(written, texts, strict=True)]
        clear = [(i, *place) for i, place in enumerate(places) if place is not None]
        before = [rows[i] + written[i][:at] for i, at, _ in clear]
        logits = self.guard.logits(before, [pair for *_, pair in clear])
        said: list[dict[str, Any]] = [{"text": text, "logits": {}} for text in texts]
        for (i, *_), row in zip(clear, logits, strict=True):
            said[i]["logits"] = dict(zip(self.form.words, row, strict=True))
        return said

    def _place(self, ids: list[int], text: str) -> tuple[int, tuple[int, int]] | None:
        """Return which token is the verdict's, and the tokens of both words there."""
        verdict = parse(text, self.form.answer, self.form.words)
        if verdict is None:
            return None
        decode = self.guard.tokenizer.decode
        ends = (len(decode(ids[: k + 1], skip_special_tokens=True)) for k in range(len(ids)))
        at = next(k for k, end in enumerate(ends) if end > verdict.start)
        fitting = (pair for pair in self._pairs if pair[int(verdict.harmful)] == ids[at])
        return next(((at, pair) for pair in fitting), None)

    @cached_property
    def _pairs(self) -> list[tuple[int, int]]:
        """First tokens of the two words: as they stand, and after a blank."""
        pairs = []
        for before in ("", " "):
            first = [
                self.guard.tokenizer(before + word, add_special_tokens=False)["input_ids"][0]
                for word in self.form.words
            ]
            if first[0] != first[1]:
                pairs.append((int(first[0]), int(first[1])))
        if not pairs:
            raise ModelError(
                f"its tokenizer begins {' and '.join(self.form.words)} with the same token",
                where=self.name,
                fix="name the form that goes with this model",
            )
        return pairs

    def _frame(self, policy: str, paired: bool) -> Frame:
        key = (policy, paired)
        if key not in self._frames:
            text = self._policy(policy, paired)
            self._frames[key] = render(self.guard.tokenizer, self.form, policy=text, paired=paired)
        return self._frames[key]

    def _policy(self, name: str, paired: bool) -> str:
        policy = self.form.policies.get(name)
        if policy is None:
            return name
        return policy.answer if paired else policy.alone

    def read(self, answer: RawAnswer) -> Reading:
        """Return the value of a kept answer."""
        return read_guard(answer, self.categories or (self.policies if self.form.policies else ()))


def _chosen(form: GuardForm, attributes: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the policies to ask and the categories that count."""
    known = form.policies or form.categories
    for name in attributes:
        if name not in known:
            raise MeasureError(
                f"the form has no {name!r}{did_you_mean(name, list(known))}",
                where=f"form {form.name!r}",
                fix=f"it has: {', '.join(known) or 'nothing to choose from'}",
            )
    if form.policies:
        return tuple(attributes) or form.default, ()
    return ("",), tuple(attributes)
