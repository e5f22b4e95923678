"""What of a study people can sign, and the digest of what it says.

    things(study)[0].what                            "positions:health"
    chosen(things(study), ["values:health"])         all samples of that category

A digest is over the meaning, not the file: key order, comments, line ends, blanks at the end of a
line, runs of blanks and the composition of letters (NFC) change none. In prose a line feed is a
blank and a blank line begins a paragraph; in questions and answers, which a model learns as they
are, line breaks and indentation count. Who wrote a text, who accepted it, its licence, source and
suppressed rules are about it, not in it.

A sample is signed as an instance of its position, and a stance pair as its two sides: where the
statement changes, their digests do too. Control samples and prompts stand by themselves.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from mores import store
from mores.errors import StudyError, did_you_mean
from mores.records import Example, Position, Prompt, Record, StancePair, to_plain
from mores.study.study import Study

Kind = Literal["positions", "values", "control", "prompts", "stance", "rating"]
KINDS: dict[Kind, str] = {
    "positions": "positions",
    "values": "samples",
    "control": "control samples",
    "prompts": "prompt sets",
    "stance": "stance sets",
    "rating": "rater instructions",
}
"""Kind → what people call several of it."""
INSTRUCTIONS = "rating.toml"
_INDENT = re.compile(r"([ \t]*)(.*)")
_TITLE = 80


class Thing(Record, frozen=True, kw_only=True):
    """One thing that can be signed."""

    what: str
    """Its name: kind and id, such as ``values:v-health-01``, ``prompts:confirm``, ``rating``."""
    kind: Kind
    category: str = ""
    """Of a position or a sample."""
    title: str
    """Its title, or the beginning of its question."""
    content: str
    """Digest of what it says itself."""
    under: str = ""
    """Digest of the statements that it was written under; empty for what stands by itself."""

    @property
    def digest(self) -> str:
        """What a signature is over: the thing and what it was written under."""
        return store.digest([self.what, self.content, self.under])


def things(study: Study) -> tuple[Thing, ...]:
    """Return everything that can be signed: positions, samples, sets of prompts, instructions.

    Raises:
        DataError: a file of the study cannot be read.
    """
    statements = {p.category: prose(p.statement) for p in study.charter.positions}
    samples = [
        _sample(kind, example, statements)
        for kind in ("values", "control")
        for example in study.dataset(kind).examples
    ]
    return (
        *map(_position, study.charter.positions),
        *samples,
        *_prompt_sets(study.prompts),
        *_stance_sets(study.stance, statements),
        *_instructions(study),
    )


def chosen(known: Sequence[Thing], wanted: Iterable[str]) -> list[Thing]:
    """Return the things that people name: one, a kind, or a category of a kind.

    Args:
        known: from `things`.
        wanted: ``values:v-01`` or ``v-01`` where only one thing has that id; ``values`` for all
            of a kind; ``values:health`` for a category.

    Raises:
        StudyError: there is nothing of that name (with a suggestion), or several things are.
    """
    found: dict[str, Thing] = {}
    for name in wanted:
        found |= {thing.what: thing for thing in _named(known, name)}
    return list(found.values())


def _named(known: Sequence[Thing], name: str) -> list[Thing]:
    kind, _, rest = name.partition(":")
    tiers = (
        [t for t in known if t.what == name],
        [t for t in known if t.kind == name],
        [t for t in known if t.kind == kind and rest and t.category == rest],
        [t for t in known if name and t.what.partition(":")[2] == name],
    )
    found = next(filter(None, tiers), [])
    if found is tiers[3] and len(found) > 1:
        raise StudyError(
            f"{name!r} could be {' or '.join(t.what for t in found)}", fix="write it out"
        )
    if not found:
        names = [*(t.what for t in known), *{t.kind for t in known}]
        names += [f"{t.kind}:{t.category}" for t in known if t.category]
        near = did_you_mean(name, names) or did_you_mean(name, [n.partition(":")[2] for n in names])
        raise StudyError(
            f"there is nothing called {name!r} that could be signed{near}",
            fix="such as positions:CATEGORY, values, values:CATEGORY, values:ID, prompts:SET, "
            "stance:test, rating; `mores signatures` lists them",
        )
    return found


def prose(text: str) -> str:
    """Return a text as it is read: paragraphs of words with one blank between them."""
    paragraphs = re.split(r"\n[^\S\n]*\n", _lines(text))
    return "\n\n".join(filter(None, (" ".join(p.split()) for p in paragraphs)))


def layout(text: str) -> str:
    """Return a text with its line breaks and indentation, and one blank between words."""
    kept = []
    for line in _lines(text).split("\n"):
        indent, rest = _INDENT.fullmatch(line).groups()  # type: ignore[union-attr]
        kept.append((indent + " ".join(rest.split())) if rest.strip() else "")
    return "\n".join(kept).strip("\n").strip()


def _lines(text: str) -> str:
    return unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")


def _position(position: Position) -> Thing:
    basis = [prose(b) if isinstance(b, str) else [prose(b.source), b.force] for b in position.basis]
    said = [position.category, *map(prose, (position.title, position.statement, position.why))]
    return Thing(
        what=f"positions:{position.category}",
        kind="positions",
        category=position.category,
        title=position.title,
        content=store.digest([*said, basis]),
    )


def _sample(kind: Kind, example: Example, statements: dict[str, str]) -> Thing:
    said = [example.id, example.category, layout(example.prompt), layout(example.completion)]
    return Thing(
        what=f"{kind}:{example.id}",
        kind=kind,
        category=example.category,
        title=_short(example.prompt),
        content=store.digest([*said, prose(example.why)]),
        under=store.digest(statements[example.category]) if kind == "values" else "",
    )


def _prompt_sets(prompts: Sequence[Prompt]) -> list[Thing]:
    """One thing for each prompt set that is named, and one for the validation prompts."""
    sets: dict[str, list[Prompt]] = {}
    for prompt in prompts:
        names = (*prompt.presets, *(["validation"] if prompt.split == "validation" else []))
        for name in dict.fromkeys(names):
            sets.setdefault(name, []).append(prompt)
    return [
        Thing(
            what=f"prompts:{name}",
            kind="prompts",
            title=f"{len(own)} prompts",
            content=store.digest(
                sorted(
                    [p.id, p.category, layout(p.text), p.split, p.kind, p.near, *_around(p)]
                    for p in own
                )
            ),
        )
        for name, own in sets.items()
    ]


def _around(record: Prompt | StancePair) -> list[str]:
    """What else is asked with a question: nothing in most, so that older signatures hold."""
    turns = [text for turn in record.earlier for text in (turn.prompt, turn.completion)]
    given = (record.prefill, record.language)
    return [*map(layout, turns), *given] if turns or any(given) else []


def _stance_sets(pairs: Sequence[StancePair], statements: dict[str, str]) -> list[Thing]:
    found = []
    for split in dict.fromkeys(pair.split for pair in pairs):
        own = [pair for pair in pairs if pair.split == split]
        sides = sorted(
            [p.id, p.category, *map(layout, (p.prompt, p.aligned, p.opposed)), *_around(p)]
            for p in own
        )
        under = {pair.category: statements[pair.category] for pair in own}
        found.append(
            Thing(
                what=f"stance:{split}",
                kind="stance",
                title=f"{len(own)} stance pairs",
                content=store.digest(sides),
                under=store.digest(under),
            )
        )
    return found


def _instructions(study: Study) -> list[Thing]:
    """What raters are told; nothing where the study leaves that to mores."""
    path = study.folder / INSTRUCTIONS
    if not path.is_file():
        return []
    content = store.digest(_read(store.read_toml(path)))
    return [Thing(what="rating", kind="rating", title="what raters are told", content=content)]


def _read(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _read(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_read(inner) for inner in value]
    return prose(value) if isinstance(value, str) else to_plain(value)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _TITLE else line[: _TITLE - 1] + "…"
