"""Claim: a warm start is a usable chat with three demo agents in less than 3 s, and a chat that shows the room in less
than 1.5 s."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks.figures import Cell, Outcome, Table, Verdict
from benchmarks.processes import clean_environment

STARTS = 5
USABLE, CHAT = 3.0, 1.5
GROUPCHAT = (sys.executable, "-P", "-m", "controller.cli.main")


def measure(folder: Path, *, quick: bool) -> Outcome:
    with _private_tmux() as env:
        env["GROUPCHAT_STATE"] = str(folder / "state")
        found = [_start(env, folder) for _ in range(2 if quick else STARTS + 1)][1:]
        bare = median([_bare(env) for _ in range(3)])
    chat, usable = median([one[0] for one in found]), median([one[1] for one in found])
    rows: tuple[dict[str, Cell], ...] = (
        {"until": "the chat shows the room", "median s": chat, "slowest s": max(one[0] for one in found)},
        {"until": "three agents can be talked to", "median s": usable, "slowest s": max(one[1] for one in found)},
        {"until": "`python -c pass` has ended", "median s": bare, "slowest s": None},
    )
    verdicts = (
        Verdict("s from the command to the chat", chat, CHAT, at_least=False),
        Verdict("s from the command to three agents that can be talked to", usable, USABLE, at_least=False),
    )
    table = Table(f"A warm start, {len(found)} times", rows, "The first start is not counted. tmux was not running.")
    return Outcome("start", (table,), verdicts)


@contextmanager
def _private_tmux() -> Iterator[dict[str, str]]:
    sockets = tempfile.mkdtemp(prefix="gc-")
    env = {name: value for name, value in clean_environment().items() if name not in ("TMUX", "TMUX_PANE")}
    try:
        yield {**env, "TMUX_TMPDIR": sockets}
    finally:
        shutil.rmtree(sockets, ignore_errors=True)


def _start(env: dict[str, str], folder: Path) -> tuple[float, float]:
    begun = time.perf_counter()
    ready: list[float] = []
    watching = threading.Thread(target=_watch_chat, args=(env, begun, ready))
    watching.start()
    command = [*GROUPCHAT, "up", "--demo", "--detach", "--json", "--port", "0"]
    done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, check=True)
    usable = time.perf_counter() - begun
    watching.join()
    problems = json.loads(done.stdout)["problems"]
    subprocess.run([*GROUPCHAT, "down"], env=env, cwd=folder, capture_output=True, check=True)
    if problems:
        raise AssertionError(problems)
    return ready[0], usable


def _watch_chat(env: dict[str, str], begun: float, ready: list[float]) -> None:
    """The chat reports in an option of its pane when it shows the room."""
    look = ["tmux", "list-panes", "-s", "-t", "=llm-groupchat", "-F", "#{@groupchat_ready}"]
    while time.perf_counter() - begun < 60:
        with contextlib.suppress(OSError):
            done = subprocess.run(look, env=env, capture_output=True, text=True, check=False)
            if "1" in done.stdout.split():
                ready.append(time.perf_counter() - begun)
                return
        time.sleep(0.02)
    ready.append(60.0)


def _bare(env: dict[str, str]) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], env=env, check=True)
    return time.perf_counter() - begun
