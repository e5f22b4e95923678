"""Rules of the house that no type checker sees: directions of import, sizes, unsafe calls."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SRC = Path(__file__).parent.parent / "src" / "mores"
FILES = sorted(SRC.rglob("*.py"))

# The rooms from the ground up: a room imports rooms that stand before it, deferred imports counted.
ORDER = (
    "errors",
    "records",
    "json_text",
    "plugins",
    "store",
    "tables",
    "step",
    "progress",
    "stats",
    "remote",
    "execute",
    "web",
    "study",
    "weights",
    "curate",
    "consult",
    "tune",
    "sample",
    "measure",
    "rate",
    "plan",
    "report",
    "trace",
    "revise",
    "desk",
    "vary",
    "release",
    "tasks",
    "run",
    "cli",
)
STATS_MAY = {"errors", "records"}
"""Statistics are pure arithmetic."""
EXECUTE_MAY = {"errors", "records", "store", "step", "progress", "plugins"}
"""Where tasks run knows nothing of what they do."""
BESIDE = {("measure", "rate"), ("rate", "measure"), ("weights", "study"), ("progress", "store")}
"""Pairs (from, to) that stand side by side and do not know of each other."""
HEAVY = (
    "torch",
    "transformers",
    "resvg_py",
    "scipy",
    "peft",
    "sklearn",
    "httpx",
    "tenacity",
    "ray",
    "av",
    "PIL",
    "submitit",
)


def name(path: Path) -> str:
    return path.relative_to(SRC).as_posix()


def room(path: Path) -> str:
    return path.relative_to(SRC).parts[0].removesuffix(".py")


def imported(path: Path, source: str | None = None) -> Iterator[tuple[int, str]]:
    """Modules of mores that a file imports, anywhere in it, with the line."""
    package = ("mores", *path.relative_to(SRC).parts[:-1])
    for node in ast.walk(ast.parse(source or path.read_text("utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            names = (
                [f"mores.{alias.name}" for alias in node.names] if module == "mores" else [module]
            )
        yield from ((node.lineno, module) for module in names if module.startswith("mores."))


def allowed(room: str, other: str) -> bool:
    if room == other or other == "__init__":
        return True
    if room == "stats":
        return other in STATS_MAY
    if room == "execute":
        return other in EXECUTE_MAY
    return ORDER.index(room) > ORDER.index(other) and (room, other) not in BESIDE


def target(module: str) -> Path:
    """The file that an imported module is; of ``mores.store.lock`` that of ``mores.store``."""
    path = SRC.joinpath(*module.split(".")[1:])
    if path.is_dir():
        return path / "__init__.py"
    file = path.with_suffix(".py")
    return file if file.exists() else target(module.rpartition(".")[0])


def graph(files: list[Path] = FILES) -> dict[Path, set[Path]]:
    """File → files that it imports, the package's faces included, type checking included."""
    arrows: dict[Path, set[Path]] = {}
    for path in files:
        arrows[path] = set()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mores"):
                module = node.module or ""
                arrows[path] |= {target(f"{module}.{alias.name}") for alias in node.names}
            elif isinstance(node, ast.Import):
                names = [a.name for a in node.names if a.name.startswith("mores.")]
                arrows[path] |= {target(name) for name in names}
        arrows[path] -= {path}
    return arrows


def circles(arrows: dict[Path, set[Path]]) -> list[list[str]]:
    """Groups of files that can each be reached from each other."""
    import networkx as nx

    tied = nx.strongly_connected_components(nx.DiGraph(arrows))
    return sorted(sorted(map(name, group)) for group in tied if len(group) > 1)


def test_imports_run_one_way():
    wrong = [
        f"{name(path)}:{line} imports {module}"
        for path in FILES
        if path != SRC / "__init__.py"  # lists the public names of all rooms
        for line, module in imported(path)
        if not allowed("cli" if path == SRC / "__main__.py" else room(path), room(target(module)))
    ]
    assert wrong == []


def test_every_room_has_a_place_in_the_order():
    rooms = {room(path) for path in FILES} - {"__init__", "__main__"}
    assert rooms == set(ORDER)
    assert len(rooms) <= 30


def test_there_are_no_circles():
    """`mores/__init__.py` lists the rooms for type checkers and is left out as a start."""
    arrows = graph([path for path in FILES if path != SRC / "__init__.py"])
    assert circles(arrows) == []


