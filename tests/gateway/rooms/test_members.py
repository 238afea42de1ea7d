"""Coming and going: hello, registering, leaving and returning, the team token's reach, tokens from birth to end."""

from __future__ import annotations

import msgspec
import pytest

from gateway.access.permissions import Actor, Permission
from gateway.access.tokens import create_token_record
from gateway.model.rule_outcome import EventToCommit, RuleOutcome, StateChange
from gateway.model.state import AWAY_AFTER_S
from gateway.protocol.errors import (
    BadRequest,
    Forbidden,
    GroupChatError,
    InvalidName,
    InvalidText,
    NameTaken,
    NotFound,
    ReservedName,
    Unauthorized,
    UnknownRoom,
    VersionMismatch,
)
from gateway.protocol.events import MemberAction, MemberEvent, Message, RoomAction, RoomEvent
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import CreateToken, Register, RevokeToken, RotateToken, SetRole, Tokens
from gateway.protocol.results import Done, Registered, TokenMade
from gateway.protocol.types.core_types import DEFAULT_ROOM, RESERVED_NAMES, Member, MemberKind, Scope
from gateway.rooms import hello_rules, member_tokens, members
from tests.support.world import ADMIN, NOON, World, entropy

DISPLAYS_OF_OTHERS = [
    *("claude", "CLAUDE", "c l a u d e", "сlаudе", "ｃｌａｕｄｅ", "c1aude", "claude\u200b", "cla\u00adude", "cláude"),
    *("SYSTEM", "system", "ЅΥЅΤΕΜ", "Ｓｙｓｔｅｍ", "[system]", "sys\ufe0ftem", "all", "Everyone", "broadcast"),
    *("bob", "Bob the Builder", "bob-the-builder", "\u3164", "..."),
]
TEAM = Actor("human", MemberKind.HUMAN, team=True)
DAY = 86400.0


@pytest.fixture
def world() -> World:
    world = World()
    world.person("alice")
    world.member("claude", role="coder")
    world.room("lab", "alice", invite_only=True, invited=("claude",))
    return world


def hello(world: World, actor: Actor, **fields: object) -> tuple[EventToCommit, ...]:
    facts = hello_rules.hello_events(world.state, actor, Hello(**fields), world.rule_context)  # type: ignore[arg-type]
    world.commit(*facts)
    return facts


def told(facts: tuple[EventToCommit, ...]) -> list[tuple[str, str]]:
    """What happened, shortly: (action, member or room)."""
    lines: list[tuple[str, str]] = []
    for fact in facts:
        match fact.event:
            case MemberEvent(action=action, member=member):
                lines.append((action, member.name))
            case RoomEvent(action=step, room=room):
                lines.append((step, room))
            case Message(content=content):
                lines.append(("said", content))
    return lines


def named(world: World, name: str) -> Member:
    return world.state.member(name)


CLAUDE = Actor("claude", MemberKind.AGENT)
ALICE = Actor("alice", MemberKind.HUMAN)


# hello


def test_a_gateway_begins_with_one_room() -> None:
    world = World()
    assert members.initial_events(world.state, world.rule_context) == ()
    del world.state.rooms[DEFAULT_ROOM]
    assert told(members.initial_events(world.state, world.rule_context)) == [(RoomAction.CREATED, DEFAULT_ROOM)]


def test_a_hello_that_says_nothing_new_is_no_event(world: World) -> None:
    assert hello(world, CLAUDE) == ()
    assert hello(world, CLAUDE, inbox=True, role="coder") == ()


def test_hello_tells_what_is_new(world: World) -> None:
    facts = hello(
        world, ALICE, inbox=True, role="Lead", project="p", display="Alice A.", priority=9, capabilities=("x",)
    )
    assert told(facts) == [(MemberAction.CHANGED, "alice")]
    assert named(world, "alice") == Member(
        "alice", MemberKind.HUMAN, "Alice A.", "lead", "p", inbox=True, priority=9, capabilities=("x",)
    )
    assert hello(world, ALICE) == (), "what is not said stays, the inbox too"
    assert named(world, "alice").inbox


def test_hello_enters_the_rooms_it_names_once(world: World) -> None:
    facts = hello(world, CLAUDE, rooms=("lab", "#Lab", "general", "lab"))
    assert told(facts) == [(RoomAction.JOINED, "lab")]
    assert world.state.rooms_of["claude"] == {"general", "lab"}


