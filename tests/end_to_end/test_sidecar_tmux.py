"""The sidecar in a pane of a real tmux on a private socket."""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.retry import retry_until

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
ROOT = Path(__file__).parents[2]
DEMO = (sys.executable, "-P", "-m", "sidecar.demo_agent")


class Pane:
    def __init__(self, folder: Path) -> None:
        self.folder, self._socket = folder, folder / "tmux.sock"

    def tmux(self, *arguments: str) -> str:
        command = ("tmux", "-S", str(self._socket), "-f", "/dev/null", *arguments)
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout

    @property
    def text(self) -> str:
        return self.tmux("capture-pane", "-p")

    @property
    def ghost(self) -> str:
        return self.tmux("show-options", "-p", "-v", "@groupchat_ghost").strip()

    @property
    def state(self) -> dict[str, dict[str, list[str]]]:
        with contextlib.suppress(OSError, ValueError):
            found: dict[str, dict[str, list[str]]] = json.loads((self.folder / "steps.json").read_text())
            return found
        return {}

    def rungs(self, number: int) -> list[str]:
        return self.state.get("steps", {}).get(str(number), [])

    @property
    def is_idle(self) -> bool:
        return str(self.state.get("activity")) == "idle"

    def say(self, *lines: str) -> None:
        with (self.folder / "say").open("a") as file:
            file.write("".join(f"{line}\n" for line in lines))

    async def until(self, check: object) -> None:
        assert callable(check)
        await retry_until(check, describe=lambda: f"{self.state}\n{self.ghost}\n{self.text}")


@contextlib.asynccontextmanager
async def pane(folder: Path, *agent: str, **env: str) -> AsyncIterator[Pane]:
    one = Pane(folder)
    driver = ROOT / "tests/end_to_end/sidecar_driver.py"
    environment = [
        word for name, value in {"PYTHONPATH": str(ROOT), **env}.items() for word in ("-e", f"{name}={value}")
    ]
    command = (sys.executable, "-P", str(driver), str(folder), "--", *(agent or DEMO))
    one.tmux("new-session", "-d", "-x", "100", "-y", "30", *environment, *command)
    try:
        yield one
    finally:
        one.tmux("kill-server")
        await asyncio.sleep(0)


async def test_a_message_is_answered_and_the_border_tells_what_waits(tmp_path: Path) -> None:
    async with pane(tmp_path) as one:
        await one.until(lambda: one.is_idle)
        (tmp_path / "paused").touch()
        one.say("first", "second")
        await one.until(lambda: one.ghost == "[CSP queued 2 msg(s) waiting for idle] paused")
        (tmp_path / "paused").unlink()
        await one.until(lambda: "answered" in one.rungs(3))
        assert "CSP queued" not in one.text
        await one.until(lambda: one.ghost == "")


LOOKS = """\
import os, subprocess, sys
tmux = subprocess.run(["tmux", "list-sessions"], capture_output=True, text=True)
keys = subprocess.run(["tmux", "send-keys", "-t", "chat", "-l", "/approve ada"], capture_output=True, text=True)
own = subprocess.run(["tmux", "new-session", "-d", "-s", "own", "sleep 60"]).returncode
mine = subprocess.run(["tmux", "list-sessions", "-F", "#S"], capture_output=True, text=True).stdout
subprocess.run(["tmux", "kill-server"])
with open(sys.argv[1] + ".part", "w") as file:
    print(tmux.returncode, keys.returncode, own, mine.strip(), file=file)
    print(*os.environ.items(), sep="\\n", file=file)
os.rename(sys.argv[1] + ".part", sys.argv[1])
sys.stdin.read()
"""


async def test_an_agent_finds_no_token_and_not_the_tmux_of_the_person(tmp_path: Path) -> None:
    """It may start its own tmux. The person's is the default server of their environment, and the pane's."""
    found, sockets = tmp_path / "found", tmp_path / "s"
    sockets.mkdir(mode=0o700)
    persons = {**os.environ, "TMUX_TMPDIR": str(sockets)}
    persons.pop("TMUX", None)
    subprocess.run(["tmux", "-f", "/dev/null", "new-session", "-d", "-s", "chat"], env=persons, check=True)
    tokens = {"CSP_AUTH_TOKEN": "secret-7", "GROUPCHAT_TOKEN": "secret-8", "CSP_CONFIG_FILE": "/secret-9"}
    try:
        agent = (sys.executable, "-c", LOOKS, str(found))
        async with pane(tmp_path, *agent, TMUX_TMPDIR=str(sockets), **tokens) as one:
            await one.until(found.exists)
        first, environment = found.read_text().split("\n", 1)
        assert first == "1 1 0 own"
        assert "secret" not in environment
        assert "('TMUX'" not in environment
        assert "('TMUX_PANE'" not in environment
    finally:
        subprocess.run(["tmux", "kill-server"], env=persons, check=False)


async def test_it_follows_the_size_of_the_pane(tmp_path: Path) -> None:
    async with pane(tmp_path) as one:
        await one.until(lambda: one.is_idle)
        one.tmux("resize-window", "-x", "70", "-y", "20")
        await one.until(lambda: "─" * 70 in one.text.split("\n") and "─" * 71 not in one.text)
        one.say("still here")
        await one.until(lambda: "answered" in one.rungs(1))


async def test_closing_the_pane_ends_the_agent(tmp_path: Path) -> None:
    async with pane(tmp_path) as one:
        await one.until(lambda: one.is_idle)
        sidecar = int(one.tmux("display-message", "-p", "#{pane_pid}"))
        children = Path(f"/proc/{sidecar}/task/{sidecar}/children")
        agents = [int(pid) for pid in children.read_text().split()] if children.exists() else []
        one.tmux("kill-pane")
        for pid in [sidecar, *agents]:
            await retry_until(lambda pid=pid: not _alive(pid), 60)  # type: ignore[misc]


def _alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return not Path(f"/proc/{pid}/stat").exists() or " Z " not in Path(f"/proc/{pid}/stat").read_text()
    return False
