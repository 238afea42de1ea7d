"""Runs a program unchanged in this terminal and records it: no room, no messages."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from gateway.process_basics.tasks import spawn
from sidecar.agents import plain_environment
from sidecar.screen.emulator import Screen
from sidecar.terminal.asciicast import Recorder
from sidecar.terminal.output_relay import OutputRelay
from sidecar.terminal.person_at_terminal import HumanTerminal, follow_into_stop, forward_keys, handle_signals
from sidecar.terminal.pty import Terminal
from sidecar.terminal.raw_terminal import headless_size

GOODBYE_TIMEOUT_S = 2.0


def _all_keys(keys: bytes) -> bytes:
    return keys


class RecordedSession:
    """If no person is at a terminal, the emulator answers in its place. `take_keys` gets what the person types, and
    returns what of it the program gets."""

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        human: HumanTerminal,
        file: TextIO,
        take_keys: Callable[[bytes], bytes] = _all_keys,
    ) -> None:
        self._human, self._command, self._env, self._take_keys = human, tuple(command), env, take_keys
        self._loop = asyncio.get_running_loop()
        size = human.size or headless_size(env)
        self._recorder = Recorder(file, size, self._loop.time)
        self._screen = Screen(*size, reply=self._answer)
        self._size = size
        self._ending = asyncio.Event()

    async def run(self) -> int:
        """Returns the program's exit status."""
        ends = dict.fromkeys((signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT), self._ending.set)
        with handle_signals(ends), self._human.raw():
            env = plain_environment(self._env)
            self._terminal = Terminal(self._command, env, Path.cwd(), self._size)
            self._passage = OutputRelay(self._human.screen, None, self._terminal, self._shown)
            self._terminal.begin_output(self._passage.relay)
            try:
                changes = {signal.SIGWINCH: self._resized, signal.SIGCHLD: self._child_changed}
                with handle_signals(changes), forward_keys(self._human, self._pressed, self._ending.set):
                    return await self._until_exit()
            finally:
                self._terminal.close()
                self._passage.close()
                self._recorder.close()
                self._screen.close()

    async def _until_exit(self) -> int:
        self._child_changed()
        ending = spawn(self._ending.wait(), "ending")
        await asyncio.wait((ending, self._terminal.exited), return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        status = await self._terminal.stop()
        self._passage.say(self._screen.give_back())
        await self._passage.wait_until_drained(GOODBYE_TIMEOUT_S)
        return status

    def _shown(self, data: bytes) -> None:
        self._recorder.output(data)
        self._screen.feed(data)

    def _answer(self, data: bytes) -> None:
        if self._human.screen is None:
            self._terminal.write(data)

    def _pressed(self, data: bytes) -> None:
        if keys := self._take_keys(data):
            self._terminal.write(keys)
            self._recorder.keys(keys)

    def _resized(self) -> None:
        if size := self._human.size:
            self._recorder.note_resize(*size)
            self._terminal.resize(*size)
            self._screen.resize(*size)

    def _child_changed(self) -> None:
        follow_into_stop(self._human, self._terminal, self._resized)
