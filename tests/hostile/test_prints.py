"""All printing goes through one module, which makes text printable."""

from __future__ import annotations

import ast
import re
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
    "gateway/console/standard_streams.py": "the one place",
    "controller/cli/completion/main.py": "words for the shell that asked, without characters that are not printed",
    "gateway/maintenance/deploy/health_probe.py": "what the container's own gateway says of its health, in JSON",
    "gateway/mcp/http.py": "a word to the gateway that started it",
    "gateway/mcp/files/masking_process.py": "an answer to the process that started it",
    "controller/view/text/markdown_rows.py": "it renders into memory",
    "sidecar/demo_agent/app.py": "an agent of its own, that speaks to no room",
}
# What takes time is to parse a file: only one with the last part of such a name is.
LAST_PART = re.compile(rf"\b(?:{'|'.join({one.rpartition('.')[2] for one in PRINTS})})\b")


def prints_of(path: Path) -> Iterator[str]:
    code = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(code)) if LAST_PART.search(code) else ():
        if isinstance(node, ast.Call) and ast.unparse(node.func) in PRINTS:
            yield f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node.func)}"


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_else_prints(package: str) -> None:
    files = (path for path in sorted((ROOT / package).rglob("*.py")) if str(path.relative_to(ROOT)) not in ALLOWED)
    assert [one for path in files for one in prints_of(path)] == []


def test_the_exceptions_are_still_needed() -> None:
    assert [name for name in ALLOWED if not list(prints_of(ROOT / name))] == []
