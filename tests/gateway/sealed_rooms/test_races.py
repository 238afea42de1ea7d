"""Requests of several members at once, over real sockets: one wins, the others hear so, nobody who is out reads on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.client import Client
from gateway.protocol.errors import StaleRoomKey
from gateway.protocol.events import Message, RoomAction, RoomEvent, RoomKeyEvent
from gateway.protocol.requests.message_requests import NewRoomKey, Send
from gateway.protocol.requests.room_requests import Invite, Join, Kick, RoomKeys, SetRoomKey
from gateway.protocol.results import Accepted, Done, RoomKeyList
from tests.support.sealed_rooms import NOTICE, Vault

ROUNDS = 20


async def tried(wish: Any) -> Any:
    try:
        return await wish
    except StaleRoomKey as error:
        return error


async def test_of_those_who_rotate_at_once_exactly_one_is_taken(vault: Vault) -> None:
    """Each with a message: its key and its message are taken together, or neither of them."""
    for version in range(2, 2 + ROUNDS):
        new = NewRoomKey(version, NOTICE)
        wishes = (vault.say(one, version, new_key=new) for one in (vault.ann, vault.ben, vault.cyd))
        done = await asyncio.gather(*(tried(wish) for wish in wishes))
        assert [type(one) for one in done].count(Accepted) == 1
        assert all(f"version {version} now" in str(one) for one in done if isinstance(one, StaleRoomKey))
    listed = await vault.ann.request(RoomKeys(room="vault"), RoomKeyList)
    assert [one.version for one in listed.keys] == list(range(1, 2 + ROUNDS))
    seen = await events_until(vault.cyd, lambda event: isinstance(event, Message) and event.sealed is not None, ROUNDS)
    kinds = [type(one) for one in seen if isinstance(one, RoomKeyEvent | Message) and one.room == "vault"]
    assert kinds == [RoomKeyEvent, *([RoomKeyEvent, Message] * ROUNDS)], "each message follows its own key"


async def events_until(client: Client, is_wanted: Any, count: int) -> list[Any]:
    """All events up to the last of so many that are wanted."""
    seen: list[Any] = []
    async for event in client.events():
        seen.append(event)
        count -= bool(is_wanted(event))
        if not count:
            return seen
    raise AssertionError("the connection ended")


async def test_a_send_that_races_with_putting_somebody_out(vault: Vault) -> None:
    """It is either before it, and was for who was a member then, or refused: the key is known to somebody outside."""
    version = 1
    for number in range(ROUNDS):
        wish = Send(content="", room="vault", id=f"r{number}", sealed=vault.box(version))
        kick = vault.ann.request(Kick(room="vault", member="cyd"), Done)
        said, put_out = await asyncio.gather(tried(vault.ben.request(wish, Accepted)), kick)
        left = await events_until(vault.ann, is_departure, 1)
        if isinstance(said, Accepted):
            assert any(isinstance(one, Message) and one.seq == said.seq for one in left), "taken, so it was before it"
        else:
            assert "Somebody left #vault" in str(said)
        with pytest.raises(StaleRoomKey):
            await vault.say(vault.ben, version)
        assert isinstance(put_out, Done)
        version += 1
        await vault.ann.request(SetRoomKey(room="vault", version=version, notice=NOTICE), Done)
        await vault.ann.request(Invite(room="vault", member="cyd"), Done)
        await vault.cyd.request(Join(room="vault"), Done)


def is_departure(event: Any) -> bool:
    return isinstance(event, RoomEvent) and event.action is RoomAction.LEFT


async def test_the_same_message_twice_at_once_is_one_with_one_key(vault: Vault) -> None:
    """A client that lost its answer sends again, here while the first one is still on its way to the disk."""
    wishes = (vault.say(vault.ann, 2, id="twice", new_key=NewRoomKey(2, NOTICE)) for _ in range(3))
    done = await asyncio.gather(*wishes)
    assert len({one.seq for one in done}) == 1
    assert [one.duplicate for one in done].count(False) == 1
    assert (await vault.room()).room_key == 2
