"""Claim: any `--help` and `--version` is printed within 200 ms, `groupchat send` to a gateway on this machine ends
within 300 ms, and a Tab is answered within 150 ms, also where the gateway is asked.

Each command is a process of its own, as a shell starts it. The baselines are an interpreter that does nothing, and one
that imports the library which reads the command line.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures import Cell, Outcome, Spread, Table, Verdict
from benchmarks.processes import clean_environment, gateway

BIN = Path(sys.executable).parent
ROUNDS = 20
HELP_MS, SEND_MS, TAB_MS = 200, 300, 150

BASELINES: dict[str, Sequence[str]] = {
    "`python -c pass`": (sys.executable, "-c", "pass"),
    "`python -c 'import typer'`": (sys.executable, "-c", "import typer"),
}
PAGES: dict[str, Sequence[str]] = {
    f"`{' '.join(words)}`": (str(BIN / words[0]), *words[1:])
    for words in (
        ("groupchat", "--version"),
        ("groupchat", "--help"),
        ("groupchat", "send", "--help"),
        ("groupchat", "up", "--help"),
        ("groupchat", "mode", "--help"),
        ("groupchat", "serve", "--help"),
        ("groupchat", "join", "--help"),
        ("groupchat-gateway", "--version"),
        ("groupchat-sidecar", "--help"),
    )
}
SEND = "`groupchat send hello`"
TABS = ("mo", "token re", "history --room ", "send @", "receipts ", "mode ", "token revoke ")


def tab_name(line: str) -> str:
    return f"Tab after `groupchat {line}`"


def tab(line: str, state: Path) -> Sequence[str]:
    """What bash runs at a Tab."""
    words = ["groupchat", *line.split(" ")]
    asked = {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1), "GROUPCHAT_STATE": str(state)}
    pairs = {**asked, "_GROUPCHAT_COMPLETE": "complete_bash", "XDG_CACHE_HOME": str(state.parent / "cache")}
    return ("env", *(f"{name}={value}" for name, value in pairs.items()), str(BIN / "groupchat"))


def measure(folder: Path, *, quick: bool) -> Outcome:
    state = folder / "state"
    with gateway(state):
        commands = {**BASELINES, **PAGES, SEND: (str(BIN / "groupchat"), "send", "hello", "--state", str(state))}
        commands |= {tab_name(line): tab(line, state) for line in TABS}
        found = _measured(commands, 3 if quick else ROUNDS)
    rows = tuple(_row(name, times, cpu) for name, (times, cpu) in found.items())
    slowest_tab = max(Spread.of(found[tab_name(line)][0]).p50 for line in TABS)
    slowest = max(Spread.of(found[name][0]).p50 for name in PAGES)
    verdicts = (
        Verdict("ms of the slowest page (median)", slowest, HELP_MS, at_least=False),
        Verdict("ms of a send (median)", Spread.of(found[SEND][0]).p50, SEND_MS, at_least=False),
        Verdict("ms of the slowest Tab (median)", slowest_tab, TAB_MS, at_least=False),
    )
    return Outcome("cli", (Table("Commands, from start to end", rows, "Rounds alternate between commands."),), verdicts)


def _row(name: str, times: list[float], cpu: list[float]) -> dict[str, Cell]:
    return {"command": name, **Spread.of(times).cells(), "CPU ms": round(Spread.of(cpu).p50, 1)}


def _measured(commands: dict[str, Sequence[str]], rounds: int) -> dict[str, tuple[list[float], list[float]]]:
    """One round that fills the caches, then those that count."""
    found: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            wall, cpu = _timed(command)
            if number:
                found[name][0].append(wall)
                found[name][1].append(cpu)
    return found


def _timed(command: Sequence[str]) -> tuple[float, float]:
    """Seconds on the clock, and of a processor."""
    before, begun = os.times(), time.perf_counter()
    subprocess.run(command, env=clean_environment(), stdout=subprocess.DEVNULL, check=True)
    wall, after = time.perf_counter() - begun, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, cpu
