"""Twelve agents in five rooms, who say ten thousand messages and then stay: `python -P -m benchmarks.desk_crowd STATE
MESSAGES`, with their tokens as lines on stdin. Prints "ready" when all is said."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from benchmarks.desk_talker import TEXTS
from gateway.client import Client, Endpoint, find_endpoint
from gateway.protocol.requests.agent_requests import SetActivity
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.room_requests import CreateRoom, Join
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import Activity, Composer

# Marks of which no two share a character, so that each is printed as a whole when a room is shown after another.
MARK_BY_ROOM = {"general": "QQQQQQ", "design": "XXXXXX", "build": "ZZZZZZ", "review": "WWWWWW", "ops": "JJJJJJ"}
ACTIVITIES = (Activity.IDLE, Activity.BUSY, Activity.IDLE)
AT_ONCE = 50


async def crowd(endpoint: Endpoint, tokens: list[str], count: int) -> None:
    async with AsyncExitStack() as stack:
        agents = []
        for number, token in enumerate(tokens):
            client = Client(replace(endpoint, token=token), Hello())
            agents.append(await stack.enter_async_context(client))
            state = SetActivity(activity=ACTIVITIES[number % 3], composer=Composer.EMPTY)
            await agents[-1].request(state, Done)
        await _enter_rooms(agents)
        await _say_everything(agents, count)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


async def _enter_rooms(agents: list[Client]) -> None:
    for room in list(MARK_BY_ROOM)[1:]:
        await agents[0].request(CreateRoom(room=room), Done)
        for one in agents[1:]:
            await one.request(Join(room=room), Done)


async def _say_everything(agents: list[Client], count: int) -> None:
    rooms = list(MARK_BY_ROOM)
    for first in range(0, count, AT_ONCE):
        said = (
            agents[number % len(agents)].send(
                f"{number}: {TEXTS[number % len(TEXTS)]}", room=rooms[number % len(rooms)]
            )
            for number in range(first, min(count, first + AT_ONCE))
        )
        await asyncio.gather(*said)
    for room, mark in MARK_BY_ROOM.items():
        await agents[0].send(mark, room=room)


if __name__ == "__main__":
    asyncio.run(crowd(find_endpoint({}, state=Path(sys.argv[1])), sys.stdin.read().split(), int(sys.argv[2])))
