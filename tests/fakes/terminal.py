"""A real PTY with a program in it and a real emulator: what a person at a terminal sees and types."""

import asyncio
import contextlib
import os
import re
import select
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

from ptyprocess import PtyProcess
from pyghostty import Terminal as Emulator

from tests.fakes.retry import retry_until
from tests.fakes.terminal_recording import Recorder, recorder_of

_TITLE = re.compile(rb"\x1b\](?:0|2);([^\x07\x1b]*)(?:\x07|\x1b\\)")
EITHER = "\x1f"  # between texts of which one is enough


def is_shown(text: str, screen: str) -> bool:
    return any(one in screen for one in text.split(EITHER))


class Terminal:
    """`watcher` is told of all that goes through: `o` output, `i` input, `r` a resize, as recordings name them."""

    def __init__(self, process: PtyProcess, columns: int, lines: int, recorder: Recorder | None = None) -> None:
        self.process = process
        self._recorder = recorder
        self.output = b""
        self.closed = False
        self.watcher: Callable[[str, bytes], None] = lambda kind, data: None
        self._emulator = Emulator(columns, lines)
        self._emulator.feed(b"\x1b[?2027h")  # a joined emoji takes two cells, as in the CLIs
        self._emulator.on_reply(self._reply)
        self._held_answers: bytes | None = None

    @property
    def rows(self) -> list[str]:
        return str(self._emulator.text()).splitlines()

    @property
    def screen(self) -> str:
        return str(self._emulator.text())

    @property
    def titles(self) -> list[str]:
        return [title.decode() for title in _TITLE.findall(self.output)]

    @property
    def title(self) -> str:
        return (self.titles or [""])[-1]

    @property
    def cursor_visible(self) -> bool:
        return bool(self._emulator.mode(25))

    def mode(self, number: int) -> bool:
        return bool(self._emulator.mode(number))

    def _passed(self, kind: str, data: bytes) -> None:
        self.watcher(kind, data)
        if self._recorder is not None:
            self._recorder.add(kind, data)

    def write(self, data: str | bytes) -> None:
        rest = data.encode() if isinstance(data, str) else data
        self._passed("i", rest)
        while rest:
            with contextlib.suppress(BlockingIOError):
                rest = rest[os.write(self.process.fd, rest) :]
            if rest:
                self.read()
                select.select([], [self.process.fd], [], 0.1)

    def paste(self, text: str) -> None:
        self.write(f"\x1b[200~{text}\x1b[201~")

    async def submit(self, text: str) -> None:
        """As all three real CLIs need it: the paste, a pause until the paste has ended, then Enter."""
        self.paste(text)
        await asyncio.sleep(0.15)
        self.write("\r")

    def resize(self, columns: int, lines: int) -> None:
        self._passed("r", f"{columns}x{lines}".encode())
        self._emulator.resize(columns, lines)
        self.process.setwinsize(lines, columns)

    async def shows(self, text: str, seconds: float = 60.0) -> None:
        await retry_until(lambda: is_shown(text, self.screen), seconds, describe=self.describe)

    async def ends(self, seconds: float = 60.0) -> int | None:
        """The exit status, or None when a signal ended it. All that it has written is on the screen then."""
        await retry_until(lambda: not self.process.isalive(), seconds, describe=self.describe)
        while not self.closed and select.select([self.process.fd], [], [], 0)[0]:
            self.read()
        status: int | None = self.process.exitstatus
        return status

    def describe(self) -> str:
        return f"title: {self.title!r}\n{self.screen}"

    def read(self) -> None:
        try:
            data = os.read(self.process.fd, 65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.closed = True
            asyncio.get_running_loop().remove_reader(self.process.fd)
            return
        self.output += data
        self._passed("o", data)
        self._emulator.feed(data)

    def hold_answers(self) -> None:
        """Answer no question of the program until `give_answers`, as behind a slow line."""
        self._held_answers = b""

    def give_answers(self) -> None:
        held, self._held_answers = self._held_answers, None
        self._reply(held or b"")

    def _reply(self, data: bytes) -> None:
        if self._held_answers is not None:
            self._held_answers += data
            return
        with contextlib.suppress(OSError):
            self.write(data)


@contextlib.asynccontextmanager
async def terminal(
    argv: Sequence[str], env: Mapping[str, str], *, cwd: Path | None = None, columns: int = 100, lines: int = 30
) -> AsyncIterator[Terminal]:
    """Runs `argv` until the block ends; then its process group is killed. A sidecar may first end its agent, which is
    in another group and may survive a hang-up."""
    process = PtyProcess.spawn(
        list(argv),
        cwd=cwd and str(cwd),
        env=dict(env),
        dimensions=(lines, columns),
        preexec_fn=_take_signals,
    )
    os.set_blocking(process.fd, False)
    recorder = recorder_of(os.environ, columns, lines)
    running = Terminal(process, columns, lines, recorder)
    loop = asyncio.get_running_loop()
    loop.add_reader(process.fd, running.read)
    try:
        yield running
    finally:
        loop.remove_reader(process.fd)
        if recorder is not None:
            recorder.save()
        if "join" in argv:
            await _hung_up(process)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await retry_until(lambda: not process.isalive())
        process.close(force=True)


def _take_signals() -> None:
    """As in a person's terminal. Tests that a script runs in the background ignore Ctrl-C, and so would the program."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)


async def _hung_up(process: PtyProcess) -> None:
    with contextlib.suppress(ProcessLookupError, AssertionError):
        os.killpg(process.pid, signal.SIGHUP)
        await retry_until(lambda: not process.isalive(), 60)
