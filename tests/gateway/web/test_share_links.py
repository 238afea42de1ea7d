"""A read-only link shows one room or one thread to whoever has it, and nothing else of the gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from gateway.access.permissions import Actor
from gateway.client import Client, Endpoint
from gateway.operations.dispatch import run_operation
from gateway.operations.operation_table import OPERATIONS
from gateway.protocol.errors import BadRequest, Forbidden, GroupChatError
from gateway.protocol.requests.connection_requests import Stats
from gateway.protocol.requests.member_requests import CreateLink, RemoveMember, RevokeToken
from gateway.protocol.requests.room_requests import CreateRoom, Invite, Join, Kick, RemoveRoom
from gateway.protocol.results import Done, LinkMade, Statistics
from gateway.protocol.types.core_types import MemberKind, Scope
from tests.support.assembled import Clock, assembled
from tests.support.browser import Browser, DeviceSocket, begin_pairing, link_socket
from tests.support.gateways import Gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")
LAB = "lab"
OPERATOR = Actor("alice", MemberKind.HUMAN, frozenset(Scope))


@pytest.fixture(scope="module")
def gateway(shared_gateway: Gateway) -> Gateway:
    return shared_gateway


class SharedRooms:
    """Ann's room by invitation, with ben in it, and what was said there and elsewhere."""

    def __init__(self, gateway: Gateway, room: str, ann: Client, ben: Client) -> None:
        self.gateway, self.room, self.ann, self.ben = gateway, room, ann, ben
        self.first = self.answer = self.other = self.direct = 0

    async def fill(self) -> None:
        self.first = (await self.ann.send("first", room=self.room)).seq
        self.answer = (await self.ben.send("answer", room=self.room, reply_to=self.first)).seq
        self.other = (await self.ann.send("other", room=self.room)).seq
        self.direct = (await self.ann.send("secret", room=self.room, to=(f"@{self.ben_name}",))).seq

    ann_name = ben_name = ""


@asynccontextmanager
async def shared_rooms(gateway: Gateway, number: str) -> AsyncIterator[SharedRooms]:
    names = f"ann{number}", f"ben{number}"
    tokens = [await gateway.member(name, MemberKind.HUMAN) for name in names]
    async with Client(tokens[0]) as ann, Client(tokens[1]) as ben:
        room = f"{LAB}{number}"
        await ann.request(CreateRoom(room=room, invite_only=True, topic="mice"), Done)
        await ann.request(Invite(room=room, member=names[1]), Done)
        await ben.request(Join(room=room), Done)
        rooms = SharedRooms(gateway, room, ann, ben)
        rooms.ann_name, rooms.ben_name = names
        await rooms.fill()
        yield rooms


async def link_of(rooms: SharedRooms, thread: int | None = None, person: Client | None = None) -> LinkMade:
    return await (person or rooms.ann).request(CreateLink(room=rooms.room, expires_in=3600, thread=thread), LinkMade)


@asynccontextmanager
async def reading(rooms: SharedRooms, made: LinkMade, **hello: Any) -> AsyncIterator[DeviceSocket]:
    async with link_socket(rooms.gateway.url, made.id) as socket:
        assert "ok" in await socket.ask({"op": "prove", "secret": made.secret})
        socket.welcome = (await socket.ask({"op": "hello", **hello}))["ok"]
        yield socket


async def contents(socket: DeviceSocket, request: dict[str, Any]) -> list[str]:
    answer = await socket.ask(request)
    return [message["content"] for message in answer["ok"]["messages"]]


async def test_a_room_is_read_and_heard_by_its_link(gateway: Gateway) -> None:
    async with shared_rooms(gateway, "1") as rooms, reading(rooms, await link_of(rooms)) as socket:
        assert socket.welcome["rooms"] == [{"name": rooms.room, "topic": "mice"}]
        assert socket.welcome["members"] == []
        said = [text for text in await contents(socket, {"op": "history"}) if text in ("first", "answer", "other")]
        assert sorted(said) == ["answer", "first", "other"]
        assert await contents(socket, {"op": "search", "query": "answer"}) == ["answer"]
        assert await contents(socket, {"op": "thread", "message": rooms.answer}) == ["first", "answer"]
        await rooms.ann.send("for ben alone", room=rooms.room, to=(f"@{rooms.ben_name}",))
        await rooms.ann.send("elsewhere", room="general")
        await rooms.ann.send("live", room=rooms.room)
        heard = await socket.until("message")
        assert heard["content"] == "live", "neither the direct message nor the other room"


