"""Claim: a thousand rooms in debate at once, each with a turn every twenty seconds, cost one gateway less than 30 % of
a core."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.figures import Cell, Outcome, Table, Verdict
from benchmarks.members import enroll
from benchmarks.processes import Server, gateway
from gateway.client import Client, Endpoint
from gateway.protocol.events import Message
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.message_requests import Report, Send
from gateway.protocol.requests.mode_requests import SetMode
from gateway.protocol.requests.room_requests import CreateRoom, Join
from gateway.protocol.results import Accepted, Done, ModeStanding
from gateway.protocol.types.core_types import MemberKind, MessageKind, Rung, Step

ROOMS = 1000
AGENTS = 30
IN_EACH = 3
EVERY = 20.0
WATCH = 40.0
SETTLE = 25.0
PERCENT = 30.0
WORDS = "As I see it, the reasons that were given weigh less than what it costs to read such code a year later. " * 4
ON_THE_WAY = (Step(Rung.TYPED), Step(Rung.VERIFIED), Step(Rung.SUBMITTED), Step(Rung.ACCEPTED), Step(Rung.SEEN))


@dataclass
class Count:
    """What happened while it was watched."""

    messages: int = 0
    rooms: set[str] = field(default_factory=set)


def measure(folder: Path, *, quick: bool) -> Outcome:
    rooms, watch = (ROOMS // 10, WATCH / 6) if quick else (ROOMS, WATCH)
    state = folder / "floor"
    names = [f"agent-{number}" for number in range(AGENTS)]
    tokens = asyncio.run(enroll(state, names, MemberKind.AGENT))
    with gateway(state) as server:
        person = Endpoint(server.url, (state / "tokens" / "people" / "operator").read_text().strip())
        ends = [Endpoint(server.url, token) for token in tokens]
        rows = asyncio.run(_measured(server, person, dict(zip(names, ends, strict=True)), rooms, watch))
    debate = float(rows[1]["% of a core"] or 0)
    note = (
        f"{AGENTS} agents, {IN_EACH} in each room, each heard by one connection. An agent reports five rungs, answers "
        f"{EVERY:g} s after its prompt with {len(WORDS)} characters, and reports that it did. Watched for {watch:g} s."
    )
    return Outcome(
        "floor",
        (Table(f"{rooms} rooms", rows, note),),
        (Verdict(f"% of a core for {rooms} debates", debate, PERCENT, at_least=False),),
    )


async def _measured(
    server: Server, person: Endpoint, ends: dict[str, Endpoint], rooms: int, watch: float
) -> tuple[dict[str, Cell], ...]:
    names = [f"room-{number}" for number in range(rooms)]
    cast = {room: _cast(number, list(ends)) for number, room in enumerate(names)}
    async with _agents(ends) as agents, Client(person, Hello()) as host:
        for room in names:
            await host.request(CreateRoom(room=room), Done)
            for name in cast[room]:
                await agents[name].request(Join(room=room), Done)
        talk = await _watched(server, agents, watch, _free(agents, cast))
        modes = await _watched(server, agents, watch, _begun(host, cast))
    return (
        {"what": "the same agents write to one another, as often, without a mode", **talk},
        {"what": "debates, a turn in each room every 20 s", **modes},
    )


def _cast(number: int, names: list[str]) -> list[str]:
    return [names[(number + step * 7) % len(names)] for step in range(IN_EACH)]


@asynccontextmanager
async def _agents(ends: dict[str, Endpoint]) -> AsyncIterator[dict[str, Client]]:
    async with AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(Client(end, Hello(inbox=True))) for name, end in ends.items()}


async def _watched(
    server: Server, agents: dict[str, Client], watch: float, work: Coroutine[Any, Any, None]
) -> dict[str, Cell]:
    count = Count()
    loop = asyncio.get_running_loop()
    hearing = [loop.create_task(_hear(name, one, count), name=name) for name, one in agents.items()]
    working = loop.create_task(work, name="work")
    await asyncio.sleep(SETTLE)
    count.messages, count.rooms = 0, set()
    cpu, begun = server.cpu_seconds(), loop.time()
    await asyncio.sleep(watch)
    passed, spent = loop.time() - begun, server.cpu_seconds() - cpu
    for task in (*hearing, working):
        task.cancel()
    await asyncio.gather(*hearing, working, return_exceptions=True)
    return {
        "a second": count.messages / passed,
        "rooms heard of": len(count.rooms),
        "% of a core": 100 * spent / passed,
        "RSS MB": server.rss(),
    }


async def _hear(name: str, client: Client, count: Count) -> None:
    async with asyncio.TaskGroup() as group:
        async for event in client.events():
            if isinstance(event, Message) and name in event.deliveries:
                count.messages += 1
                count.rooms.add(event.room)
                group.create_task(_take(client, event))


async def _take(client: Client, message: Message) -> None:
    """Acts like a sidecar: it reports the delivery, and answers if it was a turn."""
    await client.request(Report(message=message.seq, steps=ON_THE_WAY), Done)
    if message.kind is MessageKind.TASK:
        await asyncio.sleep(EVERY)
        await client.request(
            Send(content=WORDS, room=message.room, kind=MessageKind.REPLY, reply_to=message.seq), Accepted
        )
    await client.request(Report(message=message.seq, steps=(Step(Rung.ANSWERED),)), Done)


async def _free(agents: dict[str, Client], cast: dict[str, list[str]]) -> None:
    """In each room one member writes to another every twenty seconds."""
    pause, number = EVERY / len(cast), 0
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while True:
        room = f"room-{number % len(cast)}"
        sender, other, *_ = cast[room]
        await agents[sender].request(Send(content=WORDS, room=room, to=(f"@{other}",)), Accepted)
        number += 1
        await asyncio.sleep(max(0.0, begun + number * pause - loop.time()))


async def _begun(host: Client, cast: dict[str, list[str]]) -> None:
    """One after the other, so that their turns are spread over the twenty seconds."""
    for room, names in cast.items():
        wish = SetMode(mode="debate", topic="tabs or spaces", room=room, agents=tuple(names), rounds=100)
        await host.request(wish, ModeStanding)
        await asyncio.sleep(EVERY / len(cast))
