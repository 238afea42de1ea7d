"""Who is meant by what is said to everyone: those who are here, or may be back at any moment. Who is named is meant
wherever it is."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import msgspec
import pytest

from gateway.client import Client
from gateway.decisions import decision_rules
from gateway.model.rule_outcome import StateChange
from gateway.model.state import PRESENT_FOR_S, RETURN_TIMEOUT_S
from gateway.model.transient_member_state import LiveMember
from gateway.protocol.events import PresenceChanged
from gateway.protocol.requests.member_requests import CreateToken, Members, RevokeToken
from gateway.protocol.requests.message_requests import History, Poll
from gateway.protocol.results import Done, Inbox, MemberList, MessageList, TokenMade
from gateway.protocol.types.core_types import DEFAULT_ROOM, MemberKind, Presence
from gateway.rooms import messages
from gateway.timing import clock_changes
from tests.support.commands import Groupchat
from tests.support.gateways import Gateway, GatewayProcess
from tests.support.world import NOON, World

LONG_AGO = NOON - PRESENT_FOR_S
JUST_NOW = LONG_AGO + 1


@pytest.fixture
def world() -> World:
    """ann says things; the gateway began long ago; ada was never here in this life of it."""
    world = World()
    world.state.began = LONG_AGO
    world.person("ann")
    world.member("ada")
    return world


@pytest.mark.parametrize(
    ("live", "here"),
    [
        (None, False),
        (LiveMember(), False),
        (LiveMember(connections=1), True),
        (LiveMember(lost=JUST_NOW), True),
        (LiveMember(lost=LONG_AGO), False),
        (LiveMember(heard=JUST_NOW, lost=LONG_AGO), True),
        (LiveMember(heard=LONG_AGO), False),
        (LiveMember(expected=JUST_NOW), True),
        (LiveMember(expected=LONG_AGO), False),
    ],
)
def test_who_is_here(world: World, live: LiveMember | None, here: bool) -> None:
    if live is not None:
        world.state.live["ada"] = live
    assert world.state.is_here("ada", NOON) is here
    everyone, _ = world.say(messages.post_message, world.person("ann"), "good morning")
    named, _ = world.say(messages.post_message, world.person("ann"), "and you?", to="@ada")
    assert (everyone.deliveries, named.deliveries) == (("ada",) if here else (), ("ada",))


def test_after_a_start_everybody_is_given_the_time_to_come_back(world: World) -> None:
    world.state.began = NOON - RETURN_TIMEOUT_S + 1
    assert world.state.is_here("ada", NOON)
    clock_changes.shift_clock(world.state, -10)
    assert not world.state.is_here("ada", NOON)


@pytest.mark.parametrize("by", [{"dialect": "agentchat"}, {"by_team": True}])
def test_other_interfaces_keep_it_for_all_who_are_registered(world: World, by: dict[str, object]) -> None:
    world.state.put(StateChange("member", "ada", msgspec.structs.replace(world.state.members["ada"], **by)))
    assert world.state.is_here("ada", NOON)


@pytest.mark.parametrize(("ago", "here"), [(RETURN_TIMEOUT_S - 1, True), (RETURN_TIMEOUT_S, False)])
def test_who_has_left_may_just_be_started_anew(world: World, ago: float, here: bool) -> None:
    known = world.state.members["ada"]
    gone = msgspec.structs.replace(known, member=msgspec.structs.replace(known.member, hidden=True))
    world.state.put(StateChange("member", "ada", gone))
    world.state.live["ada"] = LiveMember(lost=NOON - ago)
    world.state.began = NOON
    assert world.state.is_here("ada", NOON) is here


def test_nobody_waits_for_the_vote_of_a_member_that_is_gone(world: World) -> None:
    world.member("ben")
    world.state.live["ben"] = LiveMember(connections=1)
    decision, _ = decision_rules.open_decision(
        world.state, "ann", decision_rules.NewDecision(DEFAULT_ROOM, "Which?"), world.rule_context
    )
    assert decision.voters == ("ben",)
    named = decision_rules.NewDecision(DEFAULT_ROOM, "Which?", voters=("ada",))
    assert decision_rules.open_decision(world.state, "ann", named, world.rule_context)[0].voters == ("ada",)


async def test_nobody_who_is_gone_stands_under_what_is_said_to_all(gateway: Gateway) -> None:
    """An agent that is started anew gets it; a tool that ended long ago reads it in the history, and is meant again
    once it is back."""
    state = gateway.hub.state
    tool = await gateway.member("desktop")
    async with Client(gateway.operator) as alice, Client(await gateway.member("ada")):
        async with Client(tool) as desktop:
            assert (await alice.send("you two")).deliveries != ()
            await desktop.request(Poll(), Inbox)
        away = await alice.send("to all")
        assert [one.member for one in away.deliveries] == ["ada", "desktop"]
        state.began = float("-inf")
        state.live["desktop"] = LiveMember(lost=gateway.hub.now - PRESENT_FOR_S)
        assert [one.member for one in (await alice.send("to all")).deliveries] == ["ada"]
        assert [one.member for one in (await alice.send("to you", to="@desktop")).deliveries] == ["desktop"]
        async with Client(tool) as desktop:
            waiting = await desktop.request(Poll(), Inbox)
            assert [one.content for one in waiting.messages] == ["to all", "to you"]
            known = await desktop.request(History(), MessageList)
            assert [one.content for one in known.messages].count("to all") == 2
            assert [one.member for one in (await alice.send("again")).deliveries] == ["ada", "desktop"]
        await alice.request(RevokeToken(name="desktop"), Done)
        assert [one.member for one in (await alice.send("and now?")).deliveries] == ["ada"]
        found = await alice.request(Members(all=True), MemberList)
        assert {one.name: one.queued for one in found.agents}["desktop"] == 0


async def test_who_gets_a_token_is_about_to_come(gateway: Gateway) -> None:
    gateway.hub.state.began = float("-inf")
    async with Client(gateway.operator) as alice:
        await alice.request(CreateToken(name="ben", kind=MemberKind.AGENT), TokenMade)
        assert [one.member for one in (await alice.send("to all")).deliveries] == ["ben"]


async def test_the_tools_of_a_client_are_here_as_long_as_it_runs(tmp_path: Path) -> None:
    with GatewayProcess(tmp_path / "state").running() as process:
        command = Groupchat(process.state)
        async with Client(process.operator) as alice, asyncio.timeout(60):
            with subprocess.Popen(
                command.command("mcp", "--as", "desktop"),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                env=command.environment,
            ) as running:
                await becomes(alice, Presence.ONLINE)
                assert running.stdin is not None
                running.stdin.close()
                await becomes(alice, Presence.AWAY)


async def becomes(client: Client, presence: Presence) -> None:
    async for event in client.events():
        if isinstance(event, PresenceChanged) and event.member.name == "desktop" and event.member.presence is presence:
            return
