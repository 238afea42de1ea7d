"""Several gateways on one Redis: members at any of them are in one room. Gateways and Redis are real processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeVar

import aiohttp
import pytest

from gateway.client import Client, Endpoint
from gateway.protocol.errors import Conflict, NameTaken, Unauthorized
from gateway.protocol.events import CallEvent, MemberView, PartialText, TerminalPicture, TerminalWatched
from gateway.protocol.requests.agent_requests import (
    SetActivity,
    ShowPartialText,
    ShowTerminal,
    UnwatchTerminal,
    WatchTerminal,
)
from gateway.protocol.requests.connection_requests import Hello, Status
from gateway.protocol.requests.member_requests import CreateToken, Members, RevokeToken
from gateway.protocol.requests.message_requests import Poll
from gateway.protocol.results import CallView, Done, Health, Inbox, MemberList, Shown, TokenMade, ToolList, Watching
from gateway.protocol.tool_calls.tool_call_requests import AnswerCall, CallTool, OfferTools, ShowCall, ToolOffers
from gateway.protocol.tool_calls.tool_call_types import CallState, ToolOperation
from gateway.protocol.types.core_types import Activity, MemberKind, Presence
from gateway.protocol.types.terminal_types import Run, ScreenRow
from gateway.server.identity.trial_issuer import create_trial_token, ensure_trial_issuer
from tests.fakes.retry import retry_until_awaited
from tests.support.commands import Groupchat
from tests.support.gateways import GatewayProcess
from tests.support.redis_rooms import gateways_on
from tests.support.redis_server import RedisServer, need_redis
from tests.support.said_so_far import contents

E = TypeVar("E")


@asynccontextmanager
async def client_at(gateway: GatewayProcess, endpoint: Endpoint | None = None) -> AsyncIterator[Client]:
    async with Client(endpoint or gateway.operator, patient=True) as client:
        yield client


async def member_at(gateway: GatewayProcess, admin: Client, name: str, kind: MemberKind) -> Endpoint:
    made = await admin.request(CreateToken(name=name, kind=kind), TokenMade)
    return Endpoint(gateway.url, made.token)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GatewayProcess, GatewayProcess]]:
    """The decider and a follower, for tests that leave both as they are."""
    need_redis()
    folder = tmp_path_factory.mktemp("pair")
    with RedisServer(folder / "redis").running() as server, gateways_on(server, folder, "first", "second") as both:
        yield both[0], both[1]


async def test_members_at_two_gateways_are_in_one_room(pair: tuple[GatewayProcess, GatewayProcess]) -> None:
    first, second = pair
    async with client_at(first) as alice, client_at(second) as too:
        await alice.send("said at the decider")
        await too.send("said at the follower")
        assert (await contents(too))[-1] == "said at the follower", "whoever sends sees it at once"
        assert (await contents(alice))[-2:] == ["said at the decider", "said at the follower"]


async def test_a_follower_answers_each_interface(pair: tuple[GatewayProcess, GatewayProcess]) -> None:
    """REST, the simple interface, its streams, and what is refused, with the error of the gateway that decides."""
    first, second = pair
    bearer = {"Authorization": f"Bearer {second.operator.token}"}
    async with client_at(first) as alice, aiohttp.ClientSession(second.url, headers=bearer) as session:
        async with session.post("/v1/messages", json={"content": "by REST"}) as answer:
            assert answer.status == 200, await answer.text()
        async with session.post("/v1/messages", json={"content": "hello", "to": "@nobody"}) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (404, "unknown_recipient")
        team = {"X-Auth-Token": second.team.token, "Authorization": ""}
        async with session.post("/register", json={"agentId": "old-style"}, headers=team) as answer:
            assert answer.status == 201, await answer.text()
        said = {"from": "old-style", "content": "by CSP"}
        async with session.ws_connect("/ws", headers=team) as pushed, asyncio.timeout(60):
            async with session.post("/agent-output", json=said, headers=team) as answer:
                assert answer.status == 200, await answer.text()
            while "by CSP" not in str((await pushed.receive()).data):
                pass
        assert {"by REST", "by CSP"} <= set(await contents(alice))
        async with session.get("/history", params={"limit": 2}, headers=team) as answer:
            assert "by CSP" in await answer.text()
        async with session.get("/health") as answer:
            assert answer.status == 200
    async with aiohttp.ClientSession(second.url, headers={"Authorization": "Bearer wrong"}) as stranger:
        for path in ("/v1/gateways", "/v1/members", "/history"):
            async with stranger.get(path) as answer:
                assert answer.status == 401, path


async def test_nobody_links_a_gateway_with_a_token(pair: tuple[GatewayProcess, GatewayProcess]) -> None:
    first, _ = pair
    bearer = {"Authorization": f"Bearer {first.operator.token}"}
    async with aiohttp.ClientSession(first.url, headers=bearer) as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect("/v1/gateways")
        assert refused.value.status == 401


async def test_status_and_doctor_show_the_gateways(pair: tuple[GatewayProcess, GatewayProcess]) -> None:
    first, second = pair
    async with client_at(second) as too:

        async def are_both_listed() -> bool:
            shown = (await too.request(Status(), Health)).gateways
            return [(one.url, one.decides) for one in shown] == [(first.url, True), (second.url, False)]

        await retry_until_awaited(are_both_listed)
    output = await asyncio.to_thread(Groupchat(second.state), "status")
    assert "2 gateways of one log" in output.out
    assert "decides" in output.out
    output = await asyncio.to_thread(Groupchat(second.state), "doctor")
    assert f"2 gateways share its log, {first.url} decides" in output.out


@pytest.mark.parametrize(("at_sidecar", "at_person"), [(0, 1), (1, 0), (1, 1)])
async def test_a_terminal_is_watched_across_gateways(
    pair: tuple[GatewayProcess, GatewayProcess], at_sidecar: int, at_person: int
) -> None:
    name = f"painter-{at_sidecar}{at_person}"
    picture = ShowTerminal(columns=80, rows=24, changed=(ScreenRow(0, (Run("hello"),)),), whole=True)
    change = ShowTerminal(columns=80, rows=24, changed=(ScreenRow(1, (Run("more"),)),))
    async with client_at(pair[0]) as alice:
        painter = await member_at(pair[at_sidecar], alice, name, MemberKind.AGENT)
    async with Client(painter, Hello(inbox=True)) as sidecar, client_at(pair[at_person]) as person:
        assert not (await sidecar.request(picture, Shown)).watched
        assert not sidecar.welcome.watched
        await retry_until_awaited(lambda: is_online(person, name))
        await person.request(WatchTerminal(member=name), Watching)
        async with asyncio.timeout(60):
            assert (await next_of(sidecar, TerminalWatched)).on
            while (await sidecar.request(change, Shown)).whole:
                await sidecar.request(picture, Shown)
            await sidecar.request(picture, Shown)
            rows: set[int] = set()
            while rows != {0, 1}:
                await sidecar.request(change, Shown)
                rows |= {row.y for row in (await next_of(person, TerminalPicture)).changed}
            await person.request(UnwatchTerminal(member=name), Done)
            assert not (await next_of(sidecar, TerminalWatched)).on


@pytest.mark.parametrize(("at_connector", "at_person"), [(0, 1), (1, 0), (1, 1)])
async def test_an_unfinished_message_is_seen_across_gateways(
    pair: tuple[GatewayProcess, GatewayProcess], at_connector: int, at_person: int
) -> None:
    name = f"writer-{at_connector}{at_person}"
    async with client_at(pair[0]) as alice:
        writer = await member_at(pair[at_connector], alice, name, MemberKind.AGENT)
    async with Client(writer, Hello()) as connector, client_at(pair[at_person]) as person:
        await retry_until_awaited(lambda: is_online(person, name))
        async with asyncio.timeout(60):
            await connector.request(ShowPartialText(text="one"), Done)
            assert (await next_of(person, PartialText)).text == "one"
            await connector.request(ShowPartialText(text=" two", at=3, to=("alice",)), Done)
            assert (await next_of(person, PartialText)).to == ("alice",)


async def next_of(client: Client, kind: type[E]) -> E:
    async for event in client.events():
        if isinstance(event, kind):
            return event
    raise AssertionError("the connection has ended")


async def test_a_follower_takes_over_and_its_members_go_on(server: RedisServer, tmp_path: Path) -> None:
    with gateways_on(server, tmp_path, "first", "second") as (first, second):
        async with client_at(first) as alice, client_at(second) as too:
            bob = await member_at(second, alice, "bob", MemberKind.AGENT)
            async with client_at(second, bob) as agent:
                await agent.request(SetActivity(activity=Activity.BUSY), Done)
                await too.send("before", id="1")
                begun = time.monotonic()
                first.kill()
                assert (await too.send("before", id="1")).duplicate
                await too.send("after")
                assert time.monotonic() - begun < 20
                assert await contents(agent) == ["before", "after"]
                assert (await presence_of(too, "bob")).activity is Activity.BUSY
        assert "this gateway decides now" in second.log
        with first.running():
            async with client_at(first) as alice:
                await alice.send("and back, as a follower")
                assert await contents(alice) == ["before", "after", "and back, as a follower"]


def test_a_gateway_that_takes_over_and_is_stopped_at_once_ends(server: RedisServer, tmp_path: Path) -> None:
    first, second = (GatewayProcess(tmp_path / name, "--store", server.url) for name in ("first", "second"))
    first.start()
    first.kill()
    with second.running():
        assert second.stop() == 0


async def presence_of(client: Client, name: str) -> MemberView:
    """As soon as the client's gateway knows of the member, which may have come at another one a moment ago."""
    async with asyncio.timeout(60):
        while True:
            found = (await client.request(Members(), MemberList)).agents
            if known := [one for one in found if one.name == name]:
                return known[0]
            await asyncio.sleep(0.02)


