"""The person at the terminal, if there is one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from sidecar.terminal.pty import READ_BYTES
from sidecar.terminal.raw_terminal import RawMode, reopen_terminal, window_size


def suspend_own_job() -> None:
    """Stops this process as Ctrl-Z does. If no shell could continue it, the system lets it run on at once."""
    os.kill(0, signal.SIGTSTP)


@dataclass(frozen=True)
class HumanTerminal:
    """The input and output of a person's terminal. Both are None if there is no person."""

    keys: int | None = None
    screen: int | None = None
    mode: RawMode | None = None
    stop: Callable[[], None] = suspend_own_job

    @property
    def size(self) -> tuple[int, int] | None:
        return window_size(self.screen) if self.screen is not None else None

    def raw(self) -> contextlib.AbstractContextManager[object]:
        """While the block runs, every key goes to the agent."""
        return self.mode or contextlib.nullcontext()

    def suspend_own_job(self) -> None:
        """The terminal belongs to the shell until somebody enters `fg`."""
        with self.mode.restored_afterwards() if self.mode else contextlib.nullcontext():
            self.stop()


@contextlib.contextmanager
def open_human_terminal(stdin: int, stdout: int) -> Iterator[HumanTerminal]:
    """The person at these descriptors, or nobody if they are no terminal."""
    if not (os.isatty(stdin) and os.isatty(stdout)):
        yield HumanTerminal()
        return
    sys.stdout.flush()
    with reopen_terminal(stdout) as screen:
        yield HumanTerminal(stdin, screen, RawMode(stdin))


@contextlib.contextmanager
def forward_keys(human: HumanTerminal, pressed: Callable[[bytes], None], gone: Callable[[], None]) -> Iterator[None]:
    """While the block runs, pass on the person's keys. `gone` is called when the terminal is closed."""
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
    """What `sidecar.terminal.pty.Terminal` offers for stopping."""

    def look_after_child(self) -> bool: ...

    def continue_child(self) -> None: ...


def follow_into_stop(human: HumanTerminal, child: Stoppable, resized: Callable[[], None]) -> None:
    """A stopped child stops us too, as if it were alone in the terminal. When we are continued, so is the child."""
    if child.look_after_child() and human.keys is not None:
        human.suspend_own_job()
        resized()
        child.continue_child()


@contextlib.contextmanager
def handle_signals(handlers: Mapping[signal.Signals, Callable[[], None]]) -> Iterator[None]:
    """Handle signals as calls on the event loop."""
    loop = asyncio.get_running_loop()
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)
