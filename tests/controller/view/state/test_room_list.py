"""The rooms of one member: their order, their changes, the header, and where reading stopped."""

from __future__ import annotations

import pytest

from controller.view.panels.room_bar import room_bar, room_tabs
from controller.view.state.read_positions import positions_from_text, text_of_positions
from controller.view.state.room_list import rooms_after, rooms_of
from controller.view.text.text_rows import width_of
from gateway.protocol.events import RoomAction, RoomEvent
from gateway.protocol.types.core_types import Room
from tests.controller.streams import STAMP

ALICE, BOTH = ("alice",), ("alice", "claude")
ROOMS = {one.name: one for one in (Room("design", members=BOTH), Room("general", members=BOTH), Room("art"))}


@pytest.mark.parametrize(
    ("event", "room"),
    [
        ((RoomAction.CREATED, None, "mice"), Room("lab", "mice", created_by="bob")),
        ((RoomAction.JOINED, "claude", ""), Room("lab", created_by="bob", members=("claude",))),
    ],
)
def test_a_room_that_is_made_becomes_known(event: tuple[RoomAction, str | None, str], room: Room) -> None:
    action, member, text = event
    assert rooms_after({}, RoomEvent(1, "lab", action, "bob", STAMP, member, text)) == {"lab": room}


@pytest.mark.parametrize(
    ("action", "member", "text", "room"),
    [
        (RoomAction.TOPIC, None, "colours", Room("design", "colours", members=BOTH)),
        (RoomAction.JOINED, "ada", "", Room("design", members=(*BOTH, "ada"))),
        (RoomAction.JOINED, "alice", "", Room("design", members=("claude", "alice"))),
        (RoomAction.LEFT, "claude", "", Room("design", members=ALICE)),
        (RoomAction.INVITED, "ada", "", Room("design", members=BOTH)),
    ],
)
def test_a_room_changes(action: RoomAction, member: str | None, text: str, room: Room) -> None:
    after = rooms_after(ROOMS, RoomEvent(1, "design", action, "bob", STAMP, member, text))
    assert after["design"] == room
    assert after["general"] == ROOMS["general"]


@pytest.mark.parametrize(
    ("shown", "mine"),
    [("general", ("general", "design")), ("art", ("general", "art", "design"))],
)
def test_the_default_room_is_the_first(shown: str, mine: tuple[str, ...]) -> None:
    assert rooms_of(ROOMS, "alice", shown) == mine


MANY = ("general", "art", "design", "music", "science")


@pytest.mark.parametrize(
    ("mine", "unread", "width", "words"),
    [
        (("general",), {}, 80, " #general "),
        (("general", "design"), {}, 80, " 1 #general  2 design "),
        (("general", "design"), {"design": 3}, 80, " 1 #general  2 design•3 "),
        (("general",), {"ops": 2}, 80, " 1 #general  ops•2 "),
        (MANY, {"music": 12}, 60, " 1 #general  2 art  3 design  4 music•12  5 science "),
        (MANY, {"music": 12}, 30, " 1 #general  4 music•12 "),
        (MANY, {"music": 12, "art": 1}, 20, " #general  •13 "),
        (MANY, {"music": 12, "art": 1}, 6, " #gen…"),
    ],
)
def test_the_header_lists_as_many_rooms_as_fit(
    mine: tuple[str, ...], unread: dict[str, int], width: int, words: str
) -> None:
    found = "".join(text for _, text in room_bar(room_tabs(mine, "general", unread), width))
    assert found == words
    assert width_of(found) <= width


@pytest.mark.parametrize(
    ("text", "positions"),
    [
        ("", {}),
        ("812", {"general": 812}),
        ('{"general": 812, "lab": 3}', {"general": 812, "lab": 3}),
        ('{"general": "x", "lab": 3}', {"lab": 3}),
        ("[1]", {}),
        ("{", {}),
    ],
)
def test_where_reading_stopped(text: str, positions: dict[str, int]) -> None:
    assert positions_from_text(text) == positions
    assert positions_from_text(text_of_positions(positions)) == positions
