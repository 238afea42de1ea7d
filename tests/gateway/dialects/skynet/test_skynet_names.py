"""Skynet's agent ids, types and channels, and the members, roles and rooms behind them."""

from __future__ import annotations

import pytest

from gateway.dialects.skynet import name_mapping
from gateway.model.records.stored_records import MemberRecord, RoomRecord
from gateway.model.rule_outcome import StateChange
from gateway.model.state import GatewayState
from gateway.protocol.errors import GroupChatError, InvalidName, NameTaken, ReservedName, UnknownRecipient
from gateway.protocol.types.core_types import Member, MemberKind


def state_with(*records: MemberRecord) -> GatewayState:
    state = GatewayState()
    state.put(StateChange("room", "general", RoomRecord("general")))
    for one in records:
        state.put(StateChange("member", one.member.name, one))
    return state


def guest(name: str, display: str | None = None, *, inbox: bool = True, hidden: bool = False) -> MemberRecord:
    return MemberRecord(
        Member(name, MemberKind.AGENT, display=display, inbox=inbox, hidden=hidden), dialect=name_mapping.SKYNET
    )


def member(name: str, kind: MemberKind = MemberKind.AGENT) -> MemberRecord:
    return MemberRecord(Member(name, kind, inbox=kind is MemberKind.AGENT))


GUEST_NAMES = {
    "claude_cli": "claude_cli",
    "Gemini": "gemini",
    "a": "a",
    "-dashed-": r"dashed-[0-9a-f]{8}",
    "x" * 64: "x" * 64,
    "x" * 128: "x" * 50 + "-[0-9a-f]{8}",
    "----": "[0-9a-f]{8}",
}


@pytest.mark.parametrize(("agent_id", "name"), GUEST_NAMES.items())
def test_an_agent_id_becomes_a_member_name_and_is_shown_as_it_was(agent_id: str, name: str) -> None:
    import re

    state = state_with()
    found = name_mapping.guest_with_agent_id(state, agent_id, "coder", 7)
    assert re.fullmatch(name, found.name)
    assert (found.role, found.priority, found.inbox, found.kind) == ("coder", 7, True, MemberKind.AGENT)
    state.put(StateChange("member", found.name, MemberRecord(found, dialect=name_mapping.SKYNET)))
    assert name_mapping.agent_id_of(state, found.name) == agent_id
    assert name_mapping.member_with_agent_id(state, agent_id) == found.name
    assert name_mapping.guest_with_agent_id(state, agent_id).name == found.name, "the same id is the same member"


SPELLINGS = {
    "a name": (guest("scout"), ("scout", "Scout", "SCOUT")),
    "an id with capital letters": (guest("gemini", "Gemini"), ("Gemini", "gemini", "GEMINI")),
    "a long id": (guest("x-1", "X" * 100), ("X" * 100, "x" * 100, "x-1")),
}


@pytest.mark.parametrize(("known", "spellings"), SPELLINGS.values(), ids=SPELLINGS)
def test_an_id_in_another_spelling_is_the_same_member(known: MemberRecord, spellings: tuple[str, ...]) -> None:
    state = state_with(known)
    first = spellings[0]
    assert name_mapping.agent_id_of(state, known.member.name) == first
    for one in spellings:
        if one != known.member.name or one == first:
            assert name_mapping.member_with_agent_id(state, one) == known.member.name
            assert name_mapping.guest_with_agent_id(state, one).name == known.member.name


def test_where_two_members_differ_by_case_alone_each_has_its_own_id() -> None:
    """An older gateway made such members."""
    state = state_with(guest("scout"), guest("scout-2", "Scout"))
    for agent_id, name in (("scout", "scout"), ("Scout", "scout-2")):
        assert name_mapping.member_with_agent_id(state, agent_id) == name
        assert name_mapping.guest_with_agent_id(state, agent_id).name == name


def test_ids_that_only_look_alike_are_two_agents() -> None:
    state = state_with(guest("worker-11"))
    assert name_mapping.guest_with_agent_id(state, "worker-1-1").name == "worker-1-1"
    assert name_mapping.member_with_agent_id(state, "worker-1-1") is None


TAKEN = {
    "claude": NameTaken,
    "Claude": NameTaken,
    "a1ice": NameTaken,  # it would look like alice
    "A1ice": NameTaken,
    "al-ice": NameTaken,
    "alicia": None,
    "__global__": ReservedName,
    "system": ReservedName,
    "all": ReservedName,
    "Human": ReservedName,
    "team": ReservedName,
    "two words": GroupChatError,
    "": GroupChatError,
    "x" * 129: GroupChatError,
    "a.b": GroupChatError,
}


@pytest.mark.parametrize(("agent_id", "error"), TAKEN.items())
def test_the_id_of_another_member_is_not_given_away(agent_id: str, error: type[GroupChatError] | None) -> None:
    state = state_with(member("claude"), member("alice", MemberKind.HUMAN))
    if error is None:
        assert name_mapping.guest_with_agent_id(state, agent_id).name == agent_id
        return
    with pytest.raises(error):
        name_mapping.guest_with_agent_id(state, agent_id)


