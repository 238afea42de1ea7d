"""Who counts as having looked at what an agent has done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.client import Client
from gateway.protocol.errors import BadRequest, Forbidden
from gateway.protocol.requests.agent_requests import SetActivity, SetWork
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.mark_requests import MarkRead
from gateway.protocol.requests.member_requests import Members
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.requests.room_requests import CreateRoom
from gateway.protocol.results import Accepted, Done, MemberList
from gateway.protocol.types.agent_work import UnseenResult, Work
from gateway.protocol.types.core_types import Activity, MemberKind, MessageKind
from tests.support.assembled import assembled
from tests.support.gateways import Gateway

ROOM, TERMINAL, NOTHING = UnseenResult.ROOM, UnseenResult.TERMINAL, UnseenResult.NOTHING


@dataclass
class House:
    alice: Client
    ben: Client
    claude: Client

    async def works(self, unseen: UnseenResult, to: tuple[str, ...] = ()) -> int:
        """A turn of the agent, and the number of its answer."""
        await self.claude.request(SetActivity(activity=Activity.BUSY), Done)
        said = 0
        if unseen is ROOM:
            answer = Send(content="done", kind=MessageKind.REPLY, to=to or "@all")
            said = (await self.claude.request(answer, Accepted)).seq
        await self.claude.request(SetActivity(activity=Activity.IDLE), Done)
        await self.claude.request(SetWork(work=Work(), unseen=unseen), Done)
        return said

    async def reads(self, who: Client, message: int) -> None:
        await who.request(MarkRead(room="general", message=message), Done)

    async def is_done(self) -> bool:
        found = await self.alice.request(Members(), MemberList)
        return next(one for one in found.agents if one.name == "claude").done


@asynccontextmanager
async def house(gateway: Gateway) -> AsyncIterator[House]:
    ben = await gateway.member("ben", MemberKind.HUMAN)
    claude = await gateway.member("claude")
    async with (
        Client(gateway.operator, Hello()) as alice,
        Client(ben, Hello()) as second,
        Client(claude, Hello(inbox=True)) as agent,
    ):
        yield House(alice, second, agent)


async def test_an_answer_is_looked_at_when_any_person_has_been_shown_it(gateway: Gateway) -> None:
    async with house(gateway) as one:
        assert not await one.is_done()
        answer = await one.works(ROOM)
        assert await one.is_done()
        await one.reads(one.alice, answer - 1)
        assert await one.is_done()
        await one.reads(one.ben, answer)
        assert not await one.is_done()
        await one.works(ROOM)
        assert await one.is_done()


async def test_a_direct_answer_must_be_shown_to_the_person_who_got_it(gateway: Gateway) -> None:
    async with house(gateway) as one:
        answer = await one.works(ROOM, ("@ben",))
        await one.reads(one.alice, answer)
        assert await one.is_done()
        await one.reads(one.ben, answer)
        assert not await one.is_done()


async def test_what_only_the_terminal_shows_is_not_looked_at_in_the_room(gateway: Gateway) -> None:
    async with house(gateway) as one:
        answer = await one.works(ROOM)
        await one.reads(one.alice, answer)
        await one.works(TERMINAL)
        await one.reads(one.alice, answer + 1)
        assert await one.is_done()
        await one.claude.request(SetWork(work=Work(), unseen=NOTHING), Done)
        assert not await one.is_done()


async def test_agents_and_lower_numbers_do_not_count(gateway: Gateway) -> None:
    async with house(gateway) as one:
        answer = await one.works(ROOM)
        await one.reads(one.claude, answer)
        assert await one.is_done()
        await one.reads(one.alice, answer)
        before = gateway.hub.committed_seq
        for lower in (answer, answer - 1, 0):
            await one.reads(one.alice, lower)
        assert gateway.hub.committed_seq == before and not await one.is_done()
        with pytest.raises(BadRequest):
            await one.reads(one.alice, before + 100)


async def test_only_the_idle_and_connected_are_done(gateway: Gateway) -> None:
    async with house(gateway) as one:
        await one.works(TERMINAL)
        await one.claude.request(SetActivity(activity=Activity.ASKING), Done)
        assert not await one.is_done()
        await one.claude.request(SetActivity(activity=Activity.IDLE), Done)
        assert await one.is_done()


async def test_what_was_shown_outlives_the_gateway(tmp_path: Path) -> None:
    async with assembled(tmp_path) as gateway, house(gateway) as one:
        await one.reads(one.alice, await one.works(ROOM))
    async with assembled(tmp_path) as gateway, house(gateway) as one:
        await one.claude.request(SetActivity(activity=Activity.IDLE), Done)
        await one.claude.request(SetWork(work=Work(), unseen=ROOM), Done)
        assert not await one.is_done()
        await one.works(ROOM)
        assert await one.is_done()


async def test_a_room_that_one_is_not_in_is_not_marked(gateway: Gateway) -> None:
    other = await gateway.member("x", MemberKind.HUMAN)
    async with Client(gateway.operator, Hello()) as alice, Client(other, Hello()) as one:
        await one.request(CreateRoom(room="lab"), Done)
        with pytest.raises(Forbidden):
            await alice.request(MarkRead(room="lab", message=1), Done)
