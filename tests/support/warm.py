"""Starts our programs without half a second of imports: one process per worker has imported them, and each run is a
fork of it. A run is still a separate process with its own files, environment and folder, and dies like any process.
Tests of a cold start (that imports are complete and do not depend on the environment) start a new interpreter: the
first start, an installation, and everything that `Groupchat.start` starts.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import IO

from controller.cli.verb_forwarding import FORWARDED

ROOT = Path(__file__).parents[2]
AT_START = ("PYTHON", "LC_", "LANG", "TERM", "COLUMNS", "NO_COLOR", "FORCE_COLOR")
NOTHING: Mapping[str, str] = MappingProxyType({})
CONTROLLER, GATEWAY, SIDECAR = "controller.cli.main", "gateway.cli", "sidecar.cli"


def fits(env: Mapping[str, str]) -> bool:
    """Values that the interpreter and the libraries read at their start are those of this process."""
    return _read_at_start(env) == _read_at_start(os.environ)


def _read_at_start(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(AT_START)}


class Fork:
    """A running program, with the part of `subprocess.Popen` that tests need."""

    def __init__(
        self,
        module: str,
        words: Sequence[str],
        env: Mapping[str, str],
        files: Sequence[int],
        folder: Path | None = None,
        *,
        start: Mapping[str, str] = NOTHING,
    ) -> None:
        """`files` become its standard input, output and error; without a `folder` it runs in the test's folder.
        `start`: variables that the interpreter reads at its start, such as a locale; each kind has its own server."""
        asked = {"module": module, "words": list(words), "env": {**env, **start}, "folder": str(folder or Path.cwd())}
        head = json.dumps(asked).encode() + b"\n"
        self._caller = socket.socket(socket.AF_UNIX)
        self._caller.connect(_server(os.getpid(), tuple(sorted(start.items()))))
        sent = socket.send_fds(self._caller, [head], files)
        if sent < len(head):  # to send nothing fails once a quick program has ended and its connection is closed
            self._caller.sendall(head[sent:])
        self._answers = self._caller.makefile("r")
        self.pid = int(self._answers.readline())
        self._code: int | None = None

    def fileno(self) -> int:
        """Readable when it has ended."""
        return self._caller.fileno()

    def send_signal(self, number: signal.Signals) -> None:
        if self._code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, patience_s: float) -> int:
        """Its exit code, or minus the signal that ended it. It does not outlive the patience."""
        if self._code is None:
            self._code = self._ended(patience_s)
        return self._code

    def _ended(self, patience_s: float) -> int:
        self._caller.settimeout(patience_s)
        try:
            return int(self._answers.readline())
        except TimeoutError:
            self.send_signal(signal.SIGKILL)
            raise subprocess.TimeoutExpired(str(self.pid), patience_s) from None
        finally:
            self._answers.close()
            self._caller.close()


def run(
    words: Sequence[str], env: Mapping[str, str], given: str | None, patience_s: float, at: Path | None = None
) -> tuple[int, str, str]:
    """The exit code of a `groupchat` command and what was written on standard output and standard error. A verb of
    another program is run by that program, to which `groupchat` would hand it over."""
    module = FORWARDED[words[0]].program[1] if words and words[0] in FORWARDED else CONTROLLER
    if module != CONTROLLER:
        env = {**env, "GROUPCHAT_PROG": "groupchat"}
    with tempfile.TemporaryFile() as read, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        read.write((given or "").encode())
        read.seek(0)
        code = Fork(module, words, env, [read.fileno(), out.fileno(), err.fileno()], at).wait(patience_s)
        return code, _text(out), _text(err)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n")


@functools.cache
def _server(owner: int, start: tuple[tuple[str, str], ...]) -> str:
    """The address of the one with these variables. It ends with its standard input, which `owner`, this process, holds
    open."""
    folder = tempfile.mkdtemp(prefix="warm-")
    path = str(Path(folder) / "commands")
    process = subprocess.Popen(
        [sys.executable, "-P", str(Path(__file__).with_name("warm_server.py")), path],
        env={**os.environ, **dict(start), "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdin is not None
    assert process.stdout.readline() == "listening\n"

    def end() -> None:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.close()
        process.stdout.close()
        process.wait(10)
        shutil.rmtree(folder)

    ENDS.append(end)
    return path


ENDS: list[Callable[[], None]] = []


@atexit.register
def end_servers() -> None:
    """Also called after the tests, before the check for leftover processes."""
    while ENDS:
        ENDS.pop()()
