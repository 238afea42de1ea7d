"""A sidecar that the gateway has forgotten joins again by itself and loses no report."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.client import Client, Endpoint
from gateway.client.discovery.token_files import read_kept_token
from gateway.operations.dispatch import run_operation
from gateway.process_basics.tasks import TaskDied
from gateway.protocol.errors import Unavailable
from gateway.protocol.events import Message, Welcome
from gateway.protocol.requests.connection_requests import Ping
from gateway.protocol.requests.member_requests import RevokeToken
from gateway.protocol.requests.message_requests import History, Report, Send, Show
from gateway.protocol.results import Accepted, Done, MessageDetail, MessageList, Pong
from gateway.protocol.types.core_types import MemberKind, Rung, Step
from gateway.server.state_folder.startup_tokens import system_actor
from sidecar.connection.registration import Registration, connect_and_register
from sidecar.connection.room_connection import MembershipLost, RoomConnection, connect_to_room
from sidecar.connection.room_reporter import RoomReporter
from sidecar.messages.replies import Reply
from tests.fakes.retry import retry_until
from tests.sidecar.memory_room import NoProgress
from tests.sidecar.sidecar_terminal import sidecar_in_terminal
from tests.support.gateways import Gateway, gateway_in_process


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway_in_process(tmp_path / "state") as running:
        yield running


@asynccontextmanager
async def living(state: Path, find: Callable[[], Endpoint]) -> AsyncIterator[RoomConnection]:
    registration = Registration("claude", None, state, state)

    async def enter(stack: Any) -> Client:
        return await connect_and_register(registration, find, lambda text: None, stack)

    async with asyncio.timeout(60), connect_to_room(registration, find, enter) as room:
        yield room


async def next_of(room: RoomConnection, *kinds: type[Any]) -> Any:
    async for event in room.events():
        if isinstance(event, kinds):
            return event
    raise AssertionError("events end never")


async def revoked(gateway: Gateway) -> None:
    assert isinstance(await run_operation(gateway.hub, system_actor(), RevokeToken(name="claude")), Done)


async def said(gateway: Gateway, text: str) -> Accepted:
    async with Client(gateway.operator) as alice:
        return await alice.request(Send(content=text, to="@claude"), Accepted)


async def test_a_store_that_was_replaced(tmp_path: Path) -> None:
    """Nothing is asked in the new store before its welcome was heard; then what was not heard yet is said there."""
    async with AsyncExitStack() as first:
        one = await first.enter_async_context(gateway_in_process(tmp_path / "one"))
        port, team = int(one.url.rsplit(":", 1)[1]), one.team
        async with living(tmp_path, lambda: team) as room:
            old, token = room.welcome, read_kept_token(tmp_path, "claude", MemberKind.AGENT, team)
            outbox = RoomReporter(room, lambda: "")
            await first.aclose()
            async with gateway_in_process(tmp_path / "two", port=port):
                outbox.post_reply(Reply("an answer", (), "general", 7, "r", (7,)))
                await retry_until(lambda: room.welcome.store_id != old.store_id, 60)
                assert await outbox.fetch(7) is None
                with pytest.raises(Unavailable, match="another store"):
                    await room.request(Report(message=7, steps=(Step(Rung.FAILED),)), Done)
                assert (await next_of(room, Welcome)).store_id == room.welcome.store_id
                outbox.forget_numbers()
                await outbox.flush(NoProgress())
                page = await room.request(History(), MessageList)
                assert [(one.content, one.reply_to) for one in page.messages] == [("an answer", None)]
                assert read_kept_token(tmp_path, "claude", MemberKind.AGENT, team) != token


async def test_a_token_that_was_revoked(gateway: Gateway, tmp_path: Path) -> None:
    """The same store: whoever may register registers again, and what was said meanwhile is heard."""
    async with living(tmp_path, lambda: gateway.operator) as room:
        first = await said(gateway, "before")
        assert (await next_of(room, Message)).content == "before"
        outbox = RoomReporter(room, lambda: "")
        await revoked(gateway)
        second = await said(gateway, "meanwhile")
        outbox.step(first.seq, Rung.TYPED)
        outbox.post_reply(Reply("an answer", (), "general", first.seq, "r"))
        await outbox.flush(NoProgress())
        assert (await next_of(room, Message)).seq == second.seq
        detail = await room.request(Show(message=first.seq), MessageDetail)
        assert detail.deliveries[0].rung is Rung.CANCELLED, "with its token it lost what it was owed"
        page = await room.request(History(), MessageList)
        assert page.messages[0].content == "an answer"


async def test_who_may_not_register_says_so_once_and_goes_on_trying(gateway: Gateway, tmp_path: Path) -> None:
    find = [gateway.operator]
    async with living(tmp_path, lambda: find[0]) as room:
        find[0] = gateway.team
        await revoked(gateway)
        forgotten = await next_of(room, MembershipLost)
        assert "belongs to another token" in forgotten.reason
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(room.request(Ping(), Pong))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(asking), 1)
            find[0] = gateway.operator
        assert isinstance(await next_of(room, MembershipLost, Welcome), Welcome)


async def test_a_person_sees_that_the_agent_is_not_in_the_room(tmp_path: Path) -> None:
    """Beside the agent's screen, until it is in the room again."""
    async with sidecar_in_terminal(tmp_path) as pane:
        await pane.is_("idle")
        pane.room.tell(MembershipLost("'claude' belongs to another token."))
        said = b"\x1b]0;[CSP not in the room] 'claude' belongs to another token.\x07"
        await retry_until(lambda: said in pane.bytes, describe=lambda: repr(bytes(pane.bytes[-600:])))
        assert "not in the room" not in pane.text
        pane.room.reconnect()
        await retry_until(lambda: b"\x1b]0;" in pane.bytes.split(said)[-1], describe=pane.describe)


async def test_the_sidecar_fails_when_the_task_that_listens_to_the_room_has_died(
    gateway: Gateway, tmp_path: Path
) -> None:
    with pytest.raises(TaskDied, match="room_connection"):
        async with living(tmp_path, lambda: gateway.operator):
            next(one for one in asyncio.all_tasks() if one.get_name() == "room_connection").cancel()
            await asyncio.Event().wait()
