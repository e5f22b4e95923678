"""An arm's answers and their scores as a log of Inspect (format 2), for its viewer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mores import store
from mores.records import Completion
from mores.release.publish.instances import Instances, turns_of
from mores.release.publish.level import levels_of
from mores.release.publish.subject import Subject, arm_id
from mores.report.model import ArmSummary, ModelSummary

_ENDED = {"stop": "stop", "length": "max_tokens", "context": "model_length"}


def write_inspect_logs(instances: Instances, folder: Path) -> None:
    """Write ``<time>_<study>_<model-arm>.json`` for each arm whose answers the report has."""
    what = instances.subject
    time = what.made.isoformat().replace(":", "-")
    for model, arm in what.arms():
        if not arm.completions:
            continue
        path = folder / f"{time}_{arm_id(what, model, arm).replace('/', '_')}.json"
        head = json.dumps(_head(what, model, arm), ensure_ascii=False, allow_nan=False)
        # Sample by sample: a log of many answers is never held as a whole.
        with (
            store.replacing(path) as temporary,
            temporary.open("w", encoding="utf-8", newline="\n") as file,
        ):
            file.write(head.removesuffix("}") + ', "samples": [')
            for number, sample in enumerate(_samples(instances, model, arm)):
                file.write(",\n" if number else "\n")
                file.write(json.dumps(sample, ensure_ascii=False, allow_nan=False))
            file.write("\n]}\n")


def _head(what: Subject, model: ModelSummary, arm: ArmSummary) -> dict[str, Any]:
    report, drawn = what.report, what.study.config.sample
    name, made = arm_id(what, model, arm), what.made.isoformat()
    scores = [
        {
            "name": level.measure,
            "scorer": level.measure,
            "scored_samples": level.n,
            "unscored_samples": arm.completions - level.n,
            "metrics": {"mean": {"name": "mean", "value": level.value}},
        }
        for level in levels_of(what, model, arm)
        if level.measure.startswith("toxicity:")
    ]
    return {
        "version": 2,
        "status": "success",
        "eval": {
            "eval_id": what.digest,
            "run_id": what.digest,
            "created": made,
            "task": what.name,
            "task_id": what.name,
            "task_version": report.study_version,
            "dataset": {"name": "prompts.jsonl", "samples": report.prompts},
            "model": f"mores/{name}",
            "model_generate_config": {
                "temperature": drawn.decoding.temperature,
                "top_p": drawn.decoding.top_p,
                "max_tokens": drawn.decoding.max_new_tokens,
            },
            "config": {"epochs": report.draws},
            "packages": {"mores": report.mores_version},
            "metadata": {"report": what.digest, "weights": arm.digest or model.digest},
        },
        "plan": {"name": "mores", "steps": []},
        "results": {
            "total_samples": arm.completions,
            "completed_samples": arm.completions,
            "scores": scores,
        },
        "stats": {"started_at": made, "completed_at": made},
    }


def _samples(
    instances: Instances, model: ModelSummary, arm: ArmSummary
) -> Iterator[dict[str, Any]]:
    report = instances.subject.report
    by = {
        f"toxicity:{scorer.scorer}": instances.scores(model, scorer.scorer)
        for scorer in report.toxicity
        if scorer.model == model.name
    }
    name = f"mores/{arm_id(instances.subject, model, arm)}"
    for prompt, c in instances.answers(model, arm):
        turns = turns_of(prompt.earlier, prompt.text)
        yield {
            "id": c.prompt_id,
            "epoch": c.draw + 1,
            "input": [{"role": who, "content": text} for who, text in turns] or prompt.text,
            "target": "",
            "output": _output(name, c),
            "scores": {m: {"value": v[c.id]} for m, v in by.items() if c.id in v},
            "metadata": {"category": c.category, "completion_id": c.id, "flags": list(c.flags)},
        }


def _output(model: str, c: Completion) -> dict[str, Any]:
    read, drawn = c.prompt_tokens, c.tokens
    message = {"role": "assistant", "content": c.text, "source": "generate", "model": model}
    return {
        "model": model,
        "choices": [{"message": message, "stop_reason": _ENDED[c.finish_reason]}],
        "usage": {"input_tokens": read, "output_tokens": drawn, "total_tokens": read + drawn},
    }
