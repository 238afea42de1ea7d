"""How long to wait before the next try. Pure: chance is an argument."""

from __future__ import annotations

from collections.abc import Callable, Iterator

FIRST_DELAY_S = 0.2
MAX_DELAY_S = 10.0


def retry_delays(chance: Callable[[], float]) -> Iterator[float]:
    """0.2 s, doubling up to 10 s, for ever, each shortened by up to half so that many clients do not come at once."""
    delay = FIRST_DELAY_S
    while True:
        yield delay * (1 - chance() / 2)
        delay = min(MAX_DELAY_S, delay * 2)
