"""Which `@word` of a message names a member, and which names a file that the agent would read."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.protocol.events import MemberAction, MemberEvent, MemberView, RoomAction, RoomEvent, Welcome
from gateway.protocol.types.core_types import Member, MemberKind, Room
from sidecar.runtime.assembly import LIMIT_STAGGER_S, stagger_of
from sidecar.runtime.room_members import RoomMembers

ME = "claude"


def welcome(*names: str, **rooms: tuple[str, ...]) -> Welcome:
    views = tuple(MemberView(name, MemberKind.AGENT) for name in names)
    listed = tuple(Room(name, members=inside) for name, inside in rooms.items())
    return Welcome(1, Member(ME, MemberKind.AGENT), listed, views, 1)


@pytest.mark.parametrize(
    ("word", "is_name"),
    [("claude", True), ("Claude", True), ("all", True), ("nobody", False), ("alice", False), ("", False)],
)
def test_a_word_is_a_name_if_it_is_a_member_and_no_file(tmp_path: Path, word: str, is_name: bool) -> None:
    (tmp_path / "alice").write_text("a file")
    here = RoomMembers(tmp_path, welcome("claude", "alice"))
    assert here.is_name(word) is is_name


def test_who_comes_and_leaves_is_known(tmp_path: Path) -> None:
    here = RoomMembers(tmp_path, welcome("claude"))
    here.changed(MemberEvent(1, MemberAction.RETURNED, Member("bob", MemberKind.AGENT), "system", ""))
    here.changed(MemberEvent(2, MemberAction.LEFT, Member("claude", MemberKind.AGENT), "claude", ""))
    assert here.names_in("general") == ["bob"]
    here.are(welcome("ann"))
    assert here.names_in("general") == ["ann"]


def test_each_of_ten_agents_has_a_turn_of_its_own_after_a_reset(tmp_path: Path) -> None:
    names = [f"agent-{number}" for number in range(10)]
    seen_by_each = (replace(welcome(*names), you=Member(name, MemberKind.AGENT)) for name in names)
    seconds = sorted(stagger_of(RoomMembers(tmp_path, one)) for one in seen_by_each)
    assert seconds == [number * LIMIT_STAGGER_S for number in range(10)]


def moved(action: RoomAction, member: str, room: str) -> RoomEvent:
    return RoomEvent(1, room, action, "alice", "", member)


J, L = RoomAction.JOINED, RoomAction.LEFT
EVERYONE = ["ann", "bob", "claude", "zoe"]
WHO_CAN_BE_ADDRESSED: list[tuple[tuple[RoomEvent, ...], str, list[str]]] = [
    # what happened since the welcome, the room, whom a line can address there
    ((), "design", ["ann", "claude", "zoe"]),  # bob is in general alone; no room is known to have zoe
    ((), "general", ["ann", "bob", "claude", "zoe"]),
    ((), "lab", EVERYONE),  # the agent is not there and is not told who comes
    ((), "nowhere", EVERYONE),
    ((moved(J, "bob", "design"),), "design", EVERYONE),
    ((moved(L, "ann", "design"),), "design", ["claude", "zoe"]),
    ((moved(J, "bob", "lab"), moved(J, "claude", "lab")), "lab", EVERYONE),
    ((moved(L, "claude", "design"), moved(J, "claude", "design")), "design", EVERYONE),  # who came meanwhile?
]


@pytest.mark.parametrize(("events", "room", "names"), WHO_CAN_BE_ADDRESSED)
def test_a_line_addresses_those_of_its_room(
    tmp_path: Path, events: tuple[RoomEvent, ...], room: str, names: list[str]
) -> None:
    rooms = {"general": ("ann", "bob", "claude"), "design": ("ann", "claude"), "lab": ("ann",)}
    here = RoomMembers(tmp_path, welcome(*EVERYONE, **rooms))
    for event in events:
        here.changed(event)
    assert here.names_in(room) == names


def test_only_a_room_that_was_listed_as_open_is_open(tmp_path: Path) -> None:
    seen = replace(welcome(), rooms=(Room("general"), Room("lab", invite_only=True)))
    here = RoomMembers(tmp_path, seen)
    assert [here.is_open(room) for room in ("general", "lab", "new")] == [True, False, False]