def test_a_first_hello_with_the_team_token_makes_its_human(world: World) -> None:
    assert told(hello(world, TEAM)) == [(MemberAction.REGISTERED, "human"), (RoomAction.JOINED, DEFAULT_ROOM)]
    assert named(world, "human").display == "Human"
    assert world.state.members["human"].by_team
    assert hello(world, TEAM) == ()


REFUSED_HELLOS: list[tuple[dict[str, object], type[GroupChatError]]] = [
    ({"version": 0}, VersionMismatch),
    ({"rooms": ("nowhere",)}, UnknownRoom),
    ({"rooms": ("general", "attic")}, UnknownRoom),
    ({"rooms": ("a room",)}, InvalidName),
    ({"role": "two words"}, InvalidName),
    ({"role": "all"}, ReservedName),
    ({"display": "a\x00b"}, InvalidText),
    ({"project": "a\x00b"}, InvalidText),
]


@pytest.mark.parametrize(("fields", "error"), REFUSED_HELLOS)
def test_a_hello_that_is_refused(world: World, fields: dict[str, object], error: type[GroupChatError]) -> None:
    world.room("attic", "alice", invite_only=True)
    before = world.snapshot()
    with pytest.raises(error):
        hello(world, CLAUDE, **fields)
    assert world.snapshot() == before


def test_a_hello_walks_into_no_room_that_it_only_sees(world: World) -> None:
    observer = world.member("eve", MemberKind.TOOL, Scope.OBSERVER)
    with pytest.raises(Forbidden):
        hello(world, observer, rooms=("lab",))


# leaving and returning


def test_who_leaves_is_hidden_and_everything_of_it_stays(world: World) -> None:
    outcome = members.leave_chat(world.state, "claude", "claude", world.rule_context)
    world.commit(*outcome.events)
    assert told(outcome.events) == [(MemberAction.LEFT, "claude")]
    assert (named(world, "claude").hidden, named(world, "claude").inbox) == (True, True)
    assert world.state.rooms_of["claude"] == {DEFAULT_ROOM}
    assert members.leave_chat(world.state, "claude", "claude", world.rule_context) == RuleOutcome(Done())
    assert told(hello(world, CLAUDE)) == [(MemberAction.RETURNED, "claude")]
    assert named(world, "claude") == Member("claude", MemberKind.AGENT, role="coder", inbox=True)


def test_nobody_leaves_who_was_never_here(world: World) -> None:
    with pytest.raises(NotFound):
        members.leave_chat(world.state, "nobody", "alice", world.rule_context)


def test_a_role_that_the_room_has_given_outlives_a_new_start(world: World) -> None:
    alice = world.person("alice")
    world.do(members.set_role, alice, SetRole(member="claude", role="critic"))
    assert hello(world, CLAUDE, role="coder") == (), "it says at each start what it was started with"
    assert named(world, "claude").role == "critic"
    hello(world, CLAUDE, role="tester")
    assert named(world, "claude").role == "tester", "it is started with another role"
    world.do(members.set_role, alice, SetRole(member="claude", role=""))
    hello(world, CLAUDE, role="tester")
    assert named(world, "claude").role is None


def test_the_first_start_after_an_update_learns_the_role_and_changes_nothing(world: World) -> None:
    known = world.state.members["claude"]
    world.state.put(StateChange("member", "claude", msgspec.structs.replace(known, start_role=None)))
    hello(world, CLAUDE, role="coder")
    world.do(members.set_role, world.person("alice"), SetRole(member="claude", role="critic"))
    assert hello(world, CLAUDE, role="coder") == ()


# registering


def register(world: World, actor: Actor, **fields: object) -> Registered:
    request = Register(**fields)  # type: ignore[arg-type]
    outcome = members.register_member(
        world.state, actor, request, world.rule_context, entropy(f"{world.rule_context.last_seq}")
    )
    world.commit(*outcome.events)
    assert isinstance(outcome.result, Registered)
    return outcome.result