def test_the_checks_of_directions_can_fail(tmp_path):
    """The order above refuses what it should refuse."""
    assert [
        (room, other)
        for room, other in [
            ("tune", "sample"),
            ("stats", "store"),
            ("execute", "tables"),
            ("store", "study"),
            ("weights", "tune"),
            ("weights", "study"),
            ("measure", "rate"),
            ("plan", "report"),
            ("report", "revise"),
            ("step", "study"),
            ("run", "cli"),
        ]
        if allowed(room, other)
    ] == []
    source = "def f():\n    from mores import tune\n    import mores.sample.run\n"
    assert list(imported(SRC / "store.py", source)) == [(2, "mores.tune"), (3, "mores.sample.run")]
    relative = "from . import loop\nfrom ..store import lock\n"
    assert [name for _, name in imported(SRC / "tune" / "run.py", relative)] == [
        "mores.tune",
        "mores.store",
    ]
    a, b, c = (SRC / f"{letter}.py" for letter in "abc")
    assert circles({a: {b}, b: {c}, c: {b}}) == [["b.py", "c.py"]]
    assert SRC / "sample" / "engine.py" in graph()[SRC / "sample" / "grid.py"]  # a deferred import


def test_no_two_test_files_have_one_name():
    # pytest takes the second for the first, and stops: only a run of all tests would show it.
    names = [p.name for p in Path(__file__).parent.rglob("test_*.py")]
    assert sorted(n for n in set(names) if names.count(n) > 1) == []


def test_no_file_is_two_files():
    lines = {name(path): len(path.read_text("utf-8").splitlines()) for path in FILES}
    assert {path: count for path, count in lines.items() if count > 400} == {}


def modules() -> list[str]:
    light = ["study", "stats", "store", "step", "progress", "tune", "cli"]
    return ["mores", *(f"mores.{name}" for name in light)]


def test_heavy_libraries_wait_until_they_are_needed():
    """One process: the light modules together import none of the heavy libraries."""
    code = (
        f"import importlib, sys\n"
        f"for name in {modules()!r}:\n"
        f"    importlib.import_module(name)\n"
        f"    print(name, sorted(set({HEAVY!r}) & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{name} []" for name in modules()]


def code_only(path: Path) -> str:
    """A file's code without comments, docstrings and other strings that stand alone."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [
                n
                for n in body
                if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))
            ] or [ast.Pass()]
    return ast.unparse(tree)


UNSAFE = re.compile(
    r"trust_remote_code\s*=\s*(?!False\b)|torch\.load\(|joblib\.load\(|pickle\.loads?\("
    r"|allow_pickle\s*=\s*True|(?<![\w.])(?:eval|exec)\(|shell\s*=\s*True|yaml\.load\("
)


def test_nothing_is_unpickled_and_no_foreign_code_runs():
    code = {name(path): code_only(path) for path in FILES}
    assert {path: found for path, text in code.items() if (found := UNSAFE.findall(text))} == {}
    importing = re.compile(r"^\s*(import|from) (pickle|dill|cloudpickle|joblib|shelve)\b", re.M)
    # The one restricted reader; what it refuses is tested in tests/assets/test_unpickle.py.
    assert {path for path, text in code.items() if importing.search(text)} <= {
        "weights/assets/unpickle.py"
    }


def test_the_check_of_unsafe_calls_can_fail(tmp_path):
    path = tmp_path / "x.py"
    path.write_text('"""torch.load(x)"""\nm.f(trust_remote_code=True)\nmodel.eval()\n')
    assert UNSAFE.findall(code_only(path)) == ["trust_remote_code="]
    path.write_text("torch.load(x)\nm.f(trust_remote_code=False)\n")
    assert UNSAFE.findall(code_only(path)) == ["torch.load("]


def test_models_are_loaded_from_safetensors_without_remote_code():
    calls = [
        node
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "from_pretrained"
        and "AutoModel" in ast.unparse(node.func.value)
    ]
    assert calls
    for call in calls:
        words = {k.arg: ast.unparse(k.value) for k in call.keywords}
        assert words.get("trust_remote_code", "False") == "False"
        assert words.get("use_safetensors") == "True" or "gguf_file" in words, ast.unparse(call)


MACHINE = re.compile(r"(?<![\w.~])/(?:home|root|Users|work|tmp)/\w")


def test_no_file_names_a_place_on_one_machine():
    assert [name(path) for path in FILES if MACHINE.search(path.read_text("utf-8"))] == []


def test_every_module_says_what_it_is():
    silent = [name(p) for p in FILES if not ast.get_docstring(ast.parse(p.read_text("utf-8")))]
    assert silent == []
