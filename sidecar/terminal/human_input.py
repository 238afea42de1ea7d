"""The person at the terminal, or nobody."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from sidecar.terminal.host_terminal import RawMode, reopen_terminal, window_size
from sidecar.terminal.pty import READ_BYTES


def suspend_own_job() -> None:
    """As Ctrl-Z does. Where no shell could continue us, the system lets us go on at once."""
    os.kill(0, signal.SIGTSTP)


@dataclass(frozen=True)
class HumanTerminal:
    """The two ends of a person's terminal; none of them when nobody is there."""

    keys: int | None = None
    screen: int | None = None
    mode: RawMode | None = None
    stop: Callable[[], None] = suspend_own_job

    @property
    def size(self) -> tuple[int, int] | None:
        return window_size(self.screen) if self.screen is not None else None

    def raw(self) -> contextlib.AbstractContextManager[object]:
        """Every key is the agent's, as long as the block runs."""
        return self.mode or contextlib.nullcontext()

    def suspend_own_job(self) -> None:
        """The terminal is the shell's until somebody says `fg`."""
        with self.mode.restored_afterwards() if self.mode else contextlib.nullcontext():
            self.stop()


@contextlib.contextmanager
def open_human_terminal(stdin: int, stdout: int) -> Iterator[HumanTerminal]:
    """Whoever sits at these two ends; without a terminal there is nobody."""
    if not (os.isatty(stdin) and os.isatty(stdout)):
        yield HumanTerminal()
        return
    sys.stdout.flush()
    with reopen_terminal(stdout) as screen:
        yield HumanTerminal(stdin, screen, RawMode(stdin))


@contextlib.contextmanager
def forward_keys(human: HumanTerminal, pressed: Callable[[bytes], None], gone: Callable[[], None]) -> Iterator[None]:
    """What the person types, as long as the block runs; `gone` when the terminal is."""
    if human.keys is None:
        yield
        return
    loop, fd = asyncio.get_running_loop(), human.keys

    def readable() -> None:
        try:
            data = os.read(fd, READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            pressed(data)
        else:
            loop.remove_reader(fd)
            gone()

    loop.add_reader(fd, readable)
    try:
        yield
    finally:
        loop.remove_reader(fd)


class Stoppable(Protocol):
    """As `sidecar.terminal.pty.Terminal` is."""

    def look_after_child(self) -> bool: ...

    def continue_child(self) -> None: ...


def follow_into_stop(human: HumanTerminal, child: Stoppable, resized: Callable[[], None]) -> None:
    """A stopped child stops us too, as if it were alone in the terminal; when we go on, so does it."""
    if child.look_after_child() and human.keys is not None:
        human.suspend_own_job()
        resized()
        child.continue_child()


@contextlib.contextmanager
def handle_signals(handlers: Mapping[signal.Signals, Callable[[], None]]) -> Iterator[None]:
    """Signals as calls on the loop."""
    loop = asyncio.get_running_loop()
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)
