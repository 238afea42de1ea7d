"""A team in a separate real tmux, as a person uses it: commands, keys in the chat's pane, the content of panes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from controller.team.workspace_record import read_workspace_record
from gateway.client import read_token
from gateway.client.discovery.running_gateway import read_running
from gateway.protocol.types.core_types import MemberKind
from tests.fakes.retry import retry_until
from tests.support import warm
from tests.support.commands import Groupchat, Outcome

PATIENCE = 60.0
COMMAND_PATIENCE_S = 120.0
TMUX = shutil.which("tmux") or "tmux"
DEMO = f"{sys.executable} -P -m sidecar.demo_agent"


@dataclass
class Session:
    """`TMUX_TMPDIR` is private, so that the default tmux server is ours alone."""

    folder: Path
    sockets: Path
    name: str = "llm-groupchat"
    env: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def environment(self) -> dict[str, str]:
        base = Groupchat(self.state).environment
        own = {"TMUX_TMPDIR": str(self.sockets), "HOME": str(self.folder), "TERM": "xterm-256color", **self.env}
        return {name: value for name, value in base.items() if name not in ("TMUX", "TMUX_PANE")} | own

    def groupchat(self, *arguments: str) -> Outcome:
        return run_command(arguments, self.environment, self.folder)

    def up(self, *arguments: str) -> Any:
        done = self.groupchat("up", "--demo", "--detach", "--json", "--port", "0", *arguments)
        assert done.code == 0, done
        return done.json

    def tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            [TMUX, *arguments], env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        return done.stdout

    # panes

    def panes(self, what: str = "#{pane_id}") -> dict[str, str]:
        lines = self.tmux("list-panes", "-s", "-t", f"={self.name}", "-F", f"#{{@groupchat_name}}\t{what}").splitlines()
        return dict(line.split("\t", 1) for line in lines)

    def pids(self) -> dict[str, int]:
        return {name: int(pid) for name, pid in self.panes("#{pane_pid}").items()}

    def text(self, name: str = "chat") -> str:
        return self.tmux("capture-pane", "-p", "-t", self.panes().get(name, "%999"))

    def border(self, name: str) -> str:
        return self.tmux("display-message", "-p", "-t", self.panes()[name], "#{T:pane-border-format}")

    def type(self, text: str, name: str = "chat") -> None:
        self.tmux("send-keys", "-t", self.panes()[name], "-l", text)

    def press(self, *keys: str, name: str = "chat") -> None:
        self.tmux("send-keys", "-t", self.panes()[name], *keys)

    def say(self, text: str) -> None:
        self.type(text)
        self.press("Enter")

    async def shows(self, *words: str, name: str = "chat") -> None:
        await self.until(lambda: all(word in self.text(name) for word in words), name)

    async def until(self, check: Any, name: str = "chat") -> None:
        await retry_until(check, PATIENCE, describe=lambda: f"{self.panes('#{pane_dead}')}\n{self.text(name)}")

    # what is written down

    def messages(self) -> list[dict[str, Any]]:
        """The messages of `groupchat history`, without a process per call; none while no gateway answers."""
        with contextlib.suppress(URLError, ConnectionError):  # it may be killed while it answers
            return list(self.read("/v1/messages?limit=1000")["messages"])[::-1]
        return []

    def doing(self) -> dict[str, str]:
        return {one["name"]: one.get("activity", "") for one in self.read("/v1/members")["agents"]}

    def read(self, path: str) -> Any:
        running, token = read_running(self.state), read_token(self.state, "alice", MemberKind.HUMAN)
        assert running is not None and token is not None
        asked = Request(f"{running.url}{path}", headers={"Authorization": f"Bearer {token}"})
        with urlopen(asked, timeout=60) as answer:
            return json.load(answer)

    def said_by(self, name: str) -> list[str]:
        return [one["content"] for one in self.messages() if one["from"] == name]

    def gateway_pid(self) -> int:
        running = read_running(self.state)
        assert running is not None
        return running.pid

    def supervisor_pid(self) -> int:
        """The pid of the gateway's supervisor."""
        record = read_workspace_record(self.state)
        assert record is not None and record.gateway is not None
        return record.gateway.pid

    def kill_gateway(self) -> None:
        os.kill(self.gateway_pid(), signal.SIGKILL)


def children_of(pid: int) -> list[int]:
    """All descendants of a process."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *children_of(child)]
    return found


def program_of(pid: int, module: str) -> int:
    """The descendant that runs this module itself, not one that only has it in its arguments; 0 if there is none."""
    for child in children_of(pid):
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{child}/cmdline").read_bytes().decode().split("\0")
            if words[1:4] == ["-P", "-m", module]:
                return child
    return 0


def kill_program_of(pid: int, module: str) -> int:
    """Kill the descendant that runs this module; returns its pid."""
    found = program_of(pid, module)
    assert found, f"process {pid} has no {module} below it"  # and 0 would be our own process group
    os.kill(found, signal.SIGKILL)
    return found


def run_command(words: Sequence[str], env: dict[str, str], folder: Path) -> Outcome:
    """`groupchat`, with neither a terminal nor an input: in a fork, so that the terminal's type does not matter."""
    anywhere = {name: value for name, value in env.items() if name != "TERM"}
    anywhere |= {name: value for name, value in os.environ.items() if name == "TERM"}
    if warm.fits(anywhere):
        return Outcome(*warm.run(words, env, None, COMMAND_PATIENCE_S, folder))
    done = subprocess.run(
        [sys.executable, "-P", "-m", warm.CONTROLLER, *words],
        env=env,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_PATIENCE_S,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


@asynccontextmanager
async def a_session(folder: Path, **env: str) -> AsyncIterator[Session]:
    """Afterwards no process of it is left, whatever happened."""
    sockets = Path(tempfile.mkdtemp(prefix="gc-"))
    session = Session(folder, sockets, env=env)
    try:
        yield session
    finally:
        session.groupchat("down")
        session.tmux("kill-server")
        for pid in (session.supervisor_pid, session.gateway_pid):
            with contextlib.suppress(ProcessLookupError, AssertionError):
                os.kill(pid(), signal.SIGKILL)
        shutil.rmtree(sockets, ignore_errors=True)
