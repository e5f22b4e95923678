"""The files of a study that people wrote: one list, for `mores init`, the seal, the report.

FILES                 what every study may have
study_files(study)    those that are there, and those that its settings name
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mores import store
from mores.study.study import Study

LABELS = "gate_labels.csv"
SIGNATURES, SIGNERS = "signatures.jsonl", "signers.toml"
CONSULTATION = (
    "consult.toml",
    "consult/opened.json",
    "consult/participants.jsonl",
    "consult/votes.jsonl",
    "consult/proposals.jsonl",
)
"""What people are asked about the charter, and what they answered (`mores.consult`)."""
LATER = (LABELS, SIGNATURES, SIGNERS, *CONSULTATION)
"""What people say of answers and of the study: comes later, and is no part of a sealed plan."""
FILES = (
    "study.toml",
    "charter.toml",
    "values.jsonl",
    "control.jsonl",
    "prompts.jsonl",
    "stance.jsonl",
    "associations.toml",
    "rating.toml",
    *LATER,
)
HARNESS = "harness:"


def study_files(study: Study) -> dict[str, Path]:
    """Return every file that goes into a study and is there, by its name.

    Besides its own: prompt files of the gates, files of capability tasks (with what a task of the
    lm-evaluation-harness includes, calls and reads), forms of guard models, stored raw answers.

    A name is the path below the study's folder, however that was typed. A file elsewhere goes by
    its last part, with a number where that is taken: no report names a place on one machine.
    """
    home = study.folder.resolve()
    own = (home / name for name in FILES)
    files: dict[str, Path] = {}
    for path in dict.fromkeys(p.resolve() for p in (*own, *_named(study)) if p.is_file()):
        inside = path.is_relative_to(home)
        stem = path.relative_to(home).as_posix() if inside else path.name
        taken = sum(name == stem or name.startswith(f"{stem} (") for name in files)
        files[f"{stem} ({taken + 1})" if taken else stem] = path
    return files


def file_digests(study: Study) -> dict[str, str]:
    """Return the digest of every file of `study_files`, by its name."""
    return {name: store.digest_file(path) for name, path in study_files(study).items()}


def task_files(study: Study) -> dict[str, str]:
    """Digest of the files of each capability task that has some, as the input of a step."""
    files = {task.name: _of_task(study, task.task) for task in study.config.capability.tasks}
    return {f"files of {name}": digest for name, paths in files.items() if (digest := _of(paths))}


def scorer_files(study: Study, scorer: str) -> dict[str, str]:
    """Digest of the files that a toxicity scorer reads, as the input of a step; often none."""
    digest = _of(_of_scorer(study, scorer))
    return {"files": digest} if digest else {}


def _of(paths: Iterator[Path]) -> str:
    digests = [store.digest_file(path) for path in paths if path.is_file()]
    return store.digest(digests) if digests else ""


def _named(study: Study) -> Iterator[Path]:
    """Files that the settings name, there or not."""
    config = study.config
    gates = config.gates
    asked = (gates.safe_prompts, gates.harmful_prompts, gates.choices)
    sets = (*asked, gates.misaligned, gates.facts, gates.neutral, gates.values)
    yield from (study.folder / name for name in sets if name)
    for task in config.capability.tasks:
        yield from _of_task(study, task.task)
    for scorer in config.toxicity.scorers:
        yield from _of_scorer(study, scorer)


def _of_task(study: Study, task: str) -> Iterator[Path]:
    """A task's file, from the study's folder or from where mores was started, and what it names."""
    name = task.removeprefix(HARNESS)
    for path in (study.folder / name, Path(name)):
        if path.suffix and path.is_file():
            yield path
            yield from _harness_files(path, set()) if task.startswith(HARNESS) else ()
            return


def _of_scorer(study: Study, scorer: str) -> Iterator[Path]:
    """A guard's form, and stored answers: one file or all in a folder."""
    options = study.config.toxicity.options_of(scorer)
    if options.form:
        yield study.folder / options.form
    kind, _, rest = scorer.partition(":")
    if kind == "replay":
        path = study.folder / rest.partition("#")[0]
        yield from sorted(path.iterdir()) if path.is_dir() else (path,)


def _harness_files(path: Path, seen: set[Path]) -> Iterator[Path]:
    """Files that a task file of the harness includes, calls and reads."""
    seen.add(path)
    for key, value in _yaml(path).items():
        if key == "include":
            other = path.parent / str(value)
            yield other
            yield from _harness_files(other, seen) if other.is_file() and other not in seen else ()
        elif key == "dataset_kwargs" and isinstance(value, dict):
            # As the harness takes them: from the folder in which it is run.
            yield from map(Path, _texts(value.get("data_files")))
        else:
            yield from (path.parent / text for text in _texts(value) if text.endswith(".py"))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def _yaml(path: Path) -> dict[str, Any]:
    """A task file as plain data; ``!function utils.name`` becomes the file ``utils.py``."""
    import yaml  # type: ignore[import-untyped]

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        """Knows the harness's own tag, and calls nothing."""

    Loader.add_multi_constructor(
        "!", lambda _, __, node: str(node.value).rpartition(".")[0].replace(".", "/") + ".py"
    )
    try:
        content = Loader(store.read_text(path)).get_single_data()
    except yaml.YAMLError:
        return {}  # the harness says what is wrong with it
    return content if isinstance(content, dict) else {}
