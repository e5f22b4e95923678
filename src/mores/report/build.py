"""Everything on disk → a `Report`. Reads results, computes estimates, writes nothing.

report = build_report(study)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mores import __version__, store
from mores import step as steps
from mores.measure.capability import read_items
from mores.measure.cooccurrence import CooccurrenceResult
from mores.measure.gates.result import GateResult
from mores.measure.gates.run import outdated_gates, read_gates
from mores.measure.run import (
    read_cooccurrence,
    read_scores,
    read_toxicity_summary,
    scores_folder,
)
from mores.measure.toxicity.draws import expected_maximum, toxicity_probability
from mores.plan.seal import seal_status
from mores.rate import current_ratings
from mores.records import TUNED_ARMS, Completion, Estimate, Rating, Score, to_plain
from mores.report.contrasts import Observed, compare
from mores.report.headlines import headlines
from mores.report.integrity import task_results
from mores.report.model import (
    Answer,
    ArmSummary,
    Missing,
    ModelSummary,
    Question,
    Report,
    ScorerArm,
    ScorerResult,
    Setting,
    TaskResult,
)
from mores.report.raters import told_apart
from mores.report.ratings import rating_summary
from mores.report.reproduce import command
from mores.report.sizes import SizeInput, SizeSummary, size_summary
from mores.sample import read_completions
from mores.sample.run import COMPLETIONS
from mores.study import ModelSpec, Study, folders, settings
from mores.study.arms import ArmKey, arm_keys
from mores.tune.run import LOG, changed_since_tuning


def build_report(study: Study) -> Report:
    """Collect what the steps have left; what they have not is listed as missing.

    Raises:
        DataError: no completions at all, or a damaged file.
    """
    rated, outdated = current_ratings(study)
    parts = [_ModelPart(study, spec, rated) for spec in study.config.models]
    missing = [m for part in parts for m in part.missing]
    if outdated:
        why = f"{outdated} ratings are of texts that were drawn anew since"
        missing.append(Missing(what="Earlier ratings", why=why))
    if study.associations is None:
        missing.append(Missing(what="Words that go with groups", why="no associations.toml"))
    if changed := changed_since_tuning(study):
        why = (
            f"{', '.join(changed)}: tuned on samples that have changed since; figures are of those"
        )
        missing.append(Missing(what="The samples as they are now", why=why))
    ratings = rating_summary(
        study,
        [(part.spec.name, part.completions) for part in parts],
        [r for part in parts for r in part.ratings],
    )
    if not ratings.ratings:
        missing.append(Missing(what="Human ratings", why=ratings.reason))
    elif ratings.missing:
        why = f"{ratings.missing} of {ratings.needed} answers that were planned were not given"
        missing.append(Missing(what="Human ratings in part", why=why))
    estimates = [e for part in parts for e in part.estimates]
    toxicity = [r for part in parts for r in part.toxicity]
    words = [part.words for part in parts if part.words is not None]
    return Report(
        mores_version=__version__,
        study=study.config.name,
        study_version=study.config.version,
        description=study.config.description,
        license=study.config.license,
        preset=study.config.preset,
        seed=study.config.seed,
        command=command(study),
        charter=study.charter,
        prompts=len(study.chosen_prompts),
        draws=study.config.sample.draws,
        headlines=tuple(
            headlines([p.spec.name for p in parts], estimates, toxicity, _changes(words))
        ),
        models=tuple(part.summary for part in parts),
        estimates=tuple(estimates),
        toxicity=tuple(toxicity),
        cooccurrence=tuple({"model": w.model, "result": to_plain(w)} for w in words),
        capability=tuple(r for part in parts for r in part.tasks),
        ratings=ratings,
        questions=tuple(_questions(study, parts)),
        missing=tuple(missing),
        settings=tuple(Setting(key=k, value=v, origin=o) for k, v, o in settings(study)),
        inputs=_inputs(study),
        versions=steps.versions(),
        cost=_cost(parts),
        scorers=tuple(part.scorers for part in parts if part.scorers is not None),
        gates=tuple(result for part in parts for result in part.gates),
        sizes=_sizes(study, parts),
        sealed=seal_status(study),
    )


class _ModelPart:
    """Results of one base model."""

    def __init__(self, study: Study, spec: ModelSpec, ratings: Sequence[Rating]) -> None:
        self.study, self.spec = study, spec
        self.folder = folders.model_folder(study, spec.name)
        self.keys = arm_keys(study.config.arms, study.config.train_seeds)
        self.completions = read_completions(study, spec.name)
        self.missing: list[Missing] = []
        self.estimates: list[Estimate] = []
        own = {c.id for c in self.completions}
        self.ratings = [r for r in ratings if r.completion_id in own and r.kind == "human"]
        self.scores: dict[str, dict[str, Score]] = {}
        self.observed: dict[str, list[Observed]] = {}
        self.toxicity = self._toxicity()
        self._rate()
        self.tasks = self._capability()
        self.words = self._words()
        self.gates = self._gates()
        self.summary = self._summary()

    def _toxicity(self) -> list[ScorerResult]:
        results = []
        self.scorers = read_toxicity_summary(self.study, self.spec.name)
        notes = {s.scorer: s.note for s in self.scorers.scorers} if self.scorers else {}
        limits = {s.scorer: s.threshold for s in self.scorers.scorers} if self.scorers else {}
        for name in self.study.config.toxicity.scorers:
            why = self._outdated(scores_folder(self.study, self.spec.name, name), "sample")
            if why:
                self._miss(f"Toxicity by {name}", f"`mores measure toxicity` {why}")
                continue
            scores = {s.completion_id: s for s in read_scores(self.study, self.spec.name, name)}
            self.scores[name] = scores
            observed = [
                self._observed(c, () if (value := scores[c.id].value) is None else (value,))
                for c in self.completions
            ]
            self.estimates += self._compare(observed, f"toxicity:{name}", "lower")
            first = next(iter(scores.values()))
            results.append(
                ScorerResult(
                    model=self.spec.name,
                    scorer=name,
                    version=first.version,
                    digest=first.digest,
                    note=notes.get(name, "no note: run `mores measure toxicity` again"),
                    threshold=limits.get(name, self.study.config.toxicity.threshold),
                    arms=tuple(self._scorer_arm(key, scores) for key in self.keys),
                )
            )
        return results

    def _outdated(self, folder: Path, step: str) -> str:
        """Why a measure of the completions of a step cannot be shown, or nothing."""
        manifest = steps.read_manifest(folder)
        if manifest is None:
            return "has not run"
        path = self.folder / step / COMPLETIONS
        if not path.exists() or manifest.inputs.get("completions") != store.digest_file(path):
            return "was run on other completions than those here: run it again"
        return ""

    def _miss(self, what: str, why: str) -> None:
        self.missing.append(Missing(what=what, why=why))

    def _scorer_arm(self, key: ArmKey, scores: dict[str, Score]) -> ScorerArm:
        own = [c for c in self.completions if (c.arm, c.seed) == (key.arm, key.seed)]
        values = [scores[c.id].value for c in own]
        there = [v for v in values if v is not None]
        prompts, config = [c.prompt_id for c in own], self.study.config
        draws, seed, limit = config.sample.draws, config.seed, config.toxicity.threshold
        return ScorerArm(
            arm=key.name,
            scored=len(there),
            unscorable=dict(
                Counter(scores[c.id].reason for c in own if scores[c.id].value is None)
            ),
            mean=float(np.mean(there)) if there else None,
            expected_maximum=expected_maximum(values, prompts, draws=draws, rng=seed).value,
            probability=toxicity_probability(
                values, prompts, threshold=limit, draws=draws, rng=seed
            ).value,
            values=tuple(round(v, 6) for v in there),
        )

    def _rate(self) -> None:
        by: dict[str, list[float]] = {}
        for rating in self.ratings:
            by.setdefault(rating.completion_id, []).append(float(rating.value))
        if by:
            observed = [self._observed(c, tuple(by.get(c.id, ()))) for c in self.completions]
            found = self._compare(observed, "rating", "higher")
            self.estimates += [told_apart(e, self.completions, self.ratings) for e in found]

    def _observed(self, c: Completion, values: tuple[float, ...]) -> Observed:
        return Observed(c.prompt_id, c.category, c.arm, c.seed, values)

    def _compare(self, observed: list[Observed], measure: str, better: Any) -> list[Estimate]:
        self.observed[measure] = observed
        return compare(
            observed,
            measure=measure,
            model=self.spec.name,
            better=better,
            seed=self.study.config.seed,
        )

    def _capability(self) -> list[TaskResult]:
        tasks = self.study.config.capability.tasks
        manifest = steps.read_manifest(self.folder / "capability")
        if not tasks or manifest is None:
            why = "`mores measure capability` has not run" if tasks else "no tasks configured"
            self._miss("Capability", why)
            return []
        margins = {t.name: t.margin for t in tasks}
        if set(margins) != set(manifest.facts):
            why = "was run on other tasks than are configured: run it again"
            self._miss("Capability", f"`mores measure capability` {why}")
            return []
        items = read_items(self.study, self.spec.name)
        results, estimates = task_results(items, manifest.facts, margins)
        self.estimates += estimates
        return results

    def _words(self) -> CooccurrenceResult | None:
        if self.study.associations is None:
            return None
        what = "Words that go with groups"
        if not self.study.config.cooccurrence.samples_per_stem:
            self._miss(what, "no samples asked for (cooccurrence.samples_per_stem = 0)")
            return None
        why = self._outdated(self.folder / "cooccurrence", "stems")
        if why:
            self._miss(what, f"`mores measure cooccurrence` {why}")
            return None
        return read_cooccurrence(self.study, self.spec.name)

    def _gates(self) -> list[GateResult]:
        why = outdated_gates(self.study, self.spec)
        if why and not self.study.config.gates.enabled:
            return []  # not planned, so not missing; the section says so
        if why:
            self._miss("Do-no-harm gates", f"`mores measure gates` {why}")
            return []
        return read_gates(self.study, self.spec.name)

    def _summary(self) -> ModelSummary:
        tuned = [steps.read_manifest(self._tune(k)) for k in self.keys if k.arm in TUNED_ARMS]
        first = next((m for m in tuned if m is not None), None)
        sampled = steps.read_manifest(self.folder / "sample")
        return ModelSummary(
            name=self.spec.name,
            format=self.spec.format,
            parameters=int(first.facts["parameters"]) if first else 0,
            digest=sampled.inputs.get("model", "") if sampled else "",
            arms=tuple(self._arm(key) for key in self.keys),
        )

    def _tune(self, key: ArmKey) -> Any:
        return folders.tune_folder(self.study, self.spec.name, key)

    def _arm(self, key: ArmKey) -> ArmSummary:
        own = [c for c in self.completions if (c.arm, c.seed) == (key.arm, key.seed)]
        manifest = steps.read_manifest(self._tune(key)) if key.arm in TUNED_ARMS else None
        log = self._tune(key) / LOG
        return ArmSummary(
            name=key.name,
            arm=key.arm,
            seed=key.seed,
            completions=len(own),
            stopped=sum(c.finish_reason == "stop" for c in own),
            flagged=dict(sorted(Counter(f for c in own for f in c.flags).items())),
            mean_tokens=float(np.mean([c.tokens for c in own])) if own else None,
            digest=store.digest(manifest.outputs) if manifest else "",
            training=tuple(row for _, row in store.read_rows(log)) if manifest else (),
        )

    def cost(self) -> tuple[float, float, float]:
        """Trained tokens, sampled tokens, and floating-point operations, roughly.

        Per token and weight: 6 for full tuning, 4 with adapters, 2 for reading or drawing.
        """
        trained = 0.0
        for key in self.keys:
            manifest = steps.read_manifest(self._tune(key)) if key.arm in TUNED_ARMS else None
            trained += manifest.facts["tokens"] if manifest else 0
        rows = list(self.completions)
        if self.words is not None:
            rows += read_completions(self.study, self.spec.name, "stems")
        drawn = float(sum(c.tokens for c in rows))
        read = float(sum(c.prompt_tokens for c in rows))
        per = 6 if self.study.config.recipe.method == "full" else 4
        return trained, drawn, self.summary.parameters * (per * trained + 2 * (drawn + read))


def _sizes(study: Study, parts: Sequence[_ModelPart]) -> SizeSummary | None:
    known = [SizeInput(p.spec.name, p.summary.parameters, p.observed) for p in parts]
    return size_summary(known, seed=study.config.seed)


def _questions(study: Study, parts: Sequence[_ModelPart]) -> list[Question]:
    ratings: dict[str, list[int]] = {}
    for part in parts:
        for r in part.ratings:
            ratings.setdefault(r.completion_id, []).append(r.value)
    answers: dict[str, list[Answer]] = {}
    for part in parts:
        for c in part.completions:
            answers.setdefault(c.prompt_id, []).append(
                Answer(
                    id=c.id,
                    model=c.model,
                    arm=ArmKey(c.arm, c.seed).name,
                    draw=c.draw,
                    text=c.text,
                    finish_reason=c.finish_reason,
                    flags=c.flags,
                    scores={name: scores[c.id].value for name, scores in part.scores.items()},
                    ratings=tuple(ratings.get(c.id, [])),
                )
            )
    return [
        Question(
            id=p.id,
            category=p.category,
            kind=p.kind,
            text=p.text,
            answers=tuple(answers.get(p.id, [])),
        )
        for p in study.chosen_prompts
    ]


def _changes(words: Sequence[CooccurrenceResult]) -> list[tuple[str, int, int]]:
    rows = []
    for result in words:
        own = [
            c
            for c in result.changes
            if (c.arm, c.reference) == ("values_targeted", "control") and c.shown is not None
        ]
        if own:
            rows.append((result.model, sum(c.tested for c in own), sum(c.shown or 0 for c in own)))
    return rows


def _inputs(study: Study) -> dict[str, str]:
    names = (
        "study.toml",
        "charter.toml",
        "values.jsonl",
        "control.jsonl",
        "prompts.jsonl",
        "associations.toml",
    )
    files = {name: study.folder / name for name in names}
    return {name: store.digest_file(path) for name, path in files.items() if path.exists()}


def _cost(parts: Sequence[_ModelPart]) -> dict[str, float | int]:
    costs = [part.cost() for part in parts]
    return {
        "trained_tokens": int(sum(c[0] for c in costs)),
        "sampled_tokens": int(sum(c[1] for c in costs)),
        "floating_point_operations": sum(c[2] for c in costs),
    }
