"""The page's own files: they load only each other, are small, and never make a document of what somebody wrote."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.web.page_files import PAGE_FOLDER, VERSION_MARK, page_in

MAX_FIRST_LOAD_BYTES = 150_000
VENDOR = PAGE_FOLDER / "vendor"
OWN = sorted(
    path
    for path in PAGE_FOLDER.rglob("*")
    if path.suffix in {".js", ".css", ".html"} and not path.is_relative_to(VENDOR)
)
IMPORT = re.compile(r"""\b(?:from|import)\s*\(?["']([^"']+)["']""")
DANGEROUS = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|srcdoc|\beval\(|new Function|\bstyle=|javascript:",
    re.IGNORECASE,
)
OTHER_ADDRESS = re.compile(r"\burl\(|@import|https?://(?!127\.0\.0\.1\b|HOST\b)")


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.relative_to(PAGE_FOLDER).as_posix())
def test_a_file_loads_only_files_of_the_page(path: Path) -> None:
    text = path.read_text()
    missing = [name for name in IMPORT.findall(text) if path.suffix == ".js" and not (path.parent / name).is_file()]
    assert missing == []
    code = re.sub(r"^\s*(//|\*|/\*).*$", "", text, flags=re.MULTILINE)
    assert OTHER_ADDRESS.findall(code) == []


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.relative_to(PAGE_FOLDER).as_posix())
def test_a_file_has_nothing_that_makes_code_or_style_of_text(path: Path) -> None:
    assert DANGEROUS.findall(path.read_text()) == []


def test_the_index_names_files_that_are_served_and_no_inline_code() -> None:
    page, text = page_in(PAGE_FOLDER), (PAGE_FOLDER / "index.html").read_text()
    named = re.findall(rf'(?:src|href)="/web/{re.escape(VERSION_MARK)}/([^"]+)"', text)
    assert named and set(named) <= set(page.files)
    assert re.findall(r"<style|<script(?![^>]* src=)| on[a-z]+=", text) == []


def test_the_index_names_each_module_so_that_none_waits_for_another() -> None:
    page = page_in(PAGE_FOLDER)
    named = re.findall(rf'<link rel="modulepreload" href="/web/{page.version}/([^"]+)">', page.index.content.decode())
    assert named == sorted(name for name in page.files if name.endswith(".js"))


def test_the_first_load_is_small() -> None:
    """All files but licences, as a browser gets them. A page that grows beyond this waits on a phone."""
    page = page_in(PAGE_FOLDER)
    loaded = [file for name, file in page.files.items() if not name.endswith(".txt")]
    assert sum(len(file.compressed) for file in [page.index, *loaded]) < MAX_FIRST_LOAD_BYTES
