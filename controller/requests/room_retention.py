"""Waits until what a room no longer keeps is removed, and shows how far it is."""

from __future__ import annotations

import asyncio

from gateway.client import Client
from gateway.console.progress_bar import ProgressBar
from gateway.protocol.requests.room_requests import RoomRetention
from gateway.protocol.results import RetentionStanding

LOOK_INTERVAL_S = 0.25
BEGINS_WITHIN_S = 1.0  # the gateway begins at once; a room in which nothing is too old has no cut


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
