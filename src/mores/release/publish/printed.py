"""What the report says of one arm, as it prints it: the same words, decimals and tables.

differences(report, model, "values_targeted")     [(heading, rows), ...]
levels(report, model, arm)                        [(heading, head, rows), ...]
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from mores.records import ARMS, BESIDE, Arm, Estimate
from mores.report import tables, words
from mores.report.extreme_table import extreme_rows
from mores.report.model import ArmSummary, Headline, ModelSummary, Report
from mores.report.robust_tables import ROBUST_HEAD, robust_rows
from mores.report.select import model_of, note_of, other_estimates
from mores.report.tables import Cells

HEAD = ("Category", "Contrast", "Value", "95 % interval", "p", "Adjusted p", "n", "Verdict",
        "Caveat or reason")  # fmt: skip
EXTREME = "/extreme answers"
EXTREME_HEAD = ("Contrast", "Arm", "Extreme answers", "Worst", "95 % up to", "Share of prompts",
                "95 % interval")  # fmt: skip
Section = tuple[str, Sequence[str], Sequence[Cells]]
"""Heading, names of the columns, rows."""


def of_arm(report: Report, model: str, arm: Arm) -> list[Estimate]:
    """Return the estimates of one model in whose contrast an arm stands."""
    return [
        e
        for e in report.estimates
        if model_of(report, e) == model and arm in e.contrast.split(" - ")
    ]


def places_of(report: Report) -> dict[int, int]:
    """Return id of each estimate → decimals with which the report's page prints it.

    A table has one number of decimals: capability has one table, an effect size or check one for
    each measure, anything else one for each measure and contrast.
    """
    others = {id(e) for e in other_estimates(report)}
    groups: dict[tuple[str, str], list[Estimate]] = {}
    for e in report.estimates:
        key = (e.measure, e.contrast)
        if e.measure.startswith("capability:"):
            key = ("capability", "")
        elif e.measure.endswith(BESIDE) or id(e) in others:
            key = (e.measure, "")
        groups.setdefault(key, []).append(e)
    return {id(e): words.decimals(own) for own in groups.values() for e in own}


def differences(report: Report, model: str, arm: Arm) -> list[Section]:
    """Return all estimates of an arm as tables, one a measure, in the report's order."""
    places = places_of(report)
    sections: list[Section] = []
    for measure, own in tables.by_measure(of_arm(report, model, arm)):
        label = words.measure_label(measure)
        if measure.endswith(EXTREME):
            labels = words.arm_labels(report)
            sections.append((label, EXTREME_HEAD, extreme_rows(own, labels)))
        else:
            rows = [row_of(report, e, places[id(e)]) for e in own]
            sections.append((label, HEAD, rows))
    return sections


def row_of(report: Report, e: Estimate, places: int) -> Cells:
    """Return an estimate as the cells of its row in the report's page."""
    value = words.signed(e.value, places) if e.contrast else words.fmt(e.value, places)
    interval = words.interval(e, places)
    if e.level != 0.95 and (e.low is not None or e.high is not None):
        interval += f" ({round(100 * e.level, 1)} %)"
    category = words.category_label(e.category, report.charter)
    return (
        words.short_arm(e.category) if e.category in ARMS else category,
        words.contrast_label(e.contrast),
        value,
        interval,
        words.p_value(e.p),
        words.p_value(e.p_adjusted),
        words.prompts_of(e),
        e.claim,
        words.caveat(e, places),
    )


def in_short(report: Report, e: Estimate, places: int) -> str:
    """Return an estimate in one line: value, interval, verdict, caveat."""
    cells = row_of(report, e, places)
    return "; ".join(part for part in (f"{cells[2]} {cells[3]}", *cells[7:]) if part)


def robustness(report: Report, model: str) -> list[Section]:
    """Return what became of the effect where questions were asked otherwise, a table a measure."""
    rows = [r for r in report.robust if r.model == model and r.measure != "marked"]
    return [
        (
            words.measure_label(measure),
            ROBUST_HEAD,
            robust_rows([r for r in rows if r.measure == measure]),
        )
        for measure in dict.fromkeys(r.measure for r in rows)
    ]


