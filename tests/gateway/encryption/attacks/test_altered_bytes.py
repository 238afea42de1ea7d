"""Whatever single value of a sealed or signed message a gateway alters: its text is refused, or still the writer's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.encryption.member_client.message_opening import ReadingPlace, open_message
from gateway.encryption.sealed_messages.letter_facts import addresses_of
from gateway.protocol.errors import GroupChatError
from gateway.protocol.events import Message
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.types.core_types import Part
from tests.support.lied_to import ROOM, LiedTo
from tests.support.lying_gateway import Json

PART = Part("quote", text="a part")
FACTS = ("from_", "room", "id", "kind", "reply_to", "wakes", "replaces", "interrupt")
TEXTS = ("content", "parts", "context")


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    match value:
        case dict():
            for key, one in value.items():
                yield from leaves(one, (*path, key))
        case list():
            for number, one in enumerate(value):
                yield from leaves(one, (*path, number))
        case _:
            yield path


def with_value(given: Any, path: tuple[Any, ...], change: Any) -> Any:
    if not path:
        return change(given)
    copy = dict(given) if isinstance(given, dict) else list(given)
    copy[path[0]] = with_value(given[path[0]], path[1:], change)
    return copy


def altered(value: Any, draw: Any) -> Any:
    match value:
        case bool():
            return not value
        case int():
            return draw(st.integers(0, 2**53))
        case str() if value:
            at = draw(st.integers(0, len(value) - 1))
            one = draw(st.sampled_from("Aa0b/+=-@ zé"))
            return draw(st.sampled_from([value[:at] + one + value[at + 1 :], value[:at], value + one, value[::-1]]))
        case _:
            return draw(st.none() | st.text(max_size=5) | st.integers() | st.booleans())


async def test_no_value_of_a_message_can_be_altered(scene: LiedTo) -> None:
    await scene.open_room()
    ann = scene.ann.client
    sent = [
        await ann.send("in the room", room=ROOM, parts=(PART,), context={"order": 1}),
        await ann.send_sealed(Send(content="for ben", to=("@ben",), parts=(PART,), context={"order": 1})),
        await ann.send("for all to read", parts=(PART,), context={"order": 1}),
    ]
    originals = {one.seq: await scene.ben.message(one.seq) for one in sent}
    events = [one for one in scene.lies.seen_messages() if one["seq"] in originals]
    session = scene.ben.client._session
    assert session is not None
    machine, room_keys = session.link.machine, session.rooms.keyring(ROOM).keys()

    def check(event: Json, path: tuple[Any, ...], change: Any) -> None:
        original = originals[event["seq"]]
        try:
            message = msgspec.convert(with_value(event, path, change), Message)
        except (msgspec.ValidationError, GroupChatError):
            return
        place = ReadingPlace(session.link.house, room_keys, message.room == ROOM)
        shown = open_message(message, machine, place).message
        if shown.check.proof.is_refused:
            assert (shown.parts, shown.context) == ((), None)
            assert original.content not in shown.content
        elif path[0] not in ("signed", "content", "parts", "context"):
            assert [getattr(shown, one) for one in FACTS] == [getattr(original, one) for one in FACTS]
            assert addresses_of(shown.to) == addresses_of(original.to)
            assert [getattr(shown, one) for one in TEXTS] == [getattr(original, one) for one in TEXTS]
        else:
            assert shown.content == original.content

    @settings(max_examples=400, deadline=None)
    @given(st.data())
    def flip(data: st.DataObject) -> None:
        event = data.draw(st.sampled_from(events))
        path = data.draw(st.sampled_from(list(leaves(event))))
        if path != ("seq",):
            check(event, path, lambda value: altered(value, data.draw))

    flip()
