"""The PTY and its child process."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import select
import signal
import struct
import termios
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

import ptyprocess

from gateway.process_basics.process_hardening import InheritedLimits
from gateway.process_basics.tasks import TaskDied, spawn_vital
from sidecar.errors import CannotStart
from sidecar.terminal.raw_terminal import TerminalOutput

READ_BYTES = 65536
TIOCGPTPEER = 0x5441  # Linux: the other end of a pseudo terminal
LARGE_READ_BYTES = 2048
MAX_READS = 4
LAST_OUTPUT_TIMEOUT_S = 5.0
KILL_AFTER_S = 3.0
_DEFAULT_SIGNALS = (signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, signal.SIGXFSZ)


class ForegroundReader(StrEnum):
    """Who reads the terminal, as the rules for `process` see it."""

    KEYS = "the agent reads keys"
    LINES = "the agent, or a shell in its place, reads lines"
    ANOTHER = "another program reads the terminal"
    NOBODY = "stopped"


class Terminal:
    """A child in a PTY of its own. Its output is kept until `begin_output`; `hold_output` slows it down."""

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        folder: Path,
        size: tuple[int, int],
        *,
        inherited: InheritedLimits | None = None,
    ) -> None:
        """`inherited` are process limits for the child that this process has changed for itself."""
        self._loop = asyncio.get_running_loop()
        self._on_output: Callable[[bytes], None] = _unread
        self._child = _spawn_child(command, env, folder, size, inherited)
        self._fd: int = self._child.fd
        os.set_blocking(self._fd, False)
        self._input = TerminalOutput(self._fd, self._loop)
        self._reading = self._at_end = False
        self._held = True
        self.stopped = False
        self.exited: asyncio.Future[int] = self._loop.create_future()
        self._watcher = spawn_vital(self._wait_for_child(), "child", self._fail_without_watch)

    @property
    def pid(self) -> int:
        return int(self._child.pid)

    # The child's output

    def _readable(self) -> None:
        chunks: list[bytes] = []
        while len(chunks) < MAX_READS and (data := self._read()):
            chunks.append(data)
            if len(data) < LARGE_READ_BYTES:
                break
        if chunks:
            self._on_output(chunks[0] if len(chunks) == 1 else b"".join(chunks))

    def _read(self) -> bytes:
        """Empty when there is no output now, or never again."""
        try:
            data = os.read(self._fd, READ_BYTES)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EINTR):
                return b""
            data = b""
        if not data:
            self._at_end = True
            self._listen()
        return data

    def begin_output(self, on_output: Callable[[bytes], None]) -> None:
        """From now on `on_output` gets the child's output, starting with what it has printed so far."""
        self._on_output = on_output
        self.resume_output()

    def hold_output(self) -> None:
        self._held = True
        self._listen()

    def resume_output(self) -> None:
        if self._held:
            self._held = False
            self._listen()

    def _listen(self) -> None:
        wanted = not (self._held or self._at_end)
        if wanted and not self._reading:
            self._loop.add_reader(self._fd, self._readable)
        elif self._reading and not wanted:
            self._loop.remove_reader(self._fd)
        self._reading = wanted

    # The child's input and life

    def write(self, data: bytes) -> None:
        self._input.write(data)

    @property
    def unwritten(self) -> int:
        return self._input.pending

    def unread(self) -> int | None:
        """Bytes that the child has not read from its terminal yet. None if the system does not report them."""
        try:
            peer = fcntl.ioctl(self._fd, TIOCGPTPEER, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError:
            return None
        try:
            return int(struct.unpack("i", fcntl.ioctl(peer, termios.FIONREAD, b"\0" * 4))[0])
        except OSError:
            return None
        finally:
            os.close(peer)

    def resize(self, columns: int, rows: int) -> None:
        with contextlib.suppress(OSError):
            self._child.setwinsize(rows, columns)

    def foreground(self) -> int | None:
        """The process group that reads the terminal now."""
        try:
            return os.tcgetpgrp(self._fd)
        except OSError:
            return None

    def reader(self) -> ForegroundReader:
        """Who reads the terminal, and how."""
        if self.stopped:
            return ForegroundReader.NOBODY
        if not self.in_foreground():
            return ForegroundReader.ANOTHER
        return ForegroundReader.KEYS if self._takes_keys() else ForegroundReader.LINES

    def _takes_keys(self) -> bool:
        """Full-screen programs read every key raw. Shells and line editors leave Ctrl-C to the terminal."""
        try:
            modes: int = termios.tcgetattr(self._fd)[3]
        except termios.error:
            return True
        return not modes & (termios.ICANON | termios.ISIG)

    def in_foreground(self) -> bool:
        """Whether the agent itself reads the terminal. True on a platform that cannot tell."""
        return self.foreground() in (None, self.pid)

    def look_after_child(self) -> bool:
        """Notice that the child was stopped or continued. Returns whether it has just been stopped."""
        before = self.stopped
        with contextlib.suppress(ChildProcessError):
            while news := os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WCONTINUED | os.WNOHANG):
                self.stopped = news.si_code == os.CLD_STOPPED
        if self.stopped and not before:
            self._drain()
        return self.stopped and not before

    def continue_child(self) -> None:
        self.stopped = False
        self.signal(signal.SIGCONT)

    def signal(self, number: signal.Signals) -> None:
        """Signals the whole process group, because a launcher may ignore signals that its worker obeys."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    async def _wait_for_child(self) -> None:
        """Waits for the end of the child, not of its output, because processes it leaves behind may keep the terminal
        open."""
        gone = asyncio.Event()
        with _exit_descriptor(self.pid) as fd:
            if fd is not None:
                self._loop.add_reader(fd, gone.set)
            while (status := self._poll()) is None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(None if fd is not None else 0.25):
                        await gone.wait()
            if fd is not None:
                self._loop.remove_reader(fd)
        self._drain()
        if not self.exited.done():
            self.exited.set_result(status)

    def _fail_without_watch(self, error: BaseException) -> None:
        """The end of the child cannot be noticed any more, so whoever waits for it fails now."""
        if not self.exited.done():
            death = TaskDied("child")
            death.__cause__ = error
            self.exited.set_exception(death)

    def _drain(self) -> None:
        """Read what the child printed last, before it ended or was stopped."""
        until = self._loop.time() + LAST_OUTPUT_TIMEOUT_S
        while not self._at_end and self._loop.time() < until and select.select([self._fd], [], [], 0)[0]:
            self._readable()

    def _poll(self) -> int | None:
        try:
            alive = self._child.isalive()
        except ptyprocess.PtyProcessError:
            return 1
        if alive:
            return None
        killed: int | None = self._child.signalstatus
        return 128 + killed if killed else int(self._child.exitstatus or 0)

    async def stop(self) -> int:
        """Hang up first, then signal harder."""
        for number, patience in ((signal.SIGHUP, KILL_AFTER_S), (signal.SIGKILL, None)):
            if self.exited.done():
                break
            self.signal(number)
            self.signal(signal.SIGCONT)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await asyncio.shield(self.exited)
        return await self.exited

    def close(self) -> None:
        self._at_end = True
        self._listen()
        self.exited.cancel()
        self._watcher.cancel()
        self._input.close()
        self._child.closed = True
        with contextlib.suppress(OSError):
            self._child.fileobj.close()


@contextlib.contextmanager
def _exit_descriptor(pid: int) -> Iterator[int | None]:
    """A descriptor that becomes readable when the process ends, if the system has one."""
    if not hasattr(os, "pidfd_open"):
        yield None
        return
    fd = os.pidfd_open(pid)
    try:
        yield fd
    finally:
        os.close(fd)


def _unread(_: bytes) -> None:
    """Drops output of a child that ended before anybody read it."""


def _restore_for_child(inherited: InheritedLimits | None) -> None:
    """As a shell at a terminal starts a program. Python ignores `SIGPIPE`, and a script that starts us beside its other
    work makes us ignore Ctrl-C; a program of ours would take over both, and so would all that it runs."""
    for number in _DEFAULT_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    if inherited is not None:
        inherited.give_back()


def _spawn_child(
    command: Sequence[str],
    env: Mapping[str, str],
    folder: Path,
    size: tuple[int, int],
    inherited: InheritedLimits | None,
) -> ptyprocess.PtyProcess:
    columns, rows = size
    try:
        return ptyprocess.PtyProcess.spawn(
            list(command),
            cwd=str(folder),
            env=dict(env),
            dimensions=(rows, columns),
            preexec_fn=lambda: _restore_for_child(inherited),
        )
    except (OSError, ptyprocess.PtyProcessError) as error:
        raise CannotStart(f"{command[0]!r} could not be started: {str(error).rstrip('.')}.") from error
