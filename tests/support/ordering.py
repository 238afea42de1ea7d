"""In which order tests run: the longest kinds first, so that no core waits for the last one; or shuffled, to show that
no test needs another.
"""

from __future__ import annotations

import random
from itertools import groupby
from pathlib import Path

import pytest

FIRST = ("real_clis", "end_to_end")  # the folders whose tests take longest
TESTS = Path(__file__).parents[1]


def longest_first(items: list[pytest.Item]) -> None:
    items.sort(key=_kind)


def _kind(item: pytest.Item) -> int:
    folder = item.path.relative_to(TESTS).parts[0] if item.path.is_relative_to(TESTS) else ""
    if folder in FIRST:
        return FIRST.index(folder)
    return len(FIRST) + (item.get_closest_marker("processes") is None)


def shuffle(items: list[pytest.Item], seed: int) -> None:
    """Files in any order, and the tests of a file in any order: what a file shares is still made once."""
    chance = random.Random(seed)
    files = [list(tests) for _, tests in groupby(items, key=lambda item: item.path)]
    chance.shuffle(files)
    for tests in files:
        chance.shuffle(tests)
    items[:] = [item for tests in files for item in tests]
