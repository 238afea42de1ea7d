"""Passes the keys of people and orders to the writer of the agent's terminal, and notes who ends a turn with a key."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from gateway.protocol.types.core_types import Activity
from sidecar.activity.observation_loop import ObservationLoop
from sidecar.delivery.message_progress import DeliveryProgress
from sidecar.delivery.terminal_writer import TerminalWriter
from sidecar.evidence.escape_sequences import human_keys_in, is_abort

BY_NOBODY_KNOWN, AT_TERMINAL = "before an answer", "at its terminal"


class TerminalInput(Protocol):
    """What `sidecar.terminal.pty.Terminal` offers for writing."""

    def write(self, data: bytes) -> None: ...

    @property
    def unwritten(self) -> int: ...


class AgentInput:
    def __init__(
        self,
        terminal: TerminalInput,
        observation_loop: ObservationLoop,
        progress: DeliveryProgress,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._terminal, self._observation_loop, self._progress = terminal, observation_loop, progress
        self.writer = TerminalWriter(self._write, lambda: terminal.unwritten, observation_loop.wait_for_output)
        self._how, self._now = BY_NOBODY_KNOWN, now
        self._person_at = float("-inf")

    def since_person(self) -> float:
        """For how long no person has pressed a key at the terminal. Ordered keys do not count."""
        return self._now() - self._person_at

    def pressed(self, keys: bytes, how: str) -> None:
        """Press keys as a person does. The observation must know that the agent did not print them."""
        if how == AT_TERMINAL and human_keys_in(keys):
            self._person_at = self._now()
        self.put_in(keys, how)
        self._observation_loop.keys(keys)

    def put_in(self, keys: bytes, how: str) -> None:
        """`how` is reported for the messages whose turn these keys end."""
        self._how = how
        self.writer.keys(keys)
        self._how = BY_NOBODY_KNOWN

    def _write(self, data: bytes) -> None:
        if is_abort(human_keys_in(data)):
            self._cut()
        self._terminal.write(data)

    def _cut(self) -> None:
        """A key that ends a turn goes to the agent."""
        if self._observation_loop.look().verdict.activity in (Activity.BUSY, Activity.ASKING):
            self._progress.note_interruption(self._how)