async def test_a_thread_is_read_and_heard_by_its_link(gateway: Gateway) -> None:
    async with shared_rooms(gateway, "2") as rooms:
        made = await link_of(rooms, thread=rooms.answer)
        assert made.thread == rooms.first, "a thread begins with its first message"
        async with reading(rooms, made) as socket:
            assert await contents(socket, {"op": "thread", "message": made.thread}) == ["first", "answer"]
            for request in ({"op": "history"}, {"op": "search", "query": "other"}):
                assert await socket.refusal_of(request) == "forbidden"
            assert await socket.refusal_of({"op": "thread", "message": rooms.other}) == "forbidden"
            await rooms.ben.send("not in it", room=rooms.room)
            below = (await rooms.ben.send("below", room=rooms.room, reply_to=rooms.answer)).seq
            await rooms.ann.send("further below", room=rooms.room, reply_to=below)
            assert [(await socket.until("message"))["content"] for _ in range(2)] == ["below", "further below"]


async def test_a_link_hears_what_it_has_missed(gateway: Gateway) -> None:
    async with shared_rooms(gateway, "3") as rooms, reading(rooms, await link_of(rooms), since=rooms.first) as socket:
        assert [(await socket.until("message"))["content"] for _ in range(2)] == ["answer", "other"]


async def test_a_link_can_do_nothing_else(gateway: Gateway) -> None:
    """Every operation, with the smallest request that names it."""
    allowed = {"history", "search", "thread", "reactions", "ping", "hello"}
    async with shared_rooms(gateway, "4") as rooms, reading(rooms, await link_of(rooms)) as socket:
        for op in sorted({str(one.request.__struct_config__.tag) for one in OPERATIONS} - allowed):
            assert await socket.refusal_of({"op": op}) in ("forbidden", "bad_request"), op
        for request in (
            {"op": "members"},
            {"op": "whoami"},
            {"op": "rooms"},
            {"op": "asks"},
            {"op": "tokens", "own": True},
            {"op": "show", "message": rooms.first},
            {"op": "send", "content": "x"},
            {"op": "history", "room": "general"},
            {"op": "search", "query": "x", "room": "general"},
            {"op": "token.revoke", "name": rooms.ann_name},
        ):
            assert await socket.refusal_of(request) == "forbidden", request
        outside = (await rooms.ann.send("elsewhere", room="general")).seq
        assert await socket.refusal_of({"op": "thread", "message": outside}) == "unknown_message"
        assert await socket.refusal_of({"op": "thread", "message": rooms.direct}) == "unknown_message"
        assert (await socket.ask({"op": "reactions", "messages": [rooms.direct, outside]}))["ok"].get(
            "messages", []
        ) == []


async def test_a_link_is_no_token(gateway: Gateway) -> None:
    async with shared_rooms(gateway, "5") as rooms:
        made = await link_of(rooms)
        token = f"gc_{made.id}_{made.secret}"
        async with aiohttp.ClientSession() as session:
            for path in ("/v1/me", "/v1/rooms", "/v1/events", f"/v1/ws?token={token}", "/history"):
                sent = {"Authorization": f"Bearer {token}"}
                async with session.get(gateway.url + path, headers=sent) as response:
                    assert response.status == 401, path


@pytest.mark.parametrize("secret", ["", "wrong", "A" * 43])
async def test_a_wrong_secret_reads_nothing(gateway: Gateway, secret: str) -> None:
    async with shared_rooms(gateway, f"6{len(secret)}") as rooms:
        made = await link_of(rooms)
        async with link_socket(gateway.url, made.id) as socket:
            assert await socket.refusal_of({"op": "prove", "secret": secret}) == "unauthorized"
            await socket.ends()


