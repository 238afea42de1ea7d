"""Text with the word frequencies of a team of people and agents. The same on every run."""

from __future__ import annotations

import random
from collections.abc import Iterator

COMMON = (  # noqa: SIM905 - words in a row read better than a list of strings
    "the a to and of in is it that for on with as this be at by from or not we you can are have will should "
    "test tests code file error build review deploy server config database cache branch merge fix bug log "
    "function class module version release request response token queue message agent"
).split()
SYLLABLES = "ba co de fi gu ha jo ki lo mu na pe qui ra si to ur va wen xo yel zan".split()  # noqa: SIM905
RARE_WORDS = 20_000


def vocabulary() -> list[str]:
    """Common words, then invented ones in place of identifiers and names."""
    made: dict[str, None] = dict.fromkeys(COMMON)
    source = random.Random(7)
    while len(made) < RARE_WORDS:
        made["".join(source.choices(SYLLABLES, k=source.randint(2, 4)))] = None
    return list(made)


def words(seed: int = 1) -> Iterator[str]:
    """Endless words by Zipf's law."""
    source = random.Random(seed)
    known = vocabulary()
    weights = [1 / rank for rank in range(1, len(known) + 1)]
    while True:
        yield from source.choices(known, weights, k=10_000)


def texts(size: int, seed: int = 1) -> Iterator[str]:
    """Endless lines of exactly `size` bytes."""
    line = ""
    for word in words(seed):
        line += word + " "
        if len(line) >= size:
            yield line[:size]
            line = ""
