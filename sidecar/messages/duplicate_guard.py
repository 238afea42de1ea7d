"""Exactly once: how far a number came, and which prompt the submit hook refuses at the model's own door. Pure."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum


class MessageProgress(IntEnum):
    """How far a number came. Before CONSUMED nothing proves that the model got it; from SUBMITTING on it may have.
    OVER: the room has heard the end. RELEASED: a person ordered it again."""

    TYPING = 1
    SUBMITTING = 2
    ACCEPTED = 3
    CONSUMED = 4
    OVER = 5
    RELEASED = 0


ALREADY_READ_TEXT = "this message was read before: it is not given to the model twice"


def refusal_of_repeat(numbers: frozenset[int], pressed: frozenset[int], was_consumed: Callable[[int], bool]) -> str:
    """`pressed` are the numbers for which this sidecar pressed Enter and no hook has come yet. Whatever else holds a
    number, a person submits: a recalled prompt, a quotation. That is never refused."""
    ours = bool(numbers) and numbers <= pressed
    return ALREADY_READ_TEXT if ours and all(map(was_consumed, numbers)) else ""
