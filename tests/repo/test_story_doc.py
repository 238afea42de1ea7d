"""The story of a message names files and functions; they must be there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`((?:gateway|sidecar|controller|tests)/[\w/]+\.py)(?::\s+(\w+))?`")


def references() -> list[tuple[str, str]]:
    text = (ROOT / "docs" / "story-of-a-message.md").read_text()
    return sorted(set(NAMED.findall(text)))


@pytest.mark.parametrize(("file", "name"), references())
def test_what_the_story_names_is_there(file: str, name: str) -> None:
    source = (ROOT / file).read_text()
    if name:
        assert re.search(rf"^\s*(?:async def|def|class) {name}\b", source, re.MULTILINE)


def test_the_story_names_enough() -> None:
    assert len(references()) > 30