def test_registering_gives_a_name_and_a_token_of_its_own(world: World) -> None:
    made = register(world, TEAM, name="@Gemini", role="coder", project="p")
    assert made.member == Member("gemini", MemberKind.AGENT, role="coder", project="p")
    actor = member_tokens.identify(world.state, made.token, NOON)
    assert actor == Actor("gemini", MemberKind.AGENT)
    assert world.state.tokens[actor.token].member == "gemini", "a stream can be ended with its token"
    assert world.state.rooms_of["gemini"] == {DEFAULT_ROOM}
    assert made.token.encode() not in repr(world.facts).encode(), "a token is in no event"


def test_the_team_registers_what_it_made_again_and_nothing_else(world: World) -> None:
    first = register(world, TEAM, name="gemini")
    again = register(world, TEAM, name="gemini", role="coder")
    assert again.member.role == "coder"
    for token in (first.token, again.token):
        assert member_tokens.identify(world.state, token, NOON).name == "gemini"
    world.do(members.set_role, world.person("alice"), SetRole(member="gemini", role="critic"))
    assert register(world, TEAM, name="gemini", role="coder").member.role == "critic"
    with pytest.raises(NameTaken) as caught:
        register(world, TEAM, name="claude")
    assert caught.value.nearest == ("claude-2",)


REFUSED_REGISTRATIONS: list[tuple[Actor, dict[str, object], type[GroupChatError]]] = [
    (CLAUDE, {"name": "helper"}, Forbidden),
    (ALICE, {"name": "helper"}, Forbidden),
    (TEAM, {"name": "bob", "kind": MemberKind.HUMAN}, Forbidden),
    (TEAM, {"name": "bob", "kind": MemberKind.SYSTEM}, BadRequest),
    (ADMIN, {"name": "bob", "kind": MemberKind.SYSTEM}, BadRequest),
    (TEAM, {"name": "two words"}, InvalidName),
    (TEAM, {"name": ""}, InvalidName),
    (TEAM, {"name": "x" * 65}, InvalidName),
    (TEAM, {"name": "alice"}, NameTaken),
    (TEAM, {"name": "system"}, ReservedName),
    (TEAM, {"name": "all"}, ReservedName),
    (TEAM, {"name": "everyone"}, ReservedName),
    (TEAM, {"name": "@Broadcast"}, ReservedName),
    (TEAM, {"name": "System"}, ReservedName),
    (TEAM, {"name": "team"}, ReservedName),
    (ADMIN, {"name": "@Team"}, ReservedName),
]


@pytest.mark.parametrize(("actor", "fields", "error"), REFUSED_REGISTRATIONS)
def test_a_registration_that_is_refused(
    world: World, actor: Actor, fields: dict[str, object], error: type[GroupChatError]
) -> None:
    before = world.snapshot()
    with pytest.raises(error) as caught:
        register(world, actor, **fields)
    assert type(caught.value) is error
    assert world.snapshot() == before


def test_names_that_mean_everyone_or_the_gateway_are_nobodys() -> None:
    assert {"all", "system", "everyone", "broadcast"} <= RESERVED_NAMES


def test_free_names_are_counted_up(world: World) -> None:
    world.member("claude-2")
    world.member("x" * 64)
    assert members.free_name(world.state, "claude") == "claude-3"
    assert members.free_name(world.state, "codex") == "codex"
    assert members.free_name(world.state, "x" * 64) == "x" * 60 + "-2"


SIMPLE_NAMES: list[tuple[str, str, bool, int, float, str]] = [
    # asked for, of whom, hidden, connections, silent for, given
    ("gemini", "", False, 0, 0, "gemini"),
    ("claude", "own", False, 0, 1e9, "claude-2"),
    ("claude", "team", False, 0, 1e9, "claude"),
    ("claude", "team", False, 1, 1e9, "claude-2"),
    ("claude", "team", False, 0, AWAY_AFTER_S - 1, "claude-2"),
    ("claude", "team", False, 0, AWAY_AFTER_S, "claude"),
    ("claude", "team", True, 1, 0, "claude"),
    ("claude", "own", True, 0, 1e9, "claude-2"),
]


@pytest.mark.parametrize(("name", "whose", "hidden", "connections", "silent", "given"), SIMPLE_NAMES)
def test_the_name_a_simple_client_gets(  # noqa: PLR0917 - a row of the table
    world: World, name: str, whose: str, hidden: bool, connections: int, silent: float, given: str
) -> None:
    world.member("claude", by_team=whose == "team", hidden=hidden)
    world.state.live["claude"].connections = connections
    world.state.live["claude"].heard = NOON - silent
    assert members.simple_client_name(world.state, name, NOON) == given


