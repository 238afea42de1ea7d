"""The documents and the heads of modules name modules, tests and pages by their path; each must exist, also after a
rename."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BASES = ("", "gateway", "sidecar", "controller", "docs")  # a design page may name a module from its package on
PATH = re.compile(r"(?<![\w./~-])((?:[\w-]+/)+\w[\w-]*\.(?:py|toml|json))\b(?!/)(?:: (\w+)`)?")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[\w-]*)?\)")
EXAMPLES = frozenset({"src/app.py", "rules/mine.toml"})  # files of a user's project
MIN_PATHS = 150
MIN_PATHS_IN_HEADS = 20


def named_paths() -> list[tuple[str, str, str]]:
    rows = {
        (str(document.relative_to(ROOT)), path, name)
        for document in DOCUMENTS
        for path, name in PATH.findall(document.read_text())
        if path not in EXAMPLES
    }
    return sorted(rows)


def links() -> list[tuple[str, str]]:
    rows = {(str(page.relative_to(ROOT)), target) for page in DOCUMENTS for target in LINK.findall(page.read_text())}
    return sorted(rows)


def paths_in_heads() -> list[tuple[str, str, str]]:
    """A path that begins with one of our packages, in the docstring of a module."""
    files = [file for package in BASES[1:4] for file in sorted((ROOT / package).rglob("*.py"))]
    heads = [(file, ast.get_docstring(ast.parse(file.read_text())) or "") for file in files]
    return [
        (str(file.relative_to(ROOT)), path, name)
        for file, head in heads
        for path, name in PATH.findall(head)
        if path.startswith(BASES[1:4]) and not Path(path).stem.isupper()  # `NAME.py` stands for any
    ]


def file_at(path: str) -> Path | None:
    return next((ROOT / base / path for base in BASES if (ROOT / base / path).is_file()), None)


def defines(text: str, name: str) -> bool:
    definition = rf"^\s*(?:async def|def|class) {name}\b|^\s*{name}\b(?::[^=]+)? = |^    {name}: "
    return re.search(definition, text, re.MULTILINE) is not None


@pytest.mark.parametrize(("document", "path", "name"), [*named_paths(), *paths_in_heads()])
def test_a_named_file_is_there_and_defines_the_name(document: str, path: str, name: str) -> None:
    file = file_at(path)
    assert file is not None, f"{document} names {path}, which is not there"
    assert not name or defines(file.read_text(), name), f"{document} names {name}, which {path} does not define"


@pytest.mark.parametrize(("document", "target"), links())
def test_a_link_leads_to_a_file(document: str, target: str) -> None:
    assert (ROOT / document).parent.joinpath(target).exists()


def test_the_documents_name_many_files() -> None:
    assert len(named_paths()) >= MIN_PATHS
    assert len(paths_in_heads()) >= MIN_PATHS_IN_HEADS
