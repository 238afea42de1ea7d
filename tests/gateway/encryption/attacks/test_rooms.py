"""A gateway that lies about a sealed room: who is in it, which keys it has, and whether it is sealed."""

from __future__ import annotations

import msgspec
import pytest

from gateway.encryption.member_client.checked_messages import MessageProof
from gateway.encryption.refusals import SealingRefused
from gateway.encryption.room_keys.notices import SignedNotice
from gateway.encryption.sealed_messages.base64_values import text_of_value, value_from_text
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.requests.room_requests import Join
from gateway.protocol.results import Done
from tests.support.lied_to import ROOM, LiedTo, is_wrong
from tests.support.lying_gateway import Json


def sent_by_ben(scene: LiedTo) -> list[Json]:
    return [one for one in scene.lies.asked if one.get("op") == "send"]


async def test_a_ghost_in_the_list_of_members_gets_no_key(scene: LiedTo) -> None:
    await scene.open_room()
    scene.lies.answer = lambda op, answer: (
        {**answer, "members": [*answer["members"], "cyd"]} if op == "room.keys" else answer
    )
    await scene.ben.client.send("for us", room=ROOM)
    await scene.loud("cyd is in #vault by the gateway's word alone")
    assert scene.ben.client.readers_of(ROOM) == ("ann", "ben")


async def test_whoever_is_said_to_have_left_is_left_out_visibly(scene: LiedTo) -> None:
    await scene.open_room("cyd")
    scene.lies.answer = lambda op, answer: {**answer, "members": ["ann", "ben"]} if op == "room.keys" else answer
    await scene.ben.client.send("without cyd", room=ROOM)
    await scene.ben.notice("cyd does not read #vault any more")
    await scene.cyd.notice("cyd does not read #vault any more")


async def test_a_sealed_room_that_is_said_to_be_plain_stays_sealed(scene: LiedTo) -> None:
    await scene.open_room()
    scene.lies.instead["room.keys"] = {"keys": [], "sealed": False}
    with pytest.raises(SealingRefused):
        await scene.ben.client.send("the launch code", room=ROOM)
    assert sent_by_ben(scene) == []


async def test_a_withheld_notice_stops_sending(scene: LiedTo) -> None:
    await scene.open_room()
    scene.lies.event = lambda event: () if event["ev"] == "room.key" else (event,)
    scene.lies.answer = lambda op, answer: {**answer, "keys": []} if op == "room.keys" else answer
    await scene.ann.client.admit(ROOM, "cyd")
    await scene.cyd.client.request(Join(room=ROOM), Done)
    message = await scene.say("under the new key")
    assert message.check.proof is MessageProof.UNREADABLE
    with pytest.raises(SealingRefused, match="is not accepted here"):
        await scene.ben.client.send("what key?", room=ROOM)
    assert sent_by_ben(scene) == []


async def test_a_withheld_handout_is_said(scene: LiedTo) -> None:
    """The gateway cannot take one handout out of a notice unnoticed: the member says that nothing came for it."""
    await scene.open_room()

    def without_handout(text: str) -> str:
        signed = value_from_text(text, SignedNotice, "")
        handouts = {name: one for name, one in signed.handouts.items() if name != "ben"}
        return text_of_value(msgspec.structs.replace(signed, handouts=handouts))

    scene.lies.event = lambda event: (
        ({**event, "notice": without_handout(event["notice"])},) if event.get("notice") else (event,)
    )
    await scene.ann.client.admit(ROOM, "cyd")
    await scene.loud("does not open")
    message = await scene.say("under the new key")
    assert message.check.proof is MessageProof.UNREADABLE


