"""An answer never overtakes an event whose effect it shows, however late the store is with the commit.

The store is held back by hand. What is decided meanwhile is foreseen by the rules, and told to nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import pytest

from gateway.access.permissions import Actor
from gateway.api import stream_frames
from gateway.operations.dispatch import answer_in_turn, run_operation, start_operation
from gateway.protocol.errors import RoomExists, StorageFailed
from gateway.protocol.requests.agent_requests import SetActivity
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import SetRole
from gateway.protocol.requests.message_requests import Poll, Send
from gateway.protocol.requests.mode_requests import SetMode
from gateway.protocol.requests.request import Request
from gateway.protocol.requests.room_requests import CreateRoom, Leave, Rooms
from gateway.protocol.results import Inbox, RoomList
from gateway.protocol.types.core_types import Activity, MemberKind
from gateway.push.event_broadcaster import Connection
from gateway.runtime.listen_option import listen_at
from gateway.server.state_folder.startup_tokens import system_actor
from tests.fakes.agentchat_client import agent_at
from tests.fakes.ai_connect_client import peer_at
from tests.fakes.retry import retry_until
from tests.gateway.api.test_websocket import wire_to
from tests.support.assembled import LateStore, StumblingStore, assembled
from tests.support.gateways import Gateway
from tests.support.simple import simple_client

R = TypeVar("R")
ADMIN = system_actor()
ALICE = Actor("alice", MemberKind.HUMAN)
BOB = Actor("bob", MemberKind.AGENT)


@dataclass(frozen=True)
class Late:
    """A gateway whose store is late while `gate` is closed. `bob` is a member of it."""

    gateway: Gateway
    gate: asyncio.Event
    begun: list[asyncio.Future[Any]]

    def begin(self, actor: Actor, request: Request) -> None:
        """Decided, at the latest in the next turn of the loop, and not committed before the gate is opened."""
        begun = start_operation(self.gateway.hub, actor, request)
        self.begun.append(asyncio.ensure_future(begun))  # noqa: TID251 - awaited by the fixture

    async def close(self) -> None:
        """Once nothing is on its way any more, news of members included."""
        hub = self.gateway.hub
        await retry_until(lambda: not hub.answers.uncommitted and not hub.presence.is_waiting)
        self.gate.clear()

    async def rest(self, path: str) -> Any:
        headers = {"Authorization": f"Bearer {self.gateway.operator.token}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.get(f"{self.gateway.url}/v1/{path}") as answer,
        ):
            return await answer.json()

    async def post(self, path: str, body: dict[str, str]) -> Any:
        headers = {"Authorization": f"Bearer {self.gateway.operator.token}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(f"{self.gateway.url}/v1/{path}", json=body) as answer,
        ):
            return await answer.json()

    async def waiting(self, number: int) -> None:
        """So many outcomes and answers wait for the gate."""
        await retry_until(
            lambda: self.gateway.hub.answers.uncommitted == number,
            describe=lambda: self.gateway.hub.answers.uncommitted,
        )

    @property
    def agentchat(self) -> str:
        return self.gateway.listeners["agentchat"]

    @property
    def ai_connect(self) -> str:
        return self.gateway.listeners["ai-connect"]


@pytest.fixture(params=["not committed", "committed and not told"])
async def late(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Late]:
    async with late_gateway(tmp_path, committed=request.param != "not committed") as found:
        yield found


@asynccontextmanager
async def late_gateway(tmp_path: Path, *, committed: bool) -> AsyncIterator[Late]:
    (tmp_path / "state").mkdir(mode=0o700)
    store = LateStore(tmp_path / "state" / "groupchat.db", committed=committed)
    listeners = (listen_at("agentchat=127.0.0.1:0"), listen_at("ai-connect=127.0.0.1:0"))
    async with assembled(tmp_path / "state", store=store, listen=listeners) as gateway:
        await gateway.member("bob")
        await run_operation(gateway.hub, BOB, Hello(inbox=True))
        found = Late(gateway, store.gate, [])
        try:
            yield found
        finally:
            store.gate.set()
            await asyncio.gather(*found.begun, return_exceptions=True)


def started(asking: Coroutine[Any, Any, R]) -> asyncio.Task[R]:
    return asyncio.get_running_loop().create_task(asking, name="asked")


def marks(frames: list[dict[str, Any]]) -> list[str]:
    """Each frame in a word: the answer's number, or the event and what it is about; but for how members do."""
    found = []
    for one in frames:
        if "re" in one:
            found.append(f"re {one['re']}")
        elif one["ev"] != "presence":
            found.append(f"{one['ev']} {one.get('room') or one.get('member', {}).get('name', '')}")
    return found


