"""Names of AI-Connect as tables: full names, slugs, and whom a part of a name means."""

from __future__ import annotations

import msgspec
import pytest

from gateway.dialects.ai_connect import frames as words
from gateway.dialects.ai_connect.name_mapping import (
    AI_CONNECT,
    RequestedName,
    find_recipient,
    full_name_of,
    guest_for,
    slug_of,
)
from gateway.model.records.stored_records import MemberRecord
from gateway.model.rule_outcome import StateChange
from gateway.protocol.errors import Conflict, InvalidName, NameTaken, UnknownRecipient
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import CreateToken, SetRole
from gateway.protocol.types.core_types import Member, MemberKind, canonical_name
from gateway.rooms import guests, hello_rules, member_tokens, members
from tests.support.world import ADMIN, World, entropy, message


def arrived(world: World, name: str, project: str | None = None) -> str:
    """A guest that came by the dialect; its member's name."""
    guest = guest_for(world.state, RequestedName.of(name, project))
    world.commit(*guests.admit_guest(world.state, MemberRecord(guest, dialect=AI_CONNECT), world.rule_context))
    return guest.name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Aragon (website)", "aragon-website"),
        ("Aragon#12345 (my project)", "aragon-12345-my-project"),
        ("Änne", "anne"),
        ("_viewer_", "_viewer_"),
        ("...", "peer"),
        ("玉", "peer"),
        ("-a-", "a"),
        ("x" * 300, "x" * 56),
    ],
)
def test_a_slug_is_a_name(text: str, expected: str) -> None:
    assert slug_of(text) == expected
    assert canonical_name(expected) == expected


@pytest.mark.parametrize("text", ["", "  ", "\x1b\x00", "\n"])
def test_a_peer_needs_a_name(text: str) -> None:
    with pytest.raises(InvalidName):
        RequestedName.of(text, "web")


def test_a_name_is_one_line_of_printable_text() -> None:
    assert RequestedName.of(" A\x1b]0;x\x07\nB ", "p\tq").full() == "A ]0;x B (p q)"
    assert RequestedName.of("bo\u200bss \U0001fa77", None).full() == "boss \U0001fa77"
    assert len(RequestedName.of("x" * 500, None).full()) == 100


@pytest.mark.parametrize(("name", "watches"), [("_viewer_", True), ("_v", False), ("__", False), ("Viewer", False)])
def test_who_watches(name: str, watches: bool) -> None:
    assert RequestedName.of(name, "web").watches is watches
    assert RequestedName.of(name, "web", observer=True).watches is True
    assert RequestedName.of(name, "web").full() == (name if watches else f"{name} (web)")


def test_the_same_full_name_is_the_same_guest_and_a_similar_one_another() -> None:
    world = World()
    first = arrived(world, "Aragon", "web")
    assert arrived(world, "Aragon", "web") == first == "aragon-web"
    assert arrived(world, "Aragon-web") == "aragon-web-2"
    assert arrived(world, "ARAGON", "web") == "aragon-2-web"
    assert full_name_of(world.state, "aragon-2-web") == "ARAGON-2 (web)"


@pytest.mark.parametrize("name", ["claude", "Claude", "Claude the First", "system", "All", "human", "everyone"])
def test_nobody_else_is_called_so(name: str) -> None:
    world = World()
    world.member("claude", display="Claude the First")
    assert full_name_of(world.state, arrived(world, name)) == f"{name}-2"


def test_what_others_call_themselves_is_not_shown() -> None:
    world = World()
    world.member("mallory", display="Aragon (web)")
    assert full_name_of(world.state, "mallory") == "mallory"
    assert full_name_of(world.state, "nobody") == "nobody"


@pytest.mark.parametrize(
    ("text", "here", "meant"),
    [
        ("Aragon#1 (web)", set(), "aragon-1-web"),
        ("aragon-1-web", set(), "aragon-1-web"),
        ("@claude", set(), "claude"),
        ("CLAUDE", set(), "claude"),
        ("Claude the First", set(), "claude"),
        ("Clau", set(), "claude"),
        ("bo", set(), "boromir-web"),
        ("Boromir (", set(), "boromir-web"),
        ("Aragon", {"aragon-2-web"}, "aragon-2-web"),
        ("Aragon#2", set(), "aragon-2-web"),
    ],
)
def test_whom_a_part_of_a_name_means(text: str, here: set[str], meant: str) -> None:
    assert find_recipient(peopled().state, text, "me", here) == meant


