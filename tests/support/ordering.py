"""The order of tests: the slowest folders first, then what is marked slow, so that no core waits for the last test; or
shuffled, to show that no test needs another.
"""

from __future__ import annotations

import random
from functools import cache
from itertools import groupby
from pathlib import Path

import pytest

FIRST = ("real_clis", "end_to_end")  # the folders whose tests take longest
MARKS = ("slow", "processes")  # then these; the others last
TESTS = Path(__file__).parents[1]


def longest_first(items: list[pytest.Item]) -> None:
    items.sort(key=_kind)


def _kind(item: pytest.Item) -> int:
    folder = _folder(item.path)
    if folder in FIRST:
        return FIRST.index(folder)
    return len(FIRST) + next((place for place, mark in enumerate(MARKS) if item.get_closest_marker(mark)), len(MARKS))


@cache
def _folder(path: Path) -> str:
    return path.relative_to(TESTS).parts[0] if path.is_relative_to(TESTS) else ""


def shuffle(items: list[pytest.Item], seed: int) -> None:
    """Shuffle the files, and the tests within each file, so that shared fixtures of a file are still made once."""
    chance = random.Random(seed)
    files = [list(tests) for _, tests in groupby(items, key=lambda item: item.path)]
    chance.shuffle(files)
    for tests in files:
        chance.shuffle(tests)
    items[:] = [item for tests in files for item in tests]
