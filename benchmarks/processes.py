"""Server processes: started, announced by one line of JSON, read through /proc, ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TICK = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A running server, seen from outside."""

    name: str
    pid: int
    url: str
    listeners: Mapping[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def at(self, dialect: str) -> Server:
        """The same process, by its listener for clients of another system."""
        return replace(self, name=f"{self.name}, {dialect}", url=self.listeners[dialect])

    def cpu_seconds(self) -> float:
        """User and system time of all its threads, ended ones too."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * TICK

    def rss(self) -> float:
        """Resident memory in MB."""
        return _status_number(Path(f"/proc/{self.pid}/status"), "VmRSS") / 1024

    def wakeups(self) -> dict[str, int]:
        """The voluntary context switches of each thread: how often it slept and was woken."""
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return {task.name: _status_number(task / "status", "voluntary_ctxt_switches") for task in tasks}


def _status_number(path: Path, field: str) -> int:
    lines = (line.split() for line in path.read_text().splitlines())
    return next(int(words[1]) for words in lines if words[0] == f"{field}:")


def clean_environment() -> dict[str, str]:
    """An environment without variables of a team on this machine."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CSP_", "GROUPCHAT_"))}
    return {**kept, "PYTHONPATH": str(ROOT), "GROUPCHAT_OPERATOR": "operator"}


@contextmanager
def serving(name: str, command: Sequence[str]) -> Iterator[Server]:
    """A process whose first line says its url."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=clean_environment())
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"{name} did not start: exit {process.wait(10)}")
        told = json.loads(line)
        yield Server(name, process.pid, told["url"], told.get("listeners", {}))
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


@contextmanager
def gateway(state: Path, *options: str) -> Iterator[Server]:
    """The real gateway, without its limits."""
    limits = (f"--max-{name}=0" for name in ("hops", "pair", "wakes", "repeats"))
    with guarded_gateway(state, *limits, *options) as server:
        yield server


@contextmanager
def guarded_gateway(state: Path, *options: str) -> Iterator[Server]:
    """The gateway without rate limits, but with the loop guard."""
    serve = [sys.executable, "-P", "-m", "gateway.cli", "serve", "--json", "--port", "0", "--rate", "0"]
    with serving("gateway", [*serve, "--log-level", "warning", "--state", str(state), *options]) as server:
        yield server