@pytest.mark.parametrize(
    ("text", "here", "complaint"),
    [
        ("Aragon", set(), "matches several peers: Aragon#1 (web), Aragon#2 (web)"),
        ("Aragon", {"aragon-1-web", "aragon-2-web"}, "Give a longer part of the name"),
        ("Borromir (web)", set(), "Did you mean Boromir (web)"),
        ("nobody at all", set(), "Nobody here is called 'nobody at all'."),
        ("_viewer_", set(), "Nobody here is called"),
        ("", set(), "Nobody here is called ''"),
        ("me", set(), "your own name"),
    ],
)
def test_whom_no_name_means(text: str, here: set[str], complaint: str) -> None:
    with pytest.raises(UnknownRecipient) as refused:
        find_recipient(peopled().state, text, "me", here)
    assert complaint in refused.value.message


def peopled() -> World:
    world = World()
    world.person("me")
    world.member("claude", display="Claude the First")
    for name, project in (("Aragon#1", "web"), ("Aragon#2", "web"), ("Boromir", "web"), ("_viewer_", None)):
        arrived(world, name, project)
    return world


def test_somebody_elses_display_name_does_not_make_a_peer_unreachable() -> None:
    world = peopled()
    world.member("mallory", display="Boromir (web)")
    assert find_recipient(world.state, "Boromir (web)", "me", {"mallory"}) == "boromir-web"


# guests


def test_a_guest_is_spoken_for_until_it_has_a_token_of_its_own() -> None:
    world = World()
    name = arrived(world, "Aragon")
    assert guests.guest_actor(world.state, AI_CONNECT, name).kind is MemberKind.AGENT
    world.commit(
        *member_tokens.create_token(world.state, ADMIN, CreateToken(name=name), world.rule_context, entropy("x")).events
    )
    with pytest.raises(NameTaken):
        guests.guest_actor(world.state, AI_CONNECT, name)
    with pytest.raises(NameTaken):
        guests.admit_guest(
            world.state, MemberRecord(Member(name, MemberKind.AGENT), dialect=AI_CONNECT), world.rule_context
        )
    assert guests.hide_guest(world.state, AI_CONNECT, name, world.rule_context).events == ()


def test_a_guest_stays_one_whatever_is_changed_about_it() -> None:
    world = World()
    name = arrived(world, "Aragon")
    actor = guests.guest_actor(world.state, AI_CONNECT, name)
    world.do(members.set_role, ADMIN, SetRole(member=name, role="coder"))
    world.commit(*hello_rules.hello_events(world.state, actor, Hello(project="web"), world.rule_context))
    world.commit(*guests.hide_guest(world.state, AI_CONNECT, name, world.rule_context).events)
    assert world.state.members[name].member.hidden
    assert guests.is_guest(world.state, AI_CONNECT, name)
    assert arrived(world, "Aragon") == name
    assert (world.state.members[name].member.role, world.state.members[name].member.hidden) == ("coder", False)


@pytest.mark.parametrize("by_team", [True, False])
def test_no_dialect_speaks_for_who_came_by_another_listener(by_team: bool) -> None:
    world = World()
    world.member("claude", by_team=by_team)
    for dialect in (AI_CONNECT, "", "another"):
        if dialect:
            with pytest.raises(NameTaken):
                guests.guest_actor(world.state, dialect, "claude")
            with pytest.raises(NameTaken):
                guests.admit_guest(
                    world.state, MemberRecord(Member("claude", MemberKind.AGENT), dialect=dialect), world.rule_context
                )
    with pytest.raises(NameTaken):
        guests.guest_actor(world.state, "another", arrived(world, "Aragon"))


def test_there_is_an_end_to_new_guests() -> None:
    world = World()
    for number in range(guests.MAX_GUESTS_PER_DIALECT):
        guest = Member(f"g{number}", MemberKind.AGENT, f"g{number}")
        world.state.put(StateChange("member", guest.name, MemberRecord(guest, dialect=AI_CONNECT)))
        world.state.live[guest.name].connections = 1
    with pytest.raises(Conflict):
        guests.admit_guest(
            world.state, MemberRecord(Member("one-more", MemberKind.AGENT), dialect=AI_CONNECT), world.rule_context
        )
    assert guests.admit_guest(
        world.state, MemberRecord(Member("g1", MemberKind.AGENT), dialect=AI_CONNECT), world.rule_context
    )


# words


def test_a_frame_keeps_below_what_clients_bear() -> None:
    world = World()
    entries = [
        words.message_entry(world.state, msgspec.structs.replace(message(seq), content="x" * 250_000))
        for seq in range(10, 16)
    ]
    assert [one["id"] for one in words.fit_into_frame(entries)] == ["msg-10", "msg-11", "msg-12"]
    assert b"msg-15" in words.history_frame("a", entries) and b"msg-10" not in words.history_frame("a", entries)


@pytest.mark.parametrize(
    ("limit", "most"), [("", 50), (',"limit":0', 1), (',"limit":null', 50), (',"limit":9999', 1000)]
)
def test_how_much_history(limit: str, most: int) -> None:
    frame = words.decode_frame('{"type":"history","peer":"a"' + limit + "}")
    assert isinstance(frame, words.HistoryFrame) and frame.most() == most
