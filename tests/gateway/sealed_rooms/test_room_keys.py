"""Keys of members and of sealed rooms at a real gateway: compare-and-set, who gets them, and what a message needs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.client import Client
from gateway.protocol.codec import decode_durable
from gateway.protocol.errors import Conflict, Forbidden, GroupChatError, StaleRoomKey, UnknownRoom
from gateway.protocol.events import KeyEvent, Message, Replayed, RoomKeyEvent
from gateway.protocol.requests.connection_requests import Events, Hello
from gateway.protocol.requests.member_requests import KeyRecords, PublishKey, RevokeKey
from gateway.protocol.requests.message_requests import History, NewRoomKey, Send
from gateway.protocol.requests.room_requests import (
    AdmitToRoomKey,
    Invite,
    Join,
    Kick,
    Leave,
    RoomKeys,
    SetRoomKey,
)
from gateway.protocol.results import Accepted, Done, EventPage, KeyRecordList, MessageList, RoomKeyList
from gateway.protocol.types.core_types import SYSTEM_NAME
from tests.support.gateways import Gateway
from tests.support.sealed_rooms import ADMISSION, HUMAN, NOTICE, RECORD, Vault, sealed


async def until(client: Client, kind: type[Any]) -> Any:
    async for event in client.events():
        if isinstance(event, kind):
            return event
    raise AssertionError("the connection ended")


async def test_a_sealed_room_is_by_invitation_and_says_what_it_is(vault: Vault) -> None:
    room = await vault.room()
    assert (room.sealed, room.invite_only, room.room_key, room.key_due) == (True, True, 1, False)


async def test_a_sealed_message_reaches_the_members_as_it_was_sent(vault: Vault) -> None:
    said = await vault.say(vault.ann, id="a1")
    assert (await until(vault.ben, Message)).from_ == SYSTEM_NAME  # the invitation
    got = await until(vault.ben, Message)
    assert (got.seq, got.content, got.sealed) == (said.seq, "", sealed())
    found = await vault.ben.request(History(room="vault"), MessageList)
    assert found.messages[0].sealed == sealed()


async def test_the_key_comes_before_the_message_that_brings_it(vault: Vault) -> None:
    await vault.say(vault.ann, 2, new_key=NewRoomKey(2, NOTICE))
    seen = []
    async for event in vault.ben.events():
        if isinstance(event, RoomKeyEvent | Message):
            seen.append(type(event))
        if isinstance(event, Message) and event.from_ != SYSTEM_NAME:
            break
    assert seen[-2:] == [RoomKeyEvent, Message]
    with pytest.raises(StaleRoomKey, match="version 2 now"):
        await vault.say(vault.ben, 1)


async def test_a_member_who_leaves_makes_the_key_due(vault: Vault) -> None:
    await vault.cyd.request(Leave(room="vault"), Done)
    assert (await vault.room()).key_due
    with pytest.raises(StaleRoomKey, match="Somebody left #vault since key 1 was made"):
        await vault.say(vault.ann)
    await vault.say(vault.ann, 2, new_key=NewRoomKey(2, NOTICE))
    assert not (await vault.room()).key_due


async def test_who_was_put_out_gets_no_later_key_and_no_later_message(gateway: Gateway, vault: Vault) -> None:
    await vault.ann.request(Kick(room="vault", member="cyd"), Done)
    await vault.say(vault.ann, 2, new_key=NewRoomKey(2, NOTICE))
    with pytest.raises(GroupChatError):
        await vault.cyd.request(RoomKeys(room="vault"), RoomKeyList)
    await vault.ann.request(Send(content="to everyone", room="general"), Accepted)
    async for event in vault.cyd.events():
        assert not (isinstance(event, RoomKeyEvent) and event.version > 1)
        assert not (isinstance(event, Message) and event.sealed)
        if isinstance(event, Message) and event.content == "to everyone":
            break


async def test_nor_does_whoever_was_put_out_when_it_asks_for_all_that_it_missed(gateway: Gateway, vault: Vault) -> None:
    """By a stream from the beginning, page by page, and by the lists of the room."""
    await vault.ann.request(Kick(room="vault", member="cyd"), Done)
    await vault.say(vault.ann, 2, new_key=NewRoomKey(2, NOTICE))
    again = await gateway.member("cyd", HUMAN)
    async with Client(again, Hello(since=0)) as cyd:
        seen = [event async for event in until_replayed(cyd)]
        pages = await cyd.request(Events(limit=1000), EventPage)
        seen += [decode_durable(bytes(one)) for one in pages.events]
        for wish in (History(room="vault"), RoomKeys(room="vault"), SetRoomKey(room="vault", version=3, notice=NOTICE)):
            with pytest.raises(UnknownRoom):
                await cyd.request(wish, Done)
    assert seen and not any(isinstance(one, RoomKeyEvent) for one in seen)
    assert not any(isinstance(one, Message) and one.sealed for one in seen)


async def until_replayed(client: Client) -> AsyncIterator[object]:
    async for event in client.events():
        yield event
        if isinstance(event, Replayed):
            return


async def test_who_is_invited_gets_the_keys_from_its_joining_on(gateway: Gateway, vault: Vault) -> None:
    """And may list the notices before: they hand it nothing, and name who had each key."""
    dot_end = await gateway.member("dot", HUMAN)
    await vault.ann.request(Invite(room="vault", member="dot"), Done)
    async with Client(dot_end, Hello()) as dot:
        with pytest.raises(Forbidden):
            await dot.request(RoomKeys(room="vault"), RoomKeyList)
        await dot.request(Join(room="vault"), Done)
        await vault.say(vault.ann, 2, new_key=NewRoomKey(2, NOTICE))
        assert (await until(dot, RoomKeyEvent)).version == 2
        assert [one.version for one in (await dot.request(RoomKeys(room="vault"), RoomKeyList)).keys] == [1, 2]


async def test_of_two_who_make_the_next_key_one_is_refused(vault: Vault) -> None:
    await vault.ann.request(SetRoomKey(room="vault", version=2, notice=NOTICE), Done)
    with pytest.raises(StaleRoomKey, match="version 2 now"):
        await vault.ben.request(SetRoomKey(room="vault", version=2, notice=NOTICE), Done)
    listed = await vault.ben.request(RoomKeys(room="vault", after=1), RoomKeyList)
    assert [(one.version, one.by) for one in listed.keys] == [(2, "ann")] and listed.version == 2


async def test_a_repeat_under_an_older_key_is_the_first_message(vault: Vault) -> None:
    first = await vault.say(vault.ann, id="a1")
    await vault.ann.request(SetRoomKey(room="vault", version=2, notice=NOTICE), Done)
    assert await vault.say(vault.ann, id="a1") == Accepted(first.seq, duplicate=True)
    with_key = await vault.say(vault.ann, 3, id="a2", new_key=NewRoomKey(3, NOTICE))
    again = await vault.say(vault.ann, 3, id="a2", new_key=NewRoomKey(3, NOTICE))
    assert again == Accepted(with_key.seq, duplicate=True)
    assert (await vault.room()).room_key == 3


async def test_admissions_wait_for_the_next_key(gateway: Gateway, vault: Vault) -> None:
    await gateway.member("dot", HUMAN)
    with pytest.raises(Conflict, match="neither in #vault nor invited"):
        await vault.ann.request(AdmitToRoomKey(room="vault", member="dot", admission=ADMISSION), Done)
    await vault.ann.request(Invite(room="vault", member="dot"), Done)
    await vault.ann.request(AdmitToRoomKey(room="vault", member="dot", admission=ADMISSION), Done)
    assert (await vault.ben.request(RoomKeys(room="vault"), RoomKeyList)).admissions == (ADMISSION,)
    await vault.ann.request(SetRoomKey(room="vault", version=2, notice=NOTICE), Done)
    assert (await vault.ben.request(RoomKeys(room="vault"), RoomKeyList)).admissions == ()


async def test_records_of_keys_are_told_to_all_and_versions_follow_each_other(vault: Vault) -> None:
    await vault.ann.request(PublishKey(record=RECORD, version=3), Done)
    assert (await until(vault.ben, KeyEvent)).record == RECORD
    assert await vault.ann.request(PublishKey(record=RECORD, version=3), Done) == Done()
    for version in (1, 3, 5):
        with pytest.raises(Conflict):
            await vault.ann.request(PublishKey(record=f"{RECORD}x", version=version), Done)
    await vault.ann.request(PublishKey(record=f"{RECORD}x", version=4), Done)
    statement = "groupchat-revocation-1 eA"
    await vault.ann.request(RevokeKey(statement=statement), Done)
    listed = await vault.ben.request(KeyRecords(names=("ann", "ben")), KeyRecordList)
    assert [(one.member, one.records, one.revocations) for one in listed.keys] == [
        ("ann", (RECORD, f"{RECORD}x"), (statement,))
    ]
    assert (await vault.room()).key_due  # the new keys of a member are in no notice yet


async def test_plain_text_is_refused_in_a_sealed_room(vault: Vault) -> None:
    with pytest.raises(Forbidden, match="#vault is sealed"):
        await vault.ann.request(Send(content="hello", room="vault"), Accepted)
