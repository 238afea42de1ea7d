"""Delivers exactly once: records how far a message came, and decides which prompts the submit hook refuses. Pure."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum


class MessageProgress(IntEnum):
    """How far a message came. Before CONSUMED nothing proves that the model got it; from SUBMITTING on it may have.
    OVER: the room knows the end. RELEASED: a person ordered it again."""

    TYPING = 1
    SUBMITTING = 2
    ACCEPTED = 3
    CONSUMED = 4
    OVER = 5
    RELEASED = 0


ALREADY_READ_TEXT = "this message was read before: it is not given to the model twice"


def refusal_of_repeat(numbers: frozenset[int], pressed: frozenset[int], was_consumed: Callable[[int], bool]) -> str:
    """`pressed`: the numbers for which this sidecar pressed Enter and no hook has come yet. Any other prompt with a
    number comes from a person, who recalled or quoted it. It is never refused."""
    ours = bool(numbers) and numbers <= pressed
    return ALREADY_READ_TEXT if ours and all(map(was_consumed, numbers)) else ""
