"""What went wrong in the original behind AI-Connect's wire, one test for each, so that it does not come back.

The numbers are those of the list of known bugs that the project keeps.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from gateway.client import Client
from gateway.dialects.ai_connect.bridge import make_ai_connect_app
from gateway.dialects.ai_connect.name_mapping import AI_CONNECT
from gateway.dialects.ai_connect.peers import HeartbeatSettings, PeerRegistry
from gateway.dialects.guest_admission import GuestAdmission
from gateway.model.records.stored_records import MemberRecord
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import Members
from gateway.protocol.requests.message_requests import Receipts, Send
from gateway.protocol.results import Accepted, MemberList, Story
from gateway.protocol.types.core_types import Member, MemberKind, Rung
from gateway.runtime.listen_option import listen_at
from gateway.server.listeners.dialect_listeners import open_listeners
from tests.fakes.ai_connect_client import Peer, peer_at, socket_at
from tests.support.gateways import TEAM_TOKEN, Gateway, GatewayProcess, doors_of, gateway_in_process
from tests.support.simple import simple_client

BROADCASTS = 40


@pytest.fixture
def process(tmp_path: Path) -> Iterator[GatewayProcess]:
    with GatewayProcess(tmp_path / "state", "--listen", "ai-connect=127.0.0.1:0").running() as running:
        yield running


@pytest.fixture
def url(process: GatewayProcess) -> str:
    return process.listeners["ai-connect"]


@pytest.fixture
async def aragon(url: str) -> AsyncIterator[Peer]:
    async with peer_at(url, "Aragon", "web") as peer:
        yield peer


async def known(url: str, *names: str) -> None:
    """Peers that have been here and are away."""
    for name in names:
        async with peer_at(url, name, "web"):
            pass


@asynccontextmanager
async def short_lived(state: Path, beats: HeartbeatSettings) -> AsyncIterator[tuple[Gateway, str]]:
    """A gateway where a minute takes less."""
    async with gateway_in_process(state) as gateway:
        dialects = {"ai-connect": lambda setup: make_ai_connect_app(setup.hub, beats)}
        async with open_listeners(doors_of(gateway), [listen_at("ai-connect=0")], dialects) as urls:
            yield gateway, urls["ai-connect"]


async def keep_alive(peer: Peer) -> None:
    while True:
        await peer.ping()
        await asyncio.sleep(0.1)


async def rung(operator: Client, message: int) -> Rung:
    (delivery,) = (await operator.request(Receipts(message=message), Story)).deliveries
    return delivery.rung


@pytest.mark.parametrize("part", ["Boro", "boromir", "Boromir (web)", "boromir-web"])
async def test_1_a_part_of_a_name_reaches_who_is_away(url: str, aragon: Peer, part: str) -> None:
    await known(url, "Boromir", "Faramir")
    await aragon.send(part, "when you are back")
    await aragon.ping()
    assert aragon.messages == []
    async with peer_at(url, "Faramir", "web") as faramir, peer_at(url, "Boromir", "web") as boromir:
        assert boromir.contents() == ["when you are back"]
        assert faramir.messages == []
    async with peer_at(url, "Boromir", "web") as again:
        assert again.messages == []


async def test_2_a_broadcast_reaches_everyone_once_also_those_who_are_away(url: str, aragon: Peer) -> None:
    await known(url, "Boromir", "Faramir")
    async with peer_at(url, "Gimli", "web") as gimli:
        await aragon.send("*", "to all")
        await gimli.message("to all")
        await gimli.ping()
        assert gimli.contents() == ["to all"]
    for name in ("Boromir", "Faramir"):
        async with peer_at(url, name, "web") as back:
            assert [(one["from"], one["to"], one["content"]) for one in back.messages] == [
                ("Aragon (web)", "*", "to all")
            ]
    for name in ("Boromir", "Faramir", "Gimli"):
        async with peer_at(url, name, "web") as again:
            assert again.messages == []
    assert aragon.messages == []


async def test_3_a_broadcast_to_nobody_is_not_for_whoever_comes_first(url: str) -> None:
    async with peer_at(url, "Aragon", "web") as alone:
        await alone.send("*", "anybody?")
        await alone.ping()
    async with peer_at(url, "Aragon", "web") as sender, peer_at(url, "Stranger", "web") as stranger:
        assert sender.messages == stranger.messages == []


async def test_4_delivered_means_that_the_client_has_read_it(process: GatewayProcess, url: str) -> None:
    async with Client(process.operator, Hello()) as alice, aiohttp.ClientSession() as session:
        async with session.ws_connect(url, autoping=False) as deaf:
            await deaf.send_str(json.dumps({"type": "register", "name": "Boromir"}))
            while json.loads(await deaf.receive_str())["type"] != "unread":
                pass
            sent = await alice.request(Send(content="did you get it?", to="@boromir"), Accepted)
            while (frame := json.loads(await deaf.receive_str()))["type"] != "message":
                pass  # news of the other peers may come in between
            assert frame["content"] == "did you get it?"
            while (received := await deaf.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
            assert received.type is aiohttp.WSMsgType.PING
            assert await rung(alice, sent.seq) is Rung.QUEUED
        async with peer_at(url, "Boromir") as back:
            assert back.contents() == ["did you get it?"]
            await back.ping()
            await becomes(Rung.ACCEPTED, lambda: rung(alice, sent.seq))


async def becomes(wanted: object, look: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(60):
        while await look() is not wanted:
            await asyncio.sleep(0.02)


def test_5_the_times_are_those_of_the_specification() -> None:
    assert HeartbeatSettings() == HeartbeatSettings(patience=60, ping_every=60)


async def test_5_a_silent_peer_is_removed_however_often_it_is_pinged(tmp_path: Path) -> None:
    async with (
        short_lived(tmp_path / "state", HeartbeatSettings(patience=4.0, ping_every=0.1)) as (gateway, url),
        Client(gateway.operator, Hello()) as alice,
        peer_at(url, "Aragon") as aragon,
        peer_at(url, "Boromir") as silent,
        peer_at(url, "_viewer_") as viewer,
    ):
        alive = asyncio.get_running_loop().create_task(keep_alive(aragon), name="alive")
        async with asyncio.timeout(60):
            await silent.ended.wait()
        assert len(silent.of("ping")) > 3
        await aragon.until(lambda: {"type": "peer_left", "peer": "Boromir"} in aragon.frames)
        assert set(await aragon.peers()) == {"Aragon", "alice"}
        members = await alice.request(Members(), MemberList)
        assert "boromir" not in [one.name for one in members.agents]
        assert not aragon.ended.is_set() and not viewer.ended.is_set()
        alive.cancel()


async def test_5_who_only_polls_is_missed_as_well(tmp_path: Path) -> None:
    async with (
        short_lived(tmp_path / "state", HeartbeatSettings(ping_every=0.2)) as (gateway, url),
        peer_at(url, "Aragon") as aragon,
        simple_client(gateway.url, TEAM_TOKEN) as team,
    ):
        await team.register("poller")
        await aragon.until(lambda: "poller" in [one["peer"]["name"] for one in aragon.of("peer_joined")])
        gateway.hub.state.live["poller"].heard -= 61
        await aragon.until(lambda: {"type": "peer_left", "peer": "poller"} in aragon.frames)


async def test_5_who_left_is_reached_all_the_same_and_returns(tmp_path: Path) -> None:
    async with (
        short_lived(tmp_path / "state", HeartbeatSettings(patience=3.0)) as (gateway, url),
        Client(gateway.operator, Hello()) as alice,
    ):
        async with peer_at(url, "Boromir", "web"):
            pass
        await becomes(True, lambda: is_hidden(gateway, "boromir-web"))
        await alice.request(Send(content="still for you", to="@boromir-web"), Accepted)
        async with peer_at(url, "Boromir", "web") as back:
            assert back.contents() == ["still for you"]
            assert await is_hidden(gateway, "boromir-web") is False


@dataclass(eq=False)
class OldConnection:
    """A connection whose client has gone away in silence."""

    name: str = "boromir-web"
    ip: str = ""
    since: str = ""
    watches: bool = False

    def keeps_token(self) -> bool:
        return True

    def say(self, frame: bytes) -> None: ...
    def end(self, farewell: bytes = b"") -> None: ...


async def test_5_who_registers_anew_is_not_hidden_by_the_end_of_its_old_connection(gateway: Gateway) -> None:
    guest = Member("boromir-web", MemberKind.AGENT, "Boromir", inbox=True)
    await GuestAdmission(gateway.hub, AI_CONNECT).arrive(MemberRecord(guest, dialect=AI_CONNECT))
    registry, old = PeerRegistry(gateway.hub, HeartbeatSettings(patience=0)), OldConnection()
    with registry.arriving(old.name):
        registry.enter(old)
        registry.leave(old, silent=True)
        for _ in range(100):
            await asyncio.sleep(0)  # the timer that hides it has run
        assert await is_hidden(gateway, old.name) is False
    await becomes(True, lambda: is_hidden(gateway, old.name))  # it never came


async def is_hidden(gateway: Gateway, name: str) -> bool:
    return gateway.hub.state.members[name].member.hidden


async def test_6_history_comes_from_the_log_also_after_a_restart(process: GatewayProcess) -> None:
    url = process.listeners["ai-connect"]
    async with peer_at(url, "Aragon") as aragon, peer_at(url, "Boromir") as boromir:
        await aragon.send("Boromir", "one")
        await boromir.message("one")
        await boromir.send("Aragon", "two")
        await aragon.message("two")
    assert process.stop() == 0
    process.start()
    async with peer_at(process.listeners["ai-connect"], "Aragon") as aragon:
        assert aragon.messages == []
        assert [(one["from"], one["content"]) for one in await aragon.history("Boro")] == [
            ("Aragon", "one"),
            ("Boromir", "two"),
        ]


async def test_7_registering_twice_on_one_socket_leaves_no_peer_behind(url: str, aragon: Peer) -> None:
    async with socket_at(url) as peer:
        await peer.register("First", "web")
        await peer.register("First", "web")
        await aragon.until(lambda: aragon.of("peer_joined"))
        await peer.register("Second", "web")
        await aragon.until(lambda: {"type": "peer_left", "peer": "First (web)"} in aragon.frames)
        assert set(await aragon.peers()) == {"Aragon (web)", "Second (web)"}
        await aragon.send("First", "for the first")
        await aragon.send("Second", "for the second")
        await peer.message("for the second")
        assert peer.contents() == ["for the second"]


async def test_8_the_listener_is_opened_only_on_request_and_for_this_machine_alone(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path / "state") as gateway:
        assert gateway.listeners == {}
    assert listen_at("ai-connect=9999").host == "127.0.0.1"


async def test_9_one_that_does_not_read_delays_nobody_and_gets_all_in_the_end(url: str, aragon: Peer) -> None:
    async with peer_at(url, "Fast", "web") as fast, aiohttp.ClientSession() as session:
        async with session.ws_connect(url, autoping=False, max_msg_size=0) as slow:
            await slow.send_str(json.dumps({"type": "register", "name": "Slow", "project": "web"}))
            while json.loads(await slow.receive_str())["type"] != "unread":
                pass
            texts = [f"{number} " + "x" * 100_000 for number in range(BROADCASTS)]
            for text in texts:
                await aragon.send("*", text)
            await fast.message(texts[-1])
            assert fast.contents() == texts
            assert not slow.closed
        async with peer_at(url, "Slow", "web") as back:
            await back.message(texts[-1])
            assert back.contents() == texts


async def test_10_messages_carry_their_time(url: str, aragon: Peer) -> None:
    async with peer_at(url, "Boromir", "web") as boromir:
        await aragon.send("Boromir", "now")
        live = await boromir.message("now")
        (logged,) = await boromir.history("Aragon")
        assert live["timestamp"] == logged["timestamp"]
        assert live["timestamp"].endswith("Z")
