"""AgentChat's listener on bad days: frames that are none, floods, readers that do not read, a gateway that ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from gateway.access.rate_limit import Rate
from gateway.client import Client
from gateway.dialects.agentchat.frames import decode_client_frame
from gateway.dialects.agentchat.protocol import make_agentchat_app
from gateway.protocol.errors import BadRequest
from gateway.protocol.events import Message
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.requests.room_requests import CreateRoom
from gateway.protocol.results import Accepted, Done
from gateway.protocol.types.loop_limits import Limits
from gateway.rooms import guests
from gateway.runtime.listen_option import listen_at
from gateway.server.listeners.dialect_listeners import open_listeners
from tests.fakes.agentchat_client import Identity, agent_at, socket_at
from tests.fakes.retry import retry_until
from tests.support.examples import examples
from tests.support.gateways import Gateway, GatewayProcess, doors_of, gateway_in_process

KINDS = (
    *("IDENTIFY", "PROVE", "JOIN", "LEAVE", "MSG", "LIST_CHANNELS", "LIST_AGENTS", "CREATE_CHANNEL", "INVITE", "PING"),
    *("PROPOSAL", "ACCEPT", "REJECT", "COMPLETE", "DISPUTE", "DANCE"),
)
FIELDS = (
    *("name", "pubkey", "sig", "channel", "to", "content", "ts", "invite_only", "agent", "task", "amount", "currency"),
    *("payment_code", "terms", "expires", "proposal_id", "reason", "proof", "replay", "from"),
)
CODES = {
    *("AUTH_REQUIRED", "CHANNEL_NOT_FOUND", "NOT_INVITED", "INVALID_MSG", "RATE_LIMITED", "AGENT_NOT_FOUND"),
    *("CHANNEL_EXISTS", "INVALID_NAME", "INVALID_PROPOSAL", "SIGNATURE_REQUIRED"),
}

words = st.sampled_from(
    ["#general", "#fuzz", "#", "@x", "@alice", "", "scout", "\ud83d\ude00", "x" * 33, Identity().pubkey]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
frames = st.fixed_dictionaries({"type": st.sampled_from(KINDS)}).flatmap(
    lambda frame: st.dictionaries(st.sampled_from(FIELDS), words | values).map(lambda more: more | frame)
)


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway_in_process(tmp_path / "state", listen=(listen_at("agentchat=0"),)) as running:
        yield running


@pytest.fixture
def url(gateway: Gateway) -> Iterator[str]:
    yield gateway.listeners["agentchat"]


# frames that are none

JUNK: list[str | bytes] = [
    *("", "{", "null", "7", '"x"', "[]", "{}", '{"type":7}', '{"type":null}', '{"type":"DANCE"}', '{"type":"ping"}'),
    *('{"type":"JOIN"}', '{"type":"MSG","to":"#general"}', '{"type":"MSG","to":7,"content":"x"}', '{"type":"PROVE"}'),
    *('{"type":"MSG","to":"#general","content":null}', '{"type":"IDENTIFY"}', '{"type":"IDENTIFY","name":{}}'),
    *(
        '{"type":"MSG","to":"#general","content":"\\ud800"}',
        '{"type":"PING","type":"JOIN"}',
        "[" * 5000,
        '{"a":' * 5000,
    ),
    *(b"\xff\xfe", b"\x00", b"{", b'{"type":"JOIN","channel":"\xff"}', "x" * 1_000_000, b"x" * 1_000_000),
    '{"type":"MSG","to":"#general","content":"' + "x" * 1_000_000 + '"}',
    '{"type":"JOIN","channel":"' + "x" * 1_000_000 + '"}',
    '{"type":"MSG","to":"#general","content":"a\\u0000b"}',
]


@pytest.mark.parametrize("data", JUNK, ids=lambda data: repr(data[:40]))
async def test_what_is_no_frame_is_answered_and_the_connection_lives_on(url: str, data: str | bytes) -> None:
    async with agent_at(url, "scout", "#general") as scout:
        await scout.raw(data)
        await scout.settle()
        (error,) = scout.of("ERROR")
        assert error["code"] in ("INVALID_MSG", "INVALID_NAME") and len(error["message"]) < 500
        assert scout.of("MSG") == []


async def test_frames_may_come_as_bytes(url: str) -> None:
    async with socket_at(url) as agent:
        await agent.raw(b'{"type":"PING"}')
        await agent.until(lambda: agent.of("PONG"))


async def test_a_frame_beyond_the_limit_ends_that_connection_alone(url: str) -> None:
    async with agent_at(url, "scout", "#general") as scout, agent_at(url, "other", "#general") as other:
        with contextlib.suppress(ConnectionClosed):
            await other.raw("x" * (5 * 1024 * 1024))
        await other.ended.wait()
        assert other.socket.close_code == 1009
        await scout.settle()


@given(frame=frames)
@settings(max_examples=examples(300), deadline=None)
def test_any_frame_is_read_or_refused_with_a_sentence(frame: dict[str, Any]) -> None:
    try:
        decode_client_frame(json.dumps(frame))
    except BadRequest as error:
        assert error.message.endswith(".")


@given(data=st.binary(max_size=200) | st.text(max_size=200))
@settings(max_examples=examples(300), deadline=None)
def test_any_bytes_are_read_or_refused_with_a_sentence(data: str | bytes) -> None:
    with pytest.raises(BadRequest, match=r"\.$"):
        decode_client_frame(data)


async def test_whatever_is_said_each_answer_is_a_frame_and_nothing_breaks(
    url: str,
) -> None:
    """Hundreds of sessions of odd frames against one gateway that must answer all of them, and the next."""
    loop = asyncio.get_running_loop()

    def example(run: list[dict[str, Any]]) -> None:
        asyncio.run_coroutine_threadsafe(_say_all(url, run), loop).result(60)

    checked = given(run=st.lists(frames, max_size=8))(example)
    configured = settings(
        max_examples=examples(60),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
    )(checked)
    await asyncio.to_thread(configured)
    async with agent_at(url, "scout", "#general") as scout:
        await scout.settle()


async def _say_all(url: str, run: list[dict[str, Any]]) -> None:
    async with socket_at(url, Identity()) as agent:
        await agent.raw('{"type":"IDENTIFY","name":"fuzzer"}')
        for frame in run:
            await agent.raw(json.dumps(frame))
        await agent.settle()
        for one in agent.frames:
            assert isinstance(one["ts"], int)
            if one["type"] == "ERROR":
                assert one["code"] in CODES and "broke" not in one["message"], (one, run)


# floods and slow readers


async def test_a_flood_is_limited_and_harms_nobody_else(url: str) -> None:
    async with agent_at(url, "flood", "#general") as flood, agent_at(url, "calm", "#general") as calm:
        for number in range(500):
            await flood.send("#general", f"n{number}")
        await flood.settle()
        assert len(flood.of("MSG")) < 60 and len(flood.of("ERROR")) > 440
        await calm.send("#general", "still here")
        await calm.message("still here")
        assert len(calm.of("MSG")) < 60


async def test_one_that_does_not_read_is_closed_and_slows_nobody(url: str, gateway: Gateway) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, autoping=False, max_msg_size=0) as slow,
        agent_at(url, "fast", "#general") as fast,
        Client(gateway.operator, Hello()) as alice,
    ):
        await slow.send_str('{"type":"IDENTIFY","name":"slow"}')
        await slow.send_str('{"type":"JOIN","channel":"#general"}')
        await fast.until(lambda: fast.of("AGENT_JOINED"))
        for number in range(60):
            await alice.request(Send(content=f"{number} " + "x" * 200_000), Accepted)
        await fast.until(lambda: len(fast.of("MSG")) == 60)
        await fast.until(lambda: fast.of("AGENT_LEFT"))


def small_receiver(_: object) -> socket.socket:
    """The system keeps little for a program that does not read: all else stays with the gateway."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return made


