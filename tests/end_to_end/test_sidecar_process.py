"""The process that reads the terminal is evidence too: line-oriented programs, and the screen that a killed agent
leaves."""

import os
import signal
import sys
from pathlib import Path

import pytest

from sidecar.explain_socket import ask_sidecar_for
from tests.sidecar.sidecar_terminal import DEMO, SidecarTerminal, sidecar_in_terminal

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


async def busy_throughout(pane: SidecarTerminal) -> None:
    """Once quiet, it stays busy."""
    begun = len(pane.room.activities)
    await pane.is_("busy")
    with pytest.raises(AssertionError):
        await pane.is_("idle", 1.5)
    assert len(pane.room.activities) - begun <= 2


async def test_a_shell_is_idle_at_its_prompt_and_busy_with_a_command(tmp_path: Path) -> None:
    async with sidecar_in_terminal(tmp_path, ("bash", "--norc", "--noprofile", "-i"), env=BASH) as pane:
        await pane.is_("idle")
        pane.type("printf 'still > '; sleep 6\r")
        await pane.shows("\nstill >")
        await busy_throughout(pane)
        assert await reader(tmp_path) == "another program reads the terminal"
        await pane.is_("idle")
        await pane.reaches(pane.room.say("hello"), "submitted")
        await pane.shows("command not found")


async def test_a_python_that_is_asked_is_idle_and_busy_while_it_computes(tmp_path: Path) -> None:
    async with sidecar_in_terminal(tmp_path, (sys.executable, "-q", "-i"), agent="generic") as pane:
        await pane.is_("idle")
        pane.type("import time; time.sleep(6)\r")
        await busy_throughout(pane)
        await pane.is_("idle")


async def test_a_silent_program_without_a_prompt_is_busy(tmp_path: Path) -> None:
    async with sidecar_in_terminal(tmp_path, ("cat",)) as pane:
        await busy_throughout(pane)


async def test_a_full_screen_program_is_not_idle_though_something_like_a_prompt_stands_at_its_cursor(
    tmp_path: Path,
) -> None:
    async with sidecar_in_terminal(tmp_path, (sys.executable, "-c", FULL_SCREEN), agent="generic") as pane:
        await pane.shows("choose >")
        with pytest.raises(AssertionError):
            await pane.is_("idle", 1.5)


async def test_what_a_killed_agent_left_on_the_screen_is_not_typed_into(tmp_path: Path) -> None:
    """Its box and title are still on the screen, and a shell waits beneath or within it."""
    command = ("sh", "-c", f"{' '.join(DEMO)}; stty sane; cat")
    async with sidecar_in_terminal(tmp_path, command, agent="demo") as pane:
        await pane.is_("idle")
        shell = (await explained(tmp_path))["process"]
        assert isinstance(shell, dict)
        children = Path(f"/proc/{shell['pid']}/task/{shell['pid']}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)
        number = pane.room.say("rm -rf precious")
        await pane.is_("unknown")
        with pytest.raises(AssertionError):
            await pane.reaches(number, "typed", 2)
        assert await reader(tmp_path) == "the agent, or a shell in its place, reads lines"
