"""A study with tuned arms → every gate's verdict, on disk.

    results = gates(study)
    read_gates(study, "smollm2-135m")

Sampling and log-probabilities are kept and gone on with; the verdicts are drawn anew where anything
that they rest on has changed, what the other measures have left included.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from mores import store
from mores.errors import DataError, ModelError
from mores.execute import alone
from mores.measure.capability.run import items_step
from mores.measure.capability.tasks import TASKS
from mores.measure.cooccurrence.run import words_step
from mores.measure.gates.answers import CAUTION, MISALIGNMENT, answers_grid, gate_prompts
from mores.measure.gates.capability import capability
from mores.measure.gates.choose import asked_of, choices_step, score_choices
from mores.measure.gates.context import STEP, Context
from mores.measure.gates.drift import DRIFT, drift
from mores.measure.gates.harm_answers import harm_answers
from mores.measure.gates.harms import LEFT_ALONE, SYCOPHANCY, harms
from mores.measure.gates.labels import TO_LABEL, read_labels, to_label
from mores.measure.gates.lexicon import lexicon
from mores.measure.gates.prompts import GatePrompt, choices
from mores.measure.gates.refusal_gates import refusal_gates
from mores.measure.gates.result import GATES, HARMS, GateName, GateResult, Gates
from mores.measure.gates.rule_error import published
from mores.measure.gates.sentiment import sentiment
from mores.measure.gates.toxicity import toxicity
from mores.measure.gates.verdict import not_measured
from mores.measure.toxicity.run import score_step
from mores.progress import Progress
from mores.records import Completion, to_plain
from mores.sample.run import sample_step
from mores.step import Made, Step
from mores.study import ModelSpec, Study, folders
from mores.study.gates import OF_HARMS
from mores.study.languages import is_english
from mores.tune.base import AWAY, IMPORTED, base_of
from mores.tune.run import known_base, weight_digests

RESULT = "result.json"
ASKED_IN_ENGLISH = "asked in English: it says what changed there"
SCORED = ("forced choices", "harms")
"""What the steps of `asked_of` are called among those that a verdict rests on."""


def gates(study: Study, *, progress: Progress | None = None) -> list[GateResult]:
    """See whether the tune does harm: refusals, compliance, drift, capability, toxicity, sentiment.

    The last three read what the other measures left; what they have not left is "not measured".
    With ``gates.harms`` it also asks about emergent misalignment, sycophancy, caution that spreads
    and values that the charter leaves alone.
    Only "pass" is a pass; the command's exit code is 1 where a gate fails.

    Args:
        study: with tuned arms.
        progress: where to show how far it is.

    Returns:
        Results of all models: of each gate at least one for each reference (base, and control where
        there is one), ``not measured`` where there is nothing to judge.

    Raises:
        ModelError: an arm has not been tuned.
        DataError: a prompt file is missing or a row cannot be used.
    """
    progress = progress or Progress(quiet=True)
    with alone(study.run_folder):
        return [
            result
            for spec in study.config.models
            for result in _measure(Context(study, spec), progress)
        ]


def read_gates(study: Study, model: str) -> list[GateResult]:
    """Return a model's results, or none where the gates have not been measured."""
    path = folders.model_folder(study, model) / STEP / RESULT
    if not path.exists():
        return []
    return list(store.as_record(store.read_json(path), Gates, path=path).results)


def outdated_gates(study: Study, spec: ModelSpec) -> str:
    """Say why a model's stored results cannot be shown as they are, or return nothing."""
    try:
        return verdict_step(Context(study, spec), known_base(study, spec)).stale() or ""
    except (DataError, ModelError) as error:
        return error.message


def check_prompts(study: Study) -> None:
    """Read every prompt file, so that what is missing shows before the run.

    Raises:
        DataError: a file is missing or a row cannot be used.
    """
    context = Context(study, study.config.models[0])
    gate_prompts(context)
    asked_of(context)


def _away(context: Context, gate: GateName) -> list[GateResult]:
    """A gate that needs the weights of a model that is not here."""
    return [not_measured(context.subject(gate, r), None, AWAY) for r in context.references]


def _in_english(context: Context, results: Sequence[GateResult]) -> list[GateResult]:
    """Say of bundled questions that they are English, where the study is not."""
    study = context.study
    if is_english(study.charter.language):
        return list(results)
    own = study.config.gates
    ours = {
        DRIFT: not own.choices,
        MISALIGNMENT: not own.misaligned,
        SYCOPHANCY: True,  # how a view is stated is English whatever the facts are
        CAUTION: not own.neutral,
        LEFT_ALONE: not own.values,
    }
    return [
        replace(r, reason="; ".join(part for part in (ASKED_IN_ENGLISH, r.reason) if part))
        if r.verdict != "not measured" and ours.get(r.name, r.part in TASKS)
        else r
        for r in results
    ]


def _all_away(context: Context) -> list[GateResult]:
    return [result for gate in HARMS for result in _away(context, gate)]


