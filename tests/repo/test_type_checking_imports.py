"""A name that is imported for the type checker alone is not there when the program runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("gateway", "sidecar", "controller", "benchmarks", "tests")
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def is_for_type_checking(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def names_imported(nodes: list[ast.AST]) -> set[str]:
    found = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    return {(one.asname or one.name).partition(".")[0] for node in found for one in node.names}


def used_at_run(source: str) -> list[tuple[int, str]]:
    """Lines that use such a name in a function that does not make it itself. Annotations do not count."""
    if "TYPE_CHECKING" not in source:
        return []
    module = ast.parse(source)
    for_types = [node for node in module.body if is_for_type_checking(node)]
    names = names_imported([inner for node in for_types for inner in ast.walk(node)])
    rest = [node for node in module.body if node not in for_types]
    return [found for node in rest for found in uses(node, names)] if names else []


def uses(node: ast.AST, names: set[str]) -> Iterator[tuple[int, str]]:
    if isinstance(node, Function):
        names = names - made_in(node)
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
        yield node.lineno, node.id
    for field, child in ast.iter_fields(node):
        if field not in ("annotation", "returns"):
            for one in child if isinstance(child, list) else [child]:
                if isinstance(one, ast.AST):
                    yield from uses(one, names)


def made_in(function: Function) -> set[str]:
    inside = list(ast.walk(function))
    stored = {one.id for one in inside if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    return names_imported(inside) | stored | {one.arg for one in inside if isinstance(one, ast.arg)}


HEAD = "if TYPE_CHECKING:\n    from a import b, c as d\n"


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("def f(x: b) -> d:\n    y: b = 1\n", []),
        ("def f():\n    return b.z\n", [(4, "b")]),
        ("def f():\n    from a import b\n    return lambda: b.z\n", []),
        ("async def f(x=d): ...\n", [(3, "d")]),
        ("def f(b): return b\ndef g(): return b\n", [(4, "b")]),
    ],
)
def test_what_is_found(code: str, found: list[tuple[int, str]]) -> None:
    assert used_at_run(HEAD + code) == found


def test_no_module_uses_at_run_what_it_imports_for_types_alone() -> None:
    found = {
        str(path.relative_to(ROOT)): lines
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        if "node_modules" not in path.parts and (lines := used_at_run(path.read_text()))
    }
    assert found == {}
