"""The cost of an idle sidecar, and of twenty sidecars with busy agents."""

from __future__ import annotations

import os
import select
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import processes, sidecar_ways
from benchmarks.figures import Cell, Outcome, Table, Verdict
from benchmarks.processes import Server
from benchmarks.sidecar_ways import Window, sidecar, window

DEMO = (sys.executable, "-P", "-m", "sidecar.demo_agent")
REST_SECONDS, BUSY_SECONDS = 60.0, 20.0
SETTLED = 6.0
MANY = 20


def rest(folder: Path, *, quick: bool) -> Outcome:
    seconds = REST_SECONDS / 6 if quick else REST_SECONDS
    env = sidecar_ways.environment(folder / "state")
    with processes.gateway(folder / "state"), window(sidecar("rest")(DEMO), env) as one:
        one.until("✳ demo".encode())
        with drained([one]):
            time.sleep(SETTLED)
            row = _spent([one], seconds)
    return Outcome(
        "rest",
        (Table("One sidecar with an idle agent", ({"state": "at rest", **row},)),),
        (
            Verdict("% of a core at rest", float(str(row["% of a core"])), 0.5, False),
            Verdict("MB resident at rest", float(str(row["MB each"])), 45, False),
            Verdict("wake-ups per second at rest", float(str(row["wake-ups/s each"])), 1.0, False),
        ),
    )


def busy(folder: Path, *, quick: bool) -> Outcome:
    """The agents print a frame every 80 ms, like the real ones; their own cost is not counted."""
    seconds, count = (BUSY_SECONDS / 4, MANY // 4) if quick else (BUSY_SECONDS, MANY)
    env = sidecar_ways.environment(folder / "state")
    with processes.gateway(folder / "state"), ExitStack() as stack:
        windows = []
        for number in range(count):
            windows.append(stack.enter_context(window(sidecar(f"busy{number}")(DEMO), env)))
            windows[-1].until("✳ demo".encode())
        stack.enter_context(drained(windows))
        for one in windows:
            one.press(b"slow 600")
        time.sleep(1)
        for one in windows:
            one.press(b"\r")
        time.sleep(SETTLED)
        row = _spent(windows, seconds)
        assert all(b"Working" in one.seen for one in windows)
    total = float(str(row["% of a core"])) * MANY / count
    table = Table(f"{count} sidecars with busy agents", ({"state": "busy", **row},))
    return Outcome("busy", (table,), (Verdict(f"% of a core for {MANY} busy", total, 12, False),))


def _spent(windows: Sequence[Window], seconds: float) -> dict[str, Cell]:
    """The processor time of the sidecars and their supervisors together."""
    sidecars, supervisors = [one.sidecar() for one in windows], [one.supervisor() for one in windows]
    servers: list[Server] = [*sidecars, *supervisors]
    before, woken = [one.cpu_seconds() for one in servers], [sum(one.wakeups().values()) for one in servers]
    begun = time.monotonic()
    time.sleep(seconds)
    taken = time.monotonic() - begun
    cpu = sum(one.cpu_seconds() for one in servers) - sum(before)
    wakes = sum(sum(one.wakeups().values()) for one in servers) - sum(woken)
    return {
        "seconds": round(taken),
        "% of a core": round(100 * cpu / taken, 3),
        "wake-ups/s each": round(wakes / taken / len(windows), 2),
        "MB each": round(max(one.rss() for one in sidecars), 1),
        "MB its supervisor": round(max(one.rss() for one in supervisors), 1),
    }


@contextmanager
def drained(windows: Sequence[Window]) -> Iterator[None]:
    """Read the screens all the time."""
    by_fd, over = {one.fd: one for one in windows}, threading.Event()

    def drain() -> None:
        while not over.is_set():
            for fd in select.select(list(by_fd), [], [], 0.2)[0]:
                one = by_fd[fd]
                one.seen = (one.seen + os.read(fd, 65536))[-65536:]

    thread = threading.Thread(target=drain, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