def _measure(context: Context, progress: Progress) -> list[GateResult]:
    resolved = base_of(context.spec, progress.say)
    asked = bool(context.references) and not context.spec.imported
    if asked:
        prompts = gate_prompts(context)
        completions = answers_grid(context).run(progress)
        _write_answers(context, completions, prompts)
        here = context.spec.here
        scores = [
            score_choices(context, resolved, asked, progress) if here else []
            for asked in asked_of(context)
        ]
    step = verdict_step(context, resolved.digest)

    def judge() -> Made:
        if asked:
            results = [
                *refusal_gates(context, completions, prompts),
                *_in_english(
                    context, drift(context, scores[0]) if here else _away(context, "drift")
                ),
                *_in_english(
                    context, capability(context) if here else _away(context, "capability")
                ),
                *toxicity(context),
                *sentiment(context),
            ]
            if context.asks_harms:
                results += harm_answers(context, completions, prompts)
                found = harms(context, scores[1]) if here else _all_away(context)
                results += _in_english(context, found)
        else:
            why = IMPORTED if context.spec.imported else "the study has no values_targeted arm"
            names = (*GATES, *HARMS) if context.config.harms else GATES
            results = [not_measured(context.subject(name, "base"), None, why) for name in names]
        store.write_json(
            step.folder / RESULT, Gates(model=context.spec.name, results=tuple(results))
        )
        progress.say(f"gates of {context.spec.name}: {summary(results)}")
        facts: dict[str, Any] = dict(Counter(result.verdict for result in results))
        return Made([RESULT], facts=facts, timing={"model": context.spec.name})

    step.run(judge, say=progress.say)
    return read_gates(context.study, context.spec.name)


def _write_answers(
    context: Context,
    completions: Sequence[Completion],
    prompts: Mapping[GateName, Mapping[str, GatePrompt]],
) -> None:
    """Write what people can label (see `labels`)."""
    answers = [
        (gate, c.prompt_id, asked[c.prompt_id].text, c.text)
        for gate, asked in prompts.items()
        for c in completions
        if c.prompt_id in asked
    ]
    text = to_label(answers, context.study.config.seed)
    store.write_text(context.folder / STEP / TO_LABEL, text)


def summary(results: Sequence[GateResult]) -> str:
    """Count verdicts in words."""
    counts: Counter[str] = Counter(result.verdict for result in results)
    order = ("pass", "fail", "inconclusive", "not measured")
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in order if counts[verdict])


def verdict_step(context: Context, base: str | None) -> Step:
    """What the verdicts on one model rest on; see `mores.tune.run.known_base` for ``base``.

    Raises:
        DataError: a prompt file is missing or a row cannot be used.
    """
    study, spec = context.study, context.spec
    return Step(
        STEP,
        context.folder / STEP,
        inputs={
            "model": base,
            **weight_digests(study, spec),
            "prompts": store.digest(gate_prompts(context)),
            **_language(study),
            "choices": store.digest(choices(study)),
            "rules": store.digest([lexicon().digest, published()]),
            "labels": store.digest(sorted(read_labels(study).items())),
            **{name: _as_read(step) for name, step in _others(context).items()},
        },
        config=_settings(study),
        seed=study.config.seed,
        label=f"{STEP} of {spec.name}",
        log=study.run_folder,
    )


def _others(context: Context) -> dict[str, Step]:
    """The steps whose results the gates read: their own, and those of other measures."""
    study, spec = context.study, context.spec
    base = known_base(study, spec)
    asked = asked_of(context)
    steps = {
        "answers": answers_grid(context).step(base),
        **{name: choices_step(context, base, a) for name, a in zip(SCORED, asked, strict=False)},
        "capability": items_step(study, spec),
        "sample": sample_step(study, spec),
    }
    stems = study.associations is not None and study.config.cooccurrence.samples_per_stem
    if stems and spec.continues:
        steps["cooccurrence"] = words_step(study, spec)
    scorers = study.config.toxicity.scorers
    return steps | {f"scores {name}": score_step(study, spec, name) for name in scorers}


def _language(study: Study) -> dict[str, str]:
    """What the rules may judge depends on it: no key for a study in English."""
    language = study.charter.language
    return {} if is_english(language) else {"language": language}


def _as_read(step: Step) -> str:
    """Digest of a result and of whether it could be read: what is not current is not judged."""
    return store.digest([step.digest(), step.stale() or ""])


def _settings(study: Study) -> dict[str, object]:
    """What verdicts depend on: all settings but the switch, and those of the measures read."""
    config = study.config
    unused = {"enabled"} if config.gates.harms else {"enabled", *OF_HARMS}
    return {
        **{k: v for k, v in to_plain(config.gates).items() if k not in unused},
        "arms": list(config.arms),
        "train_seeds": list(config.train_seeds),
        "tasks": to_plain(config.capability.tasks),
        "scorers": list(config.toxicity.scorers),
    }
