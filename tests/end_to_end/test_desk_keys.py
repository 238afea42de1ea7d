"""Keys to the chat through a real tmux and a real shell."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes.retry import retry_until
from tests.fakes.terminal import terminal
from tests.support.commands import Groupchat
from tests.support.gateways import GatewayProcess

ESC = "\x1b"
CHAT = [sys.executable, "-P", "-m", "controller.cli.main", "chat"]


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[GatewayProcess]:
    process = GatewayProcess(tmp_path / "state")
    with process.running():
        yield process


def environment(gateway: GatewayProcess, home: Path) -> dict[str, str]:
    kept = Groupchat(gateway.state).environment.items()
    env = {name: value for name, value in kept if name not in ("TMUX", "TMUX_PANE", "PROMPT_COMMAND")}
    return {**env, "TERM": "xterm-256color", "HOME": str(home), "PS1": "shell> "}


def said(gateway: GatewayProcess) -> list[str]:
    found = Groupchat(gateway.state, quick=True)("history", "--json").json["messages"]
    return [one["content"] for one in found][::-1]


@contextmanager
def own_tmux(env: dict[str, str]) -> Iterator[dict[str, str]]:
    sockets = tempfile.mkdtemp(prefix="gc-")
    env = {**env, "TMUX_TMPDIR": sockets}
    try:
        yield env
    finally:
        subprocess.run(["tmux", "kill-server"], env=env, capture_output=True, timeout=60, check=False)
        shutil.rmtree(sockets, ignore_errors=True)


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
async def test_no_letter_behind_escape_is_lost(gateway: GatewayProcess, tmp_path: Path) -> None:
    """Typed in an attached terminal, because the escape time applies only to terminal input."""
    pieces = [(0.0, "dear"), (0.05, "/pause"), (0.3, "#users"), (0.6, "日本")]
    whole = "".join(piece for _, piece in pieces)
    with own_tmux(environment(gateway, tmp_path)) as env:
        async with terminal(["tmux", "new-session", *CHAT], env) as one:
            await one.shows("alice >")
            one.write("x")  # once this is shown, tmux has read what its terminal answered before
            await one.shows("alice > x")
            one.write("\x7f")
            await retry_until(lambda: "alice > x" not in one.screen, describe=one.describe)
            for escape_time in ("0", "10", "500"):
                subprocess.run(["tmux", "set-option", "-s", "escape-time", escape_time], env=env, check=True)
                one.write(f"{escape_time} ")
                for gap, piece in pieces:
                    one.write(ESC)
                    await asyncio.sleep(gap)  # the tested value: a person's pause between two keys
                    one.write(piece)
                    await one.shows(f"> {escape_time} {whole[: whole.index(piece) + len(piece)]}")
                one.write(f"{ESC}{ESC}[200~pasted{ESC}[201~")
                await one.shows(f"{whole}pasted")
                one.write("\r")
                await one.shows(f"  {escape_time} {whole}pasted")
    assert said(gateway) == [f"{escape_time} {whole}pasted" for escape_time in (0, 10, 500)]


async def test_ctrl_z_goes_to_the_shell_and_fg_comes_back(gateway: GatewayProcess, tmp_path: Path) -> None:
    async with terminal(["bash", "--norc", "-i"], environment(gateway, tmp_path)) as one:
        one.write(" ".join([*CHAT, "\r"]))
        await one.shows("alice >")
        one.write("half a thought")
        await one.shows("alice > half a thought")
        one.write("\x1a")
        await one.shows("Stopped")
        assert not one.mode(1049)
        one.write("fg\r")
        await one.shows("alice > half a thought")
        one.write(" and the rest\r")
        await one.shows("and the rest")
        await retry_until(lambda: said(gateway) == ["half a thought and the rest"])
