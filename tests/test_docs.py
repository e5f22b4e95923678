"""The documentation says what the code does: commands, options, links, exports."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
from pathlib import Path
from typing import get_args

import click
import pytest
from docstring_parser import parse

import mores
from mores.cli import COMMANDS, CONSULTATION, MEASURES, OUTPUTS, RATINGS, SHEETS
from mores.cli import mores as program
from mores.cli.build import command, parameter_types
from mores.progress import Progress
from mores.study import Study

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
TABLES = (COMMANDS, MEASURES, RATINGS, CONSULTATION, SHEETS, OUTPUTS)
EVERY = [entry for table in TABLES for entry in table.values()]
PLACES = sorted({entry[0] for entry in EVERY})


def _function(place):
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


def _generator(name="generate_cli"):
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_cli_page_is_what_help_says():
    assert (DOCS / "cli.md").read_text("utf-8") == _generator().page()


def test_json_page_is_what_the_types_say():
    assert (DOCS / "json.md").read_text("utf-8") == _generator("generate_json").page()


def test_every_command_has_its_own_function_and_a_printer():
    assert len(EVERY) == len(PLACES)
    for _, printer, short in EVERY:
        assert list(inspect.signature(_function(printer)).parameters)[1] == "values"
        assert short.endswith(".")


@pytest.mark.parametrize("place", PLACES)
def test_options_are_the_functions_parameters(place):
    hints = parameter_types(_function(place))
    kinds = [kind for hint in hints.values() for kind in (hint, *get_args(hint))]
    shared = ["preset", "set_"] if Study in kinds else []
    shared += ["quiet"] if Progress in kinds else []
    shared += ["json_"]
    parameters = [name for name in hints if name not in ("progress", "say")]
    built = command("x", place, "mores.cli.run:run")
    assert [p.name for p in built.params] == parameters + shared


@pytest.mark.parametrize("place", PLACES)
def test_every_option_is_explained(place):
    built = command("x", place, "mores.cli.run:run")
    assert built.help
    assert [p.name for p in built.params if isinstance(p, click.Option) and not p.help] == []
    parameters = inspect.signature(_function(place)).parameters
    described = {p.arg_name for p in parse(inspect.getdoc(_function(place)) or "").params}
    options = {n for n, p in parameters.items() if p.kind is inspect.Parameter.KEYWORD_ONLY}
    assert options - {"progress"} <= described <= set(parameters)


def test_every_command_appears_in_the_docs():
    context = click.Context(program)
    text = (DOCS / "cli.md").read_text("utf-8")
    for name in program.list_commands(context):
        assert f"## mores {name}\n" in text


def test_public_names_can_be_had():
    for name in mores.__all__:
        assert getattr(mores, name) is not None


def test_a_room_is_called_by_the_name_of_its_step(tiny_study):
    study = mores.load_study(tiny_study)
    assert mores.plan(study, probe=False).study == "tiny"
    with pytest.raises(mores.MoresError, match="nothing has been sampled"):
        mores.report(study)
    with pytest.raises(mores.MoresError, match="nothing has been sampled"):
        mores.measure.toxicity(study)
    rooms = (mores.tune, mores.sample, mores.run, mores.revise)
    rooms += (mores.measure.cooccurrence, mores.measure.capability, mores.measure.gates)
    for room in rooms:
        assert callable(getattr(room, room.__name__.rpartition(".")[2]))
        assert callable(room)


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda p: p.name)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", [*sorted(DOCS.glob("*.md")), ROOT / "README.md"])
def test_files_of_the_code_that_pages_name_are_there(page):
    if page.name == "log.md":  # notes of their day
        return
    for path in re.findall(
        r"`((?:src/mores|benchmarks|tests|examples)/[\w./-]+)`", page.read_text()
    ):
        assert (ROOT / path).exists(), path


def test_the_walks_through_the_house_go_through_files_and_functions_that_are_there():
    text = (DOCS / "architecture.md").read_text("utf-8")
    walks = text[text.index("## Follow one sample") : text.index("## Rules")]
    stops = re.findall(r"`((?:\w+/)+\w+\.py)`(?: `([\w.]+)`)?", walks)
    assert len(stops) > 20
    for path, function in stops:
        code = (ROOT / "src" / "mores" / path).read_text("utf-8")
        name = function.rpartition(".")[2]
        assert not name or re.search(rf"\bdef {name}\(|^{name} = ", code, re.M), (path, name)


def test_every_room_has_a_caption():
    text = (DOCS / "architecture.md").read_text("utf-8")
    rooms = {p.name for p in (ROOT / "src" / "mores").iterdir() if p.suffix == ".py"}
    rooms |= {f"{p.parent.name}/" for p in (ROOT / "src" / "mores").glob("*/__init__.py")}
    captioned = {name for name in rooms if re.search(rf"^[├└│ ]+{re.escape(name)} +\S", text, re.M)}
    assert rooms - captioned == {"__init__.py", "__main__.py"}


def test_every_page_is_in_the_navigation():
    config = (ROOT / "mkdocs.yml").read_text("utf-8")
    for page in DOCS.glob("*.md"):
        assert page.name in config


def test_setup_names_the_tested_torch():
    assert "torch==2.13.0" in (ROOT / "constraints.txt").read_text("utf-8").split()