# the full protocol


async def test_a_query_is_answered_between_the_events_before_and_after_it(late: Late) -> None:
    async with wire_to(late.gateway.operator, echo=True) as wire:
        await late.close()
        late.begin(ALICE, CreateRoom(room="den"))
        await wire.say(op="rooms", n=7)
        await late.waiting(2)
        late.begin(ALICE, CreateRoom(room="pit"))
        late.gate.set()
        frames = await wire.until(re=7)
        assert [one["name"] for one in frames[-1]["ok"]["rooms"]] == ["agents", "den", "general"]
        assert marks(frames) == ["room den", "room den", "re 7"]
        assert "room pit" in marks(await wire.until(ev="room", room="pit"))


async def test_a_rule_without_facts_waits_for_what_it_foresaw(late: Late) -> None:
    async with wire_to(late.gateway.operator) as wire:
        await late.close()
        late.begin(ADMIN, SetMode(mode="round-robin", topic="tea", cast={}))
        await wire.say(op="mode.get", n=7)
        await late.waiting(2)
        late.gate.set()
        frames = await wire.until(re=7)
        assert frames[-1]["ok"]["floor"]["speaker"] == "bob"
        assert [one["action"] for one in frames if one.get("ev") == "room"] == ["mode"]


async def test_rest_answers_with_what_is_committed_alone(late: Late) -> None:
    """On a connection of its own the answer comes when the streams have been given what it shows."""
    async with wire_to(late.gateway.operator) as wire:
        await late.close()
        late.begin(ADMIN, SetRole(member="bob", role="coder"))
        asked = started(late.rest("members"))
        await late.waiting(2)
        assert not asked.done()
        late.gate.set()
        body = await asked
        assert next(one for one in body["agents"] if one["name"] == "bob")["role"] == "coder"
        assert marks(await wire.until(ev="member"))[-1] == "member bob"


async def test_an_event_stream_has_the_event_before_the_answer_is_given(late: Late) -> None:
    headers = {"Authorization": f"Bearer {late.gateway.operator.token}"}
    order: list[str] = []
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{late.gateway.url}/v1/events", headers=headers) as stream,
    ):
        while b'"replayed"' not in await stream.content.readline():
            pass
        await late.close()
        late.begin(ADMIN, SetRole(member="bob", role="coder"))

        async def ask() -> None:
            async with session.post(f"{late.gateway.url}/v1/op", headers=headers, data=b'{"op":"members"}') as answer:
                await answer.read()
            order.append("answer")

        asked = started(ask())
        await late.waiting(2)
        assert not order
        late.gate.set()
        while b'"ev":"member"' not in await stream.content.readline():
            pass
        await asked


