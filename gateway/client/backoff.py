"""How long to wait before the next try. Pure: randomness is an argument."""

from __future__ import annotations

from collections.abc import Callable, Iterator

FIRST_DELAY_S = 0.2
MAX_DELAY_S = 10.0


def retry_delays(chance: Callable[[], float]) -> Iterator[float]:
    """Delays from 0.2 s, doubling up to 10 s, without end. Each is shortened by a random part of up to half, so that
    many clients do not reconnect at the same moment."""
    delay = FIRST_DELAY_S
    while True:
        yield delay * (1 - chance() / 2)
        delay = min(MAX_DELAY_S, delay * 2)
