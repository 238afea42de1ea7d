"""The installed commands, run as a person or a script runs them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import warm

PATIENCE = 60.0


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def error(self) -> dict[str, str]:
        """The JSON error on standard error."""
        found: dict[str, str] = json.loads(self.err.strip().splitlines()[-1])["error"]
        return found


@dataclass(frozen=True)
class Groupchat:
    """`groupchat` with a separate state folder and environment. `quick`: in a fork, see `tests/support/warm`."""

    state: Path
    env: tuple[tuple[str, str], ...] = ()
    quick: bool = False

    def with_env(self, **env: str) -> Groupchat:
        return Groupchat(self.state, tuple({**dict(self.env), **env}.items()), self.quick)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CSP_", "GROUPCHAT_"))}
        return {**kept, "GROUPCHAT_STATE": str(self.state), "GROUPCHAT_OPERATOR": "alice", **dict(self.env)}

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-P", "-m", "controller.cli.main", *arguments]

    def __call__(self, *arguments: str, given: str | None = None) -> Outcome:
        if self.quick and warm.fits(self.environment):
            return Outcome(*warm.run(arguments, self.environment, given, PATIENCE))
        return outcome_of(self.command(*arguments), self.environment, given)

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self.command(*arguments),
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )


def outcome_of(command: list[str], environment: dict[str, str], given: str | None = None) -> Outcome:
    """What a command printed until its end. If it does not end in time, the error says where in its code it is."""
    stdin = None if given is None else subprocess.PIPE
    environment = {**environment, "PYTHONFAULTHANDLER": "1"}  # SIGABRT prints the stack
    with subprocess.Popen(
        command, env=environment, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            out, err = process.communicate(given, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            state = _state_of(process.pid)
            for number in (signal.SIGABRT, signal.SIGCONT):
                process.send_signal(number)
            out, err = process.communicate(timeout=PATIENCE)  # a child of it may hold its output open
            raise AssertionError(f"{command} has not ended after {PATIENCE} s ({state}).\n{out}\n{err}") from None
        except BaseException:
            process.kill()
            raise
    return Outcome(process.returncode, out, err)


def _state_of(pid: int) -> str:
    """Whether it runs, sleeps or is stopped, where the system says so."""
    try:
        found = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return "in an unknown state"
    return next(line for line in found if line.startswith("State:"))


async def end_of(process: asyncio.subprocess.Process) -> tuple[int, str, str]:
    """The status with which a started command ends, and all that it printed."""
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()
