"""`groupchat chat` in a separate terminal: however it ends, the terminal is restored."""

from __future__ import annotations

import os
import signal
import sys
import termios
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.terminal import Terminal, terminal
from tests.support.commands import Groupchat
from tests.support.gateways import GatewayProcess


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[GatewayProcess]:
    process = GatewayProcess(tmp_path / "state")
    with process.running():
        yield process


def chat(gateway: GatewayProcess) -> tuple[list[str], dict[str, str]]:
    """In a shell that continues afterwards."""
    command = ["sh", "-c", 'trap : INT TERM HUP; "$@"; echo "ended with $?"; exec cat', "sh"]
    inner = [sys.executable, "-P", "-m", "controller.cli.main", "chat"]
    return [*command, *inner], {**Groupchat(gateway.state).environment, "TERM": "xterm-256color"}


def child_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def modes(one: Terminal) -> list[object]:
    return list(termios.tcgetattr(one.process.fd)[:4])


@pytest.mark.parametrize("way", ["key", "command", signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
async def test_the_terminal_is_given_back(gateway: GatewayProcess, way: str | signal.Signals) -> None:
    command, env = chat(gateway)
    async with terminal(["sh", "-c", "exec cat"], env) as fresh:
        fresh.write("x\r")
        await fresh.shows("x")
        before = modes(fresh)
    async with terminal(command, env) as one:
        await one.shows("alice >")
        assert one.mode(1049)
        assert modes(one) != before
        if isinstance(way, signal.Signals):
            os.kill(child_of(one.process.pid), way)
        else:
            one.write("\x04" if way == "key" else "/quit\r")
        await one.shows(f"ended with {130 if way is signal.SIGINT else 0}")
        assert not any(one.mode(number) for number in (1049, 2004, 1000, 1006))
        assert one.cursor_visible
        assert modes(one) == before


async def test_an_answer_of_the_terminal_that_comes_late_is_not_typed_text(gateway: GatewayProcess) -> None:
    command, env = chat(gateway)
    async with terminal(command, env) as one:
        one.hold_answers()
        await one.shows("alice >")
        one.give_answers()
        one.write("typed")
        await one.shows("alice > typed")
        one.write("\x15\x04")
        await one.shows("ended with 0")


async def test_without_a_gateway_it_says_what_to_do(tmp_path: Path) -> None:
    done = Groupchat(tmp_path / "state", quick=True)("chat", "--plain")
    assert done.code == 1
    assert "No gateway was found" in done.err and "groupchat serve" in done.err


async def test_a_token_that_was_revoked_ends_with_a_sentence(gateway: GatewayProcess) -> None:
    command, env = chat(gateway)
    async with terminal(command, env) as one:
        await one.shows("alice >")
        Groupchat(gateway.state, quick=True)("token", "revoke", "alice")
        await one.shows("This token is not valid")
        one.write("\x04")
        await one.shows("ended with 0")
