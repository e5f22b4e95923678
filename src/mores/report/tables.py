"""Rows of the report's tables: parts of a report → tuples of text, one a row.

Every plot has such a table behind it, and every absent value a dash and a reason.

    scorer_rows(report.toxicity[0], labels)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import quantiles
from typing import Any

from mores.records import Estimate
from mores.report.judge_summary import JudgeSummary
from mores.report.model import (
    Answer,
    ArmSummary,
    CoherenceSummary,
    ModelSummary,
    Question,
    RatingSummary,
    Report,
    ScorerResult,
    StanceSummary,
)
from mores.report.select import nested_estimates
from mores.report.words import (
    ABSENT,
    arm_label,
    count,
    fmt,
    interval,
    p_value,
    quantity,
    reasons,
    signed,
)

Labels = Mapping[str, str]
Cells = tuple[str, ...]
_TOP = 5


def stance_rows(summary: StanceSummary, labels: Labels) -> list[Cells]:
    """Arm, mean margin, its interval, pairs in which the position is the likelier, without."""
    return [
        (
            labels.get(arm.arm, arm_label(arm.arm)),
            signed(arm.margin.value),
            interval(arm.margin, 3),
            out_of(arm.aligned, arm.scored),
            count(arm.absent),
        )
        for arm in summary.arms
    ]


def coherence_rows(summary: CoherenceSummary, labels: Labels) -> list[Cells]:
    """Arm, marked answers, why, loss under base, perplexity under base."""
    return [
        (
            labels.get(arm.arm, arm_label(arm.arm)),
            out_of(sum(arm.marks.values()), arm.answers),
            reasons(arm.marks),
            fmt(arm.base_loss, 2),
            fmt(None if arm.base_loss is None else math.exp(arm.base_loss), 1),
        )
        for arm in summary.arms
    ]


def scorer_rows(result: ScorerResult, labels: Labels) -> list[Cells]:
    """Arm, scored, mean, quartiles, highest, expected maximum, probability, without score."""
    return [
        (
            labels.get(arm.arm, arm.arm),
            out_of(arm.scored, arm.scored + sum(arm.unscorable.values())),
            fmt(arm.mean),
            _quartiles(arm.values),
            fmt(max(arm.values, default=None)),
            fmt(arm.expected_maximum),
            fmt(arm.probability),
            reasons(arm.unscorable),
        )
        for arm in result.arms
    ]


def _quartiles(values: Sequence[float]) -> str:
    if len(values) < 2:
        return ABSENT
    return " / ".join(fmt(q) for q in quantiles(values, n=4, method="inclusive"))


def rating_rows(ratings: RatingSummary, labels: Labels) -> list[Cells]:
    """Arm, mean rating, answers with a rating."""
    return [
        (
            labels.get(arm, arm_label(arm)),
            fmt(mean, 2) if mean is not None else "no rating",
            out_of(*ratings.answers[arm]) if arm in ratings.answers else ABSENT,
        )
        for arm, mean in ratings.means.items()
    ]


def out_of(part: int, whole: int) -> str:
    """A count with its denominator."""
    return f"{count(part)} of {count(whole)}"


def cannot_rows(ratings: RatingSummary, labels: Labels) -> list[Cells]:
    """Arm and answers "cannot be rated"."""
    return [(labels.get(arm, arm_label(arm)), count(n)) for arm, n in ratings.cannot.items()]


def judge_rows(judge: JudgeSummary, labels: Labels) -> list[Cells]:
    """Arm, mean of a judge's ratings, answers that it gave none."""
    return [
        (
            labels.get(arm, arm_label(arm)),
            fmt(mean, 2) if mean is not None else "no rating",
            count(judge.absent.get(arm, 0)),
        )
        for arm, mean in judge.means.items()
    ]


def task_rows(report: Report, labels: Labels) -> list[Cells]:
    """Task, arm, metric, mean, chance, margin, items, absent, near chance."""
    several = len(report.models) > 1
    return [
        (
            f"{task.model}: {task.task}" if several else task.task,
            labels.get(arm.arm, arm.arm),
            task.metric,
            fmt(arm.mean),
            fmt(task.chance, 2),
            fmt(task.margin, 2),
            count(arm.items),
            count(arm.absent),
            "yes" if task.near_chance else "no",
        )
        for task in report.capability
        for arm in task.arms
    ]


def change_rows(change: dict[str, Any]) -> list[Cells]:
    """One row for each word of a `TopicChange`, with both kinds of test."""
    return [
        (
            t["group"],
            t["term"],
            signed(t["z"], 2),
            signed(t["change"], 2),
            p_value(t["p_family"]),
            fmt(t["q"], 3),
            f"{count(t['count'])} / {count(t['reference_count'])}",
            f"{signed(t['gap'], 1)} / {signed(t['reference_gap'], 1)}",
            signed(t["gap_z"], 2),
            p_value(t["gap_p_family"]),
        )
        for t in change["terms"]
    ]


def thresholds(by_group: dict[str, float] | None) -> str:
    """|z| that a word must exceed: one number, or the least and the largest of the groups."""
    if not by_group:
        return ABSENT
    least, most = fmt(min(by_group.values()), 2), fmt(max(by_group.values()), 2)
    return least if least == most else f"{least} to {most}, by group"


def association_rows(found: dict[str, Any]) -> list[Cells]:
    """Each group with its most favoured words in one arm."""
    groups: dict[str, list[str]] = {}
    for term in found["terms"]:
        groups.setdefault(term["group"], []).append(f"{term['term']} ({signed(term['z'], 1)})")
    return [(group, ", ".join(words[:_TOP])) for group, words in groups.items()]


