"""What was asked of one arm, one by one, and what came of it: read again from the steps' files.

for one in Instances(subject).of(model, arm): ...
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from mores.errors import DataError
from mores.measure.capability.item import TaskItem
from mores.measure.capability.run import items_step, read_items
from mores.measure.capability.task import Task
from mores.measure.capability.tasks import load_tasks
from mores.measure.stance.run import read_stance
from mores.measure.toxicity.run import iter_scores
from mores.records import Completion, Exchange, Prompt, transcript
from mores.release.publish.subject import Subject
from mores.report.model import ArmSummary, ModelSummary
from mores.sample.requests import as_messages, turns
from mores.sample.run import iter_completions

Turn = tuple[str, str]
"""Who speaks (``user``, ``assistant``), and what they say."""


def turns_of(earlier: Sequence[Exchange], question: str) -> tuple[Turn, ...]:
    """Return a conversation that ends with a question; nothing where the question begins it."""
    return as_messages(question, "", turns(earlier)) if earlier else ()


@dataclass(frozen=True)
class Instance:
    """One thing that was asked, and its score by one measure."""

    measure: str
    """As in `Estimate.measure`."""
    id: str
    """Of the prompt, pair or item."""
    prompt: str
    """With what was said before it, as people and judges read it."""
    reference: tuple[str, ...]
    """Right answers; none where a measure knows none."""
    choices: tuple[str, ...]
    """Answers to choose from; none where the model writes its own."""
    output: tuple[str, ...]
    """What the model wrote, or the answer that it finds likelier; none where that was not kept."""
    score: float
    right: bool | None
    """None where a score is neither right nor wrong."""
    about: dict[str, str] = field(default_factory=dict)
    completion: Completion | None = None
    logprob: float | None = None
    """Log-probability of the right answer in nats."""
    turns: tuple[Turn, ...] = ()
    """Of a conversation up to the answer; none where the prompt is all that was said."""


@dataclass(frozen=True)
class Instances:
    """Reads the instances of every arm; what has no score is left out."""

    subject: Subject

    @cached_property
    def tasks(self) -> dict[str, Task]:
        """Name → capability task with its items' texts.

        Raises:
            AssetError: a bundled task could not be fetched.
            DataError: a task is not the one that was asked.
            MeasureError: the lm-evaluation-harness is not installed.
        """
        study = self.subject.study
        if not self.subject.report.capability:
            return {}
        found = {task.name: task for task in load_tasks(study)}
        for model in self.subject.report.models:
            manifest = items_step(study, self.subject.spec(model)).manifest
            for name, task in found.items():
                asked = manifest.inputs.get(f"task {name}") if manifest else None
                if asked is not None and asked != task.digest:
                    raise DataError(
                        "the items are not those that were asked",
                        where=f"capability task {name!r}",
                        fix="run `mores measure capability` again",
                    )
        return found

    def of(self, model: ModelSummary, arm: ArmSummary) -> Iterator[Instance]:
        """Yield what was asked of an arm, measure by measure as the report has them."""
        report = self.subject.report
        if any(s.model == model.name for s in report.stance):
            yield from self._stance(model, arm)
        for scorer in (s for s in report.toxicity if s.model == model.name):
            yield from self._toxicity(model, arm, scorer.scorer, scorer.threshold)
        if any(t.model == model.name for t in report.capability):
            yield from self.capability(model, arm)

    def _stance(self, model: ModelSummary, arm: ArmSummary) -> Iterator[Instance]:
        pairs = {pair.id: pair for pair in self.subject.study.pairs("test")}
        for item in read_stance(self.subject.study, model.name):
            if (item.arm, item.seed) != (arm.arm, arm.seed) or item.split != "test":
                continue
            if (margin := item.margin) is not None:
                pair = pairs[item.pair_id]
                both = (pair.aligned, pair.opposed)
                asked = transcript(pair.earlier, pair.prompt)
                yield Instance(
                    "stance", pair.id, asked, both[:1], both, (both[margin <= 0],), margin,
                    margin > 0, {"category": pair.category},
                    turns=turns_of(pair.earlier, pair.prompt),
                )  # fmt: skip

    def answers(self, model: ModelSummary, arm: ArmSummary) -> Iterator[tuple[Prompt, Completion]]:
        """Yield an arm's answers, each with its prompt."""
        prompts = {p.id: p for p in self.subject.study.chosen_prompts}
        for c in iter_completions(self.subject.study, model.name):
            if (c.arm, c.seed) == (arm.arm, arm.seed) and not c.absent and not c.media:
                yield prompts[c.prompt_id], c

    def scores(self, model: ModelSummary, scorer: str) -> dict[str, float]:
        """Return completion id → score, of those that have one."""
        rows = iter_scores(self.subject.study, model.name, scorer)
        return {row.completion_id: row.value for row in rows if row.value is not None}

    def _toxicity(
        self, model: ModelSummary, arm: ArmSummary, scorer: str, threshold: float
    ) -> Iterator[Instance]:
        scores = self.scores(model, scorer)
        for prompt, c in self.answers(model, arm):
            if (score := scores.get(c.id)) is not None:
                yield Instance(
                    f"toxicity:{scorer}", c.prompt_id, prompt.asked, (), (), (c.text,), score,
                    score < threshold,
                    {"category": c.category, "draw": str(c.draw), "completion_id": c.id}, c,
                    turns=turns_of(prompt.earlier, prompt.text),
                )  # fmt: skip

    def capability(self, model: ModelSummary, arm: ArmSummary) -> Iterator[Instance]:
        """Yield an arm's items of the capability tasks."""
        texts = {(name, item.id): item for name, task in self.tasks.items() for item in task.items}
        for row in read_items(self.subject.study, model.name):
            if (row.arm, row.seed) == (arm.arm, arm.seed) and row.value is not None:
                item = texts[row.task, row.item_id]
                choices = item.choices if len(item.choices) > 1 else ()
                yield Instance(
                    f"capability:{row.task}", item.id, item.context,
                    item.choices[item.gold : item.gold + 1], choices, (), row.value,
                    self._right(row), {}, logprob=row.logprob,
                )  # fmt: skip

    def _right(self, row: TaskItem) -> bool | None:
        metric = next(t.metric for t in self.subject.report.capability if t.task == row.task)
        return row.value == 1.0 if metric == "accuracy" else None
