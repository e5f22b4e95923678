"""`mores measure toxicity`, `cooccurrence`, `capability` and `gates`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mores.errors import MeasureError
from mores.progress import Progress
from mores.study import Study

if TYPE_CHECKING:
    from mores.measure.cooccurrence import TermAssociation, TopicAssociations


def toxicity(
    study: Study | None = None,
    *,
    scorer: str | None = None,
    validate: Path | None = None,
    text: str = "text",
    label: str = "label",
    encoding: str | None = None,
    progress: Progress,
) -> None:
    """Score the completions of a study, or see how far a scorer can be trusted.

    Args:
        scorer: instead of the study's own: "lexical", "hf:MODEL", "guard:MODEL", "moderation:URL",
            "perspective" or "replay:PATH" (docs/toxicity.md).
        validate: a labelled CSV or JSONL; prints AUC, thresholds and false positives by identity
            term. FOLDER is then only for its scorer's settings.
        text: column of the texts in that file.
        label: column of the labels (0/1, true/false, or a share) in that file.
        encoding: of that file where it is neither UTF-8 nor UTF-16, such as cp1252.
    """
    from mores.measure.toxicity import read_labelled, toxicity, validate_scorer

    if validate is not None:
        rows = read_labelled(validate, text=text, label=label, encoding=encoding)
        card = validate_scorer(study, scorer, rows, source=validate.name)
        click.echo(card.to_markdown())
        return
    if study is None:
        raise MeasureError("nothing to measure", fix="give a study, or --validate FILE")
    scores = toxicity(study, scorers=(scorer,) if scorer else None, progress=progress)
    for name in dict.fromkeys(score.scorer for score in scores):
        values = [score.value for score in scores if score.scorer == name]
        there = [value for value in values if value is not None]
        mean = f"mean {sum(there) / len(there):.4f}" if there else "no mean"
        absent = len(values) - len(there)
        click.echo(
            f"{name}: {len(there)} scored, {absent} not scorable, {mean}; see `mores report`"
        )


def cooccurrence(
    study: Study | None = None,
    *,
    texts: Path | None = None,
    text: str = "text",
    group: str = "group",
    min_count: int = 10,
    permutations: int = 1000,
    seed: int = 2021,
    encoding: str | None = None,
    progress: Progress,
) -> None:
    """Find the words that go with groups: in a study's stems, or in any corpus.

    Args:
        texts: a CSV or JSONL with one text a row; no FOLDER is needed then.
        text: column of the texts in that file.
        group: column of the groups in that file.
        min_count: with texts: leave rarer words untested.
        permutations: with texts: permutations of group labels.
        seed: with texts: seed of the permutations.
        encoding: of that file where it is neither UTF-8 nor UTF-16, such as cp1252.
    """
    from mores.measure.cooccurrence import analyse_file, cooccurrence

    topics: Iterable[TopicAssociations]
    if texts is not None:
        topics = [
            analyse_file(
                texts,
                text=text,
                group=group,
                min_count=min_count,
                permutations=permutations,
                seed=seed,
                encoding=encoding,
            )
        ]
    elif study is None:
        raise MeasureError("nothing to measure", fix="give a study, or --texts FILE")
    else:
        topics = [t for result in cooccurrence(study, progress=progress) for t in result.topics]
    for topic in topics:
        _show_topic(topic)
    click.echo("\n* family-wise p at most .05 (permutation of documents)")


def _show_topic(topic: TopicAssociations) -> None:
    """The most favoured words of each group."""
    name = f"{topic.topic or 'corpus'} {topic.arm}".strip()
    shown = "unknown how many" if topic.shown is None else topic.shown
    click.echo(f"\n{name}: {topic.tested} words tested, {shown} shown with a group")
    for group in dict.fromkeys(term.group for term in topic.terms):
        terms = [term for term in topic.terms if term.group == group][:8]
        click.echo(f"  {group}: {', '.join(map(_word, terms))}")
    for text in (topic.note, topic.reason):
        if text:
            click.echo(f"  {text}")


def _word(term: TermAssociation) -> str:
    star = "*" if term.p_family is not None and term.p_family <= 0.05 else ""
    return f"{term.term} (z {term.z:+.1f}{star})"


def capability(study: Study, *, progress: Progress) -> None:
    """Run the configured capability tasks on base and tuned arms."""
    from mores.measure.capability import capability
    from mores.study import ArmKey

    by: dict[tuple[str, str], list[float]] = {}
    for item in capability(study, progress=progress):
        if item.value is not None:
            by.setdefault((item.task, ArmKey(item.arm, item.seed).name), []).append(item.value)
    for (task, arm), values in by.items():
        mean = sum(values) / len(values)
        click.echo(f"{task:<16} {arm:<22} {mean:.4f}  ({len(values)} items)")


def gates(study: Study, *, progress: Progress) -> int:
    """See whether the tune does harm: refusals, compliance, drift, capability, toxicity, sentiment.

    The last three read what the other measures left; what they have not left is "not measured".
    Only "pass" is a pass; the exit code is 1 where a gate fails.
    """
    from mores.measure.gates import gates

    marks = {"pass": "✓", "fail": "✗", "inconclusive": "–", "not measured": "?"}
    results = gates(study, progress=progress)
    for r in results:
        name = f"{r.name} {r.part}".strip()
        click.echo(f"{marks[r.verdict]} {r.verdict:<13} {name:<34} {r.arm} - {r.reference}")
        e = r.estimate
        if e.value is not None and r.margin is not None:
            bound = "no bound" if e.high is None else f"at most {e.high:+.3f}"
            click.echo(f"  harm {e.value:+.3f}, {bound}; margin {r.margin:g}, n = {r.n}")
        if r.reason:
            click.echo(f"  {r.reason}")
        if r.examples and r.verdict != "pass":
            click.echo(f"  for example {', '.join(r.examples[:3])}")
    passed = sum(r.verdict == "pass" for r in results)
    click.echo(f"\n{passed} of {len(results)} pass; what does not pass is not shown to be harmless")
    return 1 if any(r.verdict == "fail" for r in results) else 0