async def is_refused(endpoint: Endpoint) -> bool:
    try:
        async with Client(endpoint):
            return False
    except Unauthorized:
        return True


async def test_presence_and_deliveries_cross_gateways(server: RedisServer, tmp_path: Path) -> None:
    with gateways_on(server, tmp_path, "first", "second", "third") as (first, second, third):
        async with client_at(first) as alice, client_at(third) as watcher:
            bob = await member_at(second, alice, "bob", MemberKind.AGENT)
            assert (await presence_of(watcher, "bob")).presence is not Presence.ONLINE
            async with Client(bob, Hello(inbox=True)) as agent:
                await retry_until_awaited(lambda: is_online(watcher, "bob"))
                await agent.request(SetActivity(activity=Activity.BUSY, note="at work"), Done)
                await retry_until_awaited(lambda: notes(watcher, "bob", "at work"))
                await retry_until_awaited(lambda: notes(alice, "bob", "at work"))
                sent = await watcher.send("@bob do it")
                page = await agent.request(Poll(wait=50), Inbox, timeout=60)
                assert [one.seq for one in page.messages] == [sent.seq]
            await retry_until_awaited(lambda: is_away(watcher, "bob"))
            await retry_until_awaited(lambda: is_away(alice, "bob"))
            await watcher.request(RevokeToken(name="bob"), Done)
            await retry_until_awaited(lambda: is_refused(bob))