def test_a_simple_registration_is_announced_and_replaces_the_token_of_the_last(world: World) -> None:
    tokens = []
    for number in range(2):
        token, facts = members.register_by_team(world.state, "gemini", ("x",), world.rule_context, entropy(f"{number}"))
        world.commit(*facts)
        tokens.append(token)
        assert told(facts)[-1] == ("said", "gemini joined the conversation")
        assert facts[-1].deliveries == (), "a notice wakes nobody"
    assert (named(world, "gemini").inbox, world.state.members["gemini"].by_team) == (True, True)
    assert member_tokens.identify(world.state, tokens[1], NOON).name == "gemini"
    with pytest.raises(Unauthorized):
        member_tokens.identify(world.state, tokens[0], NOON)


def test_a_simple_client_is_not_called_as_the_team_token_is(world: World) -> None:
    with pytest.raises(ReservedName, match="the team's own token"):
        members.register_by_team(world.state, "team", (), world.rule_context, entropy("x"))


# how far the team token reaches


def test_the_team_token_speaks_for_its_human_and_for_those_it_registered(world: World) -> None:
    assert members.team_actor(world.state) == TEAM
    register(world, TEAM, name="gemini")
    assert members.team_actor(world.state, "gemini") == Actor("gemini", MemberKind.AGENT, team=True)
    with pytest.raises(NotFound):
        members.team_actor(world.state, "nobody")
    with pytest.raises(NameTaken):
        members.team_actor(world.state, "claude")


def test_the_team_token_loses_a_member_that_uses_its_own(world: World) -> None:
    register(world, TEAM, name="gemini")
    world.commit(*members.leave_team_token(world.state, "gemini", world.rule_context))
    assert members.leave_team_token(world.state, "gemini", world.rule_context) == ()
    with pytest.raises(NameTaken):
        members.team_actor(world.state, "gemini")


def test_the_team_token_approves_and_administers_nothing(world: World) -> None:
    for name in ("human", "gemini"):
        if name == "gemini":
            register(world, TEAM, name=name)
        actor = members.team_actor(world.state, name)
        for action in (Permission.APPROVE, Permission.ADMINISTER, Permission.KEYS_INTO_DIALOG, Permission.RESTART):
            assert not actor.may(action)


def test_nobody_takes_the_team_s_human_away_from_it(world: World) -> None:
    hello(world, TEAM)
    for actor in (TEAM, ADMIN):
        with pytest.raises(NameTaken):
            register(world, actor, name="human")
    assert members.team_actor(world.state) == TEAM
    world.state.live["human"].connections = 1
    assert members.simple_client_name(world.state, "human", NOON) == "human", "one person, however many windows"


@pytest.mark.parametrize("name", ["human", "Human", " HUMAN"])
@pytest.mark.parametrize("kind", [MemberKind.AGENT, MemberKind.TOOL, MemberKind.HUMAN])
@pytest.mark.parametrize("known", [True, False])
def test_the_team_token_makes_itself_no_person(world: World, name: str, kind: MemberKind, known: bool) -> None:
    if known:
        hello(world, TEAM)
    with pytest.raises(GroupChatError):
        register(world, TEAM, name=name, kind=kind)
    with pytest.raises(GroupChatError):
        members.register_by_team(world.state, name, (), world.rule_context, entropy("x"))
    assert not world.state.tokens


def test_a_token_that_an_earlier_version_gave_to_the_teams_person_opens_nothing(world: World) -> None:
    hello(world, TEAM)
    token, record = create_token_record(entropy("old"), "human", world.rule_context.stamp)
    world.state.put(StateChange("token", record.id, record))
    with pytest.raises(Unauthorized):
        member_tokens.identify(world.state, token, NOON)


@pytest.mark.parametrize("display", DISPLAYS_OF_OTHERS)
def test_a_display_name_is_nobody_elses(world: World, display: str) -> None:
    world.member("claude")
    world.member("bob", display="Bob the Builder")
    for actor in (TEAM, ALICE):
        with pytest.raises(ReservedName, match="display name"):
            hello(world, actor, display=display)


