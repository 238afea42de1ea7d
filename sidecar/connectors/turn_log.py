"""The plain log in the pane of a connector: a line for each thing that happens, without what was said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from gateway.protocol.events import Message
from gateway.protocol.types.agent_work import tokens_text
from gateway.protocol.types.core_types import DEFAULT_ROOM


def local_clock() -> datetime:
    return datetime.now()


class TurnLog:
    def __init__(self, write: Callable[[str], None], clock: Callable[[], datetime] = local_clock) -> None:
        self._write, self._clock = write, clock

    def line(self, text: str) -> None:
        self._write(f"{self._clock():%H:%M:%S} {text}")

    def asks(self, messages: Sequence[Message], tokens: int) -> None:
        last = messages[-1]
        names = ", ".join(dict.fromkeys(one.from_ for one in messages))
        self.line(
            f"{_numbers(messages)} of {names} in #{last.room or DEFAULT_ROOM}: asks, ~{tokens_text(tokens)} tokens"
        )

    def first_piece(self, messages: Sequence[Message], seconds: float) -> None:
        self.line(f"{_numbers(messages)}: the answer begins after {seconds:.2f} s")

    def answered(self, messages: Sequence[Message], seconds: float, tokens: int, chars: int) -> None:
        counted = f", {tokens_text(tokens)} tokens" if tokens else ""
        self.line(f"{_numbers(messages)}: answered in {seconds:.1f} s, {chars} characters{counted}")

    def waits(self, why: str, seconds: float) -> None:
        self.line(f"waits {seconds:.1f} s: {why}")

    def failed(self, messages: Sequence[Message], why: str) -> None:
        self.line(f"{_numbers(messages)}: failed: {why}")


def _numbers(messages: Sequence[Message]) -> str:
    return " ".join(f"#{one.seq}" for one in messages)
