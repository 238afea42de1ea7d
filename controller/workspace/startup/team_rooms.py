"""Creates the team's rooms and takes its agents in, before their terminals start."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from controller.team.room_plan import RoomPlan
from controller.workspace.team_location import PrintLine, print_nothing
from gateway.client import Client
from gateway.client.paged_requests import fetch_all_pages
from gateway.protocol.errors import Conflict, NotFound, RoomExists
from gateway.protocol.requests.room_requests import CreateRoom, Invite, Kick, Rooms, SetTopic
from gateway.protocol.results import Done, RoomList


async def carry_out_room_plan(client: Client, plan: RoomPlan, tell: PrintLine = print_nothing) -> None:
    for room in plan.create:
        try:
            wish = CreateRoom(room=room.name, topic=room.topic, invite_only=room.invite_only)
            await client.request(wish, Done)
        except RoomExists:
            continue
    plan = await _without_removed_rooms(client, plan, tell)
    for where, topic in plan.topics:
        await client.request(SetTopic(room=where, topic=topic), Done)
    await asyncio.gather(*(client.request(Invite(room=where, member=name), Done) for where, name in plan.take_in))
    for where, name in plan.put_out:
        try:
            await client.request(Kick(room=where, member=name), Done)
        except Conflict:
            continue  # it has left by itself


async def _without_removed_rooms(client: Client, plan: RoomPlan, tell: PrintLine) -> RoomPlan:
    """A room that a person has removed stays removed, and the team starts without it."""
    known = await _room_names(client) if plan.rooms else set()
    for name in sorted(plan.rooms - known):
        tell(f"the room {name} of the team file was removed, and its name cannot be used again")
    return plan.within(known)


async def _room_names(client: Client) -> set[str]:
    return {one.name for one in (await fetch_all_pages(client.request, Rooms(), RoomList)).rooms}


async def require_rooms(client: Client, wanted: Collection[str]) -> None:
    """Refuse a room that is missing before anything is started."""
    if not wanted:
        return
    known = await _room_names(client)
    for name in wanted:
        if name not in known:
            raise NotFound(f"There is no room {name!r}. `groupchat rooms --create {name}` creates it.")