async def test_an_answer_decided_on_what_could_not_be_stored_is_the_error(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    store = StumblingStore(tmp_path / "state" / "groupchat.db")
    async with assembled(tmp_path / "state", store=store) as gateway, wire_to(gateway.operator) as wire:
        store.stumble = lambda: StorageFailed("not now")
        begun = start_operation(gateway.hub, ALICE, CreateRoom(room="den"))
        answered = started(run_operation(gateway.hub, ALICE, Rooms()))
        done = await asyncio.gather(begun, answered, return_exceptions=True)
        assert [type(one) for one in done] == [StorageFailed, StorageFailed]
        store.stumble = None
        assert [one["name"] for one in (await wire.ask(op="rooms", n=2))["ok"]["rooms"]] == ["general"]


async def test_what_has_happened_is_told_whatever_fails_beside_it(tmp_path: Path) -> None:
    """Messages that a poll took, or a token that was made, must not be lost with somebody else's commit."""
    (tmp_path / "state").mkdir(mode=0o700)
    store = StumblingStore(tmp_path / "state" / "groupchat.db")
    async with assembled(tmp_path / "state", store=store) as gateway:
        store.stumble = lambda: StorageFailed("not now")
        begun = start_operation(gateway.hub, ALICE, CreateRoom(room="den"))
        assert isinstance(begun, asyncio.Future)
        taken = answer_in_turn(gateway.hub, ALICE, Poll(), Inbox(()))
        read = answer_in_turn(gateway.hub, ALICE, Rooms(), RoomList(()))
        done = await asyncio.gather(begun, taken, read, return_exceptions=True)
        assert [type(one) for one in done] == [StorageFailed, Inbox, StorageFailed]


async def test_a_refusal_is_told_between_the_events_before_and_after_it(late: Late) -> None:
    async with wire_to(late.gateway.operator, echo=True) as wire:
        await late.close()
        late.begin(BOB, CreateRoom(room="den"))
        await wire.say(op="room.create", n=7, room="den")
        await wire.say(op="send", n=8, room="den", content="for bob")
        await wire.say(op="show", n=9, message=10**9)
        await late.waiting(4)
        late.begin(BOB, CreateRoom(room="pit"))
        late.gate.set()
        frames = await wire.until(re=9)
        assert [one["error"]["code"] for one in frames if "re" in one] == [
            "room_exists",
            "forbidden",
            "unknown_message",
        ]
        assert [one for one in marks(frames) if one != "room den"] == ["re 7", "re 8", "re 9"]
        assert marks(frames)[0] == "room den"
        assert "room pit" in marks(await wire.until(ev="room", room="pit"))


@pytest.mark.parametrize(
    ("path", "asked"), [("rooms", {"room": "den"}), ("op", {"op": "room.create", "room": "den"})], ids=["rooms", "op"]
)
async def test_a_refusal_over_rest_waits_for_its_reason(late: Late, path: str, asked: dict[str, str]) -> None:
    await late.close()
    late.begin(BOB, CreateRoom(room="den"))
    answer = started(late.post(path, asked))
    await late.waiting(2)
    assert not answer.done()
    late.gate.set()
    assert (await answer)["error"]["code"] == "room_exists"


async def test_a_refusal_whose_reason_could_not_be_stored_is_the_error(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    store = StumblingStore(tmp_path / "state" / "groupchat.db")
    async with assembled(tmp_path / "state", store=store) as gateway:
        store.stumble = lambda: StorageFailed("not now")
        begun = start_operation(gateway.hub, BOB, CreateRoom(room="den"))
        refused = run_operation(gateway.hub, ALICE, CreateRoom(room="den"))
        later = gateway.hub.answers.settled_error(RoomExists("den"))
        done = await asyncio.gather(begun, refused, later, return_exceptions=True)
        assert [type(one) for one in done] == [StorageFailed, StorageFailed, StorageFailed]
        store.stumble = None
        await run_operation(gateway.hub, ALICE, CreateRoom(room="den"))
        with pytest.raises(RoomExists):
            await run_operation(gateway.hub, ALICE, CreateRoom(room="den"))


async def test_a_welcome_that_is_refused_waits_for_the_reason(late: Late) -> None:
    await late.close()
    late.begin(ADMIN, SetRole(member="bob", role="coder"))
    async with wire_to(late.gateway.operator, hello=False) as wire:
        await wire.say(op="hello", n=1, rooms=["nowhere"])
        await late.waiting(2)
        late.gate.set()
        assert (await wire.next())["error"]["code"] == "unknown_room"


async def test_how_a_member_does_is_told_before_an_answer_that_shows_it(gateway: Gateway) -> None:
    """Such news is gathered for a quarter of a second; who asks for the members has it first."""
    await gateway.member("bob")
    async with wire_to(gateway.operator) as wire:
        await run_operation(gateway.hub, BOB, SetActivity(activity=Activity.BUSY))
        await wire.say(op="members", n=7)
        frames = await wire.until(re=7)
        told = [one["member"].get("activity") for one in frames if one.get("ev") == "presence"]
        shown = [one["activity"] for one in frames[-1]["ok"]["agents"] if one["name"] == "bob"]
        assert ("busy" in told, shown) == (True, ["busy"])


async def test_answers_come_after_what_is_replayed(gateway: Gateway) -> None:
    await gateway.member("bob")
    for number in range(600):
        await run_operation(gateway.hub, BOB, Send(content=str(number)))
    async with wire_to(gateway.operator, hello=False) as wire:
        await wire.say(op="hello", n=1, since=0)
        await wire.say(op="history", n=2, limit=1)
        await wire.say(op="send", n=3, content="now")
        frames = await wire.until(re=3)
        words = [f"re {one['re']}" if "re" in one else one["ev"] for one in frames if one.get("ev") != "presence"]
        assert words[0] == "re 1"
        assert words.index("replayed") < words.index("re 2") < words.index("re 3")
        assert words.count("message") == 600


async def test_a_welcome_shows_nothing_of_events_that_come_after_it(late: Late) -> None:
    await late.close()
    late.begin(ADMIN, SetRole(member="bob", role="coder"))
    async with wire_to(late.gateway.operator, hello=False) as wire:
        late.begin(BOB, Send(content="said meanwhile"))
        await wire.say(op="hello", n=1)
        await late.waiting(3)
        late.gate.set()
        welcome = (await wire.next())["ok"]
        bob = next(one for one in welcome["members"] if one["name"] == "bob")
        frames = await wire.until(ev="replayed")
        assert bob.get("role") == "coder"
        assert not [one for one in frames if one.get("ev") == "member"]


class Writes:
    """A transport that only counts."""

    def __init__(self) -> None:
        self.made: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.made.append(data)

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False

    def close(self) -> None: ...
    def abort(self) -> None: ...


async def test_answers_to_senders_do_not_split_what_is_written_at_once(late: Late) -> None:
    """However many wait for their answers: each stream gets a commit in one piece."""
    hub, transport = late.gateway.hub, Writes()
    reader = Connection("bob", transport, stream_frames.encode_event_for_websocket)
    reader.live, reader.cursor = True, hub.committed_seq
    hub.streams.enter(reader)
    await late.close()
    for number in range(50):
        late.begin(ALICE, Send(content=str(number)))
        hub.answers.write_at_its_turn(late.begun[-1], lambda: None)
    late.gate.set()
    await asyncio.gather(*late.begun)
    assert len(transport.made) <= 2  # the first one had gone to the disk alone
    hub.streams.disconnect(reader)


# AI-Connect


async def test_a_list_of_peers_comes_after_the_news_of_them(gateway_with_doors: Gateway) -> None:
    """A client adds who joined to those it has listed: with the news after the list it would hold the peer twice."""
    hub = gateway_with_doors.hub
    async with peer_at(gateway_with_doors.listeners["ai-connect"], "Aragon") as aragon:
        await gateway_with_doors.member("bob")
        await run_operation(hub, BOB, Hello(inbox=True))
        hub.presence.mark_alive("bob")
        listed = await aragon.peers()
        assert "bob" in listed
        kinds = [one["type"] for one in aragon.frames if one["type"] == "peer_list" or "bob" in str(one)]
        assert kinds == ["peer_joined", "peer_list"]
        await retry_until(lambda: not hub.presence.is_waiting)
        await aragon.ping()
        assert len(aragon.of("peer_joined")) == 1


async def test_a_list_of_peers_waits_for_the_commit(late: Late) -> None:
    async with peer_at(late.ai_connect, "Aragon") as aragon:
        await late.close()
        late.begin(ADMIN, SetRole(member="bob", role="coder"))
        await aragon.say(type="list_peers")
        await late.waiting(2)
        assert not aragon.of("peer_list")
        late.gate.set()
        await aragon.until(lambda: aragon.of("peer_list"))


async def test_history_shows_of_what_waits_only_what_was_brought(late: Late) -> None:
    """A peer that has not answered the ping after the last page is not brought the next one."""
    async with peer_at(late.ai_connect, "Aragon") as aragon, peer_at(late.ai_connect, "Boromir") as boromir:
        await aragon.send("Boromir", "first")
        await boromir.message("first")
        await retry_until(lambda: not late.gateway.hub.state.queued["boromir"])
        await late.close()
        await aragon.send("Boromir", "second")
        await late.waiting(1)
        asked = started(boromir.history("Aragon"))
        await late.waiting(2)
        late.gate.set()
        shown = [one["content"] for one in await asked]
        brought = [one["content"] for one in boromir.messages[: len(shown)]]
        assert shown == brought
        await boromir.message("second")
        assert [one["content"] for one in await boromir.history("Aragon")] == ["first", "second"]


# AgentChat


async def test_a_list_of_agents_comes_after_the_news_of_them(gateway_with_doors: Gateway) -> None:
    hub = gateway_with_doors.hub
    async with agent_at(gateway_with_doors.listeners["agentchat"], "scout", "#general") as scout:
        await gateway_with_doors.member("bob")
        await run_operation(hub, BOB, Hello(inbox=True))
        hub.presence.mark_alive("bob")
        assert "@bob" in await scout.agents("#general")
        kinds = [one["type"] for one in scout.frames if one["type"] == "AGENTS" or one.get("agent") == "@bob"]
        assert kinds == ["AGENT_JOINED", "AGENTS"]


async def test_a_refusal_comes_after_the_event_that_is_its_reason(late: Late) -> None:
    async with agent_at(late.agentchat, "scout", "#general") as scout:
        await late.close()
        late.begin(ADMIN, CreateRoom(room="den"))
        await scout.say("CREATE_CHANNEL", channel="#den")
        await late.waiting(2)
        assert not scout.of("ERROR")
        late.gate.set()
        await scout.until(lambda: scout.of("ERROR"))
        assert scout.of("ERROR")[0]["code"] == "CHANNEL_EXISTS"


async def test_who_left_is_told_before_the_next_thing_that_is_said(late: Late) -> None:
    """What follows in the same commit does not come between an event and what the channel is told of it."""
    bob = late.gateway.hub
    bob.presence.mark_alive("bob")
    async with agent_at(late.agentchat, "scout", "#general") as scout:
        await scout.agents("#general")
        await late.close()
        late.begin(BOB, Leave(room="general"))
        await asyncio.sleep(0)
        late.begin(ALICE, Send(content="bob is gone"))
        late.gate.set()
        await scout.message("bob is gone")
        kinds = [one["type"] for one in scout.frames if one["type"] in ("AGENT_LEFT", "MSG")]
        assert kinds == ["AGENT_LEFT", "MSG"]


# the simple interface


@pytest.mark.parametrize("path", ["/agents", "/history", "/mode"])
async def test_the_simple_interface_shows_what_is_committed(late: Late, path: str) -> None:
    async with simple_client(late.gateway.url, late.gateway.team.token) as team:
        await team.get("/health")
        await late.close()
        late.begin(ADMIN, SetRole(member="bob", role="coder"))
        asked = started(team.get(path))
        await late.waiting(2)
        assert not asked.done()
        late.gate.set()
        assert (await asked).status == 200


async def test_the_simple_interface_refuses_after_the_reason(late: Late) -> None:
    async with simple_client(late.gateway.url, late.gateway.team.token) as team:
        await team.get("/health")
        await late.close()
        late.begin(ADMIN, SetMode(mode="round-robin", topic="tea", cast={}))
        asked = started(team.post("/mode", mode="no such mode"))
        await late.waiting(2)
        assert not asked.done()
        late.gate.set()
        assert (await asked).status == 400


@pytest.fixture
async def gateway_with_doors(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with late_gateway(tmp_path, committed=False) as found:
        yield found.gateway
