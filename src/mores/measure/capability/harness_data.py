"""A task file of the harness and its local data, checked before the harness reads them.

The harness does not say on which line a data file is damaged; this does.

    check_task_file(Path("tasks/local.yaml"))
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mores import store
from mores.errors import DataError

EXAMPLE = "a task file has `task:`, `dataset_path: json`, `dataset_kwargs: {data_files: ...}`, ..."


def check_task_file(path: Path) -> dict[str, Any]:
    """Return a task file's settings, its functions not loaded.

    Raises:
        DataError: no such file, not YAML (with the line), no task; or a local JSON Lines file
            that is missing, empty or damaged (with the line).
    """
    config = _read(path)
    if not any(key in config for key in ("task", "group")):
        raise DataError("neither a task nor a group of the harness", path=path, fix=EXAMPLE)
    bare = not any(key in config for key in ("dataset_path", "custom_dataset", "include", "group"))
    if bare and not isinstance(config["task"], list):
        raise DataError("the task has no dataset_path", path=path, fix=EXAMPLE)
    if config.get("dataset_path") == "json":
        for file in _data_files((config.get("dataset_kwargs") or {}).get("data_files")):
            _check_data(file, path)
    return config


def _read(path: Path) -> dict[str, Any]:
    import yaml  # type: ignore[import-untyped]
    from lm_eval.tasks._yaml_loader import load_yaml

    if not path.is_file():
        raise DataError("no such task file", path=path, fix="name a YAML file of the harness")
    try:
        found: dict[str, Any] = load_yaml(path, resolve_func=False)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        problem = getattr(error, "problem", None) or "cannot be read"
        raise DataError(f"not valid YAML: {problem}", path=path, line=line, fix=EXAMPLE) from None
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be read: {error}", path=path, fix=EXAMPLE) from None
    return found


def _data_files(value: Any) -> Iterator[Path]:
    """Local paths in ``data_files``: a text, a list, or either by split; no patterns."""
    if isinstance(value, dict):
        for part in value.values():
            yield from _data_files(part)
    elif isinstance(value, list):
        for part in value:
            yield from _data_files(part)
    elif isinstance(value, str) and "://" not in value and not set("*?[") & set(value):
        yield Path(value)


def _check_data(file: Path, task: Path) -> None:
    if not file.is_file():
        raise DataError(
            "no such data file",
            path=file,
            where=f"data_files of {task}",
            fix="write the whole path: the harness reads from the folder in which it is run",
        )
    # Other suffixes may be one JSON array, which the harness reads as well.
    if file.suffix == ".jsonl" and not store.read_rows(file):
        raise DataError("no items", path=file, where=f"data_files of {task}")
