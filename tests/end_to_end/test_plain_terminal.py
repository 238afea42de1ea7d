"""`chat --plain` and `chat --room` at a real terminal, as a screen reader's user has them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.client import Client
from gateway.protocol.requests.room_requests import CreateRoom, Join
from gateway.protocol.results import Done
from tests.fakes.terminal import terminal
from tests.support.commands import Groupchat
from tests.support.gateways import GatewayProcess

PLAIN = [sys.executable, "-P", "-m", "controller.cli.main", "chat", "--plain"]
SCREEN = [sys.executable, "-P", "-m", "controller.cli.main", "chat", "--room", "design"]
PATIENCE = 40.0


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    process = GatewayProcess(tmp_path / "state")
    with process.running():
        yield process


def environment(gateway: GatewayProcess, home: Path, term: str = "xterm-256color") -> dict[str, str]:
    dropped = ("TMUX", "TMUX_PANE", "SSH_CONNECTION")
    kept = {name: value for name, value in Groupchat(gateway.state).environment.items() if name not in dropped}
    return {**kept, "TERM": term, "HOME": str(home)}


@pytest.mark.parametrize(
    ("columns", "term"), [(60, "xterm-256color"), (80, "dumb"), (120, "tmux-256color"), (200, "vt100")]
)
async def test_a_person_talks_line_by_line(gateway: GatewayProcess, tmp_path: Path, columns: int, term: str) -> None:
    env = environment(gateway, tmp_path, term)
    async with Client(gateway.operator) as other, terminal(PLAIN, env, columns=columns) as one:
        await one.shows("Room general, 0 agents.", PATIENCE)
        await one.shows("alice in general:")
        await other.send("said\x1b[31m elsewhere")
        await one.shows("elsewhere", PATIENCE)
        one.write("hello there\r")
        await one.shows("You to all, #", PATIENCE)
        one.write("/create design\r")
        await one.shows("Room design, 0 agents.", PATIENCE)
        one.write("/quit\r")
        assert await one.ends(PATIENCE) == 0
    assert b"\x1b[31m" not in one.output
    assert not {code for code in (b"\x1b[?1049h", b"\x1b[2J", b"\x1b[H", b"\x1b[A") if code in one.output}, (
        "nothing is drawn again"
    )


async def test_lines_end_with_the_input_and_with_ctrl_c(gateway: GatewayProcess, tmp_path: Path) -> None:
    env = environment(gateway, tmp_path)
    for key, codes in (("\x04", {0}), ("\x03", {0, 130})):
        async with terminal(PLAIN, env) as one:
            await one.shows("alice in general:", PATIENCE)
            one.write(key)
            assert await one.ends(PATIENCE) in codes
            assert "Traceback" not in one.screen


async def test_a_terminal_that_goes_away_ends_it(gateway: GatewayProcess, tmp_path: Path) -> None:
    async with terminal(PLAIN, environment(gateway, tmp_path)) as one:
        await one.shows("alice in general:", PATIENCE)
        os.kill(one.process.pid, signal.SIGHUP)
        await one.ends(PATIENCE)
        assert "Traceback" not in one.screen


@pytest.mark.parametrize(("columns", "lines"), [(60, 20), (80, 24), (120, 40), (200, 60)])
async def test_the_chat_begins_in_the_room_that_was_named(
    gateway: GatewayProcess, tmp_path: Path, columns: int, lines: int
) -> None:
    async with Client(gateway.operator) as other:
        await other.request(CreateRoom(room="design", topic="How it looks"), Done)
        await other.request(Join(room="design"), Done)
        await other.send("only here", room="design")
        async with terminal(SCREEN, environment(gateway, tmp_path), columns=columns, lines=lines) as one:
            await one.shows("only here", PATIENCE)
            assert "#design" in one.rows[0]
            one.write("\x04")
            assert await one.ends(PATIENCE) == 0


async def test_a_room_that_does_not_exist_is_refused_in_a_sentence(gateway: GatewayProcess, tmp_path: Path) -> None:
    for command in (PLAIN, SCREEN[:-2]):
        async with terminal([*command, "--room", "nowhere"], environment(gateway, tmp_path)) as one:
            assert await one.ends(PATIENCE) == 1
            assert "nowhere" in one.screen and "Traceback" not in one.screen
