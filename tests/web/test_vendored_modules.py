"""The modules of others in the page are what VERSIONS says, and name no other host."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path

import pytest

VENDOR = Path(__file__).parents[2] / "gateway/web/page/vendor"
MODULES = tomllib.loads((VENDOR / "VERSIONS").read_text())["module"]
FREE_LICENCES = {"MIT", "Apache-2.0", "BSD-3-Clause", "ISC"}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module["file"]))
def test_a_module_is_the_one_that_was_fetched(module: dict[str, str]) -> None:
    assert hashlib.sha256((VENDOR / module["file"]).read_bytes()).hexdigest() == module["sha256"]
    assert module["licence"] in FREE_LICENCES
    assert (VENDOR / module["licence_file"]).stat().st_size > 500


def test_nothing_else_lies_there() -> None:
    told = {module[field] for module in MODULES for field in ("file", "licence_file")}
    assert {path.name for path in VENDOR.iterdir()} == {*told, "VERSIONS"}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module["file"]))
def test_a_module_imports_only_its_neighbours(module: dict[str, str]) -> None:
    imported = re.findall(r"""\b(?:from|import)\s*\(?["']([^"']+)["']""", (VENDOR / module["file"]).read_text())
    assert set(imported) <= {f"./{one['file']}" for one in MODULES}
