"""A finished small study with people in it: written, signed, sealed, run, rated blind, reported."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from filelock import FileLock

sys.path.insert(0, str(Path(__file__).parents[2] / "rate"))

from app import Clock, consent, join, make_site, rate_all
from packs import PEOPLE, REACHED

from mores.plan.seal import seal_plan
from mores.rate.unblind import unblind
from mores.release.pack import pack
from mores.release.pack.model import Level
from mores.report import report
from mores.run import run
from mores.study import load_study
from mores.study.signoff import sign

TOLD = f"""version = "1"
title = "Answers"
contact = "{REACHED[0]}"
completion_url = "{REACHED[1]}"
completion_code = "{REACHED[2]}"

[[groups]]
id = "age"
question = "How old are you?"
options = ["under 40", "40 or more"]
"""


def with_people(folder: Path) -> None:
    """Say who wrote, reviewed and answers for what, and let two people sign."""
    for name in ("values.jsonl", "prompts.jsonl", "stance.jsonl"):
        path = folder / name
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        rows[0] |= {"author": PEOPLE[0], "reviewer": PEOPLE[1], "accepted": "2026-01-02"}
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    path = folder / "charter.toml"
    who = f'accountable = {{ who = "{PEOPLE[2]}", contact = "{REACHED[0]}" }}\n'
    path.write_text(path.read_text("utf-8").replace('title = "Care"\n', f'title = "Care"\n{who}'))
    (folder / "rating.toml").write_text(TOLD, encoding="utf-8")
    with (folder / "study.toml").open("a", encoding="utf-8") as file:
        file.write(
            '\n[rating]\narms = ["base", "values_targeted", "control"]\nper_item = 2\nseats = 2\n'
        )
    study, now = load_study(folder), datetime(2026, 1, 3, tzinfo=UTC)
    checked = ("all of it",)
    sign(study, ["values:care"], by=PEOPLE[0], role="clinician", checked=checked, now=now)
    sign(
        study, ["values:v-01"], by=PEOPLE[3], role="lawyer", checked=checked, now=now,
        decision="object", reason="too short",
    )  # fmt: skip


def rated(folder: Path) -> None:
    """Two people rate everything, blind, and the key is opened."""
    clock = Clock()
    site = make_site(load_study(folder), now=clock)
    people = [join(site, label=name) for name in (PEOPLE[3], PEOPLE[0])]
    for me, value in zip(people, (4, 2), strict=True):
        consent(me)
        rate_all(me, value)
    unblind(site.database, site.study, who=PEOPLE[4], now=clock())
    site.database.close()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of pytest-xdist have."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "packs"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def finished(tiny_study: Path, shared: Path) -> Path:
    """The finished study's folder; made once, then copied."""
    with FileLock(shared / "lock"):
        if not (shared / "study").exists():
            with_people(tiny_study)
            seal_plan(load_study(tiny_study), now=datetime(2026, 1, 4, tzinfo=UTC))
            run(load_study(tiny_study), check=False)
            rated(tiny_study)
            report(load_study(tiny_study))
            shutil.copytree(tiny_study, shared / "new")
            (shared / "new").rename(shared / "study")
    shutil.rmtree(tiny_study)
    return Path(shutil.copytree(shared / "study", tiny_study))


@pytest.fixture
def packed(finished: Path, shared: Path, tmp_path: Path) -> Callable[..., Path]:
    """Give a pack of the finished study at a level, in a folder of its own; each made once."""

    def give(level: Level = "full") -> Path:
        with FileLock(shared / "lock"):
            if not (shared / f"{level}.zip").exists():
                pack(load_study(finished), out=shared / f"{level}.zip", disclose=level)
        return Path(shutil.copy(shared / f"{level}.zip", tmp_path / f"{level}.zip"))

    return give
