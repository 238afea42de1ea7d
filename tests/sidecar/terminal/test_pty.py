"""A real child in a real PTY."""

import asyncio
import contextlib
import os
import resource
import signal
import sys
import termios
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.process_basics.process_hardening import make_process_private
from gateway.process_basics.tasks import TaskDied
from sidecar.errors import CannotStart
from sidecar.terminal.pty import Terminal
from sidecar.terminal.raw_terminal import RawMode, headless_size
from tests.fakes.retry import retry_until

pytestmark = pytest.mark.processes


@contextlib.asynccontextmanager
async def running(*command: str) -> AsyncIterator[tuple[Terminal, bytearray]]:
    output = bytearray()
    terminal = Terminal(command, dict(os.environ), Path.cwd(), (80, 24))
    terminal.begin_output(output.extend)
    try:
        yield terminal, output
    finally:
        await terminal.stop()
        terminal.close()


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


async def test_the_last_output_and_the_exit_status_are_reported() -> None:
    async with running(*python("import sys; print('x' * 100_000, end='!'); sys.exit(7)")) as (terminal, output):
        assert await asyncio.wait_for(terminal.exited, 60) == 7
        assert len(output) == 100_001


async def test_every_byte_goes_in_as_it_is() -> None:
    code = (
        "import sys, tty, os, hashlib; tty.setraw(0); print('ready', flush=True); data = b''\n"
        "while len(data) < 300_000: data += os.read(0, 65536)\n"
        "print(hashlib.sha256(data).hexdigest(), flush=True)"
    )
    import hashlib

    data = os.urandom(300_000)
    async with running(*python(code)) as (terminal, output):
        await retry_until(lambda: b"ready" in output)
        terminal.write(data)
        await retry_until(lambda: hashlib.sha256(data).hexdigest().encode() in output)


async def test_a_new_size_reaches_the_child() -> None:
    code = (
        "import os, signal\n"
        "signal.signal(signal.SIGWINCH, lambda *_: print(os.get_terminal_size(), flush=True))\n"
        "print('ready', flush=True)\nwhile True: signal.pause()"
    )
    async with running(*python(code)) as (terminal, output):
        await retry_until(lambda: b"ready" in output)
        terminal.resize(61, 17)
        await retry_until(lambda: b"columns=61, lines=17" in output)


async def test_a_child_that_ignores_signals_is_ended_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidecar.terminal.pty.KILL_AFTER_S", 0.2)
    code = (
        "import signal; [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15)]; print('on', flush=True); signal.pause()"
    )
    async with running(*python(code)) as (terminal, output):
        await retry_until(lambda: b"on" in output)
        assert await terminal.stop() == 128 + signal.SIGKILL


async def test_a_child_takes_signals_as_a_program_that_a_shell_has_started() -> None:
    """Whoever runs us in the background of a script makes us ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        async with running("sh", "-c", "grep SigIgn /proc/self/status") as (terminal, output):
            assert await asyncio.wait_for(terminal.exited, 60) == 0
    finally:
        signal.signal(signal.SIGINT, before)
    ignored = int(output.split()[1], 16)
    assert not [one for one in signal.valid_signals() if ignored >> (one - 1) & 1]


async def test_processes_left_by_a_child_do_not_delay_its_end() -> None:
    async with running("sh", "-c", "sleep 60 & exit 3") as (terminal, _):
        assert await asyncio.wait_for(terminal.exited, 60) == 3


async def test_a_missing_program_is_reported() -> None:
    with pytest.raises(CannotStart, match="no-such-program"):
        async with running("no-such-program"):
            pass


def test_raw_mode_is_given_back_when_things_go_wrong() -> None:
    master, slave = os.openpty()
    before = termios.tcgetattr(slave)
    with pytest.raises(ZeroDivisionError), RawMode(slave):
        assert termios.tcgetattr(slave) != before
        raise ZeroDivisionError
    assert termios.tcgetattr(slave) == before
    os.close(master)
    os.close(slave)


@pytest.mark.parametrize(
    ("env", "size"),
    [({}, (100, 30)), ({"COLUMNS": "80", "LINES": "24"}, (80, 24)), ({"COLUMNS": "x", "LINES": "24"}, (100, 30))],
)
def test_the_size_without_a_person(env: dict[str, str], size: tuple[int, int]) -> None:
    assert headless_size(env) == size


async def test_an_agent_is_started_as_this_process_was() -> None:
    """A sidecar keeps what it makes to itself; what an agent makes for a person is the agent's own business."""
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    before, output = os.umask(0o026), bytearray()
    inherited = make_process_private()
    try:
        command = ("sh", "-c", "umask; ulimit -H -c; ulimit -S -c")
        env = dict(os.environ)
        terminal = Terminal(command, env, Path.cwd(), (80, 24), inherited=inherited)
        terminal.begin_output(output.extend)
        await asyncio.wait_for(terminal.exited, 60)
        terminal.close()
    finally:
        inherited.give_back()
        os.umask(before)
    shown = ["unlimited" if one == resource.RLIM_INFINITY else str(one) for one in (hard, inherited.core[0])]
    assert output.decode().split() in (["0026", *shown], ["026", *shown])


async def test_waiting_for_the_end_fails_when_the_watch_has_failed() -> None:
    terminal = Terminal(("cat",), dict(os.environ), Path.cwd(), (80, 24))
    try:
        next(one for one in asyncio.all_tasks() if one.get_name() == "child").cancel()
        with pytest.raises(TaskDied, match="child"):
            await asyncio.wait_for(asyncio.shield(terminal.exited), 60)
    finally:
        terminal.signal(signal.SIGKILL)
        os.waitpid(terminal.pid, 0)
        terminal.close()
