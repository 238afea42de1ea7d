"""The decider's side of a link, told by frames as a follower sends them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.access.permissions import Actor
from gateway.cluster import follower_link
from gateway.cluster.follower_link import FollowerLinks
from gateway.cluster.link_frames import (
    Alive,
    Answered,
    AskOperation,
    Connections,
    Live,
    Refused,
    ToDecider,
    ToFollower,
    decode_for_follower,
    encode_frames,
)
from gateway.cluster.shared_store import SharedStore
from gateway.protocol import codec
from gateway.protocol.requests.agent_requests import SetActivity
from gateway.protocol.requests.member_requests import CreateToken
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.types.core_types import Activity, MemberKind
from gateway.runtime.hub import Hub
from tests.fakes.retry import retry_until
from tests.support.assembled import assembled

SECRET = "a secret of this log"


@asynccontextmanager
async def decider(folder: Path) -> AsyncIterator[tuple[Hub, str]]:
    """A hub that decides, and the address for links to it."""
    async with assembled(folder / "state") as gateway:
        links = FollowerLinks(gateway.hub, cast(SharedStore, SimpleNamespace(secret=SECRET)))
        links.begin()
        app = web.Application()

        async def serve(request: web.Request) -> web.StreamResponse:
            links.check_gateway(request)
            return await links.serve(request)

        app.router.add_get("/link", serve)
        server = TestServer(app)
        await server.start_server()
        try:
            yield gateway.hub, str(server.make_url("/link"))
        finally:
            await links.close_all()
            await server.close()


class Link:
    """A follower, as far as the decider can tell."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._heard: list[ToFollower] = []

    async def say(self, *frames: ToDecider) -> None:
        await self._socket.send_bytes(encode_frames(frames))

    async def next_of(self, *kinds: type[Any]) -> Any:
        async with asyncio.timeout(60):
            while True:
                for place, frame in enumerate(self._heard):
                    if isinstance(frame, kinds):
                        return self._heard.pop(place)
                self._heard += decode_for_follower(await self._socket.receive_bytes())

    async def close(self) -> None:
        await self._socket.close()


@asynccontextmanager
async def link_to(url: str, gateway: str = "b") -> AsyncIterator[Link]:
    headers = {"Authorization": f"Bearer {SECRET}", "X-Groupchat-Gateway": gateway}
    async with aiohttp.ClientSession(headers=headers) as session, session.ws_connect(url) as socket:
        yield Link(socket)


def ask(number: int, request: Any, name: str = "alice", kind: MemberKind = MemberKind.HUMAN) -> AskOperation:
    return AskOperation(number, Actor(name, kind, team=True), codec.encode(request), isinstance(request, SetActivity))


async def test_a_link_that_comes_back_changes_nothing_for_its_members(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with decider(tmp_path) as (hub, url):
        live = hub.state.live["bob"]
        async with link_to(url) as link:
            await link.say(Connections({"bob": 2, "eve": 1}))
            await retry_until(lambda: live.elsewhere == 2)
        await asyncio.sleep(0.2)
        assert live.is_connected
        async with link_to(url) as link:
            await link.say(Connections({"bob": 1}))
            await retry_until(lambda: live.elsewhere == 1)
            assert not hub.state.live["eve"].is_connected, "it was not told of any more"
        monkeypatch.setattr(follower_link, "RETURN_TIMEOUT_S", 0.1)
        async with link_to(url) as link:
            await link.say(Connections({"bob": 1}))
            await retry_until(lambda: live.elsewhere == 1)
        await retry_until(lambda: not live.is_connected)
        assert live.lost > 0


async def test_two_gateways_have_one_member_each_for_itself(tmp_path: Path) -> None:
    async with decider(tmp_path) as (hub, url), link_to(url, "b") as first, link_to(url, "c") as second:
        await first.say(Connections({"alice": 1}))
        await second.say(Connections({"alice": 3}))
        await retry_until(lambda: hub.state.live["alice"].elsewhere == 4)
        while (await first.next_of(Live)).members["alice"].elsewhere != 3:
            pass
        while (await second.next_of(Live)).members["alice"].elsewhere != 1:
            pass


async def test_requests_of_a_member_are_carried_out_in_order_and_answered_with_where_the_log_is(
    tmp_path: Path,
) -> None:
    async with decider(tmp_path) as (hub, url), link_to(url) as link:
        sends = [ask(number, Send(content=str(number))) for number in range(1, 21)]
        await link.say(*sends)
        answers = [await link.next_of(Answered, Refused) for _ in sends]
        assert [one.n for one in answers] == list(range(1, 21))
        assert all(isinstance(one, Answered) and one.seq <= hub.committed_seq for one in answers)
        stored, _ = await hub.store.read(0, 100, lambda record: record.kind == "message")
        said = [codec.decode_durable(one.event).content for one in stored]  # type: ignore[union-attr]
        assert said[-20:] == [str(number) for number in range(1, 21)]


async def test_a_report_is_told_before_it_is_answered(tmp_path: Path) -> None:
    async with decider(tmp_path) as (hub, url), link_to(url) as link:
        made = ask(1, CreateToken(name="claude", kind=MemberKind.AGENT))
        await link.say(made)
        assert isinstance(await link.next_of(Answered, Refused), Refused), "the team's person administers nothing"
        await link.say(ask(2, SetActivity(activity=Activity.BUSY), "alice"), Alive(["alice"]))
        frames = [await link.next_of(Live, Answered, Refused) for _ in range(2)]
        while not isinstance(frames[-1], Answered | Refused):
            frames.append(await link.next_of(Live, Answered, Refused))
        told = [one for one in frames if isinstance(one, Live) and "alice" in one.members]
        assert told[-1].members["alice"].activity is Activity.BUSY
        assert hub.state.live["alice"].heard > 0


async def test_a_token_that_has_ended_is_refused_though_the_follower_believes_in_it(tmp_path: Path) -> None:
    async with decider(tmp_path) as (_, url), link_to(url) as link:
        await link.say(AskOperation(1, Actor("alice", MemberKind.HUMAN, token="gone"), codec.encode(Send(content="x"))))
        refused = await link.next_of(Answered, Refused)
        assert isinstance(refused, Refused)
        assert refused.error.code == "unauthorized"
