"""Waits for long work of the gateway, and shows how far it is: retention of a room, vectors of an embedding model."""

from __future__ import annotations

import asyncio

from gateway.client import Client
from gateway.console.progress_bar import ProgressBar
from gateway.protocol.errors import BadRequest, Unavailable
from gateway.protocol.requests.connection_requests import Status
from gateway.protocol.requests.room_requests import RoomRetention
from gateway.protocol.results import Health, RetentionStanding, VectorProgress

LOOK_INTERVAL_S = 0.25
BEGINS_WITHIN_S = 1.0  # the gateway begins at once; a room in which nothing is too old has no cut
TROUBLE_BOUND_S = 3.0  # the gateway asks a model that failed again, the first time after a second


async def removed_messages(client: Client, room: str, bar: ProgressBar) -> RetentionStanding:
    waited, begun = 0.0, False
    while True:
        found = await client.request(RoomRetention(room=room), RetentionStanding)
        if found.reached < found.cut:
            if not begun:
                bar.resume_at(found.reached)
            begun = True
            bar.expect(found.cut)
            bar.reach(found.reached)
        elif waited >= BEGINS_WITHIN_S:
            return found
        await asyncio.sleep(LOOK_INTERVAL_S)
        waited += LOOK_INTERVAL_S


async def embedded_messages(client: Client, bar: ProgressBar) -> VectorProgress:
    """Until every message has its vector. The bar counts those that wait now or come to wait."""
    most, troubled = 0, 0.0
    while True:
        found = (await client.request(Status(), Health)).vectors
        if found is None:
            raise BadRequest("This gateway has no embedding model; `groupchat serve --embed` gives it one.")
        if not found.waiting:
            return found
        troubled = troubled + LOOK_INTERVAL_S if found.trouble else 0.0
        if troubled > TROUBLE_BOUND_S:
            raise Unavailable(f"{found.trouble} {found.waiting:,} messages wait for it; the gateway tries again.")
        if found.waiting > most:
            most = found.waiting
            bar.expect(most)
        bar.reach(most - found.waiting)
        await asyncio.sleep(LOOK_INTERVAL_S)
