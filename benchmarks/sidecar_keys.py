"""The time from a key to its echo, for each setup in turn."""

from __future__ import annotations

import random
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles

from benchmarks import processes, sidecar_ways
from benchmarks.figures import Cell, Outcome, Table, Verdict
from benchmarks.sidecar_ways import ECHO, Window, bare, proxied, sidecar, window

WAYS = {"bare PTY": bare, "bare proxy": proxied, "sidecar": sidecar("keys")}
KEYS, QUICK_KEYS = 2000, 300
LETTERS = b"abcdefghijklmnopqrstuvwxyz"


def measure(folder: Path, *, quick: bool) -> Outcome:
    env = sidecar_ways.environment(folder / "state")
    program = (sys.executable, "-c", ECHO)
    with processes.gateway(folder / "state"), ExitStack() as stack:
        windows = {name: stack.enter_context(window(way(program), env)) for name, way in WAYS.items()}
        for one in windows.values():
            one.until(b"ready")
        times = _press(windows, QUICK_KEYS if quick else KEYS)
    return _outcome({name: [1000 * one for one in taken] for name, taken in times.items()})


def _press(windows: dict[str, Window], count: int) -> dict[str, list[float]]:
    """In a new order each time, with pauses as irregular as a person's but shorter."""
    chance, times = random.Random(7), {name: list[float]() for name in windows}
    for number in range(count):
        for name in chance.sample(list(windows), len(windows)):
            time.sleep(chance.uniform(0.003, 0.012))
            key = LETTERS[number % 26 : number % 26 + 1]
            begun = time.perf_counter()
            windows[name].press(key)
            echo = windows[name].read()
            times[name].append(time.perf_counter() - begun)
            assert echo == key, (name, echo, key)
    return times


def _outcome(times: dict[str, list[float]]) -> Outcome:
    rows = tuple(_row(name, taken) for name, taken in times.items())
    p50, p99 = ({row["way"]: float(str(row[column])) for row in rows} for column in ("p50 ms", "p99 ms"))
    return Outcome(
        "keys",
        (Table("From a key to its echo", rows, "Interleaved in one run, each key in a new order."),),
        (
            Verdict(
                "ms that a key takes longer (p50) than on a bare PTY", p50["sidecar"] - p50["bare PTY"], 0.15, False
            ),
            Verdict("p99 of a key over that of a bare proxy", p99["sidecar"] / p99["bare proxy"], 1.2, False),
        ),
    )


def _row(name: str, taken: list[float]) -> dict[str, Cell]:
    percent = quantiles(taken, n=100)
    return {
        "way": name,
        "keys": len(taken),
        "p50 ms": round(median(taken), 4),
        "p95 ms": round(percent[94], 4),
        "p99 ms": round(percent[98], 4),
        "max ms": round(max(taken), 3),
    }
