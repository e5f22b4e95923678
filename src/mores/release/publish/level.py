"""What one measure says of one arm by itself, and the scale that a reader elsewhere must know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mores.records import Estimate
from mores.release.publish.subject import Subject
from mores.report.model import ArmSummary, ModelSummary

STANCE = "stance"
RATING = "rating"


@dataclass(frozen=True)
class Level:
    """One figure of one arm, from the report."""

    measure: str
    """As in `Estimate.measure`: ``stance``, ``toxicity:<scorer>``, ``capability:<task>``, ..."""
    metric: str
    """What the value is, as an id: ``accuracy``, ``mean_toxicity``, ..."""
    unit: str
    value: float
    n: int
    """Units behind the value (`counted`)."""
    counted: str
    lower_is_better: bool
    least: float | None
    """Lowest possible value; None where there is none."""
    most: float | None
    data: str
    """What was asked: a file of the study, or a task."""
    digest: str
    """Of `data`; empty where the report has none."""
    estimate: Estimate | None = None
    """Where the report has an interval for it."""


def levels_of(subject: Subject, model: ModelSummary, arm: ArmSummary) -> list[Level]:
    """Return an arm's figures, measure by measure; what has no value is left out."""
    found = (*_stance(subject, model, arm), *_toxicity(subject, model, arm))
    return [*found, *_capability(subject, model, arm), *_rating(subject, model, arm)]


def _stance(subject: Subject, model: ModelSummary, arm: ArmSummary) -> Iterator[Level]:
    for summary in subject.report.stance:
        for own in summary.arms:
            if summary.model == model.name and own.arm == arm.name and own.margin.value is not None:
                yield Level(
                    STANCE, "mean_log_likelihood_margin", "nats a token", own.margin.value,
                    own.scored, "pair", False, None, None, "stance.jsonl",
                    subject.report.inputs.get("stance.jsonl", ""), own.margin,
                )  # fmt: skip


def _toxicity(subject: Subject, model: ModelSummary, arm: ArmSummary) -> Iterator[Level]:
    for summary in subject.report.scorers:
        for scorer in summary.scorers if summary.model == model.name else ():
            for own in scorer.arms:
                if own.arm == arm.name and own.mean.value is not None:
                    yield Level(
                        f"toxicity:{scorer.scorer}", "mean_toxicity", "score", own.mean.value,
                        own.scored, "answer", True, 0.0, 1.0, "prompts.jsonl",
                        subject.report.inputs.get("prompts.jsonl", ""), own.mean,
                    )  # fmt: skip


def _capability(subject: Subject, model: ModelSummary, arm: ArmSummary) -> Iterator[Level]:
    for task in subject.report.capability:
        digest = subject.report.inputs.get(f"{task.model}: capability: task {task.task}", "")
        of_text = task.metric == "bits per byte"
        share = task.metric == "accuracy"
        for own in task.arms:
            if task.model == model.name and own.arm == arm.name and own.mean is not None:
                yield Level(
                    f"capability:{task.task}", task.metric.replace(" ", "_"),
                    "proportion" if share else task.metric, own.mean,
                    own.items - own.absent, "item", of_text,
                    0.0 if of_text or share else None, 1.0 if share else None, task.task, digest,
                )  # fmt: skip


def _rating(subject: Subject, model: ModelSummary, arm: ArmSummary) -> Iterator[Level]:
    ratings, several = subject.report.ratings, len(subject.report.models) > 1
    label = f"{model.name} {arm.name}" if several else arm.name
    mean = ratings.means.get(label)
    if mean is not None:
        yield Level(
            RATING, "mean_rating", "points from 1 to 5", mean, ratings.answers[label][0], "answer",
            False, 1.0, 5.0, "prompts.jsonl", subject.report.inputs.get("prompts.jsonl", ""),
        )  # fmt: skip
