"""Names of AgentChat as tables: ids and members, channels and rooms, keys that look alike, guests that come and go."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.agentchat import frames as words
from gateway.dialects.agentchat import name_mapping
from gateway.dialects.agentchat.name_mapping import AGENTCHAT
from gateway.dialects.shared_room_lookup import common_room
from gateway.model.records.stored_records import MemberRecord
from gateway.protocol.errors import Conflict, NameTaken
from gateway.protocol.types.core_types import Member, MemberKind, canonical_member_name, canonical_room_name
from gateway.rooms import guests
from tests.support.world import World


@pytest.fixture
def world() -> World:
    return World()


def came(world: World, name: str, id_: str, key: str = "") -> str:
    guest = name_mapping.guest_record(name, id_, key)
    world.commit(*guests.admit_guest(world.state, guest, world.rule_context))
    return guest.member.name


def went(world: World, name: str) -> None:
    world.commit(*guests.remove_departed_guest(world.state, AGENTCHAT, name, world.rule_context).events)


@pytest.mark.parametrize(
    ("name", "member"),
    [("Scout", "scout-abcd1234"), ("-x-", "x-abcd1234"), ("---", "agent-abcd1234"), ("_a_", "_a_-abcd1234")],
)
def test_a_guest_is_called_by_its_name_and_id(world: World, name: str, member: str) -> None:
    assert came(world, name, "abcd1234") == member
    assert name_mapping.agentchat_id_of(world.state, member) == "abcd1234"
    assert name_mapping.member_with_id(world.state, "@abcd1234") == member
    assert name_mapping.member_with_id(world.state, f"@{member}") is None


@pytest.mark.parametrize("name", ["claude", "a.b.c", "x" * 64, "deadbeef", "a-12345678", "_"])
def test_each_member_of_ours_has_an_id_that_leads_back(world: World, name: str) -> None:
    world.member(name)
    id_ = name_mapping.agentchat_id_of(world.state, name)
    assert name_mapping.check_name(id_) == id_
    assert name_mapping.member_with_id(world.state, f"@{id_}") == name


def test_an_id_of_a_guest_is_not_that_of_another_member(world: World) -> None:
    world.member("deadbeef")
    came(world, "scout", "cafecafe")
    assert name_mapping.member_with_id(world.state, "@deadbeef") == "deadbeef"
    assert not name_mapping.is_free_id(world.state, "deadbeef")
    assert not name_mapping.is_free_id(world.state, "cafecafe")
    assert name_mapping.is_free_id(world.state, "fefefefe")


def test_a_key_that_only_begins_alike_gets_a_longer_id(world: World) -> None:
    """Eight digits of a digest can be had by trying; here the others simply have them already."""
    pem = "a key"
    digest = hashlib.sha256(pem.encode()).hexdigest()
    ids = []
    for taken in (0, 8, 16):
        if taken:
            came(world, f"other{taken}", digest[:taken], f"another key {taken}")
        ids.append(
            name_mapping.id_of_guest(name_mapping.new_guest(world.state, "me", pem, lambda _: False).member.name)
        )
    assert ids == [digest[:8], digest[:16], digest[:24]]
    longest = name_mapping.guest_record("x" * 32, ids[2]).member.name
    assert canonical_member_name(longest) == longest


def test_a_member_of_that_name_with_a_token_is_not_taken_over(world: World) -> None:
    digest = hashlib.sha256(b"a key").hexdigest()
    world.member(f"me-{digest[:8]}")
    newcomer = name_mapping.new_guest(world.state, "me", "a key", lambda _: False)
    assert newcomer.member.name == f"me-{digest[:16]}"
    with pytest.raises(NameTaken):
        guests.admit_guest(world.state, name_mapping.guest_record("me", digest[:8], "a key"), world.rule_context)


# channels


@given(st.from_regex(r"[A-Za-z0-9_-]{1,31}", fullmatch=True))
def test_each_channel_has_a_room_that_leads_back(bare: str) -> None:
    channel = f"#{bare}"
    room = name_mapping.room_name_for_channel(channel)
    assert canonical_room_name(room) == room
    assert name_mapping.channel_of_room(room) == channel.lower()


@given(st.from_regex(r"[a-z0-9_](?:[a-z0-9_.-]{0,62}[a-z0-9_])?", fullmatch=True))
def test_each_room_has_a_channel_that_leads_back(room: str) -> None:
    world = World()
    world.room(room)
    channel = name_mapping.channel_of_room(room)
    assert name_mapping.check_channel(channel) == channel
    found = name_mapping.room_of_channel(world.state, channel.upper())
    assert found is not None and found.name == room


def test_two_meet_where_both_are(world: World) -> None:
    for room in ("workshop", "attic"):
        world.room(room)
    world.member("one", rooms=("general", "workshop"))
    world.member("two", rooms=("attic", "workshop"))
    world.member("three", rooms=("general",))
    assert common_room(world.state, "one", "two") == "workshop"
    assert common_room(world.state, "one", "three") == "general"
    assert common_room(world.state, "two", "three") is None


# guests come and go


def test_whoever_goes_is_in_no_room_and_may_come_back_as_itself(world: World) -> None:
    name = came(world, "scout", "abcd1234", "key")
    assert world.state.rooms_of[name] == {"general"}
    went(world, name)
    assert world.state.rooms_of[name] == set() and world.state.members[name].member.hidden
    assert came(world, "scout", "abcd1234", "key") == name
    assert not world.state.members[name].member.hidden
    went(world, name)
    went(world, name)


def test_only_the_last_callers_without_a_key_are_remembered(world: World) -> None:
    keyed = came(world, "keyed", "ffffffff", "key")
    went(world, keyed)
    here = came(world, "here", "eeeeeeee")
    for number in range(guests.MAX_KEPT_CALLERS + 50):
        went(world, came(world, "caller", f"{number:08d}"))
    callers = sorted(one for one in world.state.members if one.startswith("caller"))
    assert len(callers) == guests.MAX_KEPT_CALLERS
    assert callers[0] == "caller-00000050"
    assert {keyed, here} <= set(world.state.members)


def test_there_is_an_end_to_those_with_a_key(world: World) -> None:
    for number in range(guests.MAX_GUESTS_PER_DIALECT):
        name = came(world, "k", f"{number:08d}", f"key {number}")
        world.state.live[name].connections = 1
    with pytest.raises(Conflict, match="without a token"):
        came(world, "one-more", "aaaaaaaa", "another key")
    for number, lost in ((1, 50.0), (2, 20.0), (3, 90.0)):
        world.state.live[f"k-{number:08d}"].connections = 0
        world.state.live[f"k-{number:08d}"].lost = lost
    proven = name_mapping.mark_guest_proven(world.state.members["k-00000002"])
    world.commit(*guests.admit_guest(world.state, proven, world.rule_context))
    newcomer = came(world, "one-more", "aaaaaaaa", "another key")
    known = {one for one in world.state.members if one.startswith(("k-0000000", newcomer))}
    assert "k-00000001" not in known, "of those that are away and have proven nothing the longest away"
    assert {"k-00000002", "k-00000003", newcomer} <= known


def test_a_proven_key_stays_proven(world: World) -> None:
    name = came(world, "scout", "abcd1234", "key")
    assert world.state.members[name].member.capabilities == ("unproven",)
    proven = name_mapping.mark_guest_proven(world.state.members[name])
    world.commit(*guests.admit_guest(world.state, proven, world.rule_context))
    went(world, name)
    world.commit(*guests.admit_guest(world.state, world.state.members[name], world.rule_context))
    record = world.state.members[name]
    assert (record.proven, record.key, record.member.capabilities) == (True, "key", ("proven",))


def test_a_dialect_speaks_for_its_own_guests_alone(world: World) -> None:
    world.member("claude")
    other = MemberRecord(Member("peer", MemberKind.AGENT, inbox=True), dialect="ai-connect")
    world.commit(*guests.admit_guest(world.state, other, world.rule_context))
    for name in ("claude", "peer", "nobody"):
        with pytest.raises(NameTaken):
            guests.guest_actor(world.state, AGENTCHAT, name)
        assert guests.remove_departed_guest(world.state, AGENTCHAT, name, world.rule_context).events == ()


def test_every_error_has_a_code() -> None:
    for kind, code in words.CODE_BY_ERROR.items():
        assert words.error_code_of(kind("x")) == code
    assert words.error_code_of(Conflict("x")) == "INVALID_MSG"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("plain", '{"to":"#c","content":"plain","ts":1}'),
        ('a"b\\c/d', '{"to":"#c","content":"a\\"b\\\\c/d","ts":1}'),
        ("\b\f\n\r\t", '{"to":"#c","content":"\\b\\f\\n\\r\\t","ts":1}'),
        ("\x00\x1f\x7f", '{"to":"#c","content":"\\u0000\\u001f\x7f","ts":1}'),
        ("ü\u2028😀", '{"to":"#c","content":"ü\u2028😀","ts":1}'),
    ],
)
def test_what_is_signed_is_what_javascript_writes(content: str, text: str) -> None:
    assert words.text_to_sign("#c", content, "1").decode() == text
