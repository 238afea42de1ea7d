"""chat.toml, themes and terminals that can show less, in a real terminal."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.terminal import terminal
from tests.support.commands import Groupchat
from tests.support.gateways import GatewayProcess

CHAT = [sys.executable, "-P", "-m", "controller.cli.main", "chat"]
DIM_ON_DARK, DIM_ON_LIGHT, NEUTRAL_DIM = b"38;5;246", b"38;5;241", b"[0;90"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    process = GatewayProcess(tmp_path / "state")
    with process.running():
        yield process


def environment(gateway: GatewayProcess, home: Path, **more: str) -> dict[str, str]:
    dropped = ("TMUX", "TMUX_PANE", "NO_COLOR", "COLORFGBG", "XDG_CONFIG_HOME", "SSH_CONNECTION")
    kept = {name: value for name, value in Groupchat(gateway.state).environment.items() if name not in dropped}
    return {**kept, "TERM": "xterm-256color", "HOME": str(home), **more}


def settings(home: Path, text: str) -> None:
    folder = home / ".config" / "llm-groupchat"
    folder.mkdir(parents=True)
    (folder / "chat.toml").write_text(text)


@pytest.mark.parametrize(
    ("text", "more", "colour"),
    [
        ("", {"COLORFGBG": "15;0"}, DIM_ON_DARK),
        ("", {"COLORFGBG": "0;15"}, DIM_ON_LIGHT),
        ('theme = "light"', {"COLORFGBG": "15;0"}, DIM_ON_LIGHT),
        ("", {"TERM": "xterm"}, NEUTRAL_DIM),
    ],
)
async def test_the_theme_follows_the_settings_and_the_terminal(
    gateway: GatewayProcess, tmp_path: Path, text: str, more: dict[str, str], colour: bytes
) -> None:
    settings(tmp_path, text)
    async with terminal(CHAT, environment(gateway, tmp_path, **more)) as one:
        await one.shows("/help")
        assert colour in one.output
        one.write("hello")
        await one.shows("> hello")
        assert "rgb:" not in one.screen


async def test_no_color_is_respected(gateway: GatewayProcess, tmp_path: Path) -> None:
    async with terminal(CHAT, environment(gateway, tmp_path, NO_COLOR="1")) as one:
        await one.shows("/help")
        assert not any(code in one.output for code in (b"38;5;", b"[0;90", b";3", b"[0;3"))


async def test_a_faulty_file_is_named_and_the_chat_works(gateway: GatewayProcess, tmp_path: Path) -> None:
    settings(tmp_path, '\n[keys]\nhlep = "f9"\n')
    async with terminal(CHAT, environment(gateway, tmp_path), columns=200) as one:
        await one.shows("chat.toml, line 3: `hlep` is no action of the chat. Did you mean `help`?")
        one.write("hello\r")
        await one.shows("  hello")
        assert "> hello" not in one.screen


async def test_an_output_that_is_not_utf8_gets_ascii_signs(gateway: GatewayProcess, tmp_path: Path) -> None:
    async with terminal(CHAT, environment(gateway, tmp_path, PYTHONIOENCODING="iso8859-1")) as one:
        await one.shows("| ")
        assert "?" not in one.screen


async def test_a_terminal_that_cannot_place_text_gets_a_sentence(gateway: GatewayProcess, tmp_path: Path) -> None:
    env = environment(gateway, tmp_path, TERM="dumb")
    async with terminal(CHAT, env, cwd=tmp_path) as pane:
        assert await pane.ends() == 1
        for words in ("TERM=dumb", "groupchat chat --plain"):
            assert words in " ".join(pane.screen.split())
        assert "Traceback" not in pane.screen


def test_without_a_terminal_there_is_a_sentence(gateway: GatewayProcess, tmp_path: Path) -> None:
    env = environment(gateway, tmp_path)
    done = subprocess.run(CHAT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "needs a terminal" in done.stderr and "Traceback" not in done.stderr
