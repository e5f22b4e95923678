"""Answers to the prompts of one's own log: what arms do on this distribution.

summary = own_log(study, results.spec, missing)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from mores import stats
from mores.records import Arm, Completion, Estimate
from mores.report.model import Missing
from mores.report.robust_kind import OwnLog
from mores.report.varied import scores_of
from mores.sample.log import ARMS, LOG, log_step, read_log
from mores.sample.run import iter_completions
from mores.stats.inputs import not_computable
from mores.study import ModelSpec, Study

CONTRASTS: tuple[tuple[Arm, Arm], ...] = (
    ("values_targeted", "control"),
    ("values_targeted", "base"),
)
MARKED = "marked"
Values = dict[tuple[str, Arm], list[float]]
"""Prompt and arm → values under each training run."""


def own_log(study: Study, spec: ModelSpec, missing: list[Missing]) -> OwnLog | None:
    """Sum up one model's answers to a log; None where no log was asked or they are not current.

    A prompt weighs as often as it occurs; training runs are averaged. Nothing is tested: these are
    no hypotheses of the study.

    Args:
        study: as it is now.
        spec: one of its models.
        missing: gets a line for what is not current.
    """
    log = read_log(study)
    if log is None or spec.imported:
        return None
    if why := log_step(study, spec, log).stale():
        why = f"`mores sample --prompts` {why}"
        missing.append(Missing(what=f"Answers of {spec.name} to the log", why=why))
        return None
    completions = [c for c in iter_completions(study, spec.name, LOG) if not c.absent]
    sources = {MARKED: {c.id: float(bool(c.flags)) for c in completions}}
    for name, scores in scores_of(study, spec, completions, LOG, "on the log", missing).items():
        values = {c.id: scores.of(c.id) for c in completions}
        sources[f"toxicity:{name}"] = {k: v for k, v in values.items() if v is not None}
    weights = {p.id: p.weight for p in log.prompts}
    tables = {measure: _values(completions, own) for measure, own in sources.items()}
    return OwnLog(
        model=spec.name,
        rows=log.rows,
        left_out=log.left_out,
        kept_weight=log.kept_weight,
        drawn=log.drawn,
        prompts=len(log.prompts),
        means=tuple(
            replace(_mean(table, weights, arm, None), measure=measure, contrast=arm)
            for measure, table in tables.items()
            for arm in ARMS
        ),
        differences=tuple(
            replace(
                _mean(table, weights, arm, other),
                measure=measure,
                contrast=f"{arm} - {other}",
                details={"model": spec.name},
            )
            for measure, table in tables.items()
            for arm, other in CONTRASTS
        ),
    )


def _values(completions: Sequence[Completion], values: Mapping[str, float]) -> Values:
    found: Values = {}
    for c in completions:
        if c.id in values:
            found.setdefault((c.prompt_id, c.arm), []).append(values[c.id])
    return found


def _mean(table: Values, weights: Mapping[str, float], arm: Arm, other: Arm | None) -> Estimate:
    """Weighted mean of an arm, or of its difference from another, over prompts with values."""
    rows = []
    for prompt, weight in weights.items():
        sides = [table.get((prompt, one)) for one in (arm, other) if one is not None]
        means = [sum(side) / len(side) for side in sides if side]
        if len(means) == len(sides):
            rows.append((means[0] - (means[1] if other else 0.0), weight))
    if not rows:
        return not_computable("no answers with a value", n=0, unit="prompt", method="weighted mean")
    e = stats.weighted_mean([x for x, _ in rows], [w for _, w in rows])
    lacking = len(weights) - len(rows)
    note = f"{lacking} prompts without a value" if lacking else ""
    reason = "; ".join(part for part in (e.reason, note) if part)
    verdict = e.verdict if e.verdict == "not computable" else "descriptive"
    return replace(e, p=None, verdict=verdict, reason=reason)
