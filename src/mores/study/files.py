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

FILES = (
    "study.toml",
    "charter.toml",
    "values.jsonl",
    "control.jsonl",
    "prompts.jsonl",
    "associations.toml",
    "rating.toml",
)
HARNESS = "harness:"


def study_files(study: Study) -> dict[str, Path]:
    """Return every file that goes into a study and is there, by its name in the study.

    Besides its own: prompt files of the gates, files of capability tasks (with what a task of the
    lm-evaluation-harness includes, calls and reads), forms of guard models, stored raw answers. A
    file of which the whole path is given goes by its last part: no report names a place on one
    machine.
    """
    files = {name: study.folder / name for name in FILES if (study.folder / name).is_file()}
    for name in _named(study):
        if path := _find(study, name):
            files[path.name if Path(name).is_absolute() else name] = path
    return files


def _find(study: Study, name: str) -> Path | None:
    """A file that a setting names: from the study's folder, else from where mores was started."""
    return next((p for p in (study.folder / name, Path(name)) if p.is_file()), None)


def file_digests(study: Study) -> dict[str, str]:
    """Return the digest of every file of `study_files`, by its name."""
    return {name: store.digest_file(path) for name, path in study_files(study).items()}


def _named(study: Study) -> Iterator[str]:
    """Paths, relative to the study or absolute, that the settings name."""
    config = study.config
    gates = (config.gates.safe_prompts, config.gates.harmful_prompts, config.gates.choices)
    yield from (name for name in gates if name)
    for task in config.capability.tasks:
        name = task.task.removeprefix(HARNESS)
        yield name
        if task.task.startswith(HARNESS) and (file := _find(study, name)):
            yield from map(str, _harness_files(file))
    yield from (options.form for options in config.toxicity.options if options.form)
    for scorer in config.toxicity.scorers:
        kind, _, rest = scorer.partition(":")
        if kind == "replay":
            yield from _below(study.folder, rest.partition("#")[0])


def _below(folder: Path, name: str) -> Iterator[str]:
    """The file of that name, or all files in the folder of that name."""
    if (folder / name).is_dir():
        yield from (f"{name}/{p.name}" for p in sorted((folder / name).iterdir()))
    yield name


def _harness_files(path: Path) -> Iterator[Path]:
    """Files that a task file of the harness includes, calls and reads."""
    for key, value in _yaml(path).items():
        if key == "include":
            other = path.parent / str(value)
            yield other
            yield from _harness_files(other) if other.is_file() else ()
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
