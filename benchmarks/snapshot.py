"""Claim: a snapshot of a million messages, while 1,000 a second are accepted, takes less than 60 s and at most doubles
the p99 of acceptance; restoring it takes less than 60 s.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles

from benchmarks.figures import Cell, Outcome, Spread, Table, Verdict
from benchmarks.members import enroll
from benchmarks.million import AGENTS, HUMANS, build
from benchmarks.paced_senders import PacedVoice, connected, send_paced, waits_between
from benchmarks.processes import clean_environment, gateway
from gateway.protocol.types.core_types import MemberKind
from gateway.server.state_folder.open_store import DATABASE_FILE
from gateway.snapshots.snapshot_folder import list_snapshots

SENDERS = 20
PER_SECOND = 1_000
QUIET_S = 15.0
ROUNDS = 3
CLAIM_S, CLAIM_RATIO = 60.0, 2.0
COMMAND = (sys.executable, "-P", "-m", "gateway.cli")


def measure(folder: Path, *, quick: bool) -> Outcome:
    count = 100_000 if quick else 1_000_000
    state, kept, back = folder / "snapshot", folder / "snapshots", folder / "restored"
    asyncio.run(enroll(state, AGENTS, MemberKind.AGENT))
    tokens = asyncio.run(enroll(state, (*HUMANS, *(f"sender-{one}" for one in range(SENDERS))), MemberKind.HUMAN))
    asyncio.run(build(state / DATABASE_FILE, count))
    with gateway(state) as server:
        taken, quiet, busy = asyncio.run(_measured(server.port, tokens[-SENDERS:], state, kept))
    path, _ = list_snapshots(kept)[-1]
    began = time.perf_counter()
    asyncio.run(_command("restore", str(path), "--state", str(back)))
    restored = time.perf_counter() - began
    size = sum(one.stat().st_size for one in path.rglob("*") if one.is_file()) / 2**20
    for one in (state, kept, back):
        shutil.rmtree(one)
    rows: tuple[dict[str, Cell], ...] = (
        {"while": "nothing else", **_cells(quiet)},
        {"while": "a snapshot is taken", **_cells(busy)},
    )
    title = f"Acceptance of {PER_SECOND:,} messages a second beside {count:,} stored ones ({size:.0f} MB)"
    times: tuple[dict[str, Cell], ...] = (
        {"what": "snapshot, slowest", "seconds": max(taken)},
        {"what": "restore", "seconds": restored},
    )
    verdicts = (
        Verdict(
            "p99 of acceptance while a snapshot is taken, times that without", _p99(busy) / _p99(quiet), 2.0, False
        ),
        Verdict(f"snapshot of {count:,} messages in s", max(taken), CLAIM_S, False),
        Verdict(f"restore of {count:,} messages in s", restored, CLAIM_S, False),
    )
    return Outcome("snapshot", (Table(title, rows), Table("Times", times)), verdicts)


async def _measured(
    port: int, tokens: Sequence[str], state: Path, kept: Path
) -> tuple[list[float], list[float], list[float]]:
    """Quiet stretches and snapshots in turn, because other load on the machine comes and goes."""
    voices = await connected(port, tokens)
    stop = asyncio.Event()
    sending = asyncio.get_running_loop().create_task(send_paced(voices, PER_SECOND, stop), name="senders")
    await asyncio.sleep(3)
    taken: list[float] = []
    quiet: list[float] = []
    busy: list[float] = []
    for _ in range(ROUNDS):
        quiet += await _waits_during(voices, asyncio.sleep(QUIET_S))
        began = time.perf_counter()
        busy += await _waits_during(voices, _command("snapshot", "now", "--state", str(state), "--to", str(kept)))
        taken.append(time.perf_counter() - began)
    stop.set()
    await sending
    return taken, quiet, busy


async def _waits_during(voices: Sequence[PacedVoice], work: object) -> list[float]:
    began = time.perf_counter()
    await work  # type: ignore[misc]
    return waits_between(voices, began, time.perf_counter())


async def _command(*words: str) -> None:
    done = await asyncio.create_subprocess_exec(
        *COMMAND, *words, env=clean_environment(), stdout=asyncio.subprocess.DEVNULL
    )
    if await done.wait():
        raise RuntimeError(f"{words} failed")


def _p99(seconds: Sequence[float]) -> float:
    return quantiles(seconds, n=100)[-1]


def _cells(seconds: Sequence[float]) -> dict[str, Cell]:
    return {"messages": len(seconds), **Spread.of(seconds).cells(), "p99 ms": round(_p99(seconds) * 1000, 3)}
