"""Rotations that race with sends and with each other, sends that are cut off, and programs that end in between."""

from __future__ import annotations

import asyncio

from gateway.client import new_id
from gateway.encryption.member_client.checked_messages import MessageProof
from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import StaleRoomKey
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.requests.room_requests import Kick, SetRoomKey
from gateway.protocol.results import Accepted, Done
from tests.support.lied_to import ROOM, LiedTo
from tests.support.sealed_members import SealedMember, connected

ROUNDS = 6


async def rotate(member: SealedMember) -> None:
    """Make the next key, though none is due, unless another member is faster."""
    session = member.client._session
    assert session is not None
    await session.rooms.catch_up(ROOM)
    keyring = session.rooms.keyring(ROOM)
    assert keyring.latest is not None
    text, key = keyring.make_next(keyring.latest.roster, {})
    try:
        await member.client.request(SetRoomKey(room=ROOM, version=key.version, notice=text), Done)
    except StaleRoomKey:
        return


async def test_rotations_race_with_each_other_and_with_sends(scene: LiedTo) -> None:
    await scene.open_room("cyd")
    members = (scene.ann, scene.ben, scene.cyd)
    for number in range(ROUNDS):
        sends = [one.client.send(f"{one.name} {number}", room=ROOM) for one in members]
        await asyncio.gather(*sends, rotate(scene.ann), rotate(scene.cyd))
    for reader in members:
        for writer in members:
            for number in range(ROUNDS if writer is not reader else 0):
                message = await reader.said(f"{writer.name} {number}")
                assert (message.check.proof, message.check.notes) == (MessageProof.SIGNED, ())
        assert not [
            one for one in reader.client.notices if one.loud and "key of #vault" in one.text and "two" in one.text
        ]


async def cut_off(scene: LiedTo, request: Send) -> None:
    """A send that ends before its answer has come."""
    session = scene.ben.client._session
    assert session is not None
    assert request.id is not None
    task = spawn(scene.ben.client.request(request, Accepted), "cut off")
    async with asyncio.timeout(60):
        while session.link.memory.outgoing(request.id) is None:
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])
    scene.lies.lost.clear()
    scene.lies.stuck.clear()


async def test_a_send_that_is_cut_off_after_it_was_taken(scene: LiedTo) -> None:
    await scene.open_room()
    scene.lies.lost.add("send")
    wish = Send(content="one", room=ROOM, id=new_id())
    task = spawn(scene.ben.client.request(wish, Accepted), "cut off")
    await scene.ann.said("one")
    task.cancel()
    await asyncio.wait([task])
    scene.lies.lost.clear()
    then = await scene.ben.client.send("two", room=ROOM)
    assert (await scene.ann.message(then.seq)).content == "two"
    again = await scene.ben.client.request(wish, Accepted)
    assert again.duplicate
    last = await scene.ben.client.send("three", room=ROOM)
    message = await scene.ann.message(last.seq)
    assert (message.content, message.check.notes) == ("three", ())


async def test_a_send_that_is_cut_off_before_it_left_can_be_repeated(scene: LiedTo) -> None:
    await scene.open_room()
    scene.lies.stuck.add("send")
    wish = Send(content="one", room=ROOM, id=new_id())
    await cut_off(scene, wish)
    await scene.ben.client.send("two", room=ROOM)
    again = await scene.ben.client.request(wish, Accepted)
    assert (await scene.ann.message(again.seq)).content == "one"
    last = await scene.ben.client.send("three", room=ROOM)
    message = await scene.ann.message(last.seq)
    assert (message.content, message.check.notes) == ("three", ())


async def test_a_key_that_was_made_before_a_crash_is_the_one_that_counts(scene: LiedTo) -> None:
    """A repeated message leaves with the key that was made for it the first time: that one must be kept."""
    await scene.open_room("cyd")
    await scene.ann.client.request(Kick(room=ROOM, member="cyd"), Done)
    scene.lies.stuck.add("send")
    wish = Send(content="one", room=ROOM, id=new_id())
    await cut_off(scene, wish)
    async with connected(scene.endpoints["ben"], scene.ben.state, "ben") as ben:
        sent = await ben.client.request(wish, Accepted)
        assert (await scene.ann.message(sent.seq)).content == "one"
        for text in ("two", "three"):
            sent = await ben.client.send(text, room=ROOM)
            assert (await scene.ann.message(sent.seq)).content == text
        answer = await scene.ann.client.send("four", room=ROOM)
        assert (await ben.message(answer.seq)).content == "four"
    assert scene.ann.client.readers_of(ROOM) == ("ann", "ben")
