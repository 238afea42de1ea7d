"""The one way into the agent's terminal: it notes who ends a turn by a key."""

from __future__ import annotations

from typing import Protocol

from gateway.protocol.types import Activity
from sidecar.activity.observation_loop import ObservationLoop
from sidecar.delivery.delivery_progress import DeliveryProgress
from sidecar.delivery.terminal_writer import TerminalWriter
from sidecar.screen.evidence import human_keys_in, is_abort

BY_NOBODY_KNOWN, AT_TERMINAL = "before an answer", "at its terminal"


class TerminalInput(Protocol):
    """As `sidecar.terminal.pty.Terminal` is."""

    def write(self, data: bytes) -> None: ...

    @property
    def unwritten(self) -> int: ...


class AgentInput:
    def __init__(self, terminal: TerminalInput, observation_loop: ObservationLoop, progress: DeliveryProgress) -> None:
        self._terminal, self._observation_loop, self._progress = terminal, observation_loop, progress
        self.writer = TerminalWriter(self._write, lambda: terminal.unwritten)
        self._how = BY_NOBODY_KNOWN

    def pressed(self, keys: bytes, how: str) -> None:
        """As a person's: whoever looks at the screen must know that it is not the agent who typed."""
        self.put_in(keys, how)
        self._observation_loop.keys(keys)

    def put_in(self, keys: bytes, how: str) -> None:
        """`how` is said of the messages whose turn these keys end."""
        self._how = how
        self.writer.keys(keys)
        self._how = BY_NOBODY_KNOWN

    def _write(self, data: bytes) -> None:
        if is_abort(human_keys_in(data)):
            self._cut()
        self._terminal.write(data)

    def _cut(self) -> None:
        """A key that ends a turn is on its way to the agent."""
        if self._observation_loop.look().verdict.activity in (Activity.BUSY, Activity.ASKING):
            self._progress.note_interruption(self._how)
