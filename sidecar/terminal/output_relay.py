"""Relays the agent's output to the person: every byte at once and in order. A slow terminal slows only the agent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from sidecar.evidence.escape_sequences import Probe, ProbeFilter
from sidecar.terminal.raw_terminal import TerminalOutput

MAX_UNSENT_BYTES = 1 << 18
PROBE_TIMEOUT_S = 0.02


class OutputSource(Protocol):
    """What `sidecar.terminal.pty.Terminal` offers for its output."""

    def write(self, data: bytes) -> None: ...

    def hold_output(self) -> None: ...

    def resume_output(self) -> None: ...


class OutputRelay:
    """Passes the agent's output to the person's terminal. `source` is that output: it is paused while the terminal is
    slow, and gets our answers to its queries about the terminal. `shown` is called with the output after the person got
    it."""

    def __init__(
        self, screen: int | None, probe: Probe | None, source: OutputSource, shown: Callable[[bytes], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._output = TerminalOutput(screen, self._loop, self._has_room) if screen is not None else None
        self._filter = ProbeFilter(probe) if probe else None
        self._flushing: asyncio.TimerHandle | None = None
        self._source, self._shown = source, shown

    def relay(self, data: bytes) -> None:
        if self._filter is None:
            self._show(data)
        else:
            self._show(self._without_probe(self._filter, data))

    def _without_probe(self, probe: ProbeFilter, data: bytes) -> bytes:
        if self._flushing:
            self._flushing.cancel()
            self._flushing = None
        visible, answer = probe.feed(data)
        if answer:
            self._source.write(answer)
        if probe.holding:
            self._flushing = self._loop.call_later(PROBE_TIMEOUT_S, self._let_through, probe)
        return visible

    def _let_through(self, probe: ProbeFilter) -> None:
        self._flushing = None
        self._show(probe.flush())

    def _show(self, data: bytes) -> None:
        if self._output is not None:
            self._output.write(data)
            if self._output.pending > MAX_UNSENT_BYTES:
                self._source.hold_output()
        self._shown(data)

    def _has_room(self) -> None:
        self._source.resume_output()

    def say(self, data: bytes) -> None:
        """Write bytes of our own to the terminal; they are no output of the agent."""
        if self._output is not None:
            self._output.write(data)

    async def wait_until_drained(self, patience: float) -> None:
        if self._output is not None:
            await self._output.wait_until_drained(patience)

    def close(self) -> None:
        if self._flushing:
            self._flushing.cancel()
        if self._output is not None:
            self._output.close()
