"""Files of tasks are looked for in the study's folder first, then where the program was started."""

from pathlib import Path

import pytest

from mores.errors import DataError
from mores.measure.capability import load_tasks
from mores.study import load_study


def lines(path: Path, text: str) -> None:
    path.write_text(f'{{"context": "{text}", "target": "end"}}\n', "utf-8")


def test_the_studys_own_file_comes_first(tiny_study, tmp_path, monkeypatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    study = load_study(tiny_study, overrides=('capability.tasks=[{task="mine.jsonl"}]',))
    with pytest.raises(DataError):
        load_tasks(study)
    lines(elsewhere / "mine.jsonl", "here")
    (task,) = load_tasks(study)
    assert (task.name, task.items[0].context) == ("mine", "here")
    lines(tiny_study / "mine.jsonl", "of the study")
    (task,) = load_tasks(study)
    assert (task.name, task.items[0].context) == ("mine", "of the study")
