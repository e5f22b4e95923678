"""Capability as result files of the lm-evaluation-harness (the form that 0.4.13 writes).

The harness did not run: ``model_source`` is ``mores``, tasks are ours by name, and what only the
harness knows (its version, git hash, environment) is not there.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import stdev
from typing import Any

from mores import store
from mores.measure.capability.run import items_step
from mores.release.publish.instances import Instance, Instances
from mores.release.publish.level import Level, levels_of
from mores.release.publish.subject import Subject, arm_id
from mores.report.model import ArmSummary, ModelSummary

FILTER = "none"
_SHORT = {"accuracy": "acc", "bits_per_byte": "mean_bits_per_byte"}
"""Metric → its name there. The harness's own bits per byte weigh texts by length; ours do not."""


def write_harness_results(instances: Instances, folder: Path) -> None:
    """Write ``<study>__<model-arm>/results_<time>.json`` and a file of samples for each task."""
    what = instances.subject
    time = what.made.replace(tzinfo=None).isoformat().replace(":", "-")
    for model, arm in what.arms():
        levels = {
            level.data: level
            for level in levels_of(what, model, arm)
            if level.measure.startswith("capability:")
        }
        if not levels:
            continue
        own = folder / arm_id(what, model, arm).replace("/", "__")
        hashes: dict[str, str] = {}
        errors: dict[str, float | str] = {}
        rows = list(instances.capability(model, arm))
        for task, level in levels.items():
            of_task = [one for one in rows if one.measure == level.measure]
            samples = list(_samples(of_task, level))
            hashes[task] = _hash("".join(s["doc_hash"] + s["prompt_hash"] + s["target_hash"]
                                         for s in samples))  # fmt: skip
            errors[task] = _error([one.score for one in of_task])
            safe = re.sub(r"\W", "_", task)
            store.write_jsonl(own / f"samples_{safe}_{time}.jsonl", samples)
        result = _result(what, model, arm, levels, errors)
        store.write_json(own / f"results_{time}.json", result | {"task_hashes": hashes})


def _error(values: Sequence[float]) -> float | str:
    """Standard error of the mean, as the harness has it; it prints ``N/A`` where there is none."""
    return stdev(values) / len(values) ** 0.5 if len(values) > 1 else "N/A"


def _result(
    what: Subject,
    model: ModelSummary,
    arm: ArmSummary,
    levels: dict[str, Level],
    errors: dict[str, float | str],
) -> dict[str, Any]:
    name = arm_id(what, model, arm)
    manifest = items_step(what.study, what.spec(model)).manifest
    facts = manifest.facts if manifest else {}
    shots = {task: facts.get(task, {}).get("shots", 0) for task in levels}
    metric = {task: _SHORT.get(level.metric, level.metric) for task, level in levels.items()}
    return {
        "results": {
            task: {
                "name": task,
                "alias": task,
                "sample_len": level.n,
                f"{metric[task]},{FILTER}": level.value,
                f"{metric[task]}_stderr,{FILTER}": errors[task],
            }
            for task, level in levels.items()
        },
        "group_subtasks": {task: [] for task in levels},
        "configs": {
            task: {
                "task": task,
                "num_fewshot": shots[task],
                "metric_list": [
                    {
                        "metric": metric[task],
                        "aggregation": "mean",
                        "higher_is_better": not level.lower_is_better,
                    }
                ],
                "metadata": {"version": level.digest, "source": "mores"},
            }
            for task, level in levels.items()
        },
        "versions": {task: level.digest[:19] for task, level in levels.items()},
        "n-shot": shots,
        "higher_is_better": {
            task: {metric[task]: not level.lower_is_better} for task, level in levels.items()
        },
        "n-samples": {task: {"effective": level.n} for task, level in levels.items()},
        "config": {
            "model": "mores",
            "model_args": {"pretrained": model.name, "arm": arm.name, "weights": arm.digest},
            "model_num_parameters": model.parameters,
            "random_seed": what.report.seed,
        },
        "date": what.made.timestamp(),
        "mores_version": what.report.mores_version,
        "report": what.digest,
        "transformers_version": what.report.versions.get("transformers"),
        "model_source": "mores",
        "model_name": name,
        "model_name_sanitized": name.replace("/", "__"),
    }


def _samples(rows: Sequence[Instance], level: Level) -> Iterator[dict[str, Any]]:
    metric = _SHORT.get(level.metric, level.metric)
    for number, one in enumerate(rows):
        doc = {"id": one.id, "context": one.prompt, "choices": list(one.choices)}
        target = one.reference[0] if one.reference else ""
        answers = [] if one.logprob is None else [[str(one.logprob)]]
        yield {
            "doc_id": number,
            "doc": doc,
            "target": target,
            # The right continuation is all that is kept of what the model was asked.
            "arguments": {"gen_args_0": {"arg_0": one.prompt, "arg_1": target}},
            "resps": answers,
            "filtered_resps": [answer[0] for answer in answers],
            "filter": FILTER,
            "metrics": [metric],
            "doc_hash": _hash(json.dumps(doc, indent=2, ensure_ascii=False)),
            "prompt_hash": _hash(one.prompt),
            "target_hash": _hash(target),
            metric: one.score,
        }


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
