"""The compared setups of a program in a terminal: bare, behind the minimal proxy, behind the sidecar."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import ptyprocess

from benchmarks.processes import ROOT, Server, clean_environment

PATIENCE = 60.0
SIZE = (30, 100)
BOX = "\x1b[2J\x1b[26;1H{rule}\r\n› \r\n{rule}\r\n? for help\x1b]0;✳ demo\x07\x1b[27;3Hready".format(rule="─" * 100)
ECHO = f"""
import os, tty
tty.setraw(0)
os.write(1, {BOX!r}.encode())
while True:
    os.write(1, os.read(0, 64))
"""
Way = Callable[[Sequence[str]], Sequence[str]]


def bare(command: Sequence[str]) -> Sequence[str]:
    return command


def proxied(command: Sequence[str]) -> Sequence[str]:
    return (sys.executable, "-P", str(ROOT / "benchmarks" / "sidecar_proxy.py"), *command)


def sidecar(name: str, agent: str = "demo") -> Way:
    def way(command: Sequence[str]) -> Sequence[str]:
        join = ("-P", "-m", "sidecar.cli", "join", name, "--agent", agent, "--project", "/tmp")
        return (sys.executable, *join, "--", *command)

    return way


def environment(state: Path) -> dict[str, str]:
    mine = {"GROUPCHAT_STATE": str(state), "TERM": "xterm-256color"}
    kept = {name: value for name, value in clean_environment().items() if not name.startswith("TMUX")}
    return {**kept, **mine}


@dataclass
class Window:
    """A terminal with a program in it, from the person's side."""

    process: ptyprocess.PtyProcess
    seen: bytes = b""

    @property
    def fd(self) -> int:
        return int(self.process.fd)

    def press(self, keys: bytes) -> None:
        os.write(self.fd, keys)

    def read(self, seconds: float = PATIENCE) -> bytes:
        if not select.select([self.fd], [], [], seconds)[0]:
            raise TimeoutError(f"nothing was printed for {seconds:g} s after {self.seen[-300:]!r}")
        data = os.read(self.fd, 65536)
        self.seen = (self.seen + data)[-65536:]
        return data

    @contextlib.contextmanager
    def read_meanwhile(self, take: Callable[[bytes], None], most: int = 65536) -> Iterator[None]:
        """`take` gets all that is printed until the block ends, as soon as it comes, in a thread of its own."""
        over = threading.Event()

        def read() -> None:
            while not over.is_set():
                if select.select([self.fd], [], [], 0.2)[0]:
                    try:
                        data = os.read(self.fd, most)
                    except OSError:
                        return
                    take(data)

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def until(self, text: bytes) -> None:
        while text not in self.seen:
            self.read()

    def sidecar(self) -> Server:
        """The sidecar: the child of the process in this terminal, which is its supervisor."""
        pid = int(self.process.pid)
        return Server("sidecar", int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0]), "")

    def supervisor(self) -> Server:
        return Server("supervisor", int(self.process.pid), "")


@contextlib.contextmanager
def window(command: Sequence[str], env: Mapping[str, str]) -> Iterator[Window]:
    process = ptyprocess.PtyProcess.spawn(list(command), env=dict(env), dimensions=SIZE)
    try:
        yield Window(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
        _reap(process)


def _reap(process: ptyprocess.PtyProcess) -> None:
    """Read its last output, because otherwise it could not exit."""
    until = time.monotonic() + 10
    while process.isalive() and time.monotonic() < until:
        with contextlib.suppress(OSError):
            if select.select([process.fd], [], [], 0.02)[0]:
                os.read(process.fd, 65536)
    process.close(force=True)


@dataclass(frozen=True)
class Tmux:
    """A tmux of our own on a private socket."""

    socket: Path
    env: Mapping[str, str]

    def __call__(self, *arguments: str) -> str:
        command = ("tmux", "-S", str(self.socket), "-f", "/dev/null", *arguments)
        return subprocess.run(command, env=dict(self.env), capture_output=True, text=True, check=False).stdout

    def run(self, command: Sequence[str]) -> None:
        self("new-session", "-d", "-x", str(SIZE[1]), "-y", str(SIZE[0]), *command)


@contextlib.contextmanager
def tmux(folder: Path, env: Mapping[str, str]) -> Iterator[Tmux]:
    if shutil.which("tmux") is None:
        raise RuntimeError("tmux is not installed")
    one = Tmux(folder / "tmux.sock", env)
    try:
        yield one
    finally:
        one("kill-server")
