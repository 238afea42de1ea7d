"""Rooms in the chat: to make, enter, fill, name and mute them, and what is unread in which."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from controller.view.text.text_rows import width_of
from gateway.client import Client
from gateway.protocol.events import Message
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.room_requests import CreateRoom, Invite, Join, Kick, SetTopic
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import MemberKind
from tests.controller.chat_driver import ChatDriver, drive_chat
from tests.controller.room_members import agent
from tests.support.gateways import Gateway, GatewayProcess

PAGE_UP = "\x1b[5~"


@asynccontextmanager
async def person(gateway: Gateway, name: str = "bob") -> AsyncIterator[Client]:
    async with Client(await gateway.member(name, MemberKind.HUMAN), Hello(echo=True)) as client:
        yield client


def header(one: ChatDriver) -> str:
    return one.emulated.rows[0]


async def test_a_room_is_made_filled_and_named_from_the_chat(gateway: Gateway) -> None:
    async with agent(gateway), agent(gateway, "codex"), drive_chat(gateway.operator) as one:
        await one.shows("● claude", "● codex")
        one.enter("/create design How it looks")
        await one.shows("1 general  2 #design – How it looks", "design is created")
        await one.hides("● claude", "● codex")
        one.enter("/invite claude")
        await one.shows("claude is in design.", "● claude coder", "alice brought claude in")
        one.enter("/invite claude @codex")
        await one.shows("claude, codex are in design.", "● codex coder")
        one.enter("/kick codex")
        await one.shows("codex is out of design.")
        await one.hides("● codex")
        one.enter("/topic Only colours")
        await one.shows("2 #design – Only colours", "topic: alice: Only colours")
        one.enter("/topic")
        await one.shows("The topic of design: Only colours")
        one.enter("/kick claude")
        await one.shows("claude is out of design.")
        await one.hides("● claude")
        one.enter("/room 1")
        await one.shows("1 #general  2 design", "● claude", "● codex")


async def test_a_room_and_a_topic_of_another_person_are_shown_at_once(gateway: Gateway) -> None:
    async with person(gateway) as bob, drive_chat(gateway.operator) as one:
        await bob.request(CreateRoom(room="lab", topic="mice"), Done)
        one.enter("/join lab")
        await one.shows("2 #lab – mice")
        await bob.request(SetTopic(room="lab", topic="rats"), Done)
        await one.shows("2 #lab – rats", "topic: bob: rats")


@pytest.mark.parametrize(("typed", "shown"), [("\x1b2", "2 #lab"), ("/room 2\r", "2 #lab"), ("/room lab\r", "2 #lab")])
async def test_rooms_are_switched_by_key_number_and_name(gateway: Gateway, typed: str, shown: str) -> None:
    async with Client(gateway.operator) as other, drive_chat(gateway.operator) as one:
        await other.request(CreateRoom(room="lab"), Done)
        await one.shows("1 #general  2 lab")
        one.type(typed)
        await one.shows(shown, "This is lab.")
        one.type("\x1b1")
        await one.shows("1 #general  2 lab", "This is general.")
        one.enter("/room 7")
        await one.shows("You are in 2 rooms, so there is no room 7.")


async def test_the_rule_stands_where_reading_stopped_in_a_room(gateway: Gateway) -> None:
    async with person(gateway) as bob, drive_chat(gateway.operator) as one:
        await bob.request(CreateRoom(room="lab"), Done)
        one.enter("/join lab")
        await one.shows("2 #lab", "This is lab.")
        await bob.send("read already", room="lab")
        await one.shows("read already")
        assert "─ new ─" not in one.text
        one.enter("/room 1")
        await one.shows("1 #general  2 lab")
        await bob.send("missed", room="lab")
        await bob.send("missed as well", room="lab")
        await one.shows("2 lab•2")
        one.enter("/rooms")
        await one.shows("2 lab", "2 unread · no topic · alice, bob")
        one.type("\x1b\x1b2")
        one.enter("/room 2")
        await one.shows("1 general  2 #lab", "─ new ─", "missed as well")
        rows = one.emulated.rows
        places = [next(n for n, row in enumerate(rows) if w in row) for w in ("read already", "─ new ─", "missed")]
        assert places == sorted(places)
        one.enter("/room 1")
        await one.shows("1 #general")
        one.enter("/room 2")
        await one.shows("2 #lab", "missed as well")
        await one.hides("─ new ─")


async def test_the_rule_stands_also_after_a_room_that_was_left_before_it_was_shown(gateway: Gateway) -> None:
    async with person(gateway) as bob, drive_chat(gateway.operator) as one:
        for room in ("lab", "ops"):
            await bob.request(CreateRoom(room=room), Done)
            one.enter(f"/join {room}")
            await one.shows(f"This is {room}.")
        await bob.send("read already", room="ops")
        await one.shows("read already")
        one.enter("/room general")
        await one.shows("This is general.")
        await bob.send("missed", room="ops")
        await one.shows("ops•1")
        await asyncio.gather(one.chat.enter("lab"), one.chat.enter("ops"))
        await one.shows("read already", "─ new ─", "missed")


async def test_what_was_missed_in_another_room_is_counted_after_a_restart(gateway: Gateway, tmp_path: Path) -> None:
    async with person(gateway) as bob:
        await bob.request(CreateRoom(room="lab"), Done)
        async with drive_chat(gateway.operator, folder=tmp_path) as one:
            one.enter("/join lab")
            await one.shows("2 #lab", "This is lab.")
            await bob.send("seen", room="lab")
            await one.shows("seen")
        for number in range(3):
            await bob.send(f"missed {number}", room="lab")
        async with drive_chat(gateway.operator, folder=tmp_path) as one:
            await one.shows("1 #general  2 lab•3")
            one.enter("/room 2")
            await one.shows("seen", "─ new ─", "missed 0")


async def test_to_says_it_in_public_and_wakes_one(gateway: Gateway) -> None:
    async with agent(gateway) as claude, agent(gateway, "codex"), person(gateway) as bob:
        async with drive_chat(gateway.operator) as one:
            await one.shows("● claude", "● codex")
            one.type("/to claude ")
            await one.shows("everyone in #general reads this, only claude is woken")
            one.enter("look here")
            await one.shows("alice → claude #", "look here", "claude queued")
            assert "codex queued" not in one.text
            async for event in bob.events():
                if isinstance(event, Message):
                    assert (event.content, event.wakes, event.deliveries) == ("look here", ("claude",), ("claude",))
                    break
            one.type("@codex ")
            await one.shows("🔒 only you, codex and observers read this · public: /to")
            one.enter("between us")
            await one.shows("🔒 alice → codex #", "between us")
            one.enter("/to nobody hi")
            await one.shows("Nobody here is called 'nobody'", "alice > /to nobody hi")
        async for event in claude.events():
            if isinstance(event, Message):
                assert event.content == "look here"
                break


async def test_what_reaches_nobody_says_so_before_it_is_sent(gateway: Gateway) -> None:
    async with agent(gateway), drive_chat(gateway.operator) as one:
        await one.shows("● claude")
        one.type("a")
        await one.hides("Nobody")
        one.type("\x03")
        one.enter("/create lab")
        await one.shows("lab is created")
        one.type("hello")
        await one.shows("Nobody else is in #lab; /invite NAME brings an agent in")
        one.type("\x03@claude hello")
        await one.shows("claude is not in #lab; /invite claude brings it in")


async def test_what_came_below_is_counted(gateway: Gateway) -> None:
    async with person(gateway) as bob, drive_chat(gateway.operator, lines=14) as one:
        for number in range(30):
            await bob.send(f"line {number}")
        await one.shows("line 29")
        one.type(PAGE_UP)
        await one.shows("older messages")
        for number in range(3):
            await bob.send(f"later {number}")
        await one.shows("older messages · 3 new below; Esc returns to the newest")
        one.type("\x1b")
        await one.shows("later 2")
        await one.hides("new below")
        one.type(PAGE_UP)
        await one.shows("older messages; Esc")


async def test_a_muted_room_neither_rings_nor_counts(gateway: Gateway) -> None:
    async with person(gateway) as bob, drive_chat(gateway.operator) as one:
        await bob.request(CreateRoom(room="lab"), Done)
        one.enter("/join lab")
        await one.shows("2 #lab", "This is lab.")
        one.enter("/mute")
        await one.shows("lab is muted")
        one.enter("/room 1")
        await one.shows("1 #general  2 lab", "This is general.")
        await bob.send("@alice look", room="lab")
        await bob.send("@alice here", room="general")
        await one.shows("@alice here")
        assert (one.emulated.bells, header(one).strip()) == (1, "1 #general  2 lab")
        one.enter("/rooms")
        await one.shows("1 unread · muted")
        one.type("\x1b")
        one.enter("/unmute lab")
        await one.shows("lab is no longer muted.", "2 lab•1")
        await bob.send("@alice again", room="lab")
        await one.shows("2 lab•2")
        await one.until(lambda: one.emulated.bells == 2)


async def test_a_person_is_invited_and_a_stranger_is_named(gateway: Gateway) -> None:
    async with person(gateway) as bob, drive_chat(gateway.operator) as one:
        one.enter("/create lab")
        await one.shows("lab is created")
        one.enter("/invite bob")
        await one.shows("bob may join lab.")
        await bob.request(Join(room="lab"), Done)
        one.enter("/invite nobody")
        await one.shows("nobody")
        await one.shows("alice > /invite nobody")


SIZES = [(60, 20), (80, 24), (120, 40), (200, 60)]


@pytest.mark.parametrize(("columns", "lines"), SIZES)
async def test_rooms_and_hints_fit_into_every_window(gateway: Gateway, columns: int, lines: int) -> None:
    async with agent(gateway), agent(gateway, "codex"), person(gateway) as bob:
        await bob.request(CreateRoom(room="design", topic="How it looks"), Done)
        async with drive_chat(gateway.operator, columns=columns, lines=lines) as one:
            one.enter("/join design")
            await one.shows("1 general  2 #design")
            await one.shows("This is design.")
            one.enter("/room 1")
            await one.shows("This is general.")
            await bob.send("look", room="design")
            await one.shows("1 #general  2 design•1", "● claude", "● codex")
            one.type("@claude hi")
            await one.shows("🔒 only you, claude and observers read this · public: /to")
            one.type("\x03/to claude hi")
            await one.shows("everyone in #general reads this, only claude is woken")
            one.type("\x03")
            one.enter("/room 2")
            await one.shows("2 #design", "look", "This is design.")
            one.type("@claude hi")
            await one.shows("claude is not in #design; /invite claude brings it in")
            assert all(width_of(row) <= columns for row in one.emulated.rows)
            assert ("– How it looks" in header(one)) == (columns > 60)


async def test_a_room_that_was_shown_is_painted_without_the_gateway(tmp_path: Path) -> None:
    """Also what was said there meanwhile; it is a matter of memory, not of an answer."""
    process = GatewayProcess(tmp_path / "state")
    with process.running():
        async with Client(process.operator) as alice, drive_chat(process.operator) as one:
            await alice.send("the first of general")
            await one.shows("the first of general")
            one.enter("/create design")
            await one.shows("design is created")
            await alice.send("the first of design", room="design")
            await one.shows("the first of design")
            meanwhile = await alice.send("said meanwhile in general")
            await one.until(lambda: one.chat.state.last_seq >= meanwhile.seq)
            with process.frozen():
                one.enter("/room general")
                await one.shows("the first of general", "said meanwhile in general")
                await one.hides("the first of design")
                one.enter("/room design")
                await one.shows("the first of design")
            await alice.send("said later in design", room="design")
            await one.shows("said later in design")
            one.enter("/room general")
            await one.shows("the first of general", "said meanwhile in general")
            await one.hides("said later in design")


async def test_who_was_put_out_of_the_shown_room_is_invited_and_joins_again(gateway: Gateway) -> None:
    bob = await gateway.member("bob", MemberKind.HUMAN)
    async with Client(gateway.operator) as alice, drive_chat(bob) as one:
        await alice.request(CreateRoom(room="den", invite_only=True), Done)
        await alice.request(Invite(room="den", member="bob"), Done)
        await one.shows("alice invites you to the room den. `/join den` enters")
        one.enter("/join den")
        await one.shows("This is den.")
        await alice.request(Kick(room="den", member="bob"), Done)
        await one.shows("alice removed you from the room den.")
        await alice.request(Invite(room="den", member="bob"), Done)
        one.enter("/join den")
        await one.shows("This is den.")
        await alice.send("back again", room="den")
        await one.shows("back again")


async def test_a_notice_to_somebody_else_is_not_read_as_ones_own(gateway: Gateway) -> None:
    bob = await gateway.member("bob", MemberKind.HUMAN)
    async with Client(bob) as other, drive_chat(gateway.operator) as one:
        one.enter("/create den")
        await one.shows("den is created")
        await other.request(Join(room="den"), Done)
        one.enter("/kick bob")
        await one.shows("to bob: alice removed you from the room den.")


@pytest.mark.parametrize("columns", [80, 50])
async def test_an_error_is_shown_to_its_end(gateway: Gateway, columns: int) -> None:
    bob = await gateway.member("bob", MemberKind.HUMAN)
    async with Client(gateway.operator) as alice, drive_chat(bob, columns=columns) as one:
        await alice.request(CreateRoom(room="a-room-of-alice"), Done)
        one.enter("/join a-room-of-alice")
        await one.shows("This is a-room-of-alice.")
        one.enter("/kick alice")
        await one.shows("Only the owner of the room 'a-room-of-alice'")
        await one.until(lambda: "or an administrator)." in " ".join(one.text.split()))
