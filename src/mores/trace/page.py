"""A trace as one HTML page that needs nothing else: no network, no script, no other file.

    Path("trace.html").write_text(render(traced))

In the style of the report. What changed is shown on the text itself: a line below each token, solid
where tuning made it more likely and wavy where less, thicker the more; the numbers come with the
pointer and in a table. Texts are hostile: everything goes through autoescaping and `words.visible`.
"""

from __future__ import annotations

from importlib import resources

from mores import __version__
from mores.records import Basis
from mores.report import words
from mores.report.page import environment, policy, style
from mores.trace.model import SampleInfluence, TokenChange, Trace

EDGES = (0.1, 0.5, 1.5)
"""Change of a token's log-probability from which it has a thin, a middle and a thick line, nats."""
FIRST = 5
"""Samples of each table."""


def render(trace: Trace) -> str:
    """Return the page; the same trace gives the same text."""
    from markupsafe import Markup

    css = f"{style()}\n{_file('trace.css')}"
    tokens = trace.change.tokens if trace.change else ()
    return (
        environment("mores.trace")
        .get_template("trace.html.j2")
        .render(
            trace=trace,
            css=Markup(css),  # noqa: S704 (our own files)
            policy=policy(css, ""),
            version=__version__,
            marks=[(t.text, mark(t.tuned - t.base), hover(t)) for t in tokens],
            token_rows=[token_row(i, t) for i, t in enumerate(tokens, 1)],
            arms=arm_rows(trace),
            aligned=sample_rows(trace, by_wording=False),
            alike=sample_rows(trace, by_wording=True),
            edges=EDGES,
            basis=[source_of(b) for b in trace.position.basis],
            fmt=words.fmt,
            listed=words.listed,
            plural=words.plural,
        )
    )


def mark(nats: float) -> str:
    """Return the class of a token's mark: ``up1`` to ``up3``, ``down1`` to ``down3``, or none."""
    size = sum(abs(nats) >= edge for edge in EDGES)
    return f"{'up' if nats > 0 else 'down'}{size}" if size else ""


def hover(token: TokenChange) -> str:
    """Return what a token says under the pointer."""
    said = f"tuned {words.fmt(token.tuned, 2)}, base {words.fmt(token.base, 2)}"
    if token.control is not None:
        said += f", control {words.fmt(token.control, 2)}"
    return f"{words.signed(token.tuned - token.base, 2)} against base ({said}; nats)"


def token_row(number: int, token: TokenChange) -> tuple[str, ...]:
    """Return a token's row: place, text, log-probabilities, differences."""
    control = token.control
    shown = token.text.replace("\n", "⏎").replace(" ", "␣") or "(part of the next letter)"
    return (
        str(number),
        shown,
        words.fmt(token.tuned, 3),
        words.fmt(control, 3),
        words.fmt(token.base, 3),
        words.signed(token.tuned - token.base, 3),
        words.signed(None if control is None else token.tuned - control, 3),
    )


def arm_rows(trace: Trace) -> list[tuple[str, str, str]]:
    """Return how likely each arm finds the answer: name, whole, a token."""
    change = trace.change
    arms = [change.tuned, change.control, change.base] if change else []
    return [(a.arm, words.fmt(a.sum, 2), words.fmt(a.mean, 3)) for a in arms if a]


def sample_rows(trace: Trace, *, by_wording: bool) -> list[SampleInfluence]:
    """Return the first samples by alignment (none where it is absent), or by wording."""
    if by_wording:
        return sorted(trace.samples, key=lambda s: s.likeness_rank)[:FIRST]
    ranked = [s for s in trace.samples if s.alignment_rank is not None]
    return sorted(ranked, key=lambda s: s.alignment_rank or 0)[:FIRST]


def source_of(basis: Basis | str) -> str:
    """Return one source of a position with its force, where that is said."""
    if isinstance(basis, str):
        return basis
    return f"{basis.source} ({basis.force})" if basis.force else basis.source


def _file(name: str) -> str:
    path = resources.files("mores.trace") / "templates" / name
    return path.read_text("utf-8").replace("\r\n", "\n").strip()
