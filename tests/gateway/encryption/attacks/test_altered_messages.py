"""A gateway that repeats, drops, reorders, moves or re-addresses messages: their reader is told, and shown no text."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.encryption.member_client.checked_messages import MessageProof
from gateway.protocol.requests.message_requests import History, Poll, Send, Show
from gateway.protocol.results import Inbox, MessageDetail, MessageList
from tests.support.lied_to import ROOM, LiedTo, is_wrong
from tests.support.lying_gateway import Json

FAR = 9000  # a number that no real message has


async def test_a_message_repeated_under_another_number_is_refused(scene: LiedTo) -> None:
    await scene.open_room()
    await scene.say("pay the bill")
    for event in scene.lies.seen_messages()[-1:]:
        assert is_wrong(await scene.shown({**event, "seq": FAR}), "was here before")


async def test_a_direct_message_repeated_is_refused(scene: LiedTo) -> None:
    sent = await scene.ann.client.send("pay the bill", to=("@ben",))
    await scene.ben.message(sent.seq)
    again = {**scene.lies.seen_messages()[-1], "seq": FAR}
    assert is_wrong(await scene.shown(again), "was here before")


async def test_a_message_to_a_role_repeated_is_refused(scene: LiedTo) -> None:
    sent = await scene.ann.client.send("start the work", to=("@role:bens-role",))
    first = await scene.ben.message(sent.seq)
    assert (first.check.proof, first.check.notes) == (MessageProof.SIGNED, ())
    again = {**scene.lies.seen_messages()[-1], "seq": FAR}
    assert is_wrong(await scene.shown(again), "was here before")


async def test_a_message_repeated_on_a_page_of_history_is_refused(scene: LiedTo) -> None:
    await scene.open_room()
    await scene.say("one")
    event = scene.lies.seen_messages()[-1]

    def repeat(op: str, answer: Json) -> Json:
        return {**answer, "messages": [{**event, "seq": FAR}, *answer["messages"]]} if op == "history" else answer

    scene.lies.answer = repeat
    page = await scene.ben.client.request(History(room=ROOM), MessageList)
    assert [one.content for one in page.messages if one.seq == FAR] == [
        "This message of ann was here before; it is shown again."
    ]


async def test_a_message_repeated_in_the_inbox_is_refused(scene: LiedTo) -> None:
    sent = await scene.ann.client.send("pay the bill", to=("@ben",))
    await scene.ben.message(sent.seq)
    event = {**scene.lies.seen_messages()[-1], "seq": FAR}
    scene.lies.instead["poll"] = {"messages": [event], "pending": 0}
    inbox = await scene.ben.client.request(Poll(), Inbox)
    assert [one.content for one in inbox.messages] == ["This message of ann was here before; it is shown again."]


async def test_another_message_than_the_asked_one_is_refused(scene: LiedTo) -> None:
    await scene.open_room()
    await scene.say("one")
    one = scene.lies.seen_messages()[-1]
    two = await scene.say("two")
    scene.lies.answer = lambda op, answer: {**answer, "message": {**one, "seq": two.seq}} if op == "show" else answer
    detail = await scene.ben.client.request(Show(message=two.seq), MessageDetail)
    assert detail.message.content == "This message of ann was here before; it is shown again."


async def dropped(scene: LiedTo, texts: list[str], drop: set[int]) -> str:
    """What stands beside the last of these messages, of which the gateway drops some."""
    await scene.open_room()
    await scene.say("the first")
    numbers = iter(range(len(texts)))
    scene.lies.event = lambda event: () if event["ev"] == "message" and next(numbers) in drop else (event,)
    for text in texts[:-1]:
        await scene.ann.client.send(text, room=ROOM)
    return " ".join((await scene.say(texts[-1])).check.notes)


async def test_a_dropped_message_is_missed(scene: LiedTo) -> None:
    assert await dropped(scene, ["one", "two"], {0}) == "One message of ann is missing before this one."


async def test_a_dropped_run_is_missed(scene: LiedTo) -> None:
    assert (
        await dropped(scene, ["1", "2", "3", "4", "5"], {0, 1, 2, 3})
        == "4 messages of ann are missing before this one."
    )


async def test_a_message_dropped_from_a_page_of_history_is_missed(scene: LiedTo) -> None:
    await scene.open_room()
    scene.lies.event = lambda event: (event,) if event["ev"] != "message" else ()
    sent = [await scene.ann.client.send(text, room=ROOM) for text in ("one", "two", "three")]

    def drop(op: str, answer: Json) -> Json:
        kept = [one for one in answer.get("messages", ()) if one["seq"] != sent[1].seq]
        return {**answer, "messages": kept} if op == "history" else answer

    scene.lies.answer = drop
    page = await scene.ben.history(ROOM)
    notes = {one.content: one.check.notes for one in page if one.seq > sent[0].seq}
    assert notes == {"three": ("One message of ann is missing before this one.",)}


async def test_two_messages_in_the_wrong_order_are_noticed(scene: LiedTo) -> None:
    await scene.open_room()
    await scene.say("the first")
    held: list[Json] = []

    def swap(event: Json) -> tuple[Json, ...]:
        if event["ev"] != "message" or event["room"] != ROOM:
            return (event,)
        if not held:
            held.append(event)
            return ()
        first = held[0]
        return ({**event, "seq": first["seq"]}, {**first, "seq": event["seq"]})

    scene.lies.event = swap
    one = await scene.ann.client.send("one", room=ROOM)
    two = await scene.ann.client.send("two", room=ROOM)
    early, late = await scene.ben.message(one.seq), await scene.ben.message(two.seq)
    assert (early.content, early.check.notes) == ("two", ("One message of ann is missing before this one.",))
    assert is_wrong(late, "at another time")


ALTERED: dict[str, tuple[Json, str]] = {
    "its writer": ({"from": "cyd"}, "no trusted key of cyd, version 1|somebody else|did not sign"),
    "its room": ({"room": "general"}, "no key of version|another place"),
    "its kind": ({"kind": "task"}, "another kind"),
    "its id": ({"id": "m-1"}, "in the place of another"),
    "what it answers": ({"reply_to": 1}, "as an answer"),
    "whom it wakes": ({"wakes": ["ben"]}, "meant this message for others"),
    "to whom it is": ({"to": ["@ben"], "recipients": ["ben"]}, "addressed this message to others"),
    "what it replaces": ({"replaces": 1}, "in the place of an earlier one"),
    "that it interrupts": ({"interrupt": True}, "did not interrupt"),
    "its key": ({"sealed": {"room_key": 1, "data": "AAAA"}}, "cannot be read"),
    "that it is sealed": ({"sealed": None, "content": "pay mallory"}, "not sealed"),
    "that it is sealed, and its kind": (
        {"sealed": None, "content": "pay mallory", "kind": "system", "deliveries": ["ben"]},
        "not sealed",
    ),
    "that it is of the gateway": (
        {"sealed": None, "content": "pay mallory", "kind": "system"},
        "not sealed",
    ),
}


@pytest.mark.parametrize("what", ALTERED)
async def test_what_gives_a_message_its_meaning_cannot_be_altered(scene: LiedTo, what: str) -> None:
    changed, part = ALTERED[what]
    await scene.open_room()
    scene.lies.event = lambda event: (
        ({**event, **changed},) if event["ev"] == "message" and event["from"] == "ann" else (event,)
    )
    message = await scene.say("pay the bill")
    assert message.check.proof in (MessageProof.WRONG, MessageProof.UNREADABLE)
    assert "pay" not in message.content
    assert any(one in message.content for one in part.split("|")), message.content


READDRESSED: dict[str, Any] = {
    "its recipients": {"to": ["@ben", "@cyd"], "recipients": ["ben", "cyd"]},
    "only the names that it reaches": {"recipients": ["ben", "cyd"]},
    "everyone": {"to": [], "recipients": []},
    "its text": {"content": "pay mallory"},
    "its attachments": {"parts": [{"type": "quote", "text": "more"}]},
    "its context": {"context": {"order": 66}},
    "its room": {"room": "vault"},
}


@pytest.mark.parametrize("what", READDRESSED)
async def test_a_signed_direct_message_cannot_be_altered(scene: LiedTo, what: str) -> None:
    await scene.open_room()
    sent = await scene.ann.client.send("pay the bill", to=("@ben",))
    await scene.ben.message(sent.seq)
    real = next(one for one in scene.lies.seen_messages() if one["seq"] == sent.seq)
    assert is_wrong(await scene.shown({**real, **READDRESSED[what], "seq": FAR}))


@pytest.mark.parametrize("what", [one for one in READDRESSED if one not in ("its text", "its attachments")])
async def test_a_sealed_direct_message_cannot_be_altered(scene: LiedTo, what: str) -> None:
    await scene.open_room()
    sent = await scene.ann.client.send_sealed(Send(content="pay the bill", to=("@ben",)))
    await scene.ben.message(sent.seq)
    real = next(one for one in scene.lies.seen_messages() if one["seq"] == sent.seq)
    if what == "its context":  # what is sealed counts, and not what stands beside it
        return
    assert is_wrong(await scene.shown({**real, **READDRESSED[what], "seq": FAR}))
