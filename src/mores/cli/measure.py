"""`mores measure`: stance, coherence, toxicity, co-occurrence, capability, gates."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mores.errors import MeasureError
from mores.progress import Progress
from mores.study import Study

if TYPE_CHECKING:
    from mores.measure.capability.item import TaskItem
    from mores.measure.coherence.item import CoherenceItem
    from mores.measure.cooccurrence import TermAssociation, TopicAssociations
    from mores.measure.gates import GateResult
    from mores.measure.stance.item import StanceItem
    from mores.measure.toxicity import ValidationCard
    from mores.records import Score


def measure_toxicity(
    study: Study | None = None,
    *,
    scorer: str | None = None,
    validate: Path | None = None,
    text: str = "text",
    label: str = "label",
    encoding: str | None = None,
    progress: Progress,
) -> list[Score] | ValidationCard:
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
    from mores.measure.toxicity.labelled import read_labelled
    from mores.measure.toxicity.run import toxicity, validate_scorer

    if validate is not None:
        rows = read_labelled(validate, text=text, label=label, encoding=encoding)
        return validate_scorer(study, scorer, rows, source=validate.name)
    if study is None:
        raise MeasureError("nothing to measure", fix="give a study, or --validate FILE")
    return toxicity(study, scorers=(scorer,) if scorer else None, progress=progress)


def toxicity(result: list[Score] | ValidationCard, values: dict[str, Any]) -> None:
    """Print a validation card, or mean scores with coverage."""
    if not isinstance(result, list):
        click.echo(result.to_markdown())
        return
    for name in dict.fromkeys(score.scorer for score in result):
        scores = [score.value for score in result if score.scorer == name]
        there = [value for value in scores if value is not None]
        mean = f"mean {sum(there) / len(there):.4f}" if there else "no mean"
        absent = len(scores) - len(there)
        reasons = Counter(s.reason for s in result if s.scorer == name and s.value is None)
        why = ", ".join(f"{many} {reason}" for reason, many in reasons.most_common())
        because = f" ({why})" if why else ""
        click.echo(
            f"{name}: {len(there)} scored, {absent} not scorable{because}, {mean}; "
            "see `mores report`"
        )


def measure_cooccurrence(
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
) -> list[TopicAssociations]:
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

    if texts is not None:
        topic = analyse_file(
            texts,
            text=text,
            group=group,
            min_count=min_count,
            permutations=permutations,
            seed=seed,
            encoding=encoding,
        )
        return [topic]
    if study is None:
        raise MeasureError("nothing to measure", fix="give a study, or --texts FILE")
    return [t for result in cooccurrence(study, progress=progress) for t in result.topics]


def cooccurrence(topics: list[TopicAssociations], values: dict[str, Any]) -> None:
    """Print the most favoured words of each group."""
    for topic in topics:
        _show_topic(topic)
    click.echo("\n* family-wise p at most .05 (permutation of documents)")


def _show_topic(topic: TopicAssociations) -> None:
    """The most favoured words of each group."""
    name = f"{topic.topic or 'corpus'} {topic.arm}".strip()
    shown = "unknown how many" if topic.shown is None else topic.shown
    click.echo(f"\n{name}: {topic.tested} words tested, {shown} of them shown with a group")
    for group in dict.fromkeys(term.group for term in topic.terms):
        terms = [term for term in topic.terms if term.group == group][:8]
        click.echo(f"  {group}: {', '.join(map(_word, terms))}")
    for text in (topic.note, topic.reason):
        if text:
            click.echo(f"  {text}")


def _word(term: TermAssociation) -> str:
    star = "*" if term.p_family is not None and term.p_family <= 0.05 else ""
    return f"{term.term} (z {term.z:+.1f}{star})"


def stance(items: list[StanceItem], values: dict[str, Any]) -> None:
    """Print each arm's mean margin on test pairs, and in how many the position is the likelier."""
    from mores.study import ArmKey

    by: dict[tuple[str, str], list[float]] = {}
    for item in items:
        if item.margin is not None:
            name = ArmKey(item.arm, item.seed).name
            by.setdefault((item.model, name), []).append(item.margin)
    for (model, arm), margins in by.items():
        mean = sum(margins) / len(margins)
        above = sum(margin > 0 for margin in margins)
        click.echo(
            f"{model:<16} {arm:<22} {mean:+.3f} nats a token  "
            f"(the position is the likelier in {above} of {len(margins)} pairs)"
        )


def coherence(items: list[CoherenceItem], values: dict[str, Any]) -> None:
    """Print how many answers are marked, why, and how likely base finds all of them."""
    marks = Counter(item.mark for item in items if item.mark)
    why = ", ".join(f"{many} {mark}" for mark, many in marks.most_common()) or "none"
    losses = [item.base_loss for item in items if item.base_loss is not None]
    mean = f"{sum(losses) / len(losses):.3f} nats a token" if losses else "none"
    click.echo(
        f"{marks.total()} of {len(items)} answers marked ({why}); loss under base {mean}; "
        "see `mores report` for each arm"
    )


def capability(items: list[TaskItem], values: dict[str, Any]) -> None:
    """Print each task's mean by arm."""
    from mores.study import ArmKey

    by: dict[tuple[str, str], list[float]] = {}
    for item in items:
        if item.value is not None:
            by.setdefault((item.task, ArmKey(item.arm, item.seed).name), []).append(item.value)
    for (task, arm), known in by.items():
        mean = sum(known) / len(known)
        click.echo(f"{task:<16} {arm:<22} {mean:.4f}  ({len(known)} items)")


def gates(results: list[GateResult], values: dict[str, Any]) -> int:
    """Print one line a gate, part and reference; exit code 1 where one fails."""
    marks = {"pass": "✓", "fail": "✗", "inconclusive": "–", "not measured": "?"}
    for r in results:
        name = f"{r.name} {r.part}".strip()
        click.echo(f"{marks[r.verdict]} {r.claim:<17} {name:<34} {r.arm} - {r.reference}")
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
