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

# Higher numbers may import lower ones. Rooms on one level do not know of each other.
LEVELS = {
    "cli": 14,
    "api": 13,
    "measures_api": 12,
    "rate_api": 12,
    "revise_api": 12,
    "rate_upkeep_api": 12,
    "pipeline": 12,
    "planner": 11,
    "report": 10,
    "revise": 10,
    "measure": 9,
    "rate": 9,
    "sample": 8,
    "tune": 7,
    "curate": 6,
    "seal": 6,
    "rounds": 6,
    "layout": 5,
    "study": 4,
    "layers": 3,
    "config": 3,
    "charter": 3,
    "arms": 2,
    "store": 2,
    "records": 1,
    "errors": 0,
}
# Rooms beside the line: what they may import, and who may import them.
STATS_MAY = {"records", "errors"}
STATS_FOR = {
    "measure",
    "rate",
    "report",
    "revise",
    "curate",
    "planner",
    "pipeline",
    "api",
    "measures_api",
    "rate_api",
    "rate_upkeep_api",
    "cli",
}
SIDE_MAY = {
    "models": {"store", "records", "errors", "assets"},
    "assets": {"store", "records", "errors"},
    "progress": set(),
    "starter": {"store", "errors"},
    "doctor": {"store", "records", "errors", "models", "assets", "rate"},
    "execute": {"store", "records", "errors"},
}
SIDE_FOR = {
    "models": {"tune", "sample", "measure", "doctor"},
    "assets": {"models", "measure", "doctor"},
}
TOP = {
    "cli",
    "api",
    "measures_api",
    "rate_api",
    "rate_upkeep_api",
    "revise_api",
    "pipeline",
    "planner",
}
HEAVY = ("torch", "transformers", "matplotlib", "scipy", "peft", "sklearn")


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


def allowed(own: str, other: str) -> bool:
    if own == other or other == "__version__":
        return True
    if own == "stats":
        return other in STATS_MAY
    if other == "stats":
        return own in STATS_FOR
    if own in SIDE_MAY:
        return other in SIDE_MAY[own]
    if other in SIDE_FOR:
        return own in SIDE_FOR[other] | TOP
    if other in SIDE_MAY:  # progress and the like carry nothing and may be used anywhere
        return LEVELS.get(own, 0) >= LEVELS["tune"]
    if (own, other) == ("charter", "store"):
        return True
    if own in LEVELS and other in LEVELS:
        return LEVELS[own] > LEVELS[other]
    return False


def test_imports_run_one_way():
    wrong = [
        f"{name(path)}:{line} imports {module}"
        for path in FILES
        if path != SRC / "__init__.py"  # lists the public names of all rooms
        for line, module in imported(path)
        if not allowed("cli" if path == SRC / "__main__.py" else room(path), module.split(".")[1])
    ]
    assert wrong == []


def test_every_room_has_a_place_in_the_order():
    rooms = {room(p) for p in FILES if any(p.parent.rglob("*.py"))} - {"__init__", "__main__"}
    assert rooms - {"stats"} <= set(LEVELS) | set(SIDE_MAY)


def test_the_check_of_directions_can_fail():
    """The order above refuses what it should refuse."""
    assert [
        (own, other)
        for own, other in [
            ("tune", "sample"),
            ("stats", "store"),
            ("store", "study"),
            ("models", "tune"),
            ("measure", "rate"),
            ("charter", "study"),
            ("tune", "stats"),
            ("curate", "models"),
            ("store", "progress"),
        ]
        if allowed(own, other)
    ] == []
    source = "def f():\n    from mores import tune\n    import mores.sample.run\n"
    assert list(imported(SRC / "store.py", source)) == [(2, "mores.tune"), (3, "mores.sample.run")]
    relative = "from . import loop\nfrom ..store import lock\n"
    assert [name for _, name in imported(SRC / "tune" / "run.py", relative)] == [
        "mores.tune",
        "mores.store",
    ]


def test_no_file_is_two_files():
    lines = {name(path): len(path.read_text("utf-8").splitlines()) for path in FILES}
    assert {path: count for path, count in lines.items() if count > 400} == {}


def modules() -> list[str]:
    names = [
        "mores",
        "mores.study",
        "mores.stats",
        "mores.study.charter",
        "mores.study.arms",
        "mores.study.folders",
    ]
    names += ["mores.store", "mores.progress"]
    return [*names, "mores.cli"] if (SRC / "cli").exists() else names


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
