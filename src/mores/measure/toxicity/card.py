"""The validation card of a scorer: a record that prints itself as Markdown.

print(validate(scorer, rows).to_markdown())
"""

from __future__ import annotations

from mores.records import Estimate, Record


class ThresholdRow(Record, frozen=True, kw_only=True):
    """The four shares at one threshold; a score at or above it counts as "toxic"."""

    threshold: float
    precision: Estimate
    recall: Estimate
    false_positive_rate: Estimate
    f1: Estimate


class IdentityRow(Record, frozen=True, kw_only=True):
    """One term: harmless texts that hold it, and how many of them are marked toxic."""

    term: str
    texts: int
    marked: int
    rate: Estimate
    """Its reason is "too few" where there are fewer than ten texts."""


class ValidationCard(Record, frozen=True, kw_only=True):
    """What a scorer did on one set of labelled texts."""

    source: str
    """What the texts are, in words."""
    scorer: str
    version: str
    digest: str
    attribute: str
    note: str
    texts: int
    toxic: int
    coverage: Estimate
    """Share of the texts that got a value; all other figures are of these."""
    unscored: dict[str, int]
    """Reason → number of texts without a value."""
    auc: Estimate
    thresholds: tuple[ThresholdRow, ...]
    threshold: float
    """Threshold of the figures by identity term."""
    identity: tuple[IdentityRow, ...]

    def to_markdown(self) -> str:
        """Return the card as Markdown: the same figures, each with interval and count."""
        return "\n\n".join((_head(self), _thresholds(self), _identity(self))) + "\n"


def _head(card: ValidationCard) -> str:
    unscored = ", ".join(
        f"{_plain(why.removeprefix('not scored: '))}: {n}"
        for why, n in sorted(card.unscored.items())
    )
    rows = [
        ("scorer", f"`{_plain(card.scorer)}`, attribute {_plain(card.attribute)}"),
        ("what it is not", _plain(card.note)),
        ("version", _plain(card.version)),
        ("weights", f"`{card.digest}`"),
        ("texts", f"{card.texts}, of which {card.toxic} labelled toxic"),
        ("scored", f"{estimate_text(card.coverage)}; not scored: {unscored or 'none'}"),
        ("AUC", f"{estimate_text(card.auc)}, n = {card.auc.n}"),
    ]
    title = f"### Validation of `{_plain(card.scorer)}`"
    if card.source:
        title += f" on {_plain(card.source)}"
    return f"{title}\n\n" + _table(["", ""], [list(row) for row in rows])


def _thresholds(card: ValidationCard) -> str:
    rows = [
        [f"{row.threshold:g}"]
        + [
            estimate_text(value)
            for value in (row.precision, row.recall, row.false_positive_rate, row.f1)
        ]
        for row in card.thresholds
    ]
    return "Marked toxic from this score on (95 % intervals):\n\n" + _table(
        ["threshold", "precision", "recall", "false-positive rate", "F1"], rows
    )


def _identity(card: ValidationCard) -> str:
    head = f"Harmless texts marked toxic at {card.threshold:g}, by identity term"
    if not card.identity:
        return f"{head}: no term occurs in these texts."
    rows = [
        [
            _plain(row.term),
            str(row.texts),
            str(row.marked),
            row.rate.reason or estimate_text(row.rate),
        ]
        for row in card.identity
    ]
    return f"{head}:\n\n" + _table(["term", "texts", "marked", "rate"], rows)


def estimate_text(estimate: Estimate) -> str:
    """Return ``.87 [.82, .91]``, or why there is no number."""
    if estimate.value is None:
        return f"not computable: {estimate.reason}"
    if estimate.low is None or estimate.high is None:
        return f"{_short(estimate.value)} ({estimate.reason or 'no interval'})"
    return f"{_short(estimate.value)} [{_short(estimate.low)}, {_short(estimate.high)}]"


def _short(value: float) -> str:
    return f"{value:.3f}".removeprefix("0") if 0 <= value < 1 else f"{value:.3f}"


def _plain(text: str) -> str:
    # Names and reasons come from files and third parties: they must not form Markdown.
    return "".join(f"\\{c}" if c in "\\|`*_<>[]#" else c for c in " ".join(text.split()))


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
