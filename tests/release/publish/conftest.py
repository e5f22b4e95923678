"""A finished tiny study, published; wheels of packages that only read what is published."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mores.errors import AssetError
from mores.release.publish.run import FOLDER, publish
from mores.report.run import report
from mores.run import run
from mores.study import Study, load_study
from mores.weights.assets.table import Asset
from mores.weights.assets.wheel import download_wheel, find_wheel, verify_wheel, wheels_folder

EVERY_EVAL_EVER = Asset(
    name="every-eval-ever",
    kind="data",
    title="schemas and validator of Every Eval Ever",
    package="every-eval-ever",
    version="0.3.0",
    sha256="564b8bc624c1f822f749a769dc69dc058a736e83d920cbeb147c3a30d3152317",
    bytes=649804,
    members=("every_eval_ever/schemas/eval.schema.json",),
    license="MIT",
    converter="none",
)
"""Asks for Python 3.12 and older libraries than ours, so it is read and not installed."""


@pytest.fixture
def done(tiny_study: Path, once: Callable[..., None]) -> Study:
    """The tiny study with every step done and its report written."""

    def finished() -> None:
        run(load_study(tiny_study), check=False)
        publish(load_study(tiny_study))

    once(tiny_study, finished)
    return load_study(tiny_study)


@pytest.fixture
def folder(done: Study) -> Path:
    """What was published of it."""
    return done.run_folder / FOLDER


@pytest.fixture
def again(done: Study) -> Callable[[Study], Path]:
    """Write the report of a changed study anew and publish it."""

    def write(study: Study) -> Path:
        report(study)
        return publish(study).folder

    return write


@pytest.fixture(scope="session")
def every_eval_ever(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked package, from the cache of wheels or the package index."""
    try:
        wheel = find_wheel(EVERY_EVAL_EVER)
        if wheel is None:
            wheels_folder().mkdir(parents=True, exist_ok=True)
            wheel = download_wheel(EVERY_EVAL_EVER, wheels_folder())
        verify_wheel(EVERY_EVAL_EVER, wheel)
    except AssetError as error:
        pytest.skip(f"every-eval-ever cannot be had: {error.message}")
    place = tmp_path_factory.mktemp("every-eval-ever")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(place)
    return place