@pytest.mark.parametrize("display", ["Alice", "ALICE", "Alice A.", "玉", "Bob's friend"])
def test_a_display_name_of_ones_own(world: World, display: str) -> None:
    world.member("bob", display="Bob the Builder")
    hello(world, ALICE, display=display)
    assert named(world, "alice").display == display


@pytest.mark.parametrize("version", [1, 2, 99])
def test_a_newer_client_is_welcome(world: World, version: int) -> None:
    assert hello(world, CLAUDE, version=version) == ()


# tokens


def create(world: World, name: str, actor: Actor = ADMIN, **fields: object) -> TokenMade:
    request = CreateToken(name=name, **fields)  # type: ignore[arg-type]
    outcome = member_tokens.create_token(
        world.state, actor, request, world.rule_context, entropy(f"{world.rule_context.last_seq}")
    )
    world.commit(*outcome.events)
    assert isinstance(outcome.result, TokenMade)
    return outcome.result


def rotate(world: World, name: str, grace: float = 3600) -> TokenMade:
    request = RotateToken(name=name, grace=grace)
    outcome = member_tokens.rotate_token(
        world.state, ADMIN, request, world.rule_context, entropy(f"{world.rule_context.last_seq}")
    )
    world.commit(*outcome.events)
    assert isinstance(outcome.result, TokenMade)
    return outcome.result


def opens(world: World, token: str, now: float) -> bool:
    try:
        member_tokens.identify(world.state, token, now)
    except Unauthorized:
        return False
    return True


def test_a_token_made_by_an_administrator(world: World) -> None:
    made = create(world, "bob", kind=MemberKind.HUMAN, role="lead", scopes=(Scope.OBSERVER,), expires_in=30 * DAY)
    assert made.expires == "2027-02-14T08:00:00.000Z"
    assert member_tokens.identify(world.state, made.token, NOON) == Actor(
        "bob", MemberKind.HUMAN, frozenset({Scope.OBSERVER})
    )
    assert named(world, "bob") == Member("bob", MemberKind.HUMAN, role="lead")
    assert (opens(world, made.token, NOON + 30 * DAY - 1), opens(world, made.token, NOON + 30 * DAY)) == (True, False)
    assert made.token not in repr(world.facts)


def test_an_agent_made_by_an_administrator_has_an_inbox(world: World) -> None:
    create(world, "codex")
    assert named(world, "codex").inbox


def test_a_second_token_leaves_the_first(world: World) -> None:
    first = create(world, "codex")
    before = len(world.facts)
    second = create(world, "codex", scopes=(Scope.APPROVER,))
    assert told(tuple(world.facts[before:])) == [(MemberAction.CHANGED, "codex")], "it has not been away"
    assert member_tokens.identify(world.state, first.token, NOON).scopes == frozenset()
    assert member_tokens.identify(world.state, second.token, NOON).scopes == {Scope.APPROVER}


def test_a_token_of_its_own_takes_a_member_from_the_team(world: World) -> None:
    register(world, TEAM, name="gemini")
    create(world, "gemini")
    with pytest.raises(NameTaken):
        members.team_actor(world.state, "gemini")


REFUSED_TOKENS: list[tuple[Actor, dict[str, object], type[GroupChatError]]] = [
    (ALICE, {"name": "bob"}, Forbidden),
    (TEAM, {"name": "bob"}, Forbidden),
    (ADMIN, {"name": "all"}, ReservedName),
    (ADMIN, {"name": "b b"}, InvalidName),
    (ADMIN, {"name": "bob", "kind": MemberKind.SYSTEM}, BadRequest),
    (ADMIN, {"name": "alice", "kind": MemberKind.AGENT}, NameTaken),
    (ADMIN, {"name": "bob", "role": "a b"}, InvalidName),
]


@pytest.mark.parametrize(("actor", "fields", "error"), REFUSED_TOKENS)
def test_a_token_that_is_not_made(
    world: World, actor: Actor, fields: dict[str, object], error: type[GroupChatError]
) -> None:
    before = world.snapshot()
    with pytest.raises(error) as caught:
        create(world, actor=actor, **fields)  # type: ignore[arg-type]
    assert type(caught.value) is error
    assert world.snapshot() == before


