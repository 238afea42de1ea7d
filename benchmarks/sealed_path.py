"""Claim: in a sealed room of 50, somebody is put out, the next message makes a new key, and all who are left have read
it within 1 s. And what a sealed message costs from one member's program to another's, beside a plain one; how long a
page of 200 sealed messages takes to open."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.figures import Cell, Outcome, Table, Verdict
from benchmarks.members import enroll
from benchmarks.processes import Server, gateway
from gateway.client import Endpoint
from gateway.encryption.key_storage.key_files import encode_key_file, store_key
from gateway.encryption.member_client.member_machine import MemberMachine, open_member_machine
from gateway.encryption.member_client.sealed_client import SealedClient
from gateway.encryption.member_keys.private_keys import draw_keys
from gateway.process_basics.tasks import spawn
from gateway.protocol.events import Message
from gateway.protocol.requests.message_requests import History
from gateway.protocol.requests.room_requests import CreateRoom, Invite, Join, Kick
from gateway.protocol.results import Done, MessageList
from gateway.protocol.types.core_types import MemberKind

ROOM, PLAIN_ROOM = "sealed-room", "plain-room"
MEMBERS, MESSAGES, PAGE, ROTATIONS = 50, 200, 200, 3
ROTATION_LIMIT_MS, PAGE_LIMIT_MS = 1000.0, 100.0
TEXT = "x" * 4096


@dataclass
class _Reader:
    """A connected member, and the texts that it has read."""

    name: str
    client: SealedClient
    read: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    async def listen(self) -> None:
        async for event in self.client.events():
            if isinstance(event, Message):
                self.read.put_nowait(event.content)

    async def until(self, text: str) -> None:
        while await self.read.get() != text:
            pass


def measure(folder: Path, *, quick: bool) -> Outcome:
    members = 10 if quick else MEMBERS
    names = [f"m{number}" for number in range(members + ROTATIONS)]
    state = folder / "sealed-path"
    tokens = asyncio.run(enroll(state, names, MemberKind.HUMAN))
    with gateway(state) as server:
        times = asyncio.run(_measure(server, list(zip(names, tokens, strict=True)), folder / "machines", quick=quick))
    rows: tuple[dict[str, Cell], ...] = tuple({"step": name, "ms": round(took, 2)} for name, took in times.items())
    verdicts = (
        Verdict(
            f"new key in a room of {members}, read by all, ms", times["rotation"], ROTATION_LIMIT_MS, at_least=False
        ),
        Verdict(
            f"a page of {PAGE} sealed messages opened, CPU ms",
            times["page, opened, CPU"],
            PAGE_LIMIT_MS,
            at_least=False,
        ),
    )
    note = f"All {members} members run in one process, which opens each message {members} times. Texts of 4 kB."
    return Outcome("sealed-path", (Table("From member to member", rows, note),), verdicts)


async def _measure(
    server: Server, members: Sequence[tuple[str, str]], machines: Path, *, quick: bool
) -> dict[str, float]:
    count = 40 if quick else MESSAGES
    async with AsyncExitStack() as stack:
        readers = [await _connected(stack, server, machines, *member) for member in members]
        ann, ben = readers[:2]
        await ann.client.request(CreateRoom(room=PLAIN_ROOM, invite_only=True), Done)
        await ann.client.request(Invite(room=PLAIN_ROOM, member=ben.name), Done)
        await ben.client.request(Join(room=PLAIN_ROOM), Done)
        plain = await _timed(lambda text: ann.client.send(text, room=PLAIN_ROOM), ben, count)
        await _fill_room(ann, [ben])
        sealed = await _timed(lambda text: ann.client.send(text, room=ROOM), ben, max(count, PAGE))
        page, whole = await _open_page(ben)
        await _fill_room(ann, readers[2:], is_new=False)
        rotation = median([await _rotate(ann, readers) for _ in range(ROTATIONS)])
    return {
        "plain and signed, p50": plain,
        "sealed in a room, p50": sealed,
        "page, opened, CPU": whole - page,
        "page, decoded, CPU": page,
        "rotation": rotation,
    }


async def _connected(stack: AsyncExitStack, server: Server, machines: Path, name: str, token: str) -> _Reader:
    state = machines / name
    store_key(state, encode_key_file(draw_keys(name, 1), None))

    def unlock(member: str) -> MemberMachine | None:
        return open_member_machine(state, member)

    client = await stack.enter_async_context(SealedClient(Endpoint(server.url, token), unlock=unlock))
    reader = _Reader(name, client)
    stack.callback(spawn(reader.listen(), "reader").cancel)
    return reader


async def _fill_room(founder: _Reader, others: Sequence[_Reader], *, is_new: bool = True) -> None:
    if is_new:
        await founder.client.create_sealed_room(ROOM)
    for one in others:
        await founder.client.admit(ROOM, one.name)
        await one.client.request(Join(room=ROOM), Done)
    await founder.client.rotate_room_key(ROOM)


async def _timed(send: Callable[[str], Awaitable[object]], reader: _Reader, count: int) -> float:
    """From before it is sealed until the reader has opened it; one at a time."""
    took = []
    for number in range(count):
        text = f"{number} {TEXT}"
        began = time.perf_counter()
        await send(text)
        await reader.until(text)
        took.append((time.perf_counter() - began) * 1000)
    return median(took)


async def _open_page(reader: _Reader) -> tuple[float, float]:
    """The processor time of a page without opening it, and with."""
    request = History(room=ROOM, limit=PAGE)
    times = []
    for ask in (super(SealedClient, reader.client).request, reader.client.request):
        began = time.process_time()
        await ask(request, MessageList)
        times.append((time.process_time() - began) * 1000)
    return times[0], times[1]


async def _rotate(founder: _Reader, readers: list[_Reader]) -> float:
    """The last one is put out; until everybody else has read what follows."""
    out = readers.pop()
    await founder.client.request(Kick(room=ROOM, member=out.name), Done)
    text = f"without {out.name}"
    began = time.perf_counter()
    await founder.client.send(text, room=ROOM)
    await asyncio.gather(*[one.until(text) for one in readers[1:]])
    return (time.perf_counter() - began) * 1000
