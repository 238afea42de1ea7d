"""How fast a program can print in tmux: alone, behind the minimal proxy, behind the sidecar."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from statistics import median

from benchmarks import processes, sidecar_ways
from benchmarks.figures import Cell, Outcome, Table, Verdict
from benchmarks.sidecar_ways import PATIENCE, Tmux, bare, proxied, sidecar, tmux

WAYS = {"tmux alone": bare, "bare proxy": proxied, "sidecar": sidecar("flood")}
ROUNDS, QUICK_ROUNDS = 5, 2
MEGABYTES, QUICK_MEGABYTES = 40, 10
LINES = {
    "plain lines": "the quick brown fox jumps over the lazy dog and then sleeps for the rest of the day 0123\r\n",
    "coloured lines": "\x1b[32m+ added\x1b[0m \x1b[1mname\x1b[22m = \x1b[38;5;214mvalue\x1b[39m and so on to here\r\n",
}
# The last query is answered when the terminal has read all output before it
PRINTER = """
import os, sys, time, tty
tty.setraw(0)
line, size, report = sys.argv[1].encode().decode("unicode_escape").encode(), int(sys.argv[2]), sys.argv[3]
block = line * (65536 // len(line))
begun = time.perf_counter()
for _ in range(size // len(block)):
    rest = block
    while rest:
        rest = rest[os.write(1, rest):]
os.write(1, b"\\x1b[6n")
answer = b""
while not answer.endswith(b"R"):
    answer += os.read(0, 64)
seconds = time.perf_counter() - begun
with open(report + ".new", "w") as file:
    file.write(str(size / 1e6 / seconds))
os.rename(report + ".new", report)
"""


def measure(folder: Path, *, quick: bool) -> Outcome:
    env = sidecar_ways.environment(folder / "state")
    megabytes, rounds = (QUICK_MEGABYTES, QUICK_ROUNDS) if quick else (MEGABYTES, ROUNDS)
    speeds: dict[tuple[str, str], list[float]] = {(what, name): [] for what in LINES for name in WAYS}
    with processes.gateway(folder / "state"), tmux(folder, env) as server:
        server("new-session", "-d", "sleep 100000")
        for _ in range(rounds):
            for (what, name), taken in speeds.items():
                taken.append(_print(server, folder, what, name, megabytes))
    return _outcome(speeds)


def _print(server: Tmux, folder: Path, what: str, name: str, megabytes: int) -> float:
    report = folder / "speed"
    report.unlink(missing_ok=True)
    line = LINES[what].encode("unicode_escape").decode()
    program = (sys.executable, "-c", PRINTER, line, str(megabytes * 1_000_000), str(report))
    server.run(WAYS[name](program))
    until = time.monotonic() + PATIENCE
    while not report.exists():
        if time.monotonic() > until:
            raise TimeoutError(f"{name} did not print {megabytes} MB within {PATIENCE:g} s")
        time.sleep(0.05)
    return float(report.read_text())


def _outcome(speeds: dict[tuple[str, str], list[float]]) -> Outcome:
    medians = {key: median(taken) for key, taken in speeds.items()}
    rows: tuple[dict[str, Cell], ...] = tuple(
        {
            "what": what,
            "way": name,
            "MB/s, median": round(medians[what, name], 1),
            "slowest": round(min(taken), 1),
            "fastest": round(max(taken), 1),
            "of tmux alone": round(medians[what, name] / medians[what, "tmux alone"], 3),
        }
        for (what, name), taken in speeds.items()
    )
    verdicts = tuple(
        Verdict(f"{what}: speed over that of tmux alone", medians[what, "sidecar"] / medians[what, "tmux alone"], 0.7)
        for what in LINES
    )
    return Outcome("flood", (Table("Printing in tmux", rows, "In turns, in one tmux; medians."),), verdicts)
