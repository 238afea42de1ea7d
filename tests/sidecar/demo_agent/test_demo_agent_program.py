"""The demo agent as a program, in a real PTY."""

import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fakes.retry import retry_until
from tests.fakes.terminal import Terminal, terminal

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Running:
    terminal: Terminal
    files: Path

    def transcript(self) -> list[dict[str, Any]]:
        return _lines(self.files / "transcript")

    def heard(self) -> list[str]:
        return [
            f"{entry['type']} {entry.get('text') or entry.get('answer', '')}".strip() for entry in self.transcript()
        ]

    def truth(self) -> list[str]:
        return [entry["state"] for entry in _lines(self.files / "truth")]

    async def hears(self, *entries: str) -> None:
        await retry_until(lambda: self.heard() == list(entries), describe=lambda: (self.heard(), self.terminal.screen))


def _lines(path: Path) -> list[dict[str, Any]]:
    """The whole ones: the agent may be writing another."""
    written = path.read_bytes().rpartition(b"\n")[0] if path.exists() else b""
    return [json.loads(line) for line in written.split(b"\n") if line]


@contextlib.asynccontextmanager
async def demo(files: Path, *, traps: str = "", script: Path | None = None) -> AsyncIterator[Running]:
    env = {
        "PATH": os.environ["PATH"],
        "TERM": "xterm-256color",
        "PYTHONPATH": str(ROOT),
        "DEMO_AGENT_TRANSCRIPT": str(files / "transcript"),
        "DEMO_AGENT_TRUTH": str(files / "truth"),
        "DEMO_AGENT_TRAPS": traps,
    }
    argv = [sys.executable, "-P", "-m", "sidecar.demo_agent", *(["--script", str(script)] if script else [])]
    async with terminal(argv, env, columns=60, lines=20) as pty:
        await pty.shows("? for help")
        yield Running(pty, files)


async def test_a_conversation(tmp_path: Path) -> None:
    async with demo(tmp_path) as agent:
        pty = agent.terminal
        assert pty.mode(1049)
        await retry_until(lambda: (pty.title, pty.mode(2004), pty.cursor_visible) == ("✳ demo", True, True))
        await pty.submit("[alice -> demo #1] say grüße\nund 🙂")
        await agent.hears("user [alice -> demo #1] say grüße\nund 🙂", "assistant grüße\nund 🙂")
        await pty.shows("● grüße")
        await pty.submit("!touch x")
        await pty.shows("would have run this")
        pty.write("/exit\r")
        assert await pty.ends() == 0
        await retry_until(lambda: not pty.mode(1049))
        assert not pty.mode(2004)
        assert agent.heard()[-1] == "command !touch x"
        assert agent.truth() == ["starting", "idle", "busy", "idle", "exited"]


async def test_a_turn_with_an_approval_and_an_interrupt(tmp_path: Path) -> None:
    async with demo(tmp_path) as agent:
        pty = agent.terminal
        await pty.submit("ask say done")
        await pty.shows("› 1. Yes")
        await retry_until(lambda: pty.title == "✳ demo")
        pty.paste("lost")
        pty.write("1")
        await agent.hears("user ask say done", "dialog Yes", "assistant done")
        await pty.submit("silent 60")
        await pty.shows("esc to interrupt")
        await retry_until(lambda: not pty.cursor_visible and pty.title[0] in "⠂⠐")
        pty.write("\x1b")
        await pty.shows("? for help")
        assert agent.heard()[-1] == "interrupted"


async def test_a_long_paste_is_a_placeholder_and_arrives_whole(tmp_path: Path) -> None:
    text = "say " + "\n".join(f"line {n} " + "ü" * 80 for n in range(200))
    async with demo(tmp_path) as agent:
        agent.terminal.paste(text)
        await agent.terminal.shows("› [Pasted text #1 +199 lines]")
        agent.terminal.write("\r")
        await agent.hears(f"user {text}", f"assistant {text.removeprefix('say ')}")


async def test_resize_and_sigterm(tmp_path: Path) -> None:
    async with demo(tmp_path) as agent:
        agent.terminal.write("draft")
        await agent.terminal.shows("› draft")
        agent.terminal.resize(30, 10)
        drawn = ["─" * 30, "› draft", "─" * 30, "? for help"]
        await retry_until(lambda: agent.terminal.rows[-4:] == drawn, describe=agent.terminal.describe)
        os.kill(agent.terminal.process.pid, signal.SIGTERM)
        assert await agent.terminal.ends() == 0
        assert agent.truth()[-1] == "exited"


async def test_slow_start_takes_nothing_before_it_is_ready(tmp_path: Path) -> None:
    async with demo(tmp_path, traps="slow-start") as agent:
        await retry_until(lambda: agent.terminal.mode(2004))
        truth = _lines(tmp_path / "truth")
        assert truth[1]["monotonic"] - truth[0]["monotonic"] >= 1.5


async def test_a_script_in_the_program(tmp_path: Path) -> None:
    script = tmp_path / "story.toml"
    script.write_text('[[turn]]\nmatch = "weather"\nanswer = "rain"\n')
    async with demo(tmp_path, script=script) as agent:
        await agent.terminal.submit("the weather?")
        await agent.hears("user the weather?", "assistant rain")


async def test_it_gives_the_terminal_back_when_the_other_end_closes(tmp_path: Path) -> None:
    async with demo(tmp_path) as agent:
        os.kill(agent.terminal.process.pid, signal.SIGHUP)
        assert await agent.terminal.ends() == 0