def test_revoking_by_name_ends_them_all_and_by_id_one(world: World) -> None:
    first, second = create(world, "codex"), create(world, "codex")
    one = first.token.split("_")[1]
    world.do(member_tokens.revoke_token, ADMIN, RevokeToken(name=one))
    assert (opens(world, first.token, NOON), opens(world, second.token, NOON)) == (False, True)
    world.do(member_tokens.revoke_token, ADMIN, RevokeToken(name="@Codex"))
    assert not opens(world, second.token, NOON)
    with pytest.raises(NotFound):
        world.do(member_tokens.revoke_token, ADMIN, RevokeToken(name="codex"))
    with pytest.raises(Forbidden):
        world.do(member_tokens.revoke_token, ALICE, RevokeToken(name="codex"))


def hands_of(world: World, token: str, *, parent: bool = True) -> str:
    """A token for an agent's tools; `parent=False`: as an earlier version kept it."""
    actor = member_tokens.identify(world.state, token, world.rule_context.now)
    outcome = member_tokens.create_tools_token(
        world.state, actor, world.rule_context, entropy(f"hands {world.rule_context.last_seq}")
    )
    world.commit(*outcome.events)
    assert isinstance(outcome.result, TokenMade)
    record = world.state.tokens[outcome.result.token.split("_")[1]]
    if not parent:
        world.state.put(StateChange("token", record.id, msgspec.structs.replace(record, parent="")))
    return outcome.result.token


@pytest.mark.parametrize("parent", [True, False])
@pytest.mark.parametrize("end", ["revoked", "expired", "rotated", "gone"])
def test_an_agents_tools_end_with_the_token_that_asked_for_theirs(world: World, end: str, parent: bool) -> None:
    own = create(world, "codex", expires_in=60).token
    hands = hands_of(world, own, parent=parent)
    key, tools = own.split("_")[1], member_tokens.identify(world.state, hands, NOON)
    assert tools.is_tools_token
    match end:
        case "revoked":
            world.do(member_tokens.revoke_token, ADMIN, RevokeToken(name=key))
            assert world.state.member("codex").hidden, "its tools are no way to come back"
        case "expired":
            world.rule_context.at(NOON + 60)
        case "rotated":
            rotate(world, "codex", grace=0)
        case "gone":
            world.state.put(StateChange("token", key, None))
    assert not opens(world, hands, world.rule_context.now)
    with pytest.raises(Unauthorized):
        member_tokens.check_token_holds(world.state, tools, world.rule_context.now)
    listed = member_tokens.list_tokens(world.state, ADMIN, world.rule_context.now, Tokens()).tokens
    assert [one.revoked for one in listed if one.is_tools_token] == [True]


def test_an_agents_tools_outlive_another_token_of_the_member(world: World) -> None:
    own, other = create(world, "codex"), create(world, "codex")
    hands = hands_of(world, own.token)
    world.do(member_tokens.revoke_token, ADMIN, RevokeToken(name=other.token.split("_")[1]))
    assert opens(world, hands, NOON)
    assert not world.state.member("codex").hidden


def test_a_rotated_token_is_good_for_its_grace(world: World) -> None:
    old = create(world, "codex", scopes=(Scope.APPROVER,))
    new = rotate(world, "codex", grace=60)
    assert [opens(world, old.token, NOON + later) for later in (0, 59.9, 60)] == [True, True, False]
    assert member_tokens.identify(world.state, new.token, NOON + 1e6).scopes == {Scope.APPROVER}
    assert new.expires is None


def test_without_grace_the_old_token_ends_at_once(world: World) -> None:
    old = create(world, "codex")
    rotate(world, "codex", grace=0)
    assert not opens(world, old.token, NOON)


def test_rotating_never_makes_an_old_token_last_longer(world: World) -> None:
    old = create(world, "codex", expires_in=10)
    rotate(world, "codex", grace=3600)
    assert not opens(world, old.token, NOON + 10)
    first = create(world, "bob")
    rotate(world, "bob", grace=10)
    rotate(world, "bob", grace=3600)
    assert not opens(world, first.token, NOON + 10)


def test_a_rotated_token_lives_as_long_as_the_old_one_was_meant_to(world: World) -> None:
    create(world, "codex", expires_in=30 * DAY)
    world.rule_context.at(NOON + 20 * DAY)
    new = rotate(world, "codex")
    assert new.expires == "2027-03-06T08:00:00.000Z"
    assert opens(world, new.token, NOON + 50 * DAY - 1) and not opens(world, new.token, NOON + 50 * DAY)


