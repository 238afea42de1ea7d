"""Each promise of docs/security.md names the test that holds it; that test is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`")


def promises() -> list[tuple[str, str, str | None]]:
    text = (ROOT / "docs" / "security.md").read_text()
    section = text.split("## What is promised")[1].split("\n## ")[0]
    rows = [row for row in section.splitlines() if row.startswith("|")][2:]
    return [(row.split("|")[1].strip(), *held_by(row)) for row in rows]


def held_by(row: str) -> tuple[str, str | None]:
    found = TEST.search(row)
    assert found is not None, f"no test is named: {row}"
    return found[1], found[2]


@pytest.mark.parametrize(("promise", "file", "name"), promises())
def test_what_holds_a_promise_is_there(promise: str, file: str, name: str | None) -> None:
    source = (ROOT / file).read_text()
    wanted = name or r"test_\w+"
    assert re.search(rf"^(?:async )?def {wanted}\b", source, re.MULTILINE), promise


def test_the_page_promises_enough() -> None:
    assert len(promises()) > 30
