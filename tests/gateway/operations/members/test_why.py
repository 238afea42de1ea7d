"""Why an agent is silent, as any client asks the gateway, and what it says to whom."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from gateway.client import Client
from gateway.protocol.errors import NotFound
from gateway.protocol.requests.agent_requests import SetActivity, SetFolder, WhySilent
from gateway.protocol.requests.approval_requests import OpenAsk
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.message_requests import Report, Send
from gateway.protocol.requests.room_requests import CreateRoom, Invite, Leave
from gateway.protocol.results import Accepted, Done, Why, WhyList
from gateway.protocol.types.core_types import Activity, Composer, MemberKind, Rung, Step
from gateway.protocol.types.silence_causes import SilenceCause
from tests.support.gateways import Gateway

FOLDER = "/home/alice/shop"


@dataclass
class Talk:
    gateway: Gateway
    alice: Client
    claude: Client

    async def why(self, who: Client | None = None, *, shell: bool = False) -> Why:
        (found,) = (await (who or self.alice).request(WhySilent(member="@claude", shell=shell), WhyList)).agents
        return found

    async def does(self, activity: Activity, note: str = "") -> None:
        await self.claude.request(SetActivity(activity=activity, composer=Composer.EMPTY, note=note), Done)


@asynccontextmanager
async def talking(gateway: Gateway) -> AsyncIterator[Talk]:
    endpoint = await gateway.member("claude")
    async with Client(gateway.operator, Hello()) as alice, Client(endpoint, Hello(inbox=True)) as claude:
        yield Talk(gateway, alice, claude)


async def test_the_facts_and_the_sentence(gateway: Gateway) -> None:
    async with talking(gateway) as talk:
        await talk.claude.request(SetFolder(folder=FOLDER), Done)
        await talk.does(Activity.BUSY, "the title spins")
        first = (await talk.why()).since
        sent = await talk.alice.request(Send(content="hello", to="@claude"), Accepted)
        held = (Step(Rung.HELD, "2026-11-21T11:24:24.000Z", "busy"),)
        await talk.claude.request(Report(message=sent.seq, steps=held), Done)
        await talk.does(Activity.BUSY, "a spinner turns")
        why = await talk.why()
        assert (why.name, why.cause, why.evidence) == ("claude", SilenceCause.WORKS, "a spinner turns")
        assert (why.since, why.folder, why.waits) == (first, FOLDER, "1 message waits for it")
        assert why.last == f"#{sent.seq} held because busy"
        assert why.delivery is not None and why.delivery.rung is Rung.HELD
        assert why.sentence == (
            "It works, and reads the next message when its turn has ended. 1 message waits for it. "
            "`/stop claude` ends its turn."
        )
        assert "`groupchat stop claude`" in (await talk.why(shell=True)).helps
        await talk.does(Activity.IDLE)
        soon = await talk.why()
        assert (soon.cause, soon.since) == (SilenceCause.SOON, "2026-11-21T11:24:24.000Z")


async def test_each_agent_without_a_name(gateway: Gateway) -> None:
    with pytest.raises(NotFound, match="There are no agents"):
        async with Client(gateway.operator) as alone:
            await alone.request(WhySilent(), WhyList)
    await gateway.member("ada")
    async with talking(gateway) as talk:
        found = (await talk.alice.request(WhySilent(), WhyList)).agents
        assert [(one.name, one.cause) for one in found] == [
            ("ada", SilenceCause.AWAY),
            ("claude", SilenceCause.UNKNOWN_SCREEN),
        ]
        with pytest.raises(NotFound, match="No agent is called 'zoe'; there are ada, claude"):
            await talk.alice.request(WhySilent(member="zoe"), WhyList)
        with pytest.raises(NotFound, match="No agent is called 'alice'"):
            await talk.alice.request(WhySilent(member="alice"), WhyList)


async def test_what_waits_in_another_room_is_told_to_those_in_it(gateway: Gateway) -> None:
    bob = await gateway.member("bob", MemberKind.HUMAN)
    async with talking(gateway) as talk, Client(bob) as other:
        await talk.alice.request(CreateRoom(room="lab", invite_only=True), Done)
        await talk.alice.request(Invite(room="lab", member="claude"), Done)
        await talk.does(Activity.IDLE)
        sent = await talk.alice.request(Send(content="secret", room="lab", wakes=("claude",)), Accepted)
        assert (await talk.why()).last == f"#{sent.seq} queued"
        assert (await talk.why(other)).last == ""


async def test_a_question_and_a_folder_are_for_those_who_share_a_room(gateway: Gateway) -> None:
    bob = await gateway.member("bob", MemberKind.HUMAN)
    async with talking(gateway) as talk, Client(bob) as other:
        await talk.claude.request(SetFolder(folder=FOLDER), Done)
        await talk.does(Activity.ASKING)
        await talk.claude.request(OpenAsk(digest="aaaaaaaa", question="May I drop the table?"), Done)
        for who in (talk.alice, other):
            why = await talk.why(who)
            assert (why.cause, why.folder) == (SilenceCause.ASKS, FOLDER)
            assert "May I drop the table?" in why.sentence
        await other.request(Leave(room="general"), Done)
        why = await talk.why(other)
        assert (why.cause, why.folder) == (SilenceCause.DIALOG, "")
        assert "table" not in why.sentence
