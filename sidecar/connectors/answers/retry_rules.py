"""Decides whether a request to a model that failed is made again, and when. Pure: chance is an argument."""

from __future__ import annotations

from sidecar.connectors.connector_interface import ModelError

MAX_TRIES = 5
FIRST_PAUSE_S, MAX_PAUSE_S = 0.5, 30.0
MAX_ORDERED_PAUSE_S = 600.0  # a server that wants a longer one has a limit that a person should know of


def pause_before_retry(error: ModelError, tries: int, chance: float) -> float | None:
    """Seconds to wait after this many tries; None: give up. `chance` is between 0 and 1, so that many connectors that
    failed together do not come back together."""
    if not error.is_temporary or tries >= MAX_TRIES:
        return None
    if error.retry_after is not None:
        return error.retry_after if error.retry_after <= MAX_ORDERED_PAUSE_S else None
    return float(min(MAX_PAUSE_S, FIRST_PAUSE_S * 2 ** (tries - 1)) * (0.5 + chance / 2))


def give_up_text(error: ModelError, tries: int) -> str:
    """The reason of a failed delivery."""
    words = str(error)
    if error.is_temporary and error.retry_after is not None and error.retry_after > MAX_ORDERED_PAUSE_S:
        return f"{words}; it asks to wait {error.retry_after:.0f} s"
    return f"{words}; asked {tries} times" if tries > 1 else words
