"""Claim: one message to everyone in a sealed room costs the gateway at most 10 % more processor time than in a plain
room: compared with a plain message of as many bytes, and with one of the same text.

Rounds of the three alternate on one gateway, with the same people in both rooms. The median of the rounds' ratios
counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.client import client
from benchmarks.corpus import texts
from benchmarks.fanout import Round, Setting
from benchmarks.figures import Cell, Outcome, Table, Verdict
from benchmarks.jobs import Job, Role
from benchmarks.members import config, enroll
from benchmarks.processes import Server, gateway
from benchmarks.sealing import box_chars
from gateway.access.permissions import Actor
from gateway.operations.dispatch import run_operation
from gateway.protocol.requests.request import Request
from gateway.protocol.requests.room_requests import CreateRoom, Invite, Join, SetRoomKey
from gateway.protocol.types.core_types import MemberKind, SealedContent
from gateway.server.state_folder.open_hub import open_hub

PLAIN, SEALED = "plain", "sealed"
TEXT_CHARS = 200
ROUNDS, QUICK_ROUNDS = 7, 3
CLAIM = 0.9  # of the deliveries for each second of processor time
SETTINGS = (Setting(100, 16, 4000), Setting(500, 16, 1000))
BOX_CHARS = box_chars(next(texts(TEXT_CHARS)))
BOX_FRAME_CHARS = len(msgspec.json.encode({"sealed": SealedContent(1, "")})) - len("{}") + len(",")
JOBS: dict[str, tuple[str, bool, int]] = {
    "plain, as many bytes": (PLAIN, False, BOX_CHARS + BOX_FRAME_CHARS),
    "plain, the same text": (PLAIN, False, TEXT_CHARS),
    "sealed": (SEALED, True, BOX_CHARS),
}


def measure(folder: Path, *, quick: bool) -> Outcome:
    tables, verdicts = [], []
    for setting in SETTINGS:
        shorter = replace(setting, messages=setting.messages // 4) if quick else setting
        rounds = _measure_setting(folder / f"sealed-{setting.sockets}", shorter, QUICK_ROUNDS if quick else ROUNDS)
        tables.append(_table(setting, rounds))
        sealed = rounds["sealed"]
        for name, plain in rounds.items():
            if plain is not sealed:
                ratio = median(
                    ours.per_cpu_second / theirs.per_cpu_second for ours, theirs in zip(sealed, plain, strict=True)
                )
                verdicts.append(Verdict(f"deliveries per CPU second, sealed over {name}, {setting}", ratio, CLAIM))
    wrong = sum(int(row["lost"] or 0) + int(row["out of order"] or 0) for table in tables for row in table.rows)
    verdicts.append(Verdict("lost or out of order", wrong, 0, at_least=False))
    return Outcome("sealed-fanout", tuple(tables), tuple(verdicts))


def _measure_setting(folder: Path, setting: Setting, count: int) -> dict[str, list[Round]]:
    names = [f"watcher-{number}" for number in range(setting.sockets)]
    tokens = tuple(asyncio.run(_furnish(folder, names)))
    rounds: dict[str, list[Round]] = {name: [] for name in JOBS}
    with gateway(folder) as server:
        for _ in range(count):
            for name, (room, sealed, size) in JOBS.items():
                job = Job(
                    Role.WATCH,
                    server.port,
                    setting.sockets,
                    setting.messages,
                    setting.in_flight,
                    size,
                    tokens,
                    room=room,
                    sealed=sealed,
                )
                rounds[name].append(_run_round(server, job))
    return rounds


async def _furnish(folder: Path, names: Sequence[str]) -> list[str]:
    """All of them in a plain and in a sealed room, both by invitation."""
    tokens = await enroll(folder, names, MemberKind.HUMAN)
    async with open_hub(config(folder)) as hub:

        async def do(name: str, request: Request) -> None:
            await run_operation(hub, Actor(name, MemberKind.HUMAN), request)

        founder = names[0]
        for room in (PLAIN, SEALED):
            await do(founder, CreateRoom(room=room, invite_only=True, sealed=room == SEALED))
            for name in names[1:]:
                await do(founder, Invite(room=room, member=name))
                await do(name, Join(room=room))
        await do(founder, SetRoomKey(room=SEALED, version=1, notice="bm90aWNl"))
    return tokens


def _run_round(server: Server, job: Job) -> Round:
    with client(job) as crowd:
        before = server.cpu_seconds()
        report = crowd.run()
        return Round(report, server.cpu_seconds() - before)


def _table(setting: Setting, rounds: Mapping[str, Sequence[Round]]) -> Table:
    rows = tuple(_row(name, measured) for name, measured in rounds.items())
    note = (
        f"A text of {TEXT_CHARS} bytes is a box of {BOX_CHARS} characters. "
        "Plain messages are also put into the search index."
    )
    return Table(f"Fan-out to {setting}, of a text of {TEXT_CHARS} bytes", rows, note)


def _row(name: str, measured: Sequence[Round]) -> dict[str, Cell]:
    return {
        "message": name,
        "content or box, characters": JOBS[name][2],
        "messages/s": median(one.report.messages / one.report.seconds for one in measured),
        "deliveries/s": median(one.per_second for one in measured),
        "deliveries per CPU s": median(one.per_cpu_second for one in measured),
        "lost": sum(one.report.lost for one in measured),
        "out of order": sum(one.report.out_of_order for one in measured),
    }
