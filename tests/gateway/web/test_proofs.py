"""The proof of a device: for one connection of one device at one address, and for nothing else."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import aiohttp
import pytest
import pytest_asyncio

from gateway.access.device_credentials import Challenged
from gateway.access.permissions import Actor
from gateway.client import Client
from gateway.operations.dispatch import run_operation
from gateway.protocol.browser_frames import Prove
from gateway.protocol.errors import Unauthorized
from gateway.protocol.requests.member_requests import RevokeToken
from gateway.push.event_broadcaster import Connection
from gateway.server.state_folder.startup_tokens import system_actor
from gateway.web.browser_websocket import BrowserWebSocket
from tests.support.browser import Browser, DeviceSocket, begin_pairing
from tests.support.gateways import Gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")
GUESSES = 300


@pytest.fixture(scope="module")
def gateway(shared_gateway: Gateway) -> Gateway:
    return shared_gateway


async def new_device(gateway: Gateway) -> Browser:
    made = Browser(gateway.url)
    await made.pair((await begin_pairing(gateway.operator)).code)
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(gateway: Gateway) -> Browser:
    return await new_device(gateway)


WRONG: dict[str, Callable[[Browser, DeviceSocket], str]] = {
    "nothing": lambda browser, socket: "",
    "no base64": lambda browser, socket: "$" * 86,
    "too short": lambda browser, socket: browser.sign(socket.nonce)[:-4],
    "zeros": lambda browser, socket: "A" * 86,
    "another connection": lambda browser, socket: browser.sign("c8xJ2m0d3u1Jb1nN0dq7mQKp2Vd6m4yS2y0m5dU7ZkA"),
    "another house": lambda browser, socket: browser.sign(socket.nonce, house="another"),
    "another device": lambda browser, socket: browser.sign(socket.nonce, device="0011223344556677"),
    "another port": lambda browser, socket: browser.sign(socket.nonce, origin="http://127.0.0.1:3000"),
    "another key": lambda browser, socket: Browser(browser.url, paired=browser.paired).sign(socket.nonce),
}


@pytest.mark.parametrize("proof", WRONG)
async def test_a_wrong_proof_ends_the_connection(browser: Browser, proof: str) -> None:
    async with browser.socket() as socket:
        request = {"op": "prove", "signature": WRONG[proof](browser, socket)}
        assert await socket.refusal_of(request) == "unauthorized"
        await socket.ends()
        assert socket.wire.close_code == 1008


@pytest.mark.parametrize("request_", [{"op": "hello"}, {"op": "send", "content": "x"}, {"op": "prove", "more": 1}])
async def test_nothing_comes_before_the_proof(browser: Browser, request_: dict[str, object]) -> None:
    async with browser.socket() as socket:
        assert "error" in await socket.ask(request_)
        await socket.ends()


@pytest.mark.parametrize("frame", ["", "{", "[]", "x" * 100_000])
async def test_what_is_no_proof_ends_the_connection(browser: Browser, frame: str) -> None:
    async with browser.socket() as socket:
        await socket.wire.send_str(frame)
        await socket.ends()


async def test_each_connection_has_a_number_of_its_own(browser: Browser) -> None:
    async with browser.socket() as one, browser.socket() as other:
        assert one.nonce != other.nonce
        assert len(one.nonce) >= 43
        assert await other.refusal_of({"op": "prove", "signature": browser.sign(one.nonce)}) == "unauthorized"


async def test_a_device_that_never_was_is_asked_like_any_other(gateway: Gateway) -> None:
    stranger = Browser(gateway.url, paired={"device": "ffffffffffffffff", "house": gateway.hub.state.id})
    async with stranger.socket() as socket:
        proof = {"op": "prove", "signature": stranger.sign(socket.nonce)}
        assert await socket.refusal_of(proof) == "unauthorized"
        await socket.ends()


async def test_the_id_of_a_device_is_no_token(gateway: Gateway, browser: Browser) -> None:
    token = f"gc_{browser.paired['device']}_"
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{gateway.url}/v1/me", headers={"Authorization": f"Bearer {token}"}) as response,
    ):
        assert response.status == 401


async def test_a_device_that_is_revoked_between_its_proof_and_its_hello_is_not_admitted(gateway: Gateway) -> None:
    browser = await new_device(gateway)
    async with browser.socket() as socket:
        assert "ok" in await socket.ask({"op": "prove", "signature": browser.sign(socket.nonce)})
        await run_operation(gateway.hub, system_actor(), RevokeToken(name=browser.paired["device"]))
        refused = await socket.ask({"op": "hello"})
        assert refused["error"]["code"] == "unauthorized"
        assert "not paired" in refused["error"]["message"]
        await socket.ends()
        assert socket.wire.close_code == 1008


async def test_a_stream_whose_token_ends_while_hello_is_answered_is_closed_at_once(gateway: Gateway) -> None:
    browser = await new_device(gateway)
    await run_operation(gateway.hub, system_actor(), RevokeToken(name=browser.paired["device"]))
    wire = Wire()
    connection = Connection("alice", wire, lambda sheet: b"")
    connection.token = browser.paired["device"]
    gateway.hub.streams.enter(connection)
    assert wire.is_closing()
    gateway.hub.streams.disconnect(connection)


class Wire(asyncio.Transport):
    """A transport that remembers what was written and whether it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = asyncio.Event()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return self.closed.is_set()

    def close(self) -> None:
        self.closed.set()


async def test_whoever_says_nothing_is_put_out(gateway: Gateway) -> None:
    def nobody(proof: Prove) -> Actor:
        raise Unauthorized("Nobody proves anything here.")

    wire = Wire()
    socket = BrowserWebSocket(gateway.hub, wire, Challenged("h", "o", "n"), nobody, seconds=0.01)
    await asyncio.wait_for(wire.closed.wait(), 60)
    assert b"challenge" in wire.written
    socket.close()


async def test_guesses_block_neither_the_right_code_nor_the_others(gateway: Gateway) -> None:
    """Hundreds of wrong codes while a right one is used and somebody works."""
    begun = await begin_pairing(gateway.operator)
    async with Client(gateway.operator) as person, asyncio.TaskGroup() as group:
        guesses = [group.create_task(Browser(gateway.url).pair(f"guess-{number}")) for number in range(GUESSES)]
        status, answer = await Browser(gateway.url).pair(begun.code)
        accepted = await person.send("meanwhile")
    assert status == 200, answer
    assert accepted.seq
    refusals = Counter(one.result()[0] for one in guesses)
    assert refusals.keys() == {401, 429}
    assert refusals[401] < GUESSES / 2, (
        "only so many are called wrong; of all others the gateway says that they are too many"
    )
    told = next(one.result()[1]["error"] for one in guesses if one.result()[0] == 429)
    assert "a right code works at any time" in told["message"] and told["retry_after"] > 0
    assert len(gateway.hub.pairings) == 0
