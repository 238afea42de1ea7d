"""Invites members to a room, and asks who is in it then: an agent comes in at once, a person when it joins."""

from __future__ import annotations

from collections.abc import Sequence

from controller.requests.encryption.member_client import sealing_client
from gateway.client import Client
from gateway.client.paged_requests import fetch_all_pages
from gateway.protocol.requests.member_requests import Members
from gateway.protocol.requests.room_requests import Invite
from gateway.protocol.results import Done, MemberList


async def admit_members(client: Client, room: str, names: Sequence[str], *, may_admit: bool = False) -> Done:
    """Invite members to a sealed room, and sign that they may have its key. The last answer."""
    sealing, done = sealing_client(client), Done()
    for name in names:
        done = await sealing.admit(room, name, may_admit=may_admit)
    return done


async def invite_members(client: Client, room: str, names: Sequence[str]) -> tuple[Done, frozenset[str]]:
    """The last answer, and the names of the room's members."""
    done = Done()
    for name in names:
        done = await client.request(Invite(room=room, member=name), Done)
    found = await fetch_all_pages(client.request, Members(room=room), MemberList)
    return done, frozenset(one.name for one in found.agents)
