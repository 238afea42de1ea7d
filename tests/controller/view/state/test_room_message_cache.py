"""What is remembered of each room: its newest messages, without a gap."""

from __future__ import annotations

import msgspec

from controller.view.state.room_message_cache import MAX_KEPT_MESSAGES, MAX_KEPT_ROOMS, RoomMessageCache, RoomPage
from gateway.protocol.events import Message
from tests.support.world import message


def said(*numbers: int, room: str = "lab") -> tuple[Message, ...]:
    return tuple(message(number, to=(), room=room) for number in numbers)


def test_a_page_grows_with_what_is_said_there() -> None:
    pages = RoomMessageCache()
    assert pages.page("lab") is None
    assert not pages.keep("lab", said(3, 2, 1), more=False)
    for one in (*said(4), *said(5, room="other"), *said(4)):
        pages.note(one)
    assert pages.page("lab") == RoomPage(said(1, 2, 3, 4), more=False)
    assert pages.page("other") is None, "it would have a gap"


def test_the_gateways_page_is_known_or_takes_its_place() -> None:
    pages = RoomMessageCache()
    pages.keep("lab", said(1, 2), more=False)
    assert pages.keep("lab", said(2, 1), more=False)
    assert not pages.keep("lab", said(1, 2), more=True), "there is more before them"
    assert not pages.keep("lab", said(1, 2, 3), more=True)
    changed = msgspec.structs.replace(said(3)[0], content="another text")
    assert not pages.keep("lab", (*said(1, 2), changed), more=True)
    assert pages.page("lab") == RoomPage((*said(1, 2), changed), more=True)


def test_what_came_while_the_gateway_answered_stays() -> None:
    pages = RoomMessageCache()
    pages.keep("lab", said(1, 2), more=False)
    pages.note(said(3)[0])
    assert pages.keep("lab", said(1, 2), more=False)
    assert pages.page("lab") == RoomPage(said(1, 2, 3), more=False)


def test_a_page_and_their_number_are_bounded() -> None:
    pages = RoomMessageCache()
    pages.keep("lab", said(*range(1, MAX_KEPT_MESSAGES + 1)), more=False)
    pages.note(said(1000)[0])
    page = pages.page("lab")
    assert page is not None and len(page.messages) == MAX_KEPT_MESSAGES and page.more
    for number in range(MAX_KEPT_ROOMS):
        pages.keep(f"r{number}", (), more=False)
    assert pages.page("lab") is None and pages.page("r0") is not None


def test_a_lost_connection_leaves_nothing() -> None:
    pages = RoomMessageCache()
    pages.keep("lab", said(1), more=False)
    pages.forget()
    pages.note(said(2)[0])
    assert pages.page("lab") is None
