"""Who reads the terminal is evidence too: line-oriented programs, and what a killed agent leaves behind."""

import os
import signal
import sys
from pathlib import Path

import pytest

from sidecar.inspect_socket import ask_sidecar_for
from tests.sidecar.seat import DEMO, Seat, seated

FULL_SCREEN = (
    "import sys, termios, tty\n"
    "tty.setraw(0)\n"
    "print('\\x1b[?1049h\\x1b[2J\\x1b[Hmenu\\r\\n\\r\\nchoose > ', end='', flush=True)\n"
    "sys.stdin.read(1)\n"
)
BASH = {"PS1": "$ ", "PS2": "", "HISTFILE": "", "INPUTRC": "none"}


async def explained(folder: Path) -> dict[str, object]:
    async for answer in ask_sidecar_for(folder / "private", "claude", "explain"):
        return dict(answer)
    raise AssertionError("no answer")


async def reader(folder: Path) -> object:
    signals = (await explained(folder))["signals"]
    assert isinstance(signals, list)
    return next((one["value"] for one in signals if one["source"] == "process"), None)


async def busy_throughout(seat: Seat) -> None:
    """Once quiet, it stays busy."""
    begun = len(seat.room.activities)
    await seat.is_("busy")
    with pytest.raises(AssertionError):
        await seat.is_("idle", 1.5)
    assert len(seat.room.activities) - begun <= 2


async def test_a_shell_is_idle_at_its_prompt_and_busy_with_a_command(tmp_path: Path) -> None:
    async with seated(tmp_path, ("bash", "--norc", "--noprofile", "-i"), env=BASH) as seat:
        await seat.is_("idle")
        seat.type("printf 'still > '; sleep 2.5\r")
        await seat.shows("\nstill >")
        await busy_throughout(seat)
        assert await reader(tmp_path) == "another program reads the terminal"
        await seat.is_("idle")
        await seat.reaches(seat.room.say("hello"), "submitted")
        await seat.shows("command not found")


async def test_a_python_that_is_asked_is_idle_and_busy_while_it_computes(tmp_path: Path) -> None:
    async with seated(tmp_path, (sys.executable, "-q", "-i"), agent="generic") as seat:
        await seat.is_("idle")
        seat.type("import time; time.sleep(2.5)\r")
        await busy_throughout(seat)
        await seat.is_("idle")


async def test_a_silent_program_without_a_prompt_is_busy(tmp_path: Path) -> None:
    async with seated(tmp_path, ("cat",)) as seat:
        await busy_throughout(seat)


async def test_a_full_screen_program_is_not_idle_though_something_like_a_prompt_stands_at_its_cursor(
    tmp_path: Path,
) -> None:
    async with seated(tmp_path, (sys.executable, "-c", FULL_SCREEN), agent="generic") as seat:
        await seat.shows("choose >")
        with pytest.raises(AssertionError):
            await seat.is_("idle", 1.5)


async def test_what_a_killed_agent_left_on_the_screen_is_not_typed_into(tmp_path: Path) -> None:
    """Its box and its title still stand there, and beneath or within it a shell waits."""
    command = ("sh", "-c", f"{' '.join(DEMO)}; stty sane; cat")
    async with seated(tmp_path, command, agent="demo") as seat:
        await seat.is_("idle")
        shell = (await explained(tmp_path))["process"]
        assert isinstance(shell, dict)
        children = Path(f"/proc/{shell['pid']}/task/{shell['pid']}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)
        number = seat.room.say("rm -rf precious")
        await seat.is_("unknown")
        with pytest.raises(AssertionError):
            await seat.reaches(number, "typed", 2)
        assert await reader(tmp_path) == "the agent, or a shell in its place, reads lines"