async def is_online(client: Client, name: str) -> bool:
    return (await presence_of(client, name)).presence is Presence.ONLINE


async def is_away(client: Client, name: str) -> bool:
    return (await presence_of(client, name)).presence is not Presence.ONLINE


async def notes(client: Client, name: str, note: str) -> bool:
    return (await presence_of(client, name)).note == note


async def test_a_member_of_an_identity_provider_is_one_member_at_each_gateway(
    server: RedisServer, tmp_path: Path
) -> None:
    """A follower checks its token, the decider names it; a revocation at one ends its connection at the other."""
    issuer = tmp_path / "issuer"
    options = ("--store", server.url, "--jwt", str(ensure_trial_issuer(issuer)))

    def token_of(name: str) -> str:
        return create_trial_token(issuer, CreateToken(name=name, kind=MemberKind.HUMAN), time.time())

    with ExitStack() as stack:
        first, second = (
            stack.enter_context(GatewayProcess(tmp_path / name, *options).running()) for name in ("first", "second")
        )
        async with client_at(first) as alice:
            ann = token_of("ann")
            async with client_at(second, Endpoint(second.url, ann)) as at_follower:
                assert at_follower.welcome.you.name == "ann"
                await at_follower.send("from the provider")
                async with client_at(first, Endpoint(first.url, ann)) as at_decider:
                    assert at_decider.welcome.you.name == "ann"
                assert "from the provider" in await contents(alice)
                await alice.request(RevokeToken(name="ann"), Done)
                async with asyncio.timeout(60):
                    with pytest.raises(Unauthorized):
                        while True:
                            await at_follower.request(Status(), Health)
            for gateway in (first, second):
                with pytest.raises(Unauthorized):
                    async with Client(Endpoint(gateway.url, ann)):
                        pass
            taken = Endpoint(second.url, token_of(alice.welcome.you.name))
            with pytest.raises(NameTaken):
                async with Client(taken):
                    pass


async def test_a_tool_at_one_gateway_is_called_at_the_other(pair: tuple[GatewayProcess, GatewayProcess]) -> None:
    """At the decider and at a follower, in both directions."""
    for number, (here, there) in enumerate((pair, pair[::-1])):
        name = f"calc-{number}"
        async with client_at(pair[0]) as admin, client_at(there) as caller:
            endpoint = await member_at(here, admin, name, MemberKind.TOOL)
            async with client_at(here, endpoint) as calc:
                await calc.request(OfferTools(operations=(ToolOperation("add"),)), Done)

                async def is_there(caller: Client = caller, name: str = name) -> bool:
                    found = (await caller.request(ToolOffers(), ToolList)).tools
                    return any(one.tool == name and one.connected for one in found)

                await retry_until_awaited(is_there)
                opened = (await caller.request(CallTool(tool=name, operation="add", arguments={"a": 1}), CallView)).call
                async with asyncio.timeout(60):
                    async for event in calc.events():
                        if isinstance(event, CallEvent) and event.call.number == opened.number:
                            break
                await calc.request(AnswerCall(call=opened.number, result={"sum": number}), Done)
                ended = (await caller.request(ShowCall(call=opened.number, wait=50), CallView, timeout=60)).call
                assert (ended.state, ended.result) == (CallState.ANSWERED, {"sum": number})
                with pytest.raises(Conflict):
                    await calc.request(AnswerCall(call=opened.number, result=0), Done)
