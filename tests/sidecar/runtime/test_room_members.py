"""Which `@word` of a message names a member, and which names a file that the agent would read."""

from pathlib import Path

import pytest

from gateway.protocol.events import MemberAction, MemberEvent, MemberView
from gateway.protocol.types import Member, MemberKind
from sidecar.runtime.room_members import RoomMembers


def view(name: str) -> MemberView:
    return MemberView(name, MemberKind.AGENT)


@pytest.mark.parametrize(
    ("word", "is_name"),
    [("claude", True), ("Claude", True), ("all", True), ("nobody", False), ("alice", False), ("", False)],
)
def test_a_word_is_a_name_if_it_is_a_member_and_no_file(tmp_path: Path, word: str, is_name: bool) -> None:
    (tmp_path / "alice").write_text("a file")
    here = RoomMembers(tmp_path, [view("claude"), view("alice")])
    assert here.is_name(word) is is_name


def test_who_comes_and_leaves_is_known(tmp_path: Path) -> None:
    here = RoomMembers(tmp_path, [view("claude")])
    here.changed(MemberEvent(1, MemberAction.RETURNED, Member("bob", MemberKind.AGENT), "system", ""))
    here.changed(MemberEvent(2, MemberAction.LEFT, Member("claude", MemberKind.AGENT), "claude", ""))
    assert here.names() == ["bob"]
    here.are([view("ann")])
    assert here.names() == ["ann"]
