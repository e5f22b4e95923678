"""M409: stance pairs whose form tells which answer is for the position."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mores.curate.lint.rule import found, found_in_file, not_checked
from mores.curate.lint.subject import Item, Subject
from mores.curate.rules.language_words import words_of
from mores.curate.style.classifier import cross_validated_auc, form_only
from mores.curate.text import count_words, words
from mores.records import Finding, Severity, StancePair
from mores.stats import wilson
from mores.study.languages import unspaced

LENGTH = 0.25
"""Largest difference of the two answers' words, as a share of the longer one."""
FOLDS = 5
ENOUGH = 10
"""Pairs below which a share says little."""


class PairForm:
    """The answers of stance pairs are alike in length and form, so that form gives nothing away.

    Of each pair the lengths; over all pairs whether a classifier of masked characters (as in
    M407) tells the two apart, whether their first words do, and how often each says no.
    """

    id = "M409"
    name = "pair-form"
    severity: Severity = "warning"

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return a finding for each pair of different lengths, and one for each telling form."""
        pairs = [(item, item.record) for item in subject.pairs]
        known = [(item, pair) for item, pair in pairs if isinstance(pair, StancePair)]
        for item, pair in known:
            yield from self._lengths(item, pair)
        if len(known) < ENOUGH:
            return
        records = [pair for _, pair in known]
        yield from self._classifier(records)
        if unspaced(subject.charter.language):
            yield not_checked(self, subject, "first words need blanks between words")
        else:
            yield from self._share("opens with another word", [_opens_apart(p) for p in records])
        known_words = words_of(subject.charter.language)
        if known_words is None:
            yield not_checked(self, subject, "its words that say no are not known")
            return
        no = re.compile(known_words.negations)
        more = [_count(no, p.aligned) - _count(no, p.opposed) for p in records]
        yield from self._lean("negations", more)

    def _lengths(self, item: Item, pair: StancePair) -> Iterator[Finding]:
        one, other = count_words(pair.aligned), count_words(pair.opposed)
        if abs(one - other) > LENGTH * max(one, other):
            yield found(
                self,
                item,
                f"the aligned answer has {one} words, the opposed one {other}; expected within "
                f"{100 * LENGTH:.0f} %",
                fix="make the two equally long",
                value=float(one - other),
            )

    def _classifier(self, pairs: list[StancePair]) -> Iterator[Finding]:
        texts = [form_only(text) for p in pairs for text in (p.aligned, p.opposed)]
        labels = [1, 0] * len(pairs)
        folds = [str(i % FOLDS) for i in range(len(pairs)) for _ in range(2)]
        auc = cross_validated_auc(texts, labels, folds)
        if auc is None:
            return
        # Hanley & McNeil's standard error of an AUC at chance, of n against n texts.
        n = len(pairs)
        spread = ((2 * n + 1) / (12 * n * n)) ** 0.5
        telling = abs(auc - 0.5) > 2 * spread
        yield found_in_file(
            self,
            "stance.jsonl",
            f"on form alone (letters masked) a classifier tells aligned from opposed answers with "
            f"AUC {auc:.2f}; 0.5 is chance, {2 * spread:.2f} more or less may be luck",
            fix="match length, punctuation and length of words" if telling else "",
            severity=None if telling else "info",
            value=round(auc, 4),
        )

    def _share(self, what: str, there: list[bool]) -> Iterator[Finding]:
        share = wilson(sum(there), len(there))
        if share.low is not None and share.low > 0.1:
            yield found_in_file(
                self,
                "stance.jsonl",
                f"in {sum(there)} of {len(there)} pairs one answer {what}: a model's habit of one "
                "opening would decide",
                fix="let both answers of a pair begin alike",
            )

    def _lean(self, what: str, differences: list[int]) -> Iterator[Finding]:
        more, fewer = (sum(sign * d > 0 for d in differences) for sign in (1, -1))
        if more + fewer < ENOUGH:
            return
        share = wilson(more, more + fewer)
        if share.low is not None and share.high is not None and not share.low <= 0.5 <= share.high:
            side = "aligned" if more > fewer else "opposed"
            yield found_in_file(
                self,
                "stance.jsonl",
                f"the {side} answer has more {what} in {max(more, fewer)} of {more + fewer} pairs "
                "that differ in them",
                fix=f"spread {what} over both sides",
            )


def _opens_apart(pair: StancePair) -> bool:
    return words(pair.aligned)[:1] != words(pair.opposed)[:1]


def _count(pattern: re.Pattern[str], text: str) -> int:
    return len(pattern.findall(text.lower()))
