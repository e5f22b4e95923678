"""The documentation says what the code does: commands, options, links, exports."""

from __future__ import annotations

import importlib.util
import inspect
import re
from pathlib import Path

import click
import pytest

import mores
from mores import api
from mores.cli import COMMANDS, MEASURES, RATINGS, show, show_ratings, show_revise
from mores.cli import mores as program
from mores.cli.build import command, read_docstring

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
FUNCTIONS = [f for table in (COMMANDS, MEASURES, RATINGS) for f, _ in table.values()]


def _generator():
    spec = importlib.util.spec_from_file_location("generate_cli", DOCS / "generate_cli.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_cli_page_is_what_help_says():
    assert (DOCS / "cli.md").read_text("utf-8") == _generator().page()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_options_are_the_functions_parameters(function):
    built = command("x", function)
    parameters = list(inspect.signature(getattr(api, function)).parameters)
    assert [p.name for p in built.params] == parameters


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_option_is_explained(function):
    text, described = read_docstring(getattr(api, function))
    assert text.strip()
    assert set(described) == set(inspect.signature(getattr(api, function)).parameters)


def test_every_function_has_its_printer_and_every_printer_its_function():
    names = [*vars(show), *vars(show_ratings), *vars(show_revise)]
    printers = {n.removeprefix("show_") for n in names if n.startswith("show_")}
    assert printers == set(FUNCTIONS)


def test_every_command_appears_in_the_docs():
    context = click.Context(program)
    text = (DOCS / "cli.md").read_text("utf-8")
    for name in program.list_commands(context):
        assert f"## mores {name}\n" in text


def test_public_names_can_be_had():
    for name in mores.__all__:
        assert getattr(mores, name) is not None
    assert set(api.__all__) - {"CheckResult", "SampleResult"} <= set(mores.__all__)


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda p: p.name)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_page_is_in_the_navigation():
    config = (ROOT / "mkdocs.yml").read_text("utf-8")
    for page in DOCS.glob("*.md"):
        assert page.name in config


def test_setup_names_the_tested_torch():
    assert "torch==2.13.0" in (ROOT / "constraints.txt").read_text("utf-8").split()