def size_rows(found: dict[str, Any]) -> list[Cells]:
    """How much text there is about each group."""
    return [
        (
            size["group"],
            count(size["documents"]),
            count(size["empty"]),
            count(size["words"]),
            fmt(size["words_per_document"], 1),
        )
        for size in found["sizes"]
    ]


def topic_estimates(topic: str, result: dict[str, Any]) -> list[tuple[str, list[Estimate]]]:
    """Return the estimates inside a co-occurrence result that are about a topic, by measure."""
    own = [
        part for kind in ("topics", "changes") for part in result[kind] if part["topic"] == topic
    ]
    found: list[Estimate] = []
    for part in own:
        found += nested_estimates(part) if "reference" in part else _of_arm(part)
    return by_measure(found)


def _of_arm(part: dict[str, Any]) -> list[Estimate]:
    from msgspec.structs import replace

    # One arm's own figures are no contrast; the arm must still be told from the others.
    own = nested_estimates(part)
    return [
        replace(e, category=f"{e.category or part['topic']}, {arm_label(part['arm'])}") for e in own
    ]


def by_measure(estimates: Iterable[Estimate]) -> list[tuple[str, list[Estimate]]]:
    """Group estimates by measure, in order of first appearance."""
    groups: dict[str, list[Estimate]] = {}
    for estimate in estimates:
        groups.setdefault(estimate.measure, []).append(estimate)
    return list(groups.items())


def arm_rows(model: ModelSummary, labels: Labels) -> list[Cells]:
    """Arm, steps, losses, completions, how they ended, marks, mean tokens."""
    return [
        (
            labels.get(arm.name, arm.name),
            count(len(arm.training)) if arm.training else "not trained",
            fmt(_value(arm, "loss", 0)),
            fmt(_value(arm, "loss", -1)),
            fmt(_value(arm, "held_out_loss", -1)),
            count(arm.completions),
            count(arm.stopped),
            reasons(arm.flagged),
            fmt(arm.mean_tokens, 1),
        )
        for arm in model.arms
    ]


def _value(arm: ArmSummary, key: str, place: int) -> float | None:
    values = [row[key] for row in arm.training if isinstance(row.get(key), int | float)]
    return float(values[place]) if values else None


def log_head(arm: ArmSummary) -> list[str]:
    """Return the columns of an arm's training log."""
    keys = dict.fromkeys(key for row in arm.training for key in row)
    return [key.replace("_", " ") for key in keys]


def log_rows(arm: ArmSummary) -> list[Cells]:
    """Return an arm's training log, one row a step."""
    keys = list(dict.fromkeys(key for row in arm.training for key in row))
    return [tuple(_cell(row.get(key)) for key in keys) for row in arm.training]


def _cell(value: object) -> str:
    if value is None:
        return ABSENT
    if isinstance(value, float):
        return fmt(value, 4) if abs(value) >= 0.001 or value == 0 else f"{value:.2e}"
    return count(value) if isinstance(value, int) else str(value)


def model_rows(report: Report) -> list[Cells]:
    """Model, prompt format, parameters, digest."""
    return [(m.name, m.format, count(m.parameters), m.digest or ABSENT) for m in report.models]


def weight_rows(report: Report, labels: Labels) -> list[Cells]:
    """Arm, model, digest of the tuned weights."""
    return [
        (labels.get(arm.name, arm.name), model.name, arm.digest)
        for model in report.models
        for arm in model.arms
        if arm.digest
    ]


def cost_rows(report: Report) -> list[Cells]:
    """What was spent, in words and numbers."""
    return [(key.replace("_", " "), quantity(value)) for key, value in report.cost.items()]


def setting_rows(report: Report) -> list[Cells]:
    """Key, value, origin."""
    return [(s.key, s.value, s.origin) for s in report.settings]


def missing_rows(report: Report) -> list[Cells]:
    """What, why."""
    return [(m.what, m.why) for m in report.missing]


def gate_rows(report: Report) -> list[Cells]:
    """Gate, arm, reference, change, worst that the interval allows, margin, verdict, why."""
    return [
        (
            f"{r.name} {r.part}".strip(),
            f"{r.arm}" + (f", {r.model}" if len(report.models) > 1 else ""),
            r.reference,
            signed(r.estimate.value, 3) if r.estimate.value is not None else "not computable",
            signed(r.estimate.high, 3) if r.estimate.high is not None else "none",
            fmt(r.margin, 3) if r.margin is not None else "none",
            r.claim,
            r.reason,
        )
        for r in report.gates
    ]


def round_rows(report: Report) -> list[Cells]:
    """Round, preset, samples, start of their digest, verdicts."""
    return [
        (
            str(r.number),
            r.preset,
            str(r.samples),
            r.values.removeprefix("sha256:")[:12],
            "; ".join(f"{what}: {verdict}" for what, verdict in r.verdicts.items()) or "none",
        )
        for r in report.rounds
    ]


def by_model_and_arm(question: Question) -> list[tuple[str, list[tuple[str, list[Answer]]]]]:
    """Group a question's answers by model, then by arm, draws in order."""
    models: dict[str, dict[str, list[Answer]]] = {}
    for answer in question.answers:
        models.setdefault(answer.model, {}).setdefault(answer.arm, []).append(answer)
    return [
        (model, [(arm, sorted(own, key=lambda a: a.draw)) for arm, own in arms.items()])
        for model, arms in models.items()
    ]
