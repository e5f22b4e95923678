"""Published contracts that requests and answers are checked against: clients' types and schemas.

The types come with the hosts' own Python clients. The schemas are read where the environment
variable ``MORES_SPECS`` names a folder with ``openai.json`` and ``together.json`` of these digests:
extracts of openai/openai-openapi at f85dbe2 and togethercomputer/openapi at 090263a.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

DIGESTS = {
    "openai.json": "eeb89096520d1373aa1985d871e163f2e9c1dded3d3a1ce3f55e138d8cf2f688",
    "together.json": "6c4beddbe8f113877527e7d0ab0c73fc1d906583013285a7d3d314e231760aa8",
}


def openai_request(kind: str, body: Any) -> None:
    """What the client's parameters allow, and no key beside them."""
    from openai.types import FileCreateParams
    from openai.types.fine_tuning import JobCreateParams
    from openai.types.fine_tuning.supervised_hyperparameters_param import (
        SupervisedHyperparametersParam,
    )
    from pydantic import TypeAdapter

    if kind == "file":
        assert set(body) - {"file:name"} <= set(FileCreateParams.__annotations__)
        assert body["purpose"] == "fine-tune"
        return
    assert set(body) <= set(JobCreateParams.__annotations__)
    hyper = body["method"]["supervised"]["hyperparameters"]
    assert set(hyper) <= set(SupervisedHyperparametersParam.__annotations__)
    TypeAdapter(JobCreateParams).validate_python(body, strict=True)


def openai_reply(kind: str, body: Any) -> None:
    """What the client reads, strictly."""
    from openai.types import FileObject
    from openai.types.fine_tuning import FineTuningJob

    if kind == "file":
        FileObject.model_validate(body)
    elif kind == "job":
        FineTuningJob.model_validate(body)
    elif kind in ("files", "jobs"):
        for row in body["data"]:
            openai_reply(kind.removesuffix("s"), row)


TOGETHER_JOB: dict[str, Any] = {
    "training_file": str,
    "model": str,
    "n_epochs": int,
    "n_checkpoints": int,
    "n_evals": int,
    "batch_size": int,
    "learning_rate": float,
    "lr_scheduler": {"lr_scheduler_type": str, "lr_scheduler_args": dict},
    "warmup_ratio": float,
    "max_grad_norm": float,
    "weight_decay": float,
    "packing": bool,
    "max_seq_length": int,
    "random_seed": int,
    "suffix": str,
    "training_method": {"method": str, "train_on_inputs": bool},
    "training_type": {
        "type": str,
        "lora_r": int,
        "lora_alpha": int,
        "lora_dropout": float,
        "lora_trainable_modules": str,
    },
}
"""What we send of the schema, by name and type. Together's client cannot be installed beside us (it
wants rich < 15 and filelock < 4); where ``MORES_SPECS`` is set, the schema itself is the judge."""


def together_request(kind: str, body: Any) -> None:
    """What Together's schema calls what we send."""
    if kind == "file":
        assert set(body) == {"file", "file:name", "file_name", "file_type", "purpose"}
        assert (body["purpose"], body["file_type"]) == ("fine-tune", "jsonl")
        return
    _typed(body, TOGETHER_JOB)


def _typed(body: dict[str, Any], kinds: dict[str, Any]) -> None:
    assert set(body) <= set(kinds), set(body) - set(kinds)
    for name, value in body.items():
        if isinstance(kinds[name], dict):
            _typed(value, kinds[name])
        else:
            assert type(value) is kinds[name], (name, value)


class Schema:
    """One published schema."""

    def __init__(self, name: str) -> None:
        folder = os.environ.get("MORES_SPECS")
        if not folder or not (Path(folder) / name).exists():
            pytest.skip("MORES_SPECS names no folder with the published schemas")
        data = (Path(folder) / name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == DIGESTS[name]
        self.whole = _as_draft4(json.loads(data))

    def schema(self, name: str) -> dict[str, Any]:
        """A named schema."""
        found: dict[str, Any] = self.whole["components"]["schemas"][name]
        return found

    def asked(self, path: str, form: str = "application/json") -> dict[str, Any]:
        """The schema of what is posted to a path."""
        content = self.whole["paths"][path]["post"]["requestBody"]["content"]
        found: dict[str, Any] = content[form]["schema"]
        if "$ref" in found:
            return self.schema(found["$ref"].rpartition("/")[2])
        return found

    def check(self, schema: dict[str, Any], body: Any, *, closed: bool = False) -> None:
        """Validate; ``closed`` refuses keys that the schema does not name."""
        from jsonschema import Draft4Validator

        if closed:
            assert set(body) <= set(schema["properties"]), set(body) - set(schema["properties"])
        Draft4Validator({"components": self.whole["components"], "allOf": [schema]}).validate(body)


def _as_draft4(value: Any) -> Any:
    """OpenAPI 3.0 says ``nullable``; ``oneOf`` there has arms that include each other."""
    if isinstance(value, list):
        return [_as_draft4(v) for v in value]
    if not isinstance(value, dict):
        return value
    schema = {
        "anyOf" if k == "oneOf" else k: _as_draft4(v)
        for k, v in value.items()
        if k not in ("nullable", "format")
    }
    if value.get("nullable") is True:
        return {"anyOf": [schema, {"type": "null"}]}
    return schema


def by_schema(schema: Schema, contract: str) -> tuple[Any, Any]:
    """Checks of requests and replies for a fake host, by a published schema."""
    paths = {
        "openai": ("/files", "/fine_tuning/jobs"),
        "together": ("/files/upload", "/fine-tunes"),
    }[contract]
    names = {
        "openai": {
            "file": "OpenAIFile",
            "files": "ListFilesResponse",
            "job": "FineTuningJob",
            "jobs": "ListPaginatedFineTuningJobsResponse",
        },
        "together": {
            "file": "FileResponse",
            "files": "FileList",
            "job": "FinetuneResponse",
            "job short": "FinetuneResponseTruncated",
            "jobs": "FinetuneTruncatedList",
            "limits": "FineTuneModelLimits",
        },
    }[contract]

    def request(kind: str, body: Any) -> None:
        if kind == "file":
            form = {k: "bytes" if k == "file" else v for k, v in body.items() if k != "file:name"}
            schema.check(schema.asked(paths[0], "multipart/form-data"), form, closed=True)
            return
        schema.check(schema.asked(paths[1]), body, closed=True)

    def reply(kind: str, body: Any) -> None:
        if kind in names:
            schema.check(schema.schema(names[kind]), body)

    return request, reply