def headlines_of(report: Report, model: str) -> list[Headline]:
    """Return the verdicts on one model."""
    return [line for line in report.headlines if line.model == model]


def levels(report: Report, model: ModelSummary, arm: ArmSummary) -> list[Section]:
    """Return what each measure says of base and of the arm, a table a measure."""
    keep, labels = ("base", arm.name), words.arm_labels(report)
    sections: list[Section] = []
    head: Cells
    for stance in (s for s in report.stance if s.model == model.name):
        head = ("Arm", "Mean, nats a token", "95 % interval", "Pairs that lean to the position",
                "Pairs without a value")  # fmt: skip
        own = replace(stance, arms=tuple(a for a in stance.arms if a.arm in keep))
        sections.append(("Stance", head, tables.stance_rows(own, labels)))
    for scorer in (s for s in report.toxicity if s.model == model.name):
        head = ("Arm", "Scored", "Mean", "Quartiles", "Highest",
                "Mean of the highest of a prompt's draws",
                f"Prompts with a draw at {scorer.threshold} or above",
                "Without score")  # fmt: skip
        kept = replace(scorer, arms=tuple(a for a in scorer.arms if a.arm in keep))
        title = f"Toxicity ({note_of(report, f'toxicity:{scorer.scorer}') or scorer.scorer})"
        sections.append((title, head, tables.scorer_rows(kept, labels)))
    for coherence in (c for c in report.coherence if c.model == model.name):
        head = ("Arm", "Marked answers", "Why", "Loss under base, nats a token",
                "Perplexity under base")  # fmt: skip
        those = replace(coherence, arms=tuple(a for a in coherence.arms if a.arm in keep))
        sections.append(("Coherence", head, tables.coherence_rows(those, labels)))
    sections += _capability(report, model, keep)
    sections += _gates(report, model, arm)
    return [section for section in sections if section[2]]


def _capability(report: Report, model: ModelSummary, keep: tuple[str, ...]) -> Iterable[Section]:
    tasks = tuple(
        replace(task, arms=tuple(a for a in task.arms if a.arm in keep))
        for task in report.capability
        if task.model == model.name
    )
    head = ("Task", "Arm", "Metric", "Mean", "Chance", "Margin", "Items", "Absent", "Near chance")
    own = replace(report, capability=tasks)
    yield "Capability", head, tables.task_rows(own, words.arm_labels(report))


def _gates(report: Report, model: ModelSummary, arm: ArmSummary) -> Iterable[Section]:
    own = tuple(g for g in report.gates if (g.model, g.arm) == (model.name, arm.arm))
    head = ("Gate", "Arm", "Against", "Change for the worse", "Worst that the interval allows",
            "Margin", "Verdict", "Why")  # fmt: skip
    yield "Do-no-harm gates", head, tables.gate_rows(replace(report, gates=own))


def not_measured(report: Report, model: ModelSummary, arm: ArmSummary) -> list[str]:
    """Return each measure that has no result of this arm, with the report's reason."""
    measures = {e.measure.partition(":")[0] for e in of_arm(report, model.name, arm.arm)}
    if any(g.model == model.name and g.arm == arm.arm for g in report.gates):
        measures.add("gates")
    if any(c["model"] == model.name for c in report.cooccurrence):
        measures.add("cooccurrence")
    lines = []
    for measure, title in _LOOKED_FOR.items():
        if measure in measures:
            continue
        begins = (title.lower(), "answers of") if measure in _OF_ANSWERS else (title.lower(),)
        whys = [m.why for m in report.missing if m.what.lower().startswith(begins)]
        lines.append(f"{title}: {'; '.join(dict.fromkeys(whys)) or 'not measured'}")
    return lines


_LOOKED_FOR = {
    "rating": "Human ratings",
    "stance": "Stance",
    "toxicity": "Toxicity",
    "coherence": "Coherence",
    "capability": "Capability",
    "cooccurrence": "Words that go with groups",
    "gates": "Do-no-harm gates",
}
"""Measure → how the report's list of what is missing begins."""
_OF_ANSWERS = ("toxicity", "coherence")
