"""What the gateway knows in memory: facts put in, questions answered, all of it rebuilt from documents."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.access.permissions import Actor
from gateway.access.tokens import TokenRecord
from gateway.loop_guard.holds import LoopHold
from gateway.model.deliveries.open_deliveries import OpenDeliveries
from gateway.model.records.state_tables import KINDS, Owner
from gateway.model.records.stored_records import (
    AdmissionRecord,
    MemberRecord,
    Membership,
    MutedRoom,
    PausedMember,
    PinRecord,
    ReadMark,
    RoomRecord,
    SharePolicy,
    StoredState,
)
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import StateChange
from gateway.model.state import AWAY_AFTER_S, GatewayState
from gateway.protocol import codec
from gateway.protocol.errors import NotFound, UnknownRoom
from gateway.protocol.tool_calls.tool_call_types import ToolOffer
from gateway.protocol.types.core_types import Activity, Composer, Delivery, Member, MemberKind, Presence, Rung, Scope
from gateway.protocol.types.timestamps import iso_from_seconds
from gateway.turns.engine import Floor
from tests.support.world import NOON, STAMP, World, delivery


@pytest.fixture
def world() -> World:
    world = World()
    world.person("alice")
    world.member("claude", role="coder", display="Claude", project="p", priority=7)
    world.room("lab", "alice", invite_only=True, invited=("claude",))
    world.room("label", "alice")
    return world


# the rule context


def test_seqs_follow_one_another_and_stamps_are_what_the_clock_says() -> None:
    rule_context = RuleContext(last_seq=41, now=NOON)
    assert [rule_context.seq(), rule_context.seq()] == [42, 43]
    assert rule_context.at(NOON + 1).stamp == "2027-01-15T08:00:01.000Z"
    assert rule_context.at(NOON - 3600).stamp == "2027-01-15T07:00:00.000Z"
    assert rule_context.at(NOON + 2.5).stamp == "2027-01-15T08:00:02.500Z"
    assert rule_context.seq() == 44


@settings(deadline=None, derandomize=True)
@given(st.lists(st.floats(0, 4e9)))
def test_stamps_are_all_of_one_length(times: list[float]) -> None:
    rule_context = RuleContext()
    assert all(len(rule_context.at(now).stamp) == len(STAMP) for now in times)


def test_a_moment_is_written_in_utc() -> None:
    assert iso_from_seconds(NOON) == STAMP
    assert iso_from_seconds(0) == "1970-01-01T00:00:00.000Z"
    assert iso_from_seconds(NOON + 0.0004) == STAMP


# changes


def test_state_is_put_and_taken_away(world: World) -> None:
    state = world.state
    state.put(StateChange("paused", "claude", PausedMember("claude", "alice")))
    state.put(StateChange("membership", "lab/claude", Membership("lab", "claude")))
    assert (state.rooms_of["claude"], state.in_room["lab"]) == ({"general", "lab"}, {"alice", "claude"})
    state.put(StateChange("paused", "claude", None))
    state.put(StateChange("membership", "lab/claude", None))
    assert (state.rooms_of["claude"], state.in_room["lab"], state.paused) == ({"general"}, {"alice"}, {})
    state.put(StateChange("paused", "never", None))


def test_everything_but_the_live_part_comes_back_from_documents(world: World) -> None:
    gateway_state = world.state
    gateway_state.put(StateChange("paused", "claude", PausedMember("claude", "alice")))
    state: list[tuple[str, str, StoredState]] = [
        ("membership", f"{room}/{name}", Membership(room, name))
        for room in gateway_state.rooms
        for name in gateway_state.in_room[room]
    ]
    state += [("member", key, member) for key, member in gateway_state.members.items()]
    state += [("room", key, room) for key, room in gateway_state.rooms.items()]
    state += [("paused", key, paused) for key, paused in gateway_state.paused.items()]
    before = world.snapshot()
    stored = [(kind, key, codec.encode(value)) for kind, key, value in state]
    gateway_state.forget()
    assert (gateway_state.members, gateway_state.rooms, dict(gateway_state.in_room)) == ({}, {}, {})
    for kind, key, raw in stored:
        gateway_state.put(StateChange(kind, key, codec.decode(KINDS[kind].encoding, raw)))
    assert world.snapshot() == before


# deliveries


def test_the_queue_is_counted_along_the_steps_of_a_delivery() -> None:
    state, seen = GatewayState(), []
    before = None
    for rung in (Rung.QUEUED, Rung.HELD, Rung.TYPED, Rung.HELD, Rung.FAILED, Rung.QUEUED, Rung.ACCEPTED, Rung.SEEN):
        after = delivery(rung)
        state.deliveries.set(after, before)
        seen.append(state.queued["claude"])
        before = after
    assert seen == [1, 1, 0, 1, 0, 1, 0, 0]
    assert state.deliveries.known(delivery(Rung.QUEUED)) == before, "memory knows better than the store"
    assert (
        state.deliveries.known(delivery(Rung.HELD, seq=8))
        == state.latest_deliveries[8, "claude"]
        == delivery(Rung.HELD, seq=8)
    )


def test_memory_keeps_the_newest_ladders() -> None:
    deliveries = OpenDeliveries(kept=3)
    for seq in (1, 2, 3):
        deliveries.set(Delivery(seq, "claude"), None)
    deliveries.set(Delivery(1, "claude", Rung.HELD), Delivery(1, "claude"))
    deliveries.set(Delivery(4, "claude"), None)
    assert list(deliveries.latest) == [(3, "claude"), (1, "claude"), (4, "claude")]
    assert deliveries.queued["claude"] == 4


# questions


def test_an_unknown_member_is_answered_with_the_nearest(world: World) -> None:
    assert world.state.member("claude").role == "coder"
    with pytest.raises(NotFound, match="Did you mean @claude") as caught:
        world.state.member("cluade")
    assert caught.value.nearest == ("@claude",)


ROOM_SIGHT: list[tuple[Actor, str, bool]] = [
    (Actor("alice", MemberKind.HUMAN), "lab", True),
    (Actor("claude", MemberKind.AGENT), "lab", True),
    (Actor("bob", MemberKind.HUMAN), "lab", False),
    (Actor("bob", MemberKind.HUMAN), "general", True),
    (Actor("bob", MemberKind.HUMAN), "nowhere", False),
    (Actor("eve", MemberKind.TOOL, frozenset({Scope.OBSERVER})), "lab", True),
    (Actor("root", MemberKind.HUMAN, frozenset({Scope.ADMIN})), "lab", True),
    (Actor("joe", MemberKind.HUMAN, frozenset({Scope.APPROVER})), "lab", False),
    (Actor("human", MemberKind.HUMAN, team=True), "lab", True),
]


@pytest.mark.parametrize(("actor", "name", "seen"), ROOM_SIGHT)
def test_who_may_know_of_a_room(world: World, actor: Actor, name: str, seen: bool) -> None:
    if seen:
        assert world.state.room(name, actor).name == name
    else:
        with pytest.raises(UnknownRoom, match=f"no room '{name}'"):
            world.state.room(name, actor)


def test_only_rooms_one_may_see_are_offered_instead(world: World) -> None:
    for name, nearest in (("bob", ("label",)), ("alice", ("lab", "label"))):
        with pytest.raises(UnknownRoom) as caught:
            world.state.room("labyrinth", Actor(name, MemberKind.HUMAN))
        assert caught.value.nearest == nearest


def test_a_room_shows_who_is_there_and_not_hidden(world: World) -> None:
    hidden = MemberRecord(Member("claude", MemberKind.AGENT, hidden=True))
    view = world.state.room_view(world.state.rooms["general"])
    assert view.members == ("alice", "claude")
    world.state.put(StateChange("member", "claude", hidden))
    assert world.state.room_view(world.state.rooms["general"]).members == ("alice",)
    assert world.state.agents() == []


PRESENCE: list[tuple[bool, int, float | None, Presence]] = [
    # hidden, connections, seconds since it was heard (None: never), presence
    (False, 0, None, Presence.AWAY),
    (False, 1, None, Presence.ONLINE),
    (False, 0, 0, Presence.ONLINE),
    (False, 0, AWAY_AFTER_S - 0.1, Presence.ONLINE),
    (False, 0, AWAY_AFTER_S, Presence.AWAY),
    (False, 2, AWAY_AFTER_S * 10, Presence.ONLINE),
    (True, 1, 0, Presence.OFFLINE),
]


@pytest.mark.parametrize(("hidden", "connections", "silent", "presence"), PRESENCE)
def test_presence(world: World, hidden: bool, connections: int, silent: float | None, presence: Presence) -> None:
    world.state.live["claude"].connections = connections
    if silent is not None:
        world.state.live["claude"].heard = NOON - silent
    assert world.state.presence(Member("claude", MemberKind.AGENT, hidden=hidden), NOON) is presence


def test_a_member_as_others_see_it(world: World) -> None:
    state = world.state
    state.deliveries.set(delivery(Rung.HELD), None)
    live = state.live["claude"]
    live.connections, live.heard, live.activity, live.composer, live.note = 1, NOON, Activity.BUSY, Composer.DRAFT, "hm"
    live.begin_activity(Activity.BUSY, "hm", NOON)
    view = state.view(state.member("claude"), NOON)
    assert (view.name, view.role, view.display, view.project) == ("claude", "coder", "Claude", "p")
    assert (view.presence, view.activity, view.composer, view.note) == (
        Presence.ONLINE,
        Activity.BUSY,
        Composer.DRAFT,
        "hm",
    )
    assert (view.queued, view.paused, view.last_seen, view.since) == (1, False, STAMP, STAMP)
    assert "x" not in state.live, "looking makes nobody live"
    state.view(Member("x", MemberKind.TOOL), NOON)
    assert "x" not in state.live


def test_the_directory_finds_roles_in_the_room_only(world: World) -> None:
    state = world.state
    state.put(StateChange("room", "den", RoomRecord("den")))
    assert state.directory()["claude"].role == state.directory("general")["claude"].role == "coder"
    assert state.directory("den")["claude"].role is None
    assert "claude" in state.directory("den")
    assert (len(state.directory()), set(state.directory())) == (2, {"alice", "claude"})


# tables


def test_every_kind_has_a_table_and_every_table_a_kind() -> None:
    assert GatewayState().tables.keys() == KINDS.keys()


def rows() -> list[StateChange]:
    """Something of each kind that is forgotten with its owner, for two owners each."""
    stamp = "2027-01-15T08:00:00.000Z"
    found: list[StateChange] = []
    for member in ("ann", "ben"):
        found += [
            StateChange("token", f"t-{member}", TokenRecord(f"t-{member}", member, "hash", stamp)),
            StateChange("paused", member, PausedMember(member, "alice")),
            StateChange("share", member, SharePolicy(member, "all")),
            StateChange("muted", f"general/{member}", MutedRoom("general", member)),
            StateChange("read", f"general/{member}", ReadMark("general", member, 7)),
            StateChange("tool", member, ToolOffer(member, (), stamp)),
        ]
    for room in ("den", "lab"):
        found += [StateChange("floor", room, Floor(speaker="ann")), StateChange("brake", room, LoopHold(room))]
        found.append(StateChange("admission", f"{room}/ann", AdmissionRecord(room, "ann", "Ym94")))
        found.append(StateChange("pin", f"{room}/7", PinRecord(room, 7, 8, "ann", stamp)))
    return found


FORGOTTEN = [
    (
        Owner.MEMBER,
        "ann",
        {
            ("token", "t-ann"),
            *((kind, "ann") for kind in ("paused", "share", "tool")),
            *((kind, "general/ann") for kind in ("muted", "read")),
        },
    ),
    (Owner.MEMBER, "den", set()),
    (Owner.ROOM, "den", {("floor", "den"), ("brake", "den"), ("pin", "den/7"), ("admission", "den/ann")}),
    (Owner.ROOM, "ann", set()),
]


@pytest.mark.parametrize(("owner", "name", "expected"), FORGOTTEN)
def test_what_is_forgotten_with_a_member_or_a_room(owner: Owner, name: str, expected: set[tuple[str, str]]) -> None:
    state = GatewayState()
    for change in rows():
        state.put(change)
    gone = state.without(owner, name)
    assert {(one.kind, one.key) for one in gone} == expected
    for one in gone:
        state.put(one)
    assert state.without(owner, name) == ()


def test_every_kind_with_an_owner_is_tried() -> None:
    tried = {change.kind for change in rows()}
    assert tried == {name for name, kind in KINDS.items() if kind.owner is not None}


def test_who_has_the_turn_in_which_rooms() -> None:
    state = GatewayState()
    state.put(StateChange("floor", "den", Floor(speaker="ann")))
    state.put(StateChange("floor", "lab", Floor(speaker="ann")))
    state.put(StateChange("floor", "den", Floor(speaker="ben")))
    assert (state.speaking["ann"], state.speaking["ben"]) == ({"lab"}, {"den"})
    state.put(StateChange("floor", "lab", None))
    assert state.speaking["ann"] == set()


def test_who_has_an_inbox_is_asked_anew_when_members_change() -> None:
    state = GatewayState()
    state.put(StateChange("membership", "den/ann", Membership("den", "ann")))
    assert state.inboxes("den") == ()
    state.put(StateChange("member", "ann", MemberRecord(Member("ann", MemberKind.AGENT, inbox=True))))
    assert state.inboxes("den") == ("ann",)
    state.put(StateChange("membership", "den/ann", None))
    assert state.inboxes("den") == ()
