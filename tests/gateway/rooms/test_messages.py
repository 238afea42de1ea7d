"""The rules of a room: requests in, facts or a refusal out; then any sequence of them against what must always hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.access.permissions import Actor
from gateway.model.records.stored_records import MemberRecord
from gateway.model.rule_outcome import EventToCommit, RuleOutcome, StateChange
from gateway.protocol.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    GroupChatError,
    InvalidName,
    InvalidText,
    NotFound,
    RoomExists,
    TooLarge,
    UnknownRecipient,
    UnknownRoom,
)
from gateway.protocol.events import Message, RoomAction, RoomEvent
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.requests.request import Request
from gateway.protocol.requests.room_requests import CreateRoom, Invite, Join, Kick, Leave, RemoveRoom, SetTopic
from gateway.protocol.results import Accepted, Done
from gateway.protocol.types.core_types import (
    DEFAULT_ROOM,
    MAX_CONTENT_BYTES,
    MAX_CONTEXT_BYTES,
    MAX_JSON_DEPTH,
    Delivery,
    Member,
    MemberKind,
    MessageKind,
    Part,
    Scope,
)
from gateway.protocol.types.loop_limits import Limits
from gateway.push.event_broadcaster import make_visibility_filter
from gateway.rooms import messages, removal, room_rules
from gateway.store import StoredEvent
from tests.support.examples import examples
from tests.support.world import ADMIN, NOON, STAMP, World

MOST_HOPS = Limits().max_hops


@pytest.fixture
def world() -> World:
    """alice and bob are people; claude (coder), codex (coder) and gemini are agents; lab is for invited members."""
    world = World()
    world.person("alice")
    world.person("bob")
    world.member("claude", role="coder")
    world.member("codex", role="coder")
    world.member("gemini")
    world.room("lab", "alice", "claude", invite_only=True, invited=("gemini",))
    return world


def actor(world: World, name: str) -> Actor:
    return Actor(name, world.state.members[name].member.kind)


# sending

WHO_GETS_A_LADDER: list[tuple[str, str, str, tuple[str, ...], tuple[str, ...] | None, tuple[str, ...]]] = [
    # sender, room, to, recipients, ends (None: everyone in the room), ladders
    ("alice", "general", "", (), None, ("claude", "codex", "gemini")),
    ("alice", "general", "@all", (), None, ("claude", "codex", "gemini")),
    ("claude", "general", "", (), None, ("codex", "gemini")),
    ("alice", "lab", "", (), None, ("claude",)),
    ("claude", "lab", "", (), None, ()),
    ("alice", "general", "@claude", ("claude",), ("alice", "claude"), ("claude",)),
    ("alice", "general", "@bob", ("bob",), ("alice", "bob"), ()),
    ("alice", "general", "@gemini @bob", ("gemini", "bob"), ("alice", "gemini", "bob"), ("gemini",)),
    ("alice", "general", "@role:coder", ("claude", "codex"), ("alice", "claude", "codex"), ("claude", "codex")),
    ("claude", "general", "@role:coder", ("codex",), ("claude", "codex"), ("codex",)),
    ("claude", "general", "@claude", ("claude",), ("claude",), ()),
    ("alice", "lab", "@role:coder", ("claude",), ("alice", "claude"), ("claude",)),
    ("alice", "lab", "@any:coder", ("claude",), ("alice", "claude"), ("claude",)),
]


@pytest.mark.parametrize(("sender", "where", "to", "recipients", "ends", "ladders"), WHO_GETS_A_LADDER)
def test_who_is_meant(  # noqa: PLR0917 - a row of the table
    world: World,
    sender: str,
    where: str,
    to: str,
    recipients: tuple[str, ...],
    ends: tuple[str, ...] | None,
    ladders: tuple[str, ...],
) -> None:
    message, accepted = world.say(messages.post_message, actor(world, sender), "hi", room=where, to=to)
    (fact,) = world.facts
    assert (message.from_, message.room, message.timestamp) == (sender, where, STAMP)
    assert message.recipients == recipients
    assert fact.ends == ends
    assert message.deliveries == ladders
    assert fact.deliveries == accepted.deliveries == tuple(Delivery(message.seq, name, at=STAMP) for name in ladders)
    assert {name: world.state.queued[name] for name in ladders} == dict.fromkeys(ladders, 1)


def test_an_owner_who_was_put_out_is_owner_again_only_by_an_invitation(world: World) -> None:
    bob, alice = Actor("bob", MemberKind.HUMAN), Actor("alice", MemberKind.HUMAN)
    world.room("pub", "bob", "alice")
    world.do(room_rules.kick_member, ADMIN, Kick(room="pub", member="bob"))
    with pytest.raises(Forbidden, match="were removed from"):
        world.do(room_rules.kick_member, bob, Kick(room="pub", member="alice"))
    with pytest.raises(Forbidden, match="were removed from"):
        world.do(removal.remove_room, bob, RemoveRoom(room="pub"))
    world.do(room_rules.invite_member, alice, Invite(room="pub", member="bob"))
    world.do(room_rules.kick_member, bob, Kick(room="pub", member="alice"))


def test_a_hidden_member_gets_what_is_said_to_it_by_name_and_to_everyone_while_it_may_be_back(world: World) -> None:
    gone = Member("claude", MemberKind.AGENT, role="coder", inbox=True, hidden=True)
    world.state.put(StateChange("member", "claude", MemberRecord(gone)))
    alice = actor(world, "alice")
    assert world.say(messages.post_message, alice, "hi", to="@claude")[0].deliveries == ("claude",)
    assert "claude" not in world.say(messages.post_message, alice, "hi")[0].deliveries
    world.state.live["claude"].lost = NOON
    assert "claude" in world.say(messages.post_message, alice, "hi")[0].deliveries
    assert world.say(messages.post_message, alice, "hi", to="@role:coder")[0].recipients == ("codex",)


def test_round_robin_remembers_who_was_picked_and_not_who_else_was_named(world: World) -> None:
    alice = actor(world, "alice")
    picked = [
        world.say(messages.post_message, alice, "hi", to=to)[0].recipients[0]
        for to in ("@any:coder @gemini", "@any:coder @gemini", "@any:coder")
    ]
    assert picked == ["claude", "codex", "claude"]


def test_a_message_keeps_what_was_sent(world: World) -> None:
    asked, _ = world.say(messages.post_message, actor(world, "claude"), "well?")
    fields: dict[str, object] = {
        "id": "mine",
        "kind": MessageKind.TASK,
        "parts": (Part("file", path="a.py"),),
        "context": {"a": [1]},
        "reply_to": asked.seq,
        "session": "s",
        "trace": "t",
        "urgent": True,
        "priority": 9,
        "ttl": 60.0,
        "ack_wanted": True,
    }
    message, accepted = world.say(messages.post_message, actor(world, "alice"), "hi", to="claude", **fields)
    assert {name: getattr(message, name) for name in fields} == fields
    assert message.to == ("@claude",)
    assert (world.facts[1].client_id, world.facts[1].deadline) == ("mine", NOON + 60)
    assert accepted.seq == message.seq == world.rule_context.last_seq


def test_without_an_id_the_message_is_called_after_its_seq(world: World) -> None:
    message, _ = world.say(messages.post_message, actor(world, "alice"), "hi")
    assert message.id == f"m-{message.seq}"
    assert world.facts[0].client_id is None


def nested(levels: int) -> dict[str, Any]:
    """A context of so many levels, dicts and lists by turns."""
    value: Any = {} if levels % 2 else []
    for level in range(levels - 1, 0, -1):
        value = {"a": value} if level % 2 else [1, value]
    assert isinstance(value, dict)
    return value


REFUSED_SENDS: list[tuple[str, dict[str, object], type[GroupChatError]]] = [
    ("alice", {"content": ""}, BadRequest),
    ("alice", {"content": " \n"}, BadRequest),
    ("alice", {"content": "a\x00b"}, InvalidText),
    ("alice", {"content": "\ud800"}, InvalidText),
    ("alice", {"content": "x" * (MAX_CONTENT_BYTES + 1)}, TooLarge),
    ("alice", {"content": "ü" * (MAX_CONTENT_BYTES // 2 + 1)}, TooLarge),
    ("alice", {"content": "hi", "parts": (Part("text", text="x" * (MAX_CONTENT_BYTES + 1)),)}, TooLarge),
    ("alice", {"content": "hi", "parts": (Part("text", text="\x00"),)}, InvalidText),
    ("alice", {"content": "hi", "context": {"a": "x" * MAX_CONTEXT_BYTES}}, TooLarge),
    ("alice", {"content": "hi", "context": nested(MAX_JSON_DEPTH + 1)}, BadRequest),
    ("alice", {"content": "hi", "context": {"a": 1, "b": {"c": [], "d": nested(MAX_JSON_DEPTH - 1)}}}, BadRequest),
    ("alice", {"content": "hi", "to": "@cluade"}, UnknownRecipient),
    ("alice", {"content": "hi", "to": ("@claude", "@nobody")}, UnknownRecipient),
    ("alice", {"content": "hi", "to": "@role:pilot"}, UnknownRecipient),
    ("alice", {"content": "hi", "to": ("two words",)}, InvalidName),
    ("alice", {"content": "hi", "room": "nowhere"}, UnknownRoom),
    ("alice", {"content": "hi", "room": "no room"}, InvalidName),
    ("alice", {"content": "hi", "room": "lab", "to": "@codex"}, Forbidden),
    ("bob", {"content": "hi", "room": "lab"}, UnknownRoom),
    ("gemini", {"content": "hi", "room": "lab"}, Forbidden),
    ("gemini", {"content": "hi", "urgent": True}, Forbidden),
    ("gemini", {"content": "hi", "interrupt": True}, Forbidden),
]


@pytest.mark.parametrize(("sender", "fields", "error"), REFUSED_SENDS)
def test_a_send_that_is_refused_changes_nothing(
    world: World, sender: str, fields: dict[str, object], error: type[GroupChatError]
) -> None:
    before, seq = world.snapshot(), world.rule_context.last_seq
    with pytest.raises(error) as caught:
        world.do(messages.post_message, actor(world, sender), Send(**fields))  # type: ignore[arg-type]
    assert type(caught.value) is error
    assert (world.snapshot(), world.rule_context.last_seq) == (before, seq)


ALLOWED_SENDS: list[dict[str, object]] = [
    {"content": "x" * MAX_CONTENT_BYTES},
    {"content": "ü" * (MAX_CONTENT_BYTES // 2)},
    {"content": "", "parts": (Part("link", url="https://example.org"),)},
    {"content": "", "context": {}},
    {"content": "", "context": nested(MAX_JSON_DEPTH)},
    {"content": "hi", "room": "#general"},
    {"content": "hi", "room": "General"},
    {"content": "tab\tand\r\nlines"},
]


@pytest.mark.parametrize("fields", ALLOWED_SENDS)
def test_a_send_at_the_edge_of_what_is_allowed(world: World, fields: dict[str, object]) -> None:
    world.do(messages.post_message, actor(world, "alice"), Send(**fields))  # type: ignore[arg-type]
    assert len(world.facts) == 1


# coming together


def test_creating_a_room_enters_its_creator(world: World) -> None:
    outcome = world.do(
        room_rules.create_room, actor(world, "bob"), CreateRoom(room="#Den", topic="tea", invite_only=True)
    )
    created, entered = (fact.event for fact in outcome.events)
    assert isinstance(created, RoomEvent) and isinstance(entered, RoomEvent)
    assert (created.room, created.action, created.by, created.text) == ("den", RoomAction.CREATED, "bob", "tea")
    assert (entered.action, entered.member, entered.by) == (RoomAction.JOINED, "bob", "bob")
    assert outcome.result == Done(created.seq)
    assert world.state.in_room["den"] == {"bob"}
    view = world.state.room_view(world.state.rooms["den"])
    assert (view.topic, view.invite_only, view.created_by, view.members) == ("tea", True, "bob", ("bob",))


def test_joining_and_leaving(world: World) -> None:
    den = world.room("den", "bob").name
    alice = actor(world, "alice")
    world.do(room_rules.join_room, alice, Join(room=den))
    assert world.state.in_room[den] == {"alice", "bob"}
    assert world.do(room_rules.join_room, alice, Join(room=den)) == RuleOutcome(Done())
    world.do(room_rules.leave_room, alice, Leave(room=den))
    assert world.state.in_room[den] == {"bob"}
    with pytest.raises(Forbidden, match="not in the room"):
        world.say(messages.post_message, alice, "hi", room=den)


def test_an_invitation_is_seen_by_two_and_admits_the_invited(world: World) -> None:
    bob = actor(world, "bob")
    with pytest.raises(UnknownRoom):
        world.do(room_rules.join_room, bob, Join(room="lab"))
    outcome = world.do(room_rules.invite_member, actor(world, "alice"), Invite(room="lab", member="@Bob"))
    assert outcome.events[0].ends == ("alice", "bob")
    assert world.do(
        room_rules.invite_member, actor(world, "alice"), Invite(room="lab", member="claude")
    ) == RuleOutcome(Done())
    world.do(room_rules.join_room, bob, Join(room="lab"))
    assert "bob" in world.state.in_room["lab"]


TAKEN_IN: list[tuple[str, str, bool]] = [
    # who invites, whom, and whether the invited member is in the room at once
    ("alice", "codex", True),
    ("alice", "gemini", True),  # invited before: it was not in yet
    ("alice", "inboxer", True),
    ("alice", "resting", True),  # it has left and may come back
    ("alice", "bob", False),  # a person decides for itself
    ("alice", "watcher", False),  # a tool without an inbox would get nothing
    ("claude", "codex", False),
    ("claude", "bob", False),
    ("root", "codex", True),
    ("overseer", "codex", True),  # an administrator, whatever its kind
    ("overseer", "bob", False),
    ("team", "codex", True),
]


@pytest.mark.parametrize(("by", "guest", "taken_in"), TAKEN_IN)
def test_a_persons_invitation_takes_a_program_in(world: World, by: str, guest: str, taken_in: bool) -> None:
    world.member("inboxer", MemberKind.TOOL, inbox=True)
    world.member("watcher", MemberKind.TOOL)
    world.member("resting", hidden=True)
    overseer = world.member("overseer", MemberKind.AGENT, Scope.ADMIN)
    team = Actor("alice", MemberKind.HUMAN, team=True)
    who = {"root": ADMIN, "overseer": overseer, "team": team}.get(by) or actor(world, by)
    outcome = world.do(room_rules.invite_member, who, Invite(room="lab", member=guest))
    invited, *entered = (fact.event for fact in outcome.events)
    assert isinstance(invited, RoomEvent) and invited.action is RoomAction.INVITED
    assert outcome.events[0].ends == (who.name, guest)
    assert (guest in world.state.in_room["lab"]) is taken_in
    assert [(one.action, one.member, one.by) for one in entered if isinstance(one, RoomEvent)] == (
        [(RoomAction.JOINED, guest, who.name)] if taken_in else []
    )
    if taken_in:
        assert outcome.events[1].ends is None, "everyone in the room learns of it"
        assert world.do(room_rules.invite_member, who, Invite(room="lab", member=guest)) == RuleOutcome(Done())


def test_an_agent_that_was_put_out_is_taken_in_again_by_a_person_alone(world: World) -> None:
    alice, claude = actor(world, "alice"), actor(world, "claude")
    world.room("den", "alice", "claude", "codex")
    world.do(room_rules.kick_member, alice, Kick(room="den", member="codex"))
    world.do(room_rules.invite_member, claude, Invite(room="den", member="codex"))
    assert "codex" not in world.state.in_room["den"]
    world.do(room_rules.invite_member, alice, Invite(room="den", member="codex"))
    assert "codex" in world.state.in_room["den"] and "codex" not in world.state.rooms["den"].out


def test_a_message_to_someone_outside_names_the_commands_that_let_it_in(world: World) -> None:
    with pytest.raises(Forbidden) as caught:
        world.say(messages.post_message, actor(world, "alice"), "hi", room="lab", to="@codex")
    assert "codex is not in the room 'lab'" in caught.value.message
    assert "`/invite codex`" in caught.value.message and "`groupchat rooms invite lab codex`" in caught.value.message
    with pytest.raises(Forbidden, match="codex, bob are not in the room 'lab'"):
        world.say(messages.post_message, actor(world, "alice"), "hi", room="lab", to="@codex @bob")


def test_seeing_a_room_is_not_being_let_in(world: World) -> None:
    eve = world.member("eve", MemberKind.TOOL, Scope.OBSERVER)
    assert world.state.room("lab", eve).name == "lab"
    with pytest.raises(Forbidden, match="invitation"):
        world.do(room_rules.join_room, eve, Join(room="lab"))


def test_a_topic_is_set_by_those_inside(world: World) -> None:
    outcome = world.do(room_rules.set_room_topic, actor(world, "alice"), SetTopic(room="lab", topic="mice"))
    assert outcome.events[0].ends is None
    assert world.state.rooms["lab"].topic == "mice"
    world.do(room_rules.set_room_topic, ADMIN, SetTopic(room="lab", topic="rats"))
    assert world.state.rooms["lab"].topic == "rats"


def test_an_administrator_enters_every_room(world: World) -> None:
    world.do(room_rules.join_room, world.person("root", Scope.ADMIN), Join(room="lab"))
    assert "root" in world.state.in_room["lab"]


Rule = Callable[..., RuleOutcome]

REFUSED: list[tuple[Rule, str, Request, type[GroupChatError]]] = [
    (room_rules.create_room, "alice", CreateRoom(room="lab"), RoomExists),
    (room_rules.create_room, "bob", CreateRoom(room="#general"), RoomExists),
    (room_rules.create_room, "bob", CreateRoom(room="a room"), InvalidName),
    (room_rules.create_room, "bob", CreateRoom(room="den", topic="\x00"), InvalidText),
    (room_rules.join_room, "bob", Join(room="nowhere"), UnknownRoom),
    (room_rules.join_room, "bob", Join(room="lab"), UnknownRoom),
    (room_rules.leave_room, "bob", Leave(room="lab"), UnknownRoom),
    (room_rules.leave_room, "gemini", Leave(room="lab"), Conflict),
    (room_rules.set_room_topic, "gemini", SetTopic(room="lab", topic="x"), Forbidden),
    (room_rules.set_room_topic, "bob", SetTopic(room="lab", topic="x"), UnknownRoom),
    (room_rules.set_room_topic, "alice", SetTopic(room="lab", topic="\x00"), InvalidText),
    (room_rules.invite_member, "gemini", Invite(room="lab", member="bob"), Forbidden),
    (room_rules.invite_member, "alice", Invite(room="lab", member="nobody"), NotFound),
]


@pytest.mark.parametrize(("rule", "name", "request_", "error"), REFUSED)
def test_what_a_room_refuses(
    world: World, rule: Rule, name: str, request_: Request, error: type[GroupChatError]
) -> None:
    before, seq = world.snapshot(), world.rule_context.last_seq
    with pytest.raises(error) as caught:
        world.do(rule, actor(world, name), request_)
    assert type(caught.value) is error
    assert (world.snapshot(), world.rule_context.last_seq) == (before, seq)


def test_a_room_one_may_not_see_is_not_even_named(world: World) -> None:
    with pytest.raises(UnknownRoom) as caught:
        world.do(room_rules.join_room, actor(world, "bob"), Join(room="labs"))
    assert caught.value.nearest == ()
    with pytest.raises(UnknownRoom) as caught:
        world.do(room_rules.join_room, actor(world, "alice"), Join(room="labs"))
    assert caught.value.nearest == ("lab",)


# whatever happens


PEOPLE = ("alice", "bob", "carol")
AGENTS = ("claude", "codex")
EVERYBODY = (*PEOPLE, *AGENTS)
ROOMS = (DEFAULT_ROOM, "den", "lab")

actors = st.sampled_from(EVERYBODY)
rooms = st.sampled_from(ROOMS)
audiences = st.one_of(
    st.just(()),
    st.just(("@all",)),
    st.just(("@role:coder",)),
    st.just(("@any:coder",)),
    st.lists(st.sampled_from((*EVERYBODY, "nobody")), min_size=1, max_size=3).map(tuple),
)
requests = st.one_of(
    st.builds(lambda room: CreateRoom(room=room, invite_only=room == "lab"), room=rooms),
    st.builds(Join, room=rooms),
    st.builds(Leave, room=rooms),
    st.builds(Invite, room=rooms, member=st.sampled_from((*EVERYBODY, "nobody"))),
    st.builds(Send, content=st.just("hi"), room=rooms, to=audiences),
)
RULES: dict[type[Request], Rule] = {
    CreateRoom: room_rules.create_room,
    Join: room_rules.join_room,
    Leave: room_rules.leave_room,
    Invite: room_rules.invite_member,
    Send: messages.post_message,
}


@dataclass
class Witness:
    """Watches what was decided, and knows by its own bookkeeping who is where and who was let in."""

    world: World
    inside: dict[str, set[str]] = field(default_factory=lambda: {DEFAULT_ROOM: set(EVERYBODY)})
    invited: set[str] = field(default_factory=set)
    last_seq: int = 0

    def saw(self, who: str, request: Request, outcome: RuleOutcome) -> None:
        for fact in outcome.events:
            assert fact.event.seq > self.last_seq, "seq is strictly increasing"
            self.last_seq = fact.event.seq
            if isinstance(fact.event, Message):
                self.told(fact, fact.event, request, outcome)
        match request:
            case CreateRoom(room=where):
                self.inside[where] = {who}
                self.invited.add(who)  # who made a room may always come back
            case Join(room=where):
                assert where != "lab" or who in self.invited or who in self.inside[where], "nobody walks in uninvited"
                self.inside[where].add(who)
            case Leave(room=where):
                self.inside[where].remove(who)
            case Invite(room=where, member=guest):
                self.invited |= {guest} if where == "lab" else set()
                if who in PEOPLE and guest in AGENTS:
                    self.inside[where].add(guest)

    def told(self, fact: EventToCommit, message: Message, request: Request, outcome: RuleOutcome) -> None:
        if isinstance(request, Invite):
            assert message.recipients == (request.member,) and not fact.deliveries, "who is invited is told"
            return
        assert isinstance(request, Send)
        self.said(fact, message, request, outcome)

    def said(self, fact: EventToCommit, message: Message, request: Send, outcome: RuleOutcome) -> None:
        inside = self.inside[message.room]
        assert message.from_ in inside
        ladders = {one.member for one in fact.deliveries}
        assert isinstance(outcome.result, Accepted) and outcome.result.deliveries == fact.deliveries
        assert len(ladders) == len(fact.deliveries)
        assert ladders <= inside & set(AGENTS) - {message.from_}, (
            "ladders are for inboxes in the room, never the sender"
        )
        if request.to in ((), ("@all",)):
            assert (fact.ends, message.recipients) == (None, ())
            assert ladders == inside & set(AGENTS) - {message.from_}
        else:
            assert message.recipients
            assert set(message.recipients) <= inside
            assert fact.ends is not None and len(fact.ends) == len(set(fact.ends))
            assert set(fact.ends) == {message.from_, *message.recipients}
            assert ladders == set(message.recipients) & set(AGENTS) - {message.from_}

    def check(self) -> None:
        state = self.world.state
        assert {name: set(state.in_room[name]) for name in state.rooms} == self.inside
        assert {who: set(state.rooms_of[who]) for who in EVERYBODY} == {
            who: {name for name, inside in self.inside.items() if who in inside} for who in EVERYBODY
        }
        for who in EVERYBODY:
            self.check_sight(who)

    def check_sight(self, who: str) -> None:
        state = self.world.state
        visible = make_visibility_filter(who, state, observer=False)
        for fact in self.world.facts:
            event = fact.event
            assert isinstance(event, Message | RoomEvent)
            seen = visible(StoredEvent(event.seq, "", event.room, None, fact.ends, b""))
            assert seen == (who in fact.ends if fact.ends is not None else who in self.inside[event.room])
        if "lab" in state.rooms and who not in self.inside["lab"] | self.invited:
            with pytest.raises(UnknownRoom) as caught:
                state.room("lab", Actor(who, state.members[who].member.kind))
            assert "lab" not in caught.value.nearest


def empty_chat() -> World:
    world = World()
    for name in PEOPLE:
        world.person(name)
    world.member("claude", role="coder")
    world.member("codex", role="coder")
    return world


@settings(max_examples=examples(150), deadline=None, derandomize=True)
@given(st.lists(st.tuples(actors, requests), max_size=40))
def test_whatever_they_do_the_rules_hold(steps: list[tuple[str, Request]]) -> None:
    world = empty_chat()
    witness = Witness(world)
    for who, request in steps:
        before = world.snapshot()
        try:
            outcome = world.do(RULES[type(request)], actor(world, who), request)
        except GroupChatError:
            assert world.snapshot() == before, "a refusal changes nothing"
            continue
        witness.saw(who, request, outcome)
    witness.check()


def test_an_answer_to_everyone_wakes_nobody(world: World) -> None:
    """Three agents that answer one `@all` must not go on to answer each other for ever."""
    claude = world.member("claude", role="coder")
    told, accepted = world.say(messages.post_message, claude, "done", kind=MessageKind.REPLY)
    assert (told.recipients, told.deliveries, accepted.deliveries) == ((), (), ())
    named, _ = world.say(messages.post_message, claude, "look at this", kind=MessageKind.REPLY, to=("@codex",))
    assert named.deliveries == ("codex",)
    chat, _ = world.say(messages.post_message, claude, "news for all")
    assert chat.deliveries == ("codex", "gemini")


def test_agents_that_answer_each_other_stop_visibly_until_a_person_speaks(world: World) -> None:
    talkers = {name: world.member(name, role="coder") for name in ("claude", "codex")}
    alice = world.person("alice", Scope.OBSERVER)
    for name in talkers:
        world.state.live[name].tells_activity = True
    question, _ = world.say(messages.post_message, alice, "talk", to=("@claude",))
    last, speaker, notices = question, "claude", []
    for hops in range(1, MOST_HOPS + 2):
        other = "codex" if speaker == "claude" else "claude"
        request = Send(content="so", kind=MessageKind.REPLY, to=(f"@{other}",), reply_to=last.seq)
        outcome = world.do(messages.post_message, talkers[speaker], request)
        said, *more = [fact.event for fact in outcome.events]
        assert isinstance(said, Message)
        assert (said.hops, said.deliveries) == (hops, (other,) if hops < MOST_HOPS else ())
        assert world.hops_left(speaker) == (max(0, MOST_HOPS - hops) if hops > 1 else None)
        notices += [one.content for one in more if isinstance(one, Message)]
        last, speaker = said, other
    (notice,) = notices
    assert f"answered each other {MOST_HOPS} times without a person (#1 alice -> #2 claude -> #3 codex" in notice
    told, _ = world.say(messages.post_message, alice, "go on", to=("@codex",), reply_to=last.seq)
    assert (told.hops, told.deliveries) == (0, ("codex",))
    assert (world.hops_left("codex"), world.hops_left("claude")) == (None, 0)
    person, _ = world.say(messages.post_message, talkers["claude"], "to you", to=("@alice",), reply_to=last.seq)
    assert person.hops > MOST_HOPS


def test_a_final_answer_that_a_tool_has_said_already_is_not_said_again(world: World) -> None:
    claude = world.member("claude")
    hands = replace(claude, is_tools_token=True)
    alice = world.person("alice")
    world.member("codex")
    asked, _ = world.say(messages.post_message, alice, "how much?", to=("@claude",))
    by_hand, _ = world.say(messages.post_message, hands, "Seven.", to=("@alice",), reply_to=asked.seq)
    final = Send(content="Seven.\n", to=("@alice",), reply_to=asked.seq, kind=MessageKind.REPLY)
    told = world.do(messages.post_message, claude, final)
    assert (told.events, told.result) == ((), Accepted(by_hand.seq, duplicate=True))
    for change in ({"content": "Eight."}, {"to": ("@codex",)}, {"reply_to": None}):
        assert world.do(messages.post_message, claude, msgspec.structs.replace(final, **change)).events


def test_a_tool_that_did_not_say_what_it_answers_is_linked_to_and_not_repeated(world: World) -> None:
    claude, alice = world.member("claude"), world.person("alice")
    asked, _ = world.say(messages.post_message, alice, "how much?", to=("@claude",))
    by_hand, _ = world.say(messages.post_message, replace(claude, is_tools_token=True), "Seven.", to=("@alice",))
    final = {"to": ("@alice",), "reply_to": asked.seq, "context": {"answers": [asked.seq]}}
    link, _ = world.say(messages.post_message, claude, "Seven.", kind=MessageKind.REPLY, **final)
    assert (link.kind, link.content, link.reply_to) == (MessageKind.ACK, f"(answered with #{by_hand.seq})", asked.seq)
    assert link.context == {"answers": [asked.seq], "same_as": by_hand.seq}


def test_what_agents_begin_with_tools_counts_on_where_they_were(world: World) -> None:
    claude, codex, alice = world.member("claude"), world.member("codex"), world.person("alice")
    hands = replace(claude, is_tools_token=True)
    world.state.chains.limits = Limits(max_pair=0)
    world.say(messages.post_message, alice, "talk", to=("@claude",))
    for round_ in range(MOST_HOPS + 1):
        asked, _ = world.say(messages.post_message, hands, f"{round_}?", to=("@codex",))
        assert (asked.hops, asked.deliveries) == (round_, ("codex",) if round_ < MOST_HOPS else ())
        if round_ < MOST_HOPS:
            answered = Send(content="yes", to=("@claude",), reply_to=asked.seq, kind=MessageKind.REPLY)
            world.do(messages.post_message, codex, answered)
