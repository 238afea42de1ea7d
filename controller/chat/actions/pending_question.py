"""What a person is asked before something is done: a `y` on the next line carries it out, any other line does not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from controller.chat.actions.action_interface import ActionResult

YES = frozenset({"y", "yes"})


@dataclass(frozen=True)
class PendingQuestion:
    carry_out: Callable[[], Awaitable[ActionResult]]


def is_yes(text: str) -> bool:
    return text.strip().lower() in YES
