"""Who sees what: a direct message its two ends and observers, a closed room its members, on every way of reading."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from gateway.client import Client, Endpoint
from gateway.protocol.events import Receipt
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.message_requests import Receipts, Report, Show
from gateway.protocol.requests.room_requests import CreateRoom, Invite, Join
from gateway.protocol.results import Done, MessageDetail, Story
from gateway.protocol.types.core_types import MemberKind, Rung, Scope, Step
from tests.support.gateways import TEAM_TOKEN, Gateway, gateway_in_process
from tests.support.simple import SimpleClient, simple_client

DIRECT = "pomegranate"
CLOSED = "quince"
LAST = "the-last-word"


@dataclass(frozen=True)
class Scene:
    """A direct message from ann to ben, something said in a closed room of ann and ben, and a last public word."""

    gateway: Gateway
    tokens: dict[str, str]
    clients: dict[str, SimpleClient]
    pushed: dict[str, dict[str, str]]
    direct: int
    closed: int

    def endpoint(self, name: str) -> Endpoint:
        return Endpoint(self.gateway.url, self.tokens[name])


async def pushed_to(client: SimpleClient, stack: AsyncExitStack) -> dict[str, Any]:
    """Open streams of every kind, as `path: pushes`."""
    full = await stack.enter_async_context(client.websocket("/v1/ws"))
    return {
        "push /v1/ws": full,
        "push /v1/events": await stack.enter_async_context(client.stream("/v1/events")),
        "push /ws": await stack.enter_async_context(client.websocket("/ws")),
        "push /events": await stack.enter_async_context(client.stream("/events")),
    }


async def heard(pushes: Any) -> str:
    return json.dumps(await pushes.until(lambda one: one.get("content") == LAST))


@asynccontextmanager
async def scene_in(gateway: Gateway) -> AsyncIterator[Scene]:
    kinds: dict[str, tuple[MemberKind, tuple[Scope, ...]]] = {
        "ann": (MemberKind.HUMAN, ()),
        "ben": (MemberKind.AGENT, ()),
        "eve": (MemberKind.AGENT, ()),
        "hal": (MemberKind.HUMAN, ()),
        "olga": (MemberKind.TOOL, (Scope.OBSERVER,)),
    }
    tokens = {name: (await gateway.member(name, kind, *scopes)).token for name, (kind, scopes) in kinds.items()}
    tokens["team"] = TEAM_TOKEN
    async with AsyncExitStack() as stack:
        base = await stack.enter_async_context(simple_client(gateway.url, TEAM_TOKEN))
        clients = {name: base.with_token(token) for name, token in tokens.items()}
        streams = {}
        for name, client in clients.items():
            streams[name] = await pushed_to(client, stack)
        async with (
            Client(Endpoint(gateway.url, tokens["ann"])) as ann,
            Client(Endpoint(gateway.url, tokens["ben"])) as ben,
        ):
            await ann.request(CreateRoom(room="orchard", invite_only=True), Done)
            await ann.request(Invite(room="orchard", member="ben"), Done)
            await ben.request(Join(room="orchard"), Done)
            direct = await ann.send(f"a {DIRECT} for you", to="@ben", context={"kind": DIRECT}, id=f"id-{DIRECT}")
            closed = await ann.send(f"a {CLOSED} for us", room="orchard", context={"kind": CLOSED})
            await ann.send(LAST)
        pushed = {
            name: {path: await heard(pushes) for path, pushes in of.items() if path != "push /v1/ws"}
            for name, of in streams.items()
        }
        yield Scene(gateway, tokens, clients, pushed, direct.seq, closed.seq)


@pytest.fixture
async def scene(gateway: Gateway) -> AsyncIterator[Scene]:
    async with scene_in(gateway) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def read_scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """For tests that only read: one for all of them."""
    state = tmp_path_factory.mktemp("visibility") / "state"
    async with gateway_in_process(state) as gateway, scene_in(gateway) as found:
        yield found


Read = Callable[[Scene, str], Awaitable[str]]


def getting(path: str, **query: Any) -> Read:
    async def read(scene: Scene, name: str) -> str:
        filled = path.format(direct=scene.direct, closed=scene.closed, me="human" if name == "team" else name)
        answer = await scene.clients[name].get(filled, **query)
        return json.dumps(answer.body)

    return read


def pushing(path: str) -> Read:
    async def read(scene: Scene, name: str) -> str:
        return scene.pushed[name][path]

    return read


def replaying(path: str) -> Read:
    """Everything from the beginning of the log."""

    async def read(scene: Scene, name: str) -> str:
        client = scene.clients[name]
        if path.endswith("events"):
            async with client.stream(path, last_event_id=0) as events:
                return await heard(events)
        async with client.websocket(path, since=0) as pushes:
            return await heard(pushes)

    return read


async def over_the_client(scene: Scene, name: str) -> str:
    """The full protocol over WebSocket: hello with `since`."""
    seen = ""
    async with Client(scene.endpoint(name), Hello(since=0, echo=True)) as client:
        async for event in client.events():
            seen += repr(event)
            if getattr(event, "content", None) == LAST:
                return seen
    return seen


async def acting(scene: Scene, name: str) -> str:
    """What errors say to somebody who tries to move a message that is none of theirs."""
    client, seen = scene.clients[name], ""
    for seq in (scene.direct, scene.closed):
        for verb, body in (("cancel", {}), ("retry", {"member": "ben"})):
            seen += json.dumps((await client.ask("POST", f"/v1/messages/{seq}/{verb}", body=body)).body)
    return seen


READS: dict[str, Read] = {
    "push /v1/events": pushing("push /v1/events"),
    "push /ws": pushing("push /ws"),
    "push /events": pushing("push /events"),
    "replay /v1/events": replaying("/v1/events"),
    "replay /ws": replaying("/ws"),
    "replay /events": replaying("/events"),
    "replay /v1/ws": over_the_client,
    "log": getting("/v1/log"),
    "history": getting("/v1/messages"),
    "history to": getting("/v1/messages", to="ben"),
    "history from": getting("/v1/messages", **{"from": "ann"}),
    "history of the room": getting("/v1/messages", room="orchard"),
    "search direct": getting("/v1/search", query=DIRECT),
    "search closed": getting("/v1/search", query=CLOSED),
    "search from": getting("/v1/search", query="a", **{"from": "ann"}),
    "search in the room": getting("/v1/search", query=CLOSED, room="orchard"),
    "show direct": getting("/v1/messages/{direct}"),
    "show closed": getting("/v1/messages/{closed}"),
    "receipts direct": getting("/v1/messages/{direct}/receipts"),
    "receipts closed": getting("/v1/messages/{closed}/receipts"),
    "simple history": getting("/history", limit=1000),
    "simple history to": getting("/history", to="ben"),
    "simple inbox": getting("/inbox/{me}"),
    "simple inbox of ben": getting("/inbox/ben"),
    "rooms": getting("/v1/rooms"),
    "members of the room": getting("/v1/members", room="orchard"),
    "a room alike": getting("/v1/messages", room="orchars"),
    "status": getting("/v1/status"),
    "stats": getting("/v1/stats"),
    "agents": getting("/agents"),
    "cancel and retry": acting,
}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("path", READS)
async def test_outsiders_see_nothing(read_scene: Scene, path: str) -> None:
    for name in ("eve", "hal"):
        seen = await READS[path](read_scene, name)
        for secret in (DIRECT, CLOSED, "orchard"):
            if secret != "orchard" or not path.endswith("the room"):  # an error repeats the name that was asked for
                assert secret not in seen, (name, path)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "path", [path for path in READS if path.startswith(("push", "replay", "log", "history", "search direct"))]
)
@pytest.mark.parametrize("name", ["ann", "ben", "olga", "team"])
async def test_ends_and_observers_see_it(read_scene: Scene, path: str, name: str) -> None:
    """Without this, the test above would also pass if nobody saw anything."""
    seen = await READS[path](read_scene, name)
    only_direct = ("history", "history to", "search direct")
    wanted = {DIRECT: path != "history of the room", CLOSED: path not in only_direct}
    assert {secret: secret in seen for secret in wanted} == wanted


async def test_the_room_is_not_found_by_outsiders(scene: Scene) -> None:
    for path in ("/v1/messages", "/v1/members"):
        assert (await scene.clients["eve"].get(path, room="orchard")).status == 404
    for verb in ("join", "leave"):
        answer = await scene.clients["eve"].ask("POST", f"/v1/rooms/orchard/{verb}", body={})
        assert (answer.status, answer.body["error"]["code"]) == (404, "unknown_room")
    sent = await scene.clients["eve"].ask("POST", "/v1/messages", body={"content": "x", "room": "orchard"})
    assert (sent.status, sent.body["error"]["code"]) == (404, "unknown_room")
    assert (await scene.clients["ben"].get("/v1/messages", room="orchard")).status == 200


async def test_whoever_leaves_a_room_hears_no_more_of_it(scene: Scene) -> None:
    ben = scene.clients["ben"]
    async with ben.websocket() as pushes:
        await ben.ask("POST", "/v1/rooms/orchard/leave", body={})
        async with Client(scene.endpoint("ann")) as ann:
            await ann.send("after you left", room="orchard")
            await ann.send("in public")
        assert "after you left" not in json.dumps(await pushes.until_content("in public"))
    assert "after you left" not in json.dumps((await ben.get("/v1/log")).body)


async def test_receipts_are_for_the_sender_the_recipient_and_observers(scene: Scene) -> None:
    for name in ("one", "two"):
        scene.tokens[name] = (await scene.gateway.member(name)).token
    async with (
        Client(scene.endpoint("ann")) as ann,
        Client(scene.endpoint("olga")) as olga,
        Client(scene.endpoint("one"), Hello(inbox=True)) as one,
        Client(scene.endpoint("two"), Hello(inbox=True)) as two,
        Client(scene.endpoint("eve")) as eve,
    ):
        sent = await ann.send("for all of you")
        for client, reason in ((one, "reason of one"), (two, "reason of two")):
            steps = (Step(Rung.HELD, reason=reason),)
            await client.request(Report(message=sent.seq, steps=steps), Done)
        await ann.send("done")
        both = {"one", "two"}
        for client, wanted in ((ann, both), (olga, both), (one, {"one"}), (two, {"two"}), (eve, set())):
            seen = set()
            async for event in client.events():
                if isinstance(event, Receipt):
                    seen.add(event.member)
                if getattr(event, "content", "") == "done" or (client is ann and seen == both):
                    break
            assert seen == wanted
        for client, wanted in ((ann, both), (olga, both), (one, {"one"}), (two, {"two"})):
            story = await client.request(Receipts(message=sent.seq), Story)
            detail = await client.request(Show(message=sent.seq), MessageDetail)
            others = {"ben", "eve"} if wanted == both else set()
            assert {receipt.member for receipt in story.receipts} == wanted
            assert {one.member for one in story.deliveries} == wanted | others
            assert {one.member for one in detail.deliveries} == wanted | others
