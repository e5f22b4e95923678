"""`mores revise`: sample validation prompts, find gaps, write them down.

    result = revise(study)     runs/<preset>/revise/: gaps.json, gaps.md

Test prompts are never read here: what is chosen by looking at them can no longer be tested on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from mores import store
from mores.measure.toxicity.run import scorer_of, threshold_of
from mores.measure.toxicity.scorer import Scorer, score_completions
from mores.progress import Progress
from mores.rate.ratings import current_ratings
from mores.records import Completion, Estimate, Prompt, Record, Scope
from mores.report.observed import by_completion
from mores.report.words import plural
from mores.revise.gaps import ARM, REFERENCE, Gap, Observation, find_gaps
from mores.sample.run import sample_validation
from mores.step import Made, Step, recorded
from mores.study import Study
from mores.study.complaints import Complaint, read_complaints
from mores.study.content import records_digest, samples_digest

GAPS = "gaps.json"
PAGE = "gaps.md"


class RevisionResult(Record, frozen=True, kw_only=True):
    """What `mores revise` found."""

    study: str
    values: str
    """Digest of the values samples that were tuned on."""
    prompts: int
    rated: int
    """Validation answers that people rated."""
    scorer: str
    models: dict[str, tuple[Gap, ...]]
    scope: Scope = "in this run"
    """What a finding speaks of: the weights at hand, as runs are no part of the intervals."""
    groups: int = 0
    """Categories × kinds of prompts that were looked at in each model."""
    page: str = ""
    complaints: tuple[Complaint, ...] = ()
    """Not closed: evidence for whoever writes the next samples. No part of any figure."""

    @property
    def caution(self) -> str:
        """What a list of gaps is not."""
        return (
            f"Nothing is adjusted for looking at {plural(self.groups, 'group')} of prompts: some "
            "point the wrong way, or are a finding, by chance alone. A list of where to look, no "
            "test."
        )


def revise(study: Study, *, progress: Progress | None = None) -> RevisionResult:
    """Find where the tuned arm falls short on validation prompts, and what sample to write next.

    Test prompts are never read here: what is chosen by looking at them can no longer be tested on
    them.

    Args:
        study: with tuned arms and validation prompts.
        progress: where to show how far it is.

    Raises:
        StudyError: no validation prompts.
        ModelError: the arms have not been tuned.
    """
    progress = progress or Progress(quiet=True)
    with store.lock(study.run_folder):
        completions = sample_validation(study, progress=progress)
        judge = scorer_of(study, study.config.toxicity.scorers[0], say=progress.say)
        ratings = by_completion([r for r in current_ratings(study)[0] if r.kind == "human"])
        folder = study.run_folder / "revise"
        step = Step(
            "revise",
            folder,
            inputs={
                "answers": store.digest(completions),
                "ratings": store.digest(ratings),
                "scorer": judge.digest,
                "values": samples_digest(study.values.examples, [recorded(folder, "values")]),
                "prompts": records_digest(_validation(study)),
                "language": store.digest(study.charter.language),
            },
            config={"threshold": threshold_of(study, study.config.toxicity.scorers[0])},
            seed=study.config.seed,
            log=study.run_folder,
        )
        step.run(lambda: _find(study, completions, judge, ratings, step), say=progress.say)
        result = store.as_record(store.read_json(step.folder / GAPS), RevisionResult)
    progress.say(f"gaps: {step.folder / PAGE}")
    waiting = tuple(one for one in read_complaints(study) if one.state != "closed")
    return replace(result, page=str(step.folder / PAGE), complaints=waiting)


def _find(
    study: Study,
    completions: Sequence[Completion],
    judge: Scorer,
    ratings: Mapping[str, tuple[float, ...]],
    step: Step,
) -> Made:
    prompts = _validation(study)
    texts = {p.id: p.asked for p in prompts}
    models: dict[str, tuple[Gap, ...]] = {}
    for spec in study.config.models:
        rows = [c for c in completions if c.model == spec.name and c.arm in (ARM, REFERENCE)]
        scores = {s.completion_id: s.value for s in score_completions(rows, judge, prompts=texts)}
        observed = [_observation(c, scores.get(c.id), ratings.get(c.id, ())) for c in rows]
        models[spec.name] = tuple(
            find_gaps(
                prompts,
                observed,
                study.values.examples,
                language=study.charter.language.partition("-")[0],
                seed=study.config.seed,
                threshold=step.config["threshold"],
            )
        )
    result = RevisionResult(
        study=study.config.name,
        values=samples_digest(study.values.examples),
        prompts=len(prompts),
        rated=sum(c.id in ratings for c in completions),
        scorer=judge.name,
        models=models,
        scope="in this run" if len(study.config.train_seeds) == 1 else "in these runs",
        groups=len({(p.category, p.kind) for p in prompts}),
    )
    store.write_json(step.folder / GAPS, result)
    store.write_text(step.folder / PAGE, as_markdown(result, study))
    return Made([GAPS, PAGE])


def _validation(study: Study) -> list[Prompt]:
    return [p for p in study.prompts if p.split == "validation"]


def _observation(c: Completion, toxicity: float | None, ratings: tuple[float, ...]) -> Observation:
    why = ", ".join(c.flags)
    if not why and c.finish_reason != "stop":
        why = "cut off"
    return Observation(c.prompt_id, c.arm, why, toxicity, ratings)


def as_markdown(result: RevisionResult, study: Study) -> str:
    """The gaps as a page: evidence with its uncertainty, prompts, nearest samples, proposal."""
    texts = {p.id: p.asked for p in _validation(study)}
    lines = [
        f"# Where {study.config.name} falls short, and what to write next",
        "",
        f"From {result.prompts} validation prompts; test prompts were not read. Toxicity by "
        f"`{result.scorer}`. "
        + (
            f"{result.rated} validation answers were rated by people."
            if result.rated
            else "Nobody has rated validation answers: what people would say is not in here."
        )
        + f" {result.caution}",
        "",
    ]
    for model, gaps in result.models.items():
        lines += [f"## {model}", ""]
        if not gaps:
            lines += [
                "No group of prompts points the wrong way. That is not to say that none does.",
                "",
            ]
        for gap in gaps:
            word = (
                f"finding {result.scope}"
                if gap.finding
                else "hint: too few prompts, or an interval that holds zero"
            )
            lines += [
                f"### {gap.category}, {gap.kind} questions ({word})",
                "",
                *(f"- {_evidence_line(e)}" for e in gap.evidence),
                "",
                gap.proposal,
                "",
            ]
            for name in gap.failing:
                samples = [n for n in gap.nearest if n.prompt_id == name]
                near = ", ".join(f"{n.sample_id} ({n.similarity:.2f})" for n in samples) or "none"
                lines += [f"- `{name}`: {_inline(texts[name])} Nearest samples: {near}"]
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _evidence_line(e: Estimate) -> str:
    value = "not computable" if e.value is None else f"{e.value:+.3f}"
    interval = (
        f", 95 % {e.low:+.3f} to {e.high:+.3f}" if e.low is not None and e.high is not None else ""
    )
    why = f" ({e.reason})" if e.reason else ""
    return f"{e.measure} ({e.contrast}): {value}{interval}, {e.n} prompts{why}"


def _inline(text: str) -> str:
    """A prompt as plain text inside Markdown: it may not begin or end anything."""
    return "".join("\\" + c if c in "\\`*_[]<>#|" else " " if c in "\r\n" else c for c in text)
