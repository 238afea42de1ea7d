"""A person's terminal for tests: a real PTY with a real emulator behind it, and a sidecar in front of it."""

import asyncio
import contextlib
import dataclasses
import os
import signal
import sys
import termios
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from sidecar.agent_run import Runner, RunPlan
from sidecar.agents import agent_for
from sidecar.messages.envelope import parse_template
from sidecar.rules_file.envelope_template import DEFAULT_ENVELOPE
from sidecar.screen.emulator import Screen
from sidecar.terminal.person_at_terminal import open_human_terminal
from sidecar.terminal.raw_terminal import TerminalOutput
from tests.fakes.retry import retry_until
from tests.fakes.terminal_recording import recorder_of
from tests.sidecar.memory_room import MemoryRoom

DEMO = (sys.executable, "-P", "-m", "sidecar.demo_agent")

NOT_A_PERSONS = ("TMUX", "CI", "CONTINUOUS_INTEGRATION")  # with CI set, gemini wants its input from a pipe


class SidecarTerminal:
    def __init__(self, room: MemoryRoom, master: int, slave: int) -> None:
        self.room, self._master, self._slave = room, master, slave
        self.bytes = bytearray()
        self.recorder = recorder_of(os.environ, 100, 30)
        self.screen = Screen(100, 30)
        self.status: int | None = None
        loop = asyncio.get_running_loop()
        os.set_blocking(master, False)
        self._input = TerminalOutput(master, loop)
        loop.add_reader(master, self._readable)

    def _readable(self) -> None:
        with contextlib.suppress(OSError):
            data = os.read(self._master, 65536)
            self.bytes += data
            self._record("o", data)
            self.screen.feed(data)

    def _record(self, kind: str, data: bytes) -> None:
        if self.recorder is not None:
            self.recorder.add(kind, data)

    def resize(self, columns: int, rows: int) -> None:
        self._record("r", f"{columns}x{rows}".encode())
        self.screen.resize(columns, rows)
        termios.tcsetwinsize(self._slave, (rows, columns))
        os.kill(os.getpid(), signal.SIGWINCH)

    def type(self, text: str) -> None:
        self._record("i", text.encode())
        self._input.write(text.encode())

    @property
    def text(self) -> str:
        return "\n".join(self.screen.picture().rows)

    async def shows(self, text: str, seconds: float = 60) -> None:
        await retry_until(lambda: text in self.text, seconds, describe=self.describe)

    async def is_(self, activity: str, seconds: float = 60) -> None:
        await retry_until(lambda: self.room.activity == activity, seconds, describe=self.describe)

    async def reaches(self, number: int, rung: str, seconds: float = 60) -> None:
        await retry_until(lambda: rung in self.room.rungs(number), seconds, describe=self.describe)

    def describe(self) -> str:
        room = self.room
        last = room.activities[-1:] and room.activities[-1]
        steps = {number: [(str(s.rung), s.reason) for s in steps] for number, steps in room.steps.items()}
        return f"{last}\n{steps}\n{room.replies}\n{self.text}"


@contextlib.asynccontextmanager
async def sidecar_in_terminal(
    folder: Path,
    command: Sequence[str] = DEMO,
    room: MemoryRoom | None = None,
    agent: str | None = None,
    env: dict[str, str] | None = None,
    *,
    on_stop: Callable[[int], None] = lambda terminal: None,
) -> AsyncIterator[SidecarTerminal]:
    """A sidecar with this command in a terminal of 100 x 30; it is stopped at the end. An agent that is
    suspended does not suspend the tests, which are one job with this sidecar."""
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (30, 100))
    room = room or MemoryRoom("claude")
    private = folder / "private"
    private.mkdir(mode=0o700, exist_ok=True)
    adapter = agent_for(command, agent, folder)
    plain = {name: value for name, value in os.environ.items() if not name.startswith(NOT_A_PERSONS)}
    plan = RunPlan(
        room.me,
        adapter,
        tuple(command or adapter.launching.command),
        folder,
        private,
        {**plain, "TERM": "xterm-256color", "PYTHONPATH": str(Path(__file__).parents[2]), **(env or {})},
        envelope=parse_template(adapter.envelope or DEFAULT_ENVELOPE),
    )
    pane = SidecarTerminal(room, master, slave)
    try:
        with open_human_terminal(slave, slave) as sitting:
            human = dataclasses.replace(sitting, stop=lambda: on_stop(slave))
            runner = Runner(plan, room, human)
            task = asyncio.get_running_loop().create_task(runner.run(), name="runner")
            try:
                yield pane
            finally:
                runner.stop()
                pane.status = await asyncio.wait_for(task, 60)
    finally:
        asyncio.get_running_loop().remove_reader(master)
        if pane.recorder is not None:
            pane.recorder.save()
        os.close(slave)
        os.close(master)
