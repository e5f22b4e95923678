"""Digests of everything that went in: files of the study, and what its steps say they took.

provenance(study)    {"charter.toml": "sha256:…", "smollm2-135m: capability: task piqa": "sha256:…"}
command(study)       "mores run wellbeing --preset tiny"
made(study)          what every step has made, for whoever asks whether a report is of it
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

from mores import store
from mores.step import Manifest, read_manifest
from mores.study import Study, folders, settings, slug
from mores.study.files import file_digests
from mores.tune.run import tuned_keys

TAKEN = ("model", "prompts", "choices", "rules", "scorer", "task ")
"""Begins of the names of inputs that come from outside the study's steps."""


def provenance(study: Study) -> dict[str, str]:
    """Return the digest of every input, by a name for people.

    First the files of the study, those that its settings name included, the ratings, and what each
    judge is and was asked; then, for each model, the weights, tasks, prompts, rules and scorers
    that the manifests of its steps list.
    """
    digests = file_digests(study)
    for path in sorted(folders.ratings_folder(study).glob("*.jsonl")):
        digests[f"ratings/{path.name}"] = store.digest_file(path)
    for judge in study.config.judges:
        if manifest := read_manifest(folders.judge_folder(study, judge.name)):
            for name in ("prompt", "model"):
                digests[f"judge {judge.name}: {name}"] = manifest.inputs[name]
    for model, step, manifest in _manifests(study):
        for name, digest in manifest.inputs.items():
            if name.startswith(TAKEN):
                where = f"{model}: base" if name == "model" else f"{model}: {step}: {name}"
                digests.setdefault(where, digest)
    return digests


def made(study: Study) -> dict[str, str]:
    """Return the digest of what every step of every model has made."""
    return {f"{model}: {step}": store.digest(m.outputs) for model, step, m in _manifests(study)}


def result_settings(study: Study) -> list[tuple[str, str, str]]:
    """Return the settings that results can depend on: not where the work is done, nor who signs."""
    return [row for row in settings(study) if not row[0].startswith(("execute.", "signoff."))]


def command(study: Study) -> str:
    """Return the command that makes these results from the study folder, wherever it runs."""
    flags = [
        f" --set {shlex.quote(f'{key}={_toml(json.loads(value))}')}"
        for key, value, origin in result_settings(study)
        if origin == "--set" and key != "preset"
    ]
    return f"mores run {slug(study.config.name)} --preset {study.config.preset}{''.join(flags)}"


def _toml(value: Any) -> str:
    """Write a setting as `--set` reads it. TOML knows no null: what is absent is left out."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items() if v is not None) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _manifests(study: Study) -> Iterator[tuple[str, str, Manifest]]:
    """(model, step, manifest) of every completed step that a report reads."""
    steps = (
        *(f"tune/{key.name}" for key in tuned_keys(study)),
        *("sample", "stems", "capability", "cooccurrence"),
        *("gates/answers", "gates/choices", "gates/harms", "gates", "toxicity"),
        *(f"toxicity/{slug(scorer)}" for scorer in study.config.toxicity.scorers),
    )
    for spec in study.config.models:
        for step in steps:
            if manifest := read_manifest(folders.model_folder(study, spec.name) / step):
                yield spec.name, step, manifest
