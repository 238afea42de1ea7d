"""The layout and the names keep what a reader relies on: few files at the top, no circle, one meaning for each name."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("gateway", "sidecar", "controller")
MAX_FILES_AT_THE_TOP = 6
MAX_MODULES_IN_A_FOLDER = 12
ONE_FILE_FOR_EACH_VENDOR = "sidecar/agents"  # nobody reads it as a whole: a reader opens the file of one vendor

# One concept that several packages define.
SHARED_CLASSES: dict[str, str] = {}
SHARED_FUNCTIONS = {
    "main": "the entry of each program",
    **dict.fromkeys(
        ("create_token", "list_tokens", "revoke_token", "rotate_token"), "the gateway's command and its rule"
    ),
    **dict.fromkeys(("remove_member", "remove_room"), "the shell's command and its rule"),
    "remove_agent": "the shell's command and the launcher's step",
    "document_history": "the shell's command and the gateway's query",
    **dict.fromkeys(("pause_agents", "resume_agents"), "the command of the chat and of the shell"),
    **dict.fromkeys(("propose", "vote", "working"), "the agents' tool and the shell's command"),
    "set_role": "the agents' tool and its rule",
}


def modules() -> dict[str, Path]:
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


MODULES = modules()


@dataclass(frozen=True)
class ModuleNames:
    imported: frozenset[str]
    classes: frozenset[str]
    functions: frozenset[str]
    renamed: tuple[str, ...]


@cache
def names() -> dict[str, ModuleNames]:
    """Read once; the trees are too large to keep."""
    trees = ((name, ast.parse(path.read_text())) for name, path in MODULES.items())
    return {
        name: ModuleNames(
            frozenset(imports(name, tree)),
            frozenset(public(tree, ast.ClassDef)),
            frozenset(public(tree, ast.FunctionDef, ast.AsyncFunctionDef)),
            tuple(renamed(tree)),
        )
        for name, tree in trees
    }


def public(tree: ast.Module, *kinds: type[ast.stmt]) -> Iterator[str]:
    found = (getattr(one, "name", "_") for one in tree.body if isinstance(one, kinds))
    return (name for name in found if not name.startswith("_"))


def renamed(tree: ast.Module) -> Iterator[str]:
    for one in ast.walk(tree):
        if isinstance(one, ast.Import | ast.ImportFrom):
            yield from (f"{alias.name} as {alias.asname}" for alias in one.names if alias.asname)


def imports(name: str, tree: ast.Module) -> set[str]:
    """Modules of ours that this one imports: when it is loaded, inside a function, for type checkers, or by
    `import_module` with a literal name."""
    found = set()
    for one in ast.walk(tree):
        if isinstance(one, ast.ImportFrom) and one.module:
            for alias in one.names:
                inner = f"{one.module}.{alias.name}"
                found.add(inner if inner in MODULES else one.module)
        elif isinstance(one, ast.Import):
            found |= {alias.name for alias in one.names}
        elif isinstance(one, ast.Call) and ast.unparse(one.func).endswith("import_module"):
            found |= {str(argument.value) for argument in one.args if isinstance(argument, ast.Constant)}
    return (found & set(MODULES)) - {name}


@pytest.mark.parametrize("package", PACKAGES)
def test_few_files_stand_directly_in_a_package(package: str) -> None:
    assert len(list((ROOT / package).glob("*.py"))) <= MAX_FILES_AT_THE_TOP


def test_no_folder_has_more_modules_than_a_reader_takes_in_at_once() -> None:
    counts = Counter(path.parent for path in MODULES.values() if path.name != "__init__.py")
    full = {str(folder.relative_to(ROOT)): n for folder, n in counts.items() if n > MAX_MODULES_IN_A_FOLDER}
    assert set(full) <= {ONE_FILE_FOR_EACH_VENDOR}


def test_no_module_imports_itself_by_way_of_others() -> None:
    try:
        TopologicalSorter({name: module.imported for name, module in names().items()}).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def defined_twice(names_in: Callable[[ModuleNames], frozenset[str]]) -> dict[str, list[str]]:
    """The public names that more than one module defines, with these modules."""
    defined = defaultdict(list)
    for name, module in names().items():
        for one in names_in(module):
            defined[one].append(name)
    return {name: places for name, places in defined.items() if len(places) > 1}


def test_no_class_carries_the_name_of_another() -> None:
    found = defined_twice(lambda module: module.classes)
    assert {name: found[name] for name in found.keys() - SHARED_CLASSES.keys()} == {}


def test_functions_with_one_name_do_one_thing() -> None:
    found = defined_twice(lambda module: module.functions)
    assert {name: found[name] for name in found.keys() - SHARED_FUNCTIONS.keys()} == {}
    assert SHARED_FUNCTIONS.keys() - found.keys() == set(), "no longer defined twice: take it out of the list"


def test_nothing_is_imported_under_another_name() -> None:
    assert [(name, one) for name, module in names().items() for one in module.renamed] == []


def test_every_folder_says_what_it_holds() -> None:
    folders = {path.parent for path in MODULES.values()}
    silent = [
        str(folder.relative_to(ROOT))
        for folder in sorted(folders)
        if not (folder / "__init__.py").exists()
        or not ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
    ]
    assert silent == []


def folders_in_order(layers: list[str], package: str) -> list[set[str]]:
    """The folders of each layer, lowest first; modules are left out."""
    named = [set(re.findall(r"\w+", layer)) for layer in reversed(layers)]
    folders = [{name for name in layer if (ROOT / package / name).is_dir()} for layer in named]
    return [layer for layer in folders if layer]


@pytest.mark.parametrize("package", PACKAGES)
def test_the_design_note_lists_the_folders_as_the_contracts_do(package: str) -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (one["layers"] for one in contracts if one.get("containers") == [package])
    note = (ROOT / "docs/design/0009-layout.md").read_text()
    table = note.split(f"| {package}, lowest first |")[1].split("\n\n")[0]
    listed = [set(re.findall(r"`(\w+)`", line.split("|")[1])) for line in table.splitlines()[2:]]
    assert listed == folders_in_order(layers, package)
