"""Results as Every Eval Ever has them (schema 0.3.0): a file an arm, and one line an instance.

The package's schemas are what the tests hold these against (docs/publish.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from mores import store
from mores.records import BESIDE, TUNED_ARMS
from mores.release.publish.instances import Instance, Instances
from mores.release.publish.level import RATING, STANCE, Level, levels_of
from mores.release.publish.printed import in_short, of_arm, places_of
from mores.release.publish.subject import Subject, arm_id, hub_id
from mores.report.model import ArmSummary, ModelSummary

SCHEMA = "0.3.0"


def write_every_eval(instances: Instances, folder: Path) -> None:
    """Write ``data/<study>/<study>/<model-arm>/<uuid>.json`` and ``<uuid>_samples.jsonl``."""
    what = instances.subject
    for model, arm in what.arms():
        levels = levels_of(what, model, arm)
        if not levels:
            continue
        name = _uuid(what, model, arm)
        place = f"data/{what.name}/{arm_id(what, model, arm)}"
        samples = folder / place / f"{name}_samples.jsonl"
        rows = _Counted(_row(what, model, arm, one) for one in instances.of(model, arm)
                        if one.right is not None)  # fmt: skip
        store.write_jsonl(samples, rows)
        whole = _aggregate(what, model, arm, levels)
        whole["detailed_evaluation_results"] = {
            "format": "jsonl",
            "file_path": f"{place}/{samples.name}",
            "hash_algorithm": "sha256",
            "checksum": store.digest_file(samples).removeprefix("sha256:"),
            "total_rows": rows.count,
        }
        store.write_json(folder / place / f"{name}.json", whole)


class _Counted:
    """Rows that are counted as they go by."""

    def __init__(self, rows: Iterator[dict[str, Any]]) -> None:
        self.rows, self.count = rows, 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for row in self.rows:
            self.count += 1
            yield row


def _uuid(what: Subject, model: ModelSummary, arm: ArmSummary) -> UUID:
    """A name that the same report gives the same arm, of the form that the schema asks for."""
    text = f"{what.digest} {arm_id(what, model, arm)}"
    return UUID(bytes=hashlib.sha256(text.encode()).digest()[:16], version=4)


def _id(what: Subject, model: ModelSummary, arm: ArmSummary) -> str:
    return f"{what.name}/{arm_id(what, model, arm)}/{int(what.made.timestamp())}"


def _aggregate(
    what: Subject, model: ModelSummary, arm: ArmSummary, levels: list[Level]
) -> dict[str, Any]:
    report, made = what.report, str(int(what.made.timestamp()))
    return {
        "schema_version": SCHEMA,
        "evaluation_id": _id(what, model, arm),
        "evaluation_timestamp": made,
        "retrieved_timestamp": made,
        "source_metadata": {
            "source_name": f"mores study {report.study} {report.study_version}",
            "source_type": "evaluation_run",
            "source_organization_name": f"study {report.study}",
            # Whoever tuned an arm measured it; base and what is only asked otherwise came from
            # somebody else.
            "evaluator_relationship": "first_party" if arm.arm in TUNED_ARMS else "third_party",
            "additional_details": {"report": what.digest, "preset": report.preset},
        },
        "eval_library": {"name": "mores", "version": report.mores_version},
        "model_info": _model(what, model, arm),
        "evaluation_results": [_result(what, model, arm, level) for level in levels],
    }


def _model(what: Subject, model: ModelSummary, arm: ArmSummary) -> dict[str, Any]:
    away = what.spec(model).engine == "openai"
    details = {
        "deployment_type": "externally_managed" if away else "self_deployed",
        "model_availability": "unknown",
        "arm": arm.arm,
        "training_seed": str(arm.seed) if arm.arm in TUNED_ARMS else "",
        "weights": arm.digest,
        "base_model": hub_id(model.name) or model.name,
        "base_weights": model.digest,
        "parameters": str(model.parameters or ""),
        "prompt_form": model.format,
    }
    return {
        "name": f"{model.name}, {arm.name}",
        "id": arm_id(what, model, arm),
        "inference_engine": {"name": what.spec(model).engine},
        "additional_details": {key: value for key, value in details.items() if value},
    }


def _result(what: Subject, model: ModelSummary, arm: ArmSummary, level: Level) -> dict[str, Any]:
    result: dict[str, Any] = {
        "evaluation_result_id": level.measure,
        "evaluation_name": level.measure,
        "source_data": {
            "dataset_name": _data(what, level),
            "source_type": "other",
            "additional_details": {"digest": level.digest} if level.digest else {},
        },
        "metric_config": {
            "metric_id": f"mores.{level.metric}",
            "metric_name": level.metric.replace("_", " "),
            "metric_unit": level.unit,
            "lower_is_better": level.lower_is_better,
            "score_type": "continuous",
            "min_score": "-Infinity" if level.least is None else level.least,
            "max_score": "Infinity" if level.most is None else level.most,
        },
        "score_details": {
            "score": level.value,
            "details": _differences(what, model, arm, level),
            "uncertainty": _uncertainty(level),
        },
    }
    if level.measure != STANCE and not level.measure.startswith("capability:"):
        drawn = what.study.config.sample.decoding
        result["generation_config"] = {
            "generation_args": {
                "temperature": drawn.temperature,
                "top_p": drawn.top_p,
                "max_tokens": drawn.max_new_tokens,
            },
        }
    return result


def _data(what: Subject, level: Level) -> str:
    return f"{what.name}: {level.data}" if level.data.endswith(".jsonl") else level.data


def _uncertainty(level: Level) -> dict[str, Any]:
    e = level.estimate
    found: dict[str, Any] = {"num_samples": level.n}
    if e is not None and e.low is not None and e.high is not None:
        found["confidence_interval"] = {
            "lower": e.low,
            "upper": e.high,
            "confidence_level": e.level,
            "method": e.method,
        }
    return found


def _differences(
    what: Subject, model: ModelSummary, arm: ArmSummary, level: Level
) -> dict[str, str]:
    """Contrast → the arm's overall difference as the report prints it."""
    places = places_of(what.report)
    return {
        e.contrast: in_short(what.report, e, places[id(e)])
        for e in of_arm(what.report, model.name, arm.arm)
        if e.measure == level.measure and e.category == "overall" and not e.measure.endswith(BESIDE)
    } | ({"note": "mean over raters and answers"} if level.measure == RATING else {})