@pytest.mark.slow
async def test_a_stranger_that_asks_and_does_not_read_is_closed(tmp_path: Path) -> None:
    """Not because it says nothing of itself: it has an hour for that."""
    dialects = {"agentchat": lambda setup: make_agentchat_app(setup.hub, patience=3600)}
    async with (
        gateway_in_process(tmp_path / "state") as gateway,
        open_listeners(doors_of(gateway), [listen_at("agentchat=0")], dialects) as urls,
        Client(gateway.operator, Hello()) as alice,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(socket_factory=small_receiver)) as session,
        session.ws_connect(urls["agentchat"], max_msg_size=0) as slow,
    ):
        for number in range(100):
            await alice.request(CreateRoom(room=f"room-{number}-{'x' * 20}"), Done)
        with pytest.raises((ConnectionError, aiohttp.ClientError)):
            for _ in range(100_000):
                await slow.send_str('{"type":"LIST_CHANNELS"}')
                await asyncio.sleep(0)  # the gateway runs in this loop


# coming and going


async def test_who_says_nothing_of_itself_is_let_go_and_who_does_is_seen(tmp_path: Path) -> None:
    dialects = {"agentchat": lambda setup: make_agentchat_app(setup.hub, patience=3.0)}
    async with (
        gateway_in_process(tmp_path / "state") as gateway,
        open_listeners(doors_of(gateway), [listen_at("agentchat=0")], dialects) as urls,
        socket_at(urls["agentchat"]) as stranger,
        agent_at(urls["agentchat"], "quiet") as quiet,
    ):
        await stranger.ended.wait()
        await retry_until(lambda: f"quiet-{quiet.id[1:]}" in gateway.hub.state.members)
        await quiet.settle()


