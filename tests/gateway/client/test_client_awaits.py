"""The client when the connection is lost at exactly one await: wires that follow a script, and no network."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from gateway.client import Client, ConnectionLost, Endpoint, StoreChanged
from gateway.client.timeouts import Timeouts
from gateway.client.transport_errors import TransportBroken
from gateway.protocol import codec
from gateway.protocol.errors import Unavailable
from gateway.protocol.events import Event, Welcome
from gateway.protocol.requests.connection_requests import Hello, Ping
from gateway.protocol.requests.request import Request
from gateway.protocol.results import Answer, Pong
from gateway.protocol.types.core_types import Member, MemberKind

PONG = Answer(1, codec.encode_raw(Pong("now")))


class ScriptedWire:
    """Connects at once. `ends` lets it break when set; set from the start, it breaks in the loop turn in which it
    connected."""

    def __init__(self, store_id: str = "here", *, lasts: bool = True, fault: Exception | None = None) -> None:
        self.store_id, self.fault = store_id, fault or TransportBroken("cut")
        self.ends = asyncio.Event()
        self.asked: list[Request] = []
        self.closed = 0
        if not lasts:
            self.ends.set()

    async def open(self, hello: Hello) -> Welcome:
        return Welcome(1, Member("alice", MemberKind.HUMAN), (), (), 0, store_id=self.store_id)

    async def request(self, request: Request) -> Answer:
        if self.ends.is_set():
            raise TransportBroken("cut")
        self.asked.append(request)
        return PONG

    async def events(self) -> AsyncIterator[Event]:
        if not self.ends.is_set():
            await self.ends.wait()
        raise self.fault
        yield  # it is a generator

    async def close(self) -> None:
        self.closed += 1
        self.ends.set()


def client_over(wires: Sequence[ScriptedWire], limits: Timeouts = Timeouts()) -> Client:  # noqa: B008
    upcoming = deque(wires)
    make: Callable[[Endpoint], ScriptedWire] = lambda endpoint: upcoming.popleft()  # noqa: E731
    return Client(Endpoint("http://scripted", "token", limits=limits), wires=[make], chance=lambda: 1.0)


async def test_a_wire_lost_between_its_sign_and_the_waiters_turn_is_waited_out() -> None:
    first, brief, last = ScriptedWire(), ScriptedWire(lasts=False), ScriptedWire()
    async with client_over([first, brief, last]) as client:
        first.ends.set()
        async with asyncio.timeout(60):
            assert isinstance(await anext(client.events()), ConnectionLost)
            assert isinstance(await client.request(Ping(), Pong), Pong)
        assert (brief.asked, len(last.asked)) == ([], 1)


async def test_a_request_that_finds_its_wire_broken_takes_the_next_and_a_lost_is_told() -> None:
    """The reader of events has not noticed yet when the request does."""
    first, last = ScriptedWire(), ScriptedWire()
    async with client_over([first, last]) as client:
        first.ends.set()
        async with asyncio.timeout(60):
            assert isinstance(await client.request(Ping(), Pong), Pong)
            events = client.events()
            assert [type(await anext(events)) for _ in range(2)] == [ConnectionLost, Welcome]
        assert len(last.asked) == 1


async def test_what_was_asked_of_one_store_is_not_asked_of_another_that_came_while_it_waited() -> None:
    first, other = ScriptedWire("here"), ScriptedWire("elsewhere")
    async with client_over([first, other]) as client:
        first.ends.set()
        async with asyncio.timeout(60):
            with pytest.raises(StoreChanged):
                await client.request(Ping(), Pong, store_id="here")
            assert isinstance(await client.request(Ping(), Pong, store_id="elsewhere"), Pong)
        assert (first.asked, len(other.asked)) == ([], 1)


async def test_a_client_that_breaks_tells_everybody_who_waits() -> None:
    wire = ScriptedWire(fault=ValueError("a bug"))
    async with client_over([wire]) as client:
        wire.ends.set()
        async with asyncio.timeout(60):
            with pytest.raises(Unavailable, match="broke: ValueError"):
                async for _ in client.events():
                    pass
            with pytest.raises(Unavailable, match="a bug"):
                await client.request(Ping(), Pong)


async def test_leaving_swallows_no_cancellation() -> None:
    """The one who leaves is cancelled while its client closes the wire."""

    class Slow(ScriptedWire):
        async def close(self) -> None:
            with pytest.raises(asyncio.CancelledError):
                await asyncio.Event().wait()
            raise asyncio.CancelledError

    closing = asyncio.Event()

    async def comes_and_goes() -> None:
        async with client_over([Slow()]):
            closing.set()
        raise AssertionError("went on after its cancellation")

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        task = group.create_task(comes_and_goes())
        await closing.wait()
        await asyncio.sleep(0)
        task.cancel()
    assert task.cancelled()


async def test_a_client_ends_although_a_library_below_it_lost_the_first_cancellation() -> None:
    class Forgetful(ScriptedWire):
        async def events(self) -> AsyncIterator[Event]:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                await asyncio.Event().wait()
            raise self.fault
            yield  # it is a generator

    async with asyncio.timeout(60), client_over([Forgetful()], Timeouts(answers=0.02)):
        await asyncio.sleep(0.01)
