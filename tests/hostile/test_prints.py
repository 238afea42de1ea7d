"""What prints goes through one module, where all that is printed is made printable."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("gateway", "sidecar", "controller")
PRINTS = {
    "print",
    "typer.echo",
    "typer.secho",
    "click.echo",
    "click.secho",
    "rich.print",
    "Console",
    "rich.console.Console",
    "sys.stdout.write",
    "sys.stderr.write",
    "sys.stdout.buffer.write",
    "sys.__stdout__.write",
    "traceback.print_exc",
    "traceback.print_exception",
}
ALLOWED = {
    "gateway/client/console/console_output.py": "the one place",
    "gateway/mcp/http.py": "a word to the gateway that started it",
    "gateway/mcp/files/masking_process.py": "an answer to the process that started it",
    "controller/view/markdown_rows.py": "it renders into memory",
    "sidecar/demo_agent/app.py": "an agent of its own, that speaks to no room",
}


def prints_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in PRINTS:
            yield f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node.func)}"


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_else_prints(package: str) -> None:
    files = (path for path in sorted((ROOT / package).rglob("*.py")) if str(path.relative_to(ROOT)) not in ALLOWED)
    assert [one for path in files for one in prints_of(path)] == []


def test_the_exceptions_are_still_needed() -> None:
    assert [name for name in ALLOWED if not list(prints_of(ROOT / name))] == []