async def test_a_gateway_that_is_killed_knows_keys_channels_and_history_again(tmp_path: Path) -> None:
    process = GatewayProcess(tmp_path / "state", "--listen", "agentchat=0")
    owner, guest = Identity(), Identity()
    with process.running():
        url = process.listeners["agentchat"]
        async with socket_at(url, owner) as first, agent_at(url, "guest", "#general", identity=guest) as other:
            await first.prove(await first.identify("owner"))
            await first.ask("JOINED", "CREATE_CHANNEL", channel="#kept", invite_only=True)
            await first.say("INVITE", channel="#kept", agent=guest.id)
            await first.send("#kept", "before")
            await first.message("before")
            process.kill()
            await other.ended.wait()
        process.start()
        url = process.listeners["agentchat"]
        async with socket_at(url) as asking:
            assert await asking.channels() == {"#general": 0, "#agents": 0}
        async with agent_at(url, "guest", "#kept", identity=guest) as back, socket_at(url, owner) as again:
            assert (await back.message("before"))["from"] == owner.id
            asked = await again.ask("ERROR", "IDENTIFY", name="owner", pubkey=owner.pubkey)
            assert asked["code"] == "SIGNATURE_REQUIRED"
            await again.prove(asked)
            assert set((await again.join("#kept"))["agents"]) == {guest.id, owner.id}
        assert process.stop() == 0


async def test_the_gateway_stops_while_agents_talk(tmp_path: Path) -> None:
    process = GatewayProcess(tmp_path / "state", "--listen", "agentchat=0")
    with process.running():
        url = process.listeners["agentchat"]
        async with agent_at(url, "scout", "#general") as scout, socket_at(url) as stranger:
            await scout.send("#general", "last words")
            await scout.message("last words")
            assert process.stop() == 0
            await scout.ended.wait()
            await stranger.ended.wait()
        assert "Traceback" not in process.log


async def test_a_connection_that_breaks_in_the_middle_of_joining(url: str, gateway: Gateway) -> None:
    async def come_and_go(number: int) -> None:
        async with socket_at(url) as agent:
            await agent.say("IDENTIFY", name=f"hasty{number}")
            await agent.say("JOIN", channel="#general")
            agent.socket.transport.abort()

    async with asyncio.TaskGroup() as group:
        for number in range(30):
            group.create_task(come_and_go(number), name="hasty")

    def all_gone() -> bool:
        state = gateway.hub.state
        return all(one.hidden for one in guests.guests_of(state, "agentchat"))

    await retry_until(all_gone)
    async with agent_at(url, "scout", "#general") as scout:
        assert await scout.agents("#general") == [scout.id]


async def test_a_program_that_answers_every_answer_is_stopped_visibly(tmp_path: Path) -> None:
    """AgentChat does not say what a message answers; the limits that count messages do not need it."""
    fast, listeners = Rate(0, 0), (listen_at("agentchat=0"),)
    async with gateway_in_process(tmp_path / "state", listen=listeners, guest_rate=fast, limits=Limits()) as gateway:
        claude = await gateway.member("claude")
        async with (
            agent_at(gateway.listeners["agentchat"], "scout", "#general") as scout,
            Client(claude, Hello(inbox=True)) as agent,
        ):

            async def answer_all() -> None:
                async for one in agent.events():
                    if isinstance(one, Message) and "claude" in one.deliveries:
                        reply = Send(content=f"answer {one.seq}", to=f"@{one.from_}", reply_to=one.seq)
                        await agent.request(reply, Accepted)

            answering = asyncio.get_running_loop().create_task(answer_all(), name="answering")
            await scout.send("@claude", "question 0")
            heard = 0
            async with asyncio.timeout(60):
                while not (stopped := [one for one in scout.of("MSG") if one["from"] == "@system"]):
                    answers = [one for one in scout.of("MSG") if one["from"] == "@claude"]
                    if len(answers) > heard:
                        heard = len(answers)
                        await scout.send("@claude", f"question {heard}")
                    await scout.settle()
            assert heard <= 12 and "/continue" in stopped[0]["content"]
            answering.cancel()
