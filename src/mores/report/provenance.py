"""Digests of everything that went in: files of the study, and what its steps say they took.

provenance(study)    {"charter.toml": "sha256:…", "smollm2-135m: capability: task piqa": "sha256:…"}
made(study)          what every step has made, for whoever asks whether a report is of it
"""

from __future__ import annotations

from collections.abc import Iterator

from mores import store
from mores.records import Manifest
from mores.step import read_manifest
from mores.study import Study, folders, slug
from mores.study.files import file_digests
from mores.tune.run import tuned_keys

TAKEN = ("model", "prompts", "choices", "rules", "scorer", "task ")
"""Begins of the names of inputs that come from outside the study's steps."""


def provenance(study: Study) -> dict[str, str]:
    """Return the digest of every input, by a name for people.

    First the files of the study, those that its settings name included, and the ratings; then, for
    each model, the weights, tasks, prompts, rules and scorers that the manifests of its steps list.
    """
    digests = file_digests(study)
    for path in sorted(folders.ratings_folder(study).glob("*.jsonl")):
        digests[f"ratings/{path.name}"] = store.digest_file(path)
    for model, step, manifest in _manifests(study):
        for name, digest in manifest.inputs.items():
            if name.startswith(TAKEN):
                where = f"{model}: base" if name == "model" else f"{model}: {step}: {name}"
                digests.setdefault(where, digest)
    return digests


def made(study: Study) -> dict[str, str]:
    """Return the digest of what every step of every model has made."""
    return {f"{model}: {step}": store.digest(m.outputs) for model, step, m in _manifests(study)}


def _manifests(study: Study) -> Iterator[tuple[str, str, Manifest]]:
    """(model, step, manifest) of every completed step that a report reads."""
    steps = (
        *(f"tune/{key.name}" for key in tuned_keys(study)),
        *("sample", "stems", "capability", "cooccurrence"),
        *("gates/answers", "gates/choices", "gates", "toxicity"),
        *(f"toxicity/{slug(scorer)}" for scorer in study.config.toxicity.scorers),
    )
    for spec in study.config.models:
        for step in steps:
            if manifest := read_manifest(folders.model_folder(study, spec.name) / step):
                yield spec.name, step, manifest
