"""The layout and the names keep what a reader relies on: few files at the top, no circle, one meaning for each name."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("gateway", "sidecar", "controller")
MAX_FILES_AT_THE_TOP = 6

# One thing, named where each side needs it.
SHARED_CLASSES: dict[str, str] = {}


def modules() -> dict[str, Path]:
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


MODULES = modules()
TREES = {name: ast.parse(path.read_text()) for name, path in MODULES.items()}


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """What is run at import, also in `if` and `try`, but for what only type checkers read."""
    for one in body:
        yield one
        if isinstance(one, ast.If) and ast.unparse(one.test) != "TYPE_CHECKING":
            yield from statements(one.body + one.orelse)
        elif isinstance(one, ast.Try):
            yield from statements(one.body)


def imports(name: str) -> set[str]:
    """Modules of ours that are loaded when this one is."""
    found = set()
    for one in statements(TREES[name].body):
        if isinstance(one, ast.ImportFrom) and one.module:
            for alias in one.names:
                inner = f"{one.module}.{alias.name}"
                found.add(inner if inner in MODULES else one.module)
        elif isinstance(one, ast.Import):
            found |= {alias.name for alias in one.names}
    return (found & set(MODULES)) - {name}


@pytest.mark.parametrize("package", PACKAGES)
def test_few_files_stand_directly_in_a_package(package: str) -> None:
    assert len(list((ROOT / package).glob("*.py"))) <= MAX_FILES_AT_THE_TOP


def test_no_module_imports_itself_by_way_of_others() -> None:
    try:
        TopologicalSorter({name: imports(name) for name in MODULES}).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_no_class_carries_the_name_of_another() -> None:
    defined = defaultdict(list)
    for name, tree in TREES.items():
        for one in tree.body:
            if isinstance(one, ast.ClassDef) and not one.name.startswith("_"):
                defined[one.name].append(name)
    assert {name: places for name, places in defined.items() if len(places) > 1 and name not in SHARED_CLASSES} == {}


def test_every_folder_says_what_it_holds() -> None:
    folders = {path.parent for path in MODULES.values()}
    silent = [
        str(folder.relative_to(ROOT))
        for folder in sorted(folders)
        if not (folder / "__init__.py").exists()
        or not ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
    ]
    assert silent == []