def _row(what: Subject, model: ModelSummary, arm: ArmSummary, one: Instance) -> dict[str, Any]:
    text = one.prompt + "".join(one.reference)
    row: dict[str, Any] = {
        "schema_version": SCHEMA,
        "evaluation_id": _id(what, model, arm),
        "model_id": arm_id(what, model, arm),
        "evaluation_name": one.measure,
        "evaluation_result_id": one.measure,
        "sample_id": one.id,
        "sample_hash": hashlib.sha256(text.encode()).hexdigest(),
        "interaction_type": "multi_turn" if one.turns else "single_turn",
        "input": {
            "raw": one.prompt,
            "reference": list(one.reference),
            "choices": list(one.choices) or None,
        },
        "output": None if one.turns else {"raw": list(one.output)},
        "answer_attribution": [],
        "evaluation": {"score": one.score, "is_correct": bool(one.right)},
        "metadata": one.about
        | ({} if one.logprob is None else {"log_probability": repr(one.logprob)}),
    }
    if one.turns:
        said = [*one.turns, *(("assistant", text) for text in one.output)]
        row["messages"] = [
            {"turn_idx": n, "role": who, "content": text} for n, (who, text) in enumerate(said)
        ]
    if one.completion is not None:
        read, drawn = one.completion.prompt_tokens, one.completion.tokens
        row["token_usage"] = {
            "input_tokens": read,
            "output_tokens": drawn,
            "total_tokens": read + drawn,
        }
    return row
