"""Runs our programs in forks of a process that has imported them once: started by `tests.support.warm`, by path.

Each connection is one program: its module, words, environment and folder come in with three open files; its process id
and later its exit code go back. A fork has its own files, environment and folder, and ends like an interpreter.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import time
from types import ModuleType
from typing import Any

import typer.main
import typer.rich_utils  # imported by `--help`

from tests.support.command_modules import USED_BY


def answer_connections(listener: socket.socket, wake: socket.socket) -> None:
    running: dict[int, socket.socket] = {}
    while True:
        ready, _, _ = select.select([listener, wake, sys.stdin], [], [])
        if sys.stdin in ready:  # the process that started this one is gone
            return
        if wake in ready:
            wake.recv(4096)
            tell_ended(running)
        if listener in ready:
            caller, _ = listener.accept()
            running[begin(caller)] = caller


def tell_ended(running: dict[int, socket.socket]) -> None:
    for process in list(running):
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            with running.pop(process) as caller:
                tell(caller, os.waitstatus_to_exitcode(status))


def tell(caller: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):  # a caller that has lost patience has left
        caller.sendall(f"{number}\n".encode())


def begin(caller: socket.socket) -> int:
    head, files, _, _ = socket.recv_fds(caller, 1 << 16, 3)
    text = head
    while not text.endswith(b"\n"):
        text += caller.recv(1 << 16)
    asked = json.loads(text)
    program = imported(asked["module"])
    process = os.fork()
    if process == 0:
        caller.close()
        become(program, files, asked)
    for file in files:
        os.close(file)
    tell(caller, process)
    return process


@functools.cache
def imported(name: str) -> ModuleType:
    """The program, with the modules that it imports when it runs."""
    program = importlib.import_module(name)
    command: Any = typer.main.get_command(program.app)
    for one in command.commands.values():  # each is built, and what building imports is there
        assert one
    USED_BY.get(name, tuple)()
    gc.freeze()
    return program


def become(program: ModuleType, files: list[int], asked: dict[str, Any]) -> None:
    for place, file in enumerate(files):
        os.dup2(file, place)
    os.closerange(3, 64)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["env"])
    time.tzset()
    sys.argv = [str(program.__file__), *asked["words"]]
    os._exit(ended(program))


def ended(program: ModuleType) -> int:
    """The exit code, as the interpreter makes it."""
    code = 0
    try:
        program.main()
    except SystemExit as end:
        if end.code is not None and not isinstance(end.code, int):
            print(end.code, file=sys.stderr)
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return code & 255


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends with the process that started it, not before
    mine, wake = socket.socketpair()
    for one in (mine, wake):
        one.setblocking(False)
    signal.set_wakeup_fd(mine.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(sys.argv[1])
        listener.listen(64)
        print("listening", flush=True)
        answer_connections(listener, wake)


if __name__ == "__main__":
    main()