def test_a_guest_keeps_what_it_does_not_name() -> None:
    known = MemberRecord(
        Member("ada", MemberKind.AGENT, role="coder", priority=8, inbox=True), dialect=name_mapping.SKYNET
    )
    for agent_type, priority, kept in (
        ("", None, ("coder", 8)),
        ("generic", None, ("coder", 8)),
        ("planner", None, ("planner", 8)),
        ("generic", 3, ("coder", 3)),
    ):
        found = name_mapping.guest_with_agent_id(state_with(known), "ada", agent_type, priority)
        assert (found.role, found.priority) == kept
    new = name_mapping.guest_with_agent_id(state_with(), "ada", "generic")
    assert (new.role, new.priority) == ("generic", 5)


def test_a_monitor_is_a_tool_to_which_nobody_can_write() -> None:
    monitor = name_mapping.guest_with_agent_id(state_with(), "cli_monitor", "monitor")
    assert (monitor.kind, monitor.inbox) == (MemberKind.TOOL, False)
    state = state_with(MemberRecord(monitor, dialect=name_mapping.SKYNET))
    with pytest.raises(UnknownRecipient):
        name_mapping.require_member(state, "cli_monitor")


REACHABLE = {"here": True, "away": True, "left": False, "alice": True, "nobody": False}


@pytest.mark.parametrize(("agent_id", "found"), REACHABLE.items())
def test_a_message_needs_a_member_that_can_get_it(agent_id: str, found: bool) -> None:
    left = MemberRecord(Member("left", MemberKind.AGENT, hidden=True))
    state = state_with(guest("here"), guest("away", hidden=True), left, member("alice", MemberKind.HUMAN))
    if found:
        assert name_mapping.require_member(state, agent_id) == agent_id
        return
    with pytest.raises(UnknownRecipient, match=agent_id):
        name_mapping.require_member(state, agent_id)


def test_an_unknown_agent_is_refused_with_the_nearest_ids() -> None:
    with pytest.raises(UnknownRecipient) as refused:
        name_mapping.require_member(state_with(guest("gemini", "Gemini")), "Gemimi")
    assert refused.value.nearest == ("Gemini",)
    assert "Did you mean Gemini?" in refused.value.message


def test_a_member_name_with_a_dot_has_an_agent_id_that_leads_back() -> None:
    state = state_with(member("tool.v2"))
    agent_id = name_mapping.agent_id_of(state, "tool.v2")
    assert name_mapping.check_agent_id(agent_id)
    assert name_mapping.member_with_agent_id(state, agent_id) == "tool.v2"


def test_a_display_name_of_another_member_proves_nothing() -> None:
    state = state_with(MemberRecord(Member("mallory", MemberKind.AGENT, display="gemini")))
    assert name_mapping.agent_id_of(state, "mallory") == "mallory"
    assert name_mapping.member_with_agent_id(state, "gemini") is None


ROLES = {"planner": "planner", "Coder": "coder", "all": "all-agent", "data scientist": r"data-scientist-"}


@pytest.mark.parametrize(("agent_type", "role"), ROLES.items())
def test_a_type_is_a_role(agent_type: str, role: str) -> None:
    assert name_mapping.role_of(agent_type).startswith(role)


TYPES = [
    (Member("a", MemberKind.AGENT, role="coder"), "coder"),
    (Member("a", MemberKind.AGENT), "generic"),
    (Member("a", MemberKind.HUMAN), "human"),
    (Member("a", MemberKind.TOOL), "tool"),
]


@pytest.mark.parametrize(("one", "agent_type"), TYPES)
def test_every_member_has_a_type(one: Member, agent_type: str) -> None:
    assert name_mapping.type_of(one) == agent_type


CHANNELS = {
    "default": "general",
    "DEFAULT": "general",
    "general": "general",
    "skynet_core": "skynet_core",
    "Design": "design",
    "#ops": "ops",
    "with blank": r"with-blank-[0-9a-f]{8}",
    "é": r"[0-9a-f]{8}",
}


@pytest.mark.parametrize(("channel", "room"), CHANNELS.items())
def test_every_channel_has_a_room(channel: str, room: str) -> None:
    import re

    found = name_mapping.room_behind_channel(channel)
    assert re.fullmatch(room, found)
    assert name_mapping.room_behind_channel(name_mapping.channel_for_room(found)) == found, (
        "the channel of a room leads back to it"
    )


@pytest.mark.parametrize("channel", ["", "  ", "x" * 129, "a\nb", "a\x1b[2J"])
def test_a_channel_without_a_room_is_refused(channel: str) -> None:
    with pytest.raises(GroupChatError) as refused:
        name_mapping.room_behind_channel(channel)
    assert not isinstance(refused.value, InvalidName)
