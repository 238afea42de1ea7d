"""The only way to write to the agent's terminal. It notes who ends a turn with a key."""

from __future__ import annotations

from typing import Protocol

from gateway.protocol.types import Activity
from sidecar.activity.observation_loop import ObservationLoop
from sidecar.delivery.delivery_progress import DeliveryProgress
from sidecar.delivery.terminal_writer import TerminalWriter
from sidecar.screen.evidence import human_keys_in, is_abort

BY_NOBODY_KNOWN, AT_TERMINAL = "before an answer", "at its terminal"


class TerminalInput(Protocol):
    """What `sidecar.terminal.pty.Terminal` offers for writing."""

    def write(self, data: bytes) -> None: ...

    @property
    def unwritten(self) -> int: ...


class AgentInput:
    def __init__(self, terminal: TerminalInput, observation_loop: ObservationLoop, progress: DeliveryProgress) -> None:
        self._terminal, self._observation_loop, self._progress = terminal, observation_loop, progress
        self.writer = TerminalWriter(self._write, lambda: terminal.unwritten)
        self._how = BY_NOBODY_KNOWN

    def pressed(self, keys: bytes, how: str) -> None:
        """Press keys as a person does. The observation must know that the agent did not print them."""
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