async def test_another_notice_of_the_same_version_is_refused(scene: LiedTo) -> None:
    """Of two members who made the same version at once, the gateway has both notices, each well signed."""
    await scene.open_room("cyd")
    session = scene.cyd.client._session
    assert session is not None
    keyring = session.rooms.keyring(ROOM)
    assert keyring.latest is not None
    other, _ = keyring.make_next(keyring.latest.roster, {})
    await scene.ann.client.admit(ROOM, "cyd", may_admit=True)  # version + 1, which is not cyd's
    await scene.say("go on")
    assert scene.ben.client._session is not None
    version = scene.ben.client._session.rooms.keyring(ROOM).version
    event = {"ev": "room.key", "seq": 9000, "room": ROOM, "version": version, "by": "cyd", "timestamp": ""}
    await scene.push({**event, "notice": other})
    await scene.say("go on")
    await scene.loud("There are two keys of #vault")


async def test_an_answer_to_a_sealed_message_goes_where_that_was(scene: LiedTo) -> None:
    """The gateway says of a sealed message that it was in a public room, so that the answer is written there."""
    await scene.open_room()
    asked = await scene.say("what is the code?")
    real = next(one for one in scene.lies.seen_messages() if one["seq"] == asked.seq)
    public = {**real, "room": "general", "sealed": None, "content": "what is the code?"}
    scene.lies.answer = lambda op, answer: {**answer, "message": public} if op == "show" else answer
    await scene.ben.client.send("0000", reply_to=asked.seq)
    (sent,) = sent_by_ben(scene)
    assert (sent["room"], sent.get("content", "")) == (ROOM, "")
    assert sent["sealed"]


async def test_an_answer_to_a_sealed_direct_message_stays_sealed(scene: LiedTo) -> None:
    asked = await scene.ann.client.send_sealed(Send(content="what is the code?", to=("@ben",)))
    await scene.ben.message(asked.seq)
    real = scene.lies.seen_messages()[-1]
    public = {**real, "sealed": None, "content": "what is the code?"}
    scene.lies.answer = lambda op, answer: {**answer, "message": public} if op == "show" else answer
    await scene.ben.client.send("0000", to=("@ann",), reply_to=asked.seq)
    (sent,) = sent_by_ben(scene)
    assert sent.get("content", "") == ""
    assert sent["sealed"]


async def test_a_key_made_for_another_room_is_refused(scene: LiedTo) -> None:
    await scene.open_room()
    await scene.ann.client.create_sealed_room("cellar")
    session = scene.ann.client._session
    assert session is not None
    text, _ = session.rooms.keyring("cellar").make_next(session.rooms.keyring("cellar").first_roster(), {})
    event = {"ev": "room.key", "seq": 9000, "room": ROOM, "version": 3, "by": "ann", "timestamp": "", "notice": text}
    ben = scene.ben.client._session
    assert ben is not None
    await scene.push({**event, "version": ben.rooms.keyring(ROOM).version + 1})
    await scene.say("go on")
    await scene.loud("made for another room")
    assert ben.rooms.keyring("cellar").version == 0


@pytest.mark.parametrize(
    "changed",
    [{"notice": "A" * 400_000}, {"notice": "not base64"}, {"notice": "AAAA"}, {"version": 10**9}, {"room": "x" * 64}],
)
async def test_no_garbage_of_room_keys_stops_a_client(scene: LiedTo, changed: Json) -> None:
    await scene.open_room()
    event = {"ev": "room.key", "seq": 9000, "room": ROOM, "version": 4, "by": "ann", "timestamp": "", "notice": "AAAA"}
    await scene.push({**event, **changed})
    assert (await scene.say("go on")).content == "go on"


async def test_garbage_in_place_of_a_message_stops_nothing(scene: LiedTo) -> None:
    await scene.open_room()
    await scene.say("one")
    real = scene.lies.seen_messages()[-1]
    for number, data in enumerate(("", "A" * 200_000, "kwAA", "3f////8=", "x" * 64, "gaFh" * 1000)):
        shown = {**real, "seq": 9000 + number, "sealed": {**real["sealed"], "data": data or "AAAA"}}
        assert is_wrong(await scene.shown(shown))
    assert (await scene.say("go on")).content == "go on"
