"""A real Redis for tests: on a free port of loopback with a private folder; killed, and started again on both."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.held_ports import free_port

START_TIMEOUT_S = 60.0
SAFE = ("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction", "--save", "")
AT_ONCE = ("--repl-diskless-sync-delay", "0")  # otherwise a replica waits for others that might come, too
PROGRAM = "redis-server"
VALKEY = "valkey-server"
VALKEY_FOLDER = "valkey"  # in .venv, where bin/run-tests puts it if the system has none


class RedisServer:
    """`settings` come after ours and win over them. `begin`: what a shell does before it becomes Redis. `program`:
    another one that speaks the same."""

    def __init__(self, folder: Path, *settings: str, begin: str = "", program: str = PROGRAM) -> None:
        self.folder = folder
        self.port = free_port()
        self.begin, self.program = begin, program
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def log(self) -> str:
        return (self.folder / "redis.log").read_text()

    def start(self) -> RedisServer:
        self.folder.mkdir(parents=True, exist_ok=True)
        shell = ["sh", "-c", f'{self.begin}; exec "$@"', "sh"] if self.begin else []
        command = [*shell, self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        with (self.folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *SAFE, *AT_ONCE, *self._settings], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        until = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            assert self._process.poll() is None and time.monotonic() < until, self.log
            time.sleep(0.01)
        return self

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            return not self.ask("PING").startswith("-LOADING")
        return False

    def ask(self, *words: str) -> str:
        """One command as Redis itself reads it, and its answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=START_TIMEOUT_S) as wire:
            parts = "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
            wire.sendall(f"*{len(words)}\r\n{parts}".encode())
            return wire.recv(65536).decode(errors="replace")

    def has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGCONT)
            process.send_signal(number)
            process.wait(START_TIMEOUT_S)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It accepts connections, and answers nothing."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._process.pid, signal.SIGCONT)

    @contextmanager
    def replica(self) -> Iterator[RedisServer]:
        """A replica of this server that has all of it."""
        home = self.folder.with_name(f"{self.folder.name}-replica")
        with RedisServer(home, "--replicaof", "127.0.0.1", str(self.port), program=self.program).running() as replica:
            replica.wait_until_connected()
            yield replica

    def wait_until_connected(self) -> None:
        """For a replica: until it has what its master had when it connected."""
        until = time.monotonic() + START_TIMEOUT_S
        while "master_link_status:up" not in self.ask("INFO", "replication"):
            assert time.monotonic() < until, self.log
            time.sleep(0.01)

    @contextmanager
    def running(self) -> Iterator[RedisServer]:
        self.start()
        try:
            yield self
        finally:
            self.kill()


def need_redis() -> None:
    if shutil.which(PROGRAM) is None:
        pytest.skip(f"{PROGRAM} is not installed; bin/run-tests installs it")


def find_valkey() -> str:
    """The program of Valkey: the system's, or one from a package for Python."""
    programs = [shutil.which(VALKEY), *map(str, (Path(sys.prefix) / VALKEY_FOLDER).glob(f"*/_binaries/*/{VALKEY}"))]
    for program in programs:
        if program is not None:
            return program
    pytest.skip(f"{VALKEY} is not installed; bin/run-tests installs it where it finds one")
