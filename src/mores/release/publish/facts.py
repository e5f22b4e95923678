"""What a study knows of one of its sets of samples: the sentences of its dataset card and RAI.

Nothing is said that the study does not know: a property without facts is not there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mores.curate.rules.personal_data import personal_data
from mores.records import Example
from mores.release.publish.subject import Subject
from mores.report.words import listed, plural

CONTROL = "control"
SETS = ("values", CONTROL)


@dataclass(frozen=True)
class SetFacts:
    """One set of samples, as its file is."""

    name: str
    """``values`` or ``control``."""
    file: str
    digest: str
    examples: tuple[Example, ...]
    fields: tuple[str, ...]
    """Fields that hold something in some sample, in the order of the record."""
    rai: dict[str, str | list[str]]
    """Property of Croissant RAI → what is known of it."""


def facts_of(subject: Subject, name: str) -> SetFacts:
    """Collect what is known of one set."""
    examples = subject.study.dataset(name).examples
    filled = {f for e in examples for f in Example.__struct_fields__ if getattr(e, f)}
    file = f"{name}.jsonl"
    said: dict[str, str | list[str]] = {
        "dataCollection": _collection(examples),
        "dataCollectionTimeFrame": _days(examples),
        "dataUseCases": _uses(name),
        "dataBiases": _biases(subject, name, examples),
        "dataLimitations": _limits(subject, name, examples),
        "personalSensitiveInformation": _personal(examples),
        "dataReleaseMaintenancePlan": _maintenance(subject),
    }
    return SetFacts(
        name,
        file,
        subject.report.inputs[file],
        examples,
        tuple(f for f in Example.__struct_fields__ if f in filled and f != "suppress"),
        {key: value for key, value in said.items() if value},
    )


def _collection(examples: Sequence[Example]) -> str:
    parts = [f"{plural(len(examples), 'question')} with an answer each"]
    for field in ("author", "reviewer"):
        names = Counter(getattr(e, field) for e in examples if getattr(e, field))
        if names:
            who = listed([f"{name} ({n})" for name, n in names.most_common()])
            parts.append(f"{field}s as the file names them: {who}")
    if sourced := sum(bool(e.source) for e in examples):
        parts.append(f"{sourced} of {len(examples)} name a source")
    return "; ".join(parts) + "."


def _days(examples: Sequence[Example]) -> list[str]:
    """First and last day on which a sample was accepted."""
    days = sorted({e.accepted for e in examples if e.accepted})
    return [days[0], days[-1]] if days else []


def _uses(name: str) -> list[str]:
    if name == CONTROL:
        why = "it tells what any tuning does from what the values do"
        return [f"Tuning the control arm of the study: {why}."]
    use = "Tuning a language model on the positions of the study's charter."
    return [f"{use} Not for evaluation: a model tuned on it has seen it."]


def _biases(subject: Subject, name: str, examples: Sequence[Example]) -> list[str]:
    counts = Counter(e.category for e in examples)
    spread = "Samples a category: " + listed([f"{c} {n}" for c, n in counts.items()]) + "."
    if name == CONTROL:
        return [spread + " In this set the category is bookkeeping."]
    charter = subject.study.charter
    enacted = f"{plural(len(charter.positions), 'position')} of charter version {charter.version}"
    return [f"The answers take sides by intention: they enact the {enacted}.", spread]


def _limits(subject: Subject, name: str, examples: Sequence[Example]) -> list[str]:
    language = subject.study.charter.language
    limits = [f"{plural(len(examples), 'sample')}, in the language {language} only."]
    line = next((c.line for c in subject.report.signoff.counts if c.kind == name), "")
    if line:
        limits.append(f"Signatures: {line}.")
    nobody = [p.category for p in subject.study.charter.positions
              if p.accountable is None or p.accountable.nobody]  # fmt: skip
    if name != CONTROL and nobody:
        every = len(nobody) == len(subject.study.charter.positions)
        which = "any position" if every else f"the positions on {listed(nobody)}"
        limits.append(f"Nobody is named who answers for {which}.")
    return limits


def _personal(examples: Sequence[Example]) -> list[str]:
    found: Counter[str] = Counter()
    for e in examples:
        found.update({kind for kind, _ in personal_data(f"{e.prompt}\n{e.completion}")})
    looked = "e-mail addresses, telephone and account numbers and the like (rule M503)"
    said = [
        f"A search for {looked} found in questions and answers: "
        + listed([f"{kind} in {plural(n, 'sample')}" for kind, n in found.items()]) + "."
        if found
        else f"A search for {looked} found nothing in questions and answers. It finds patterns, "
        "not names or stories."
    ]  # fmt: skip
    if any(e.author or e.reviewer for e in examples):
        said.append("The fields author and reviewer name people or roles.")
    return said


def _maintenance(subject: Subject) -> str:
    charter = subject.study.charter
    contacts = dict.fromkeys(
        f"{p.accountable.who}, {p.accountable.contact}" if p.accountable.contact
        else p.accountable.who
        for p in charter.positions
        if p.accountable and p.accountable.who
    )  # fmt: skip
    return f"Complaints go to: {'; '.join(contacts)}." if contacts else ""