def test_an_expired_token_can_be_rotated_as_its_refusal_advises(world: World) -> None:
    old = create(world, "codex", expires_in=10)
    world.rule_context.at(NOON + DAY)
    with pytest.raises(Unauthorized, match="token rotate"):
        member_tokens.identify(world.state, old.token, world.rule_context.now)
    new = rotate(world, "codex")
    assert opens(world, new.token, NOON + DAY + 9)
    assert not opens(world, old.token, NOON + DAY)


def test_the_list_shows_every_token_and_no_secret(world: World) -> None:
    old = create(world, "codex", scopes=(Scope.OBSERVER,), expires_in=10)
    create(world, "bob", kind=MemberKind.HUMAN)
    world.do(member_tokens.revoke_token, ADMIN, RevokeToken(name="bob"))
    seen = member_tokens.list_tokens(world.state, ADMIN, NOON, Tokens())
    assert [(one.name, one.scopes, one.revoked) for one in seen.tokens] == [
        ("bob", (), True),
        ("codex", (Scope.OBSERVER,), False),
    ]
    assert member_tokens.list_tokens(world.state, ADMIN, NOON + 10, Tokens()).tokens[1].revoked, (
        "what has expired opens nothing"
    )
    assert old.token.split("_", 2)[2] not in repr(seen)
    with pytest.raises(Forbidden):
        member_tokens.list_tokens(world.state, ALICE, NOON, Tokens())


def test_a_token_of_a_member_that_is_not_known_opens_nothing(world: World) -> None:
    made = create(world, "codex")
    del world.state.members["codex"]
    with pytest.raises(Unauthorized):
        member_tokens.identify(world.state, made.token, NOON)


# roles


PERSON = (MemberKind.HUMAN, ())


@pytest.mark.parametrize(
    ("me", "member", "role", "holds"),
    [
        (PERSON, "claude", "critic", "critic"),
        (PERSON, "@Claude", "Critic", "critic"),
        (PERSON, "claude", "", None),
        ((MemberKind.AGENT, ()), "me", "critic", "critic"),
        ((MemberKind.TOOL, (Scope.ADMIN,)), "claude", "critic", "critic"),
        ((MemberKind.AGENT, ()), "claude", "critic", Forbidden),
        (PERSON, "claude", "a b", InvalidName),
        (PERSON, "nobody", "critic", NotFound),
    ],
)
def test_a_role_is_given_and_taken(
    world: World, me: tuple[MemberKind, tuple[Scope, ...]], member: str, role: str, holds: object
) -> None:
    actor, request = world.member("me", me[0], *me[1]), SetRole(member=member, role=role)
    if isinstance(holds, type):
        with pytest.raises(holds):
            members.set_role(world.state, actor, request, world.rule_context)
        return
    world.do(members.set_role, actor, request)
    assert world.state.member(member.lower().removeprefix("@")).role == holds
    assert not members.set_role(world.state, actor, request, world.rule_context).events


def test_a_rotation_keeps_the_members_own_rights_whatever_its_tools_were_given(world: World) -> None:
    wish = CreateToken(name="eve", scopes=(Scope.OBSERVER,))
    made = member_tokens.create_token(world.state, ADMIN, wish, world.rule_context, entropy("own"))
    world.commit(*made.events)
    assert isinstance(made.result, TokenMade)
    eve = member_tokens.identify(world.state, made.result.token, NOON)
    world.commit(*member_tokens.create_tools_token(world.state, eve, world.rule_context, entropy("hands")).events)
    rotated = member_tokens.rotate_token(
        world.state, ADMIN, RotateToken(name="eve"), world.rule_context, entropy("new")
    )
    world.commit(*rotated.events)
    assert isinstance(rotated.result, TokenMade)
    assert member_tokens.identify(world.state, rotated.result.token, NOON) == eve
    (hands,) = [one for one in world.state.tokens.values() if one.is_tools_token]
    with pytest.raises(BadRequest, match="Its sidecar creates a new one"):
        member_tokens.rotate_token(world.state, ADMIN, RotateToken(name=hands.id), world.rule_context, entropy("again"))