async def test_a_link_ends_when_it_is_revoked_or_its_member_may_no_longer_read(gateway: Gateway) -> None:
    async with shared_rooms(gateway, "7") as rooms, Client(gateway.operator) as operator:
        revoked, kicked, gone = await link_of(rooms), await link_of(rooms, person=rooms.ben), await link_of(rooms)
        async with reading(rooms, revoked) as one, reading(rooms, kicked) as two, reading(rooms, gone) as three:
            await rooms.ann.request(RevokeToken(name=revoked.id), Done)
            await one.ends()
            await rooms.ann.request(Kick(room=rooms.room, member=rooms.ben_name), Done)
            await two.ends()
            await operator.request(RemoveMember(member=rooms.ann_name), Done)
            await three.ends()
        for made in (revoked, kicked, gone):
            async with link_socket(gateway.url, made.id) as socket:
                assert await socket.refusal_of({"op": "prove", "secret": made.secret}) == "unauthorized"


async def test_whoever_reads_by_a_link_has_no_figures_of_its_own(gateway: Gateway) -> None:
    async with shared_rooms(gateway, "12") as rooms, reading(rooms, await link_of(rooms)) as socket:
        before = await figures(gateway)
        await contents(socket, {"op": "history"})
        assert await socket.refusal_of({"op": "members"}) == "forbidden"
        after = await figures(gateway)
    assert [one.name for one in after.members if one.name.startswith("link:")] == []
    assert after.total.requests - before.total.requests == 2, "the history and the second question of the operator"
    assert after.total.refused - before.total.refused == 1


async def figures(gateway: Gateway) -> Statistics:
    found = await run_operation(gateway.hub, OPERATOR, Stats())
    assert isinstance(found, Statistics)
    return found


async def test_a_link_that_ends_between_its_proof_and_its_hello_shows_nothing(gateway: Gateway) -> None:
    async with shared_rooms(gateway, "11") as rooms:
        revoked, kicked = await link_of(rooms), await link_of(rooms, person=rooms.ben)
        async with link_socket(gateway.url, revoked.id) as one, link_socket(gateway.url, kicked.id) as two:
            for socket, made in ((one, revoked), (two, kicked)):
                assert "ok" in await socket.ask({"op": "prove", "secret": made.secret})
            await rooms.ann.request(RevokeToken(name=revoked.id), Done)
            await rooms.ann.request(Kick(room=rooms.room, member=rooms.ben_name), Done)
            for socket in (one, two):
                refused = await socket.ask({"op": "hello"})
                assert refused["error"]["message"].startswith("This link has ended")
                await socket.ends()


async def test_a_link_ends_with_its_room(gateway: Gateway) -> None:
    async with shared_rooms(gateway, "8") as rooms, reading(rooms, await link_of(rooms)) as socket:
        await rooms.ann.request(RemoveRoom(room=rooms.room), Done)
        await socket.ends()


async def test_a_link_ends_when_its_time_is_over(tmp_path_factory: pytest.TempPathFactory) -> None:
    clock = Clock()
    async with (
        assembled(tmp_path_factory.mktemp("ends") / "state", clock=clock) as gateway,
        shared_rooms(gateway, "9") as rooms,
    ):
        made = await link_of(rooms)
        clock.now += 3601
        async with link_socket(gateway.url, made.id) as socket:
            assert await socket.refusal_of({"op": "prove", "secret": made.secret}) == "unauthorized"


async def refusal_of(person: Client, request: CreateLink) -> type[GroupChatError]:
    with pytest.raises(GroupChatError) as failure:
        await person.request(request, LinkMade)
    return type(failure.value)


async def test_only_people_of_the_room_share_it(gateway: Gateway) -> None:
    agent = await gateway.member("robot")
    async with shared_rooms(gateway, "10") as rooms, Client(agent) as robot:
        await rooms.ann.request(Invite(room=rooms.room, member="robot"), Done)
        assert await refusal_of(robot, CreateLink(room=rooms.room, expires_in=60)) is Forbidden
        async with Client(Endpoint(gateway.url, gateway.operator.token)) as operator:
            assert await refusal_of(operator, CreateLink(room=rooms.room, expires_in=60)) is Forbidden
        direct = CreateLink(room=rooms.room, expires_in=60, thread=rooms.direct)
        assert await refusal_of(rooms.ann, direct) is BadRequest
        phone = Browser(gateway.url)
        await phone.pair((await begin_pairing(gateway.operator)).code)
        async with phone.connected() as socket:
            refused = await socket.refusal_of({"op": "link.create", "room": "general", "expires_in": 60})
            assert refused == "forbidden"
