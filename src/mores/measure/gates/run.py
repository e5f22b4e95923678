"""A study with tuned arms → every gate's verdict, on disk.

    results = measure_gates(study)
    read_gates(study, "smollm2-135m")

Sampling and log-probabilities are kept and gone on with; the verdicts are drawn anew each time,
from what the other measures have left by then.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import msgspec

from mores import step as steps
from mores import store
from mores.errors import DataError, ModelError
from mores.measure.gates.answers import gate_prompts, sample_gates
from mores.measure.gates.capability import capability
from mores.measure.gates.choose import score_choices
from mores.measure.gates.context import STEP, Context
from mores.measure.gates.drift import drift
from mores.measure.gates.lexicon import lexicon
from mores.measure.gates.prompts import choices
from mores.measure.gates.refusal_gates import refusal_gates
from mores.measure.gates.result import GATES, GateResult, Gates
from mores.measure.gates.sentiment import sentiment
from mores.measure.gates.toxicity import toxicity
from mores.measure.gates.verdict import not_measured
from mores.measure.run import scores_folder
from mores.progress import Progress
from mores.records import Manifest
from mores.study import ModelSpec, Study, folders

RESULT = "result.json"


def measure_gates(study: Study, *, progress: Progress | None = None) -> list[GateResult]:
    """Ask what the gates ask, read what other measures left, and give every verdict.

    Returns:
        Results of all models: of each gate at least one for each reference (base, and control where
        there is one), ``not measured`` where there is nothing to judge.

    Raises:
        ModelError: an arm has not been tuned.
        DataError: a prompt file is missing or a row cannot be used.
    """
    progress = progress or Progress(quiet=True)
    return [result for spec in study.config.models for result in _measure(study, spec, progress)]


def read_gates(study: Study, model: str) -> list[GateResult]:
    """Return a model's results, or none where the gates have not been measured."""
    path = folders.model_folder(study, model) / STEP / RESULT
    if not path.exists():
        return []
    return list(store.as_record(store.read_json(path), Gates, path=path).results)


def outdated_gates(study: Study, spec: ModelSpec) -> str:
    """Say why a model's stored results cannot be shown as they are, or return nothing."""
    folder = folders.model_folder(study, spec.name) / STEP
    manifest = steps.read_manifest(folder)
    if manifest is None:
        return "has not run"
    context = Context(study, spec, manifest.inputs.get("model", ""))
    try:
        return folders.outdated(folder, _inputs(context), _config(context)) or ""
    except (DataError, ModelError) as error:
        return error.message


def check_prompts(study: Study) -> None:
    """Read every prompt file, so that what is missing shows before the run.

    Raises:
        DataError: a file is missing or a row cannot be used.
    """
    gate_prompts(Context(study, study.config.models[0], ""))
    choices(study)


def _measure(study: Study, spec: ModelSpec, progress: Progress) -> list[GateResult]:
    from mores.weights.resolve import resolve

    context = Context(study, spec, resolve(spec.name, say=progress.say).digest)
    if context.references:
        prompts = gate_prompts(context)
        completions = sample_gates(context, progress)
        scores = score_choices(context, progress)
        start = time.perf_counter()
        results = [
            *refusal_gates(context, completions, prompts),
            *drift(context, scores),
            *capability(context),
            *toxicity(context),
            *sentiment(context),
        ]
    else:
        start = time.perf_counter()
        why = "the study has no values_targeted arm"
        results = [not_measured(context.subject(name, "base"), None, why) for name in GATES]
    folder = context.folder / STEP
    store.write_json(folder / RESULT, Gates(model=spec.name, results=tuple(results)))
    _finish(context, folder, results)
    steps.log_timing(study.run_folder, f"{STEP} {spec.name}", time.perf_counter() - start)
    progress.say(f"gates of {spec.name}: {summary(results)}")
    return results


def summary(results: list[GateResult]) -> str:
    """Count verdicts in words."""
    counts: Counter[str] = Counter(result.verdict for result in results)
    order = ("pass", "fail", "inconclusive", "not measured")
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in order if counts[verdict])


def _inputs(context: Context) -> dict[str, str]:
    """Digests of everything that the verdicts rest on; ``absent`` where there is nothing."""
    study, model = context.study, context.spec.name
    folders = {
        "capability": context.folder / "capability",
        "cooccurrence": context.folder / "cooccurrence",
        "sample": context.folder / "sample",
        "stems": context.folder / "stems",
        **{f"scores {s}": scores_folder(study, model, s) for s in study.config.toxicity.scorers},
    }
    return {
        "model": context.model_digest,
        **context.arm_digests,
        "prompts": store.digest(gate_prompts(context)),
        "choices": store.digest(choices(study)),
        "rules": lexicon().digest,
        **{name: _manifest_digest(folder) for name, folder in folders.items()},
    }


def _manifest_digest(folder: Path) -> str:
    path = folder / steps.MANIFEST
    return store.digest_file(path) if path.exists() else "absent"


def _config(context: Context) -> dict[str, object]:
    """What verdicts depend on: all settings but the switch, and those of the measures read."""
    config = context.study.config
    gates = {k: v for k, v in msgspec.to_builtins(config.gates).items() if k != "enabled"}
    return {
        **gates,
        "arms": list(config.arms),
        "train_seeds": list(config.train_seeds),
        "tasks": msgspec.to_builtins(config.capability.tasks),
        "scorers": list(config.toxicity.scorers),
    }


def _finish(context: Context, folder: Path, results: list[GateResult]) -> None:
    manifest = Manifest(
        step=STEP,
        inputs=_inputs(context),
        outputs={RESULT: store.digest_file(folder / RESULT)},
        config=_config(context),
        seed=context.study.config.seed,
        versions=steps.versions(),
        facts=dict(Counter(result.verdict for result in results)),
    )
    steps.write_manifest(folder, manifest)
