"""The client over bad networks: it resumes without gap or repetition, repeats safely, and knows when to give up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from itertools import islice
from pathlib import Path

import pytest

from gateway.client import Client, ConnectionLost, Endpoint
from gateway.client.backoff import retry_delays
from gateway.client.client import MAX_UNREAD_EVENTS
from gateway.client.http_transports import EventStreamTransport, PollTransport
from gateway.client.transports import TRANSPORTS as DEFAULT_WIRES
from gateway.client.transports import ClientTransport, WebSocketTransport
from gateway.protocol.errors import Unauthorized, Unavailable, UnknownRecipient
from gateway.protocol.events import Event, Message, Welcome
from gateway.protocol.requests.connection_requests import Hello, Ping
from gateway.protocol.requests.member_requests import CreateToken, RevokeToken, SetRole
from gateway.protocol.requests.message_requests import History
from gateway.protocol.results import Done, MessageList, Pong, TokenMade
from tests.fakes.retry import retry_until
from tests.support.gateways import Gateway, gateway_in_process
from tests.support.held_ports import free_port
from tests.support.proxy import Proxy, proxy_to

MakeWire = Callable[[Endpoint], ClientTransport]
WIRES: list[MakeWire] = [WebSocketTransport, EventStreamTransport, PollTransport]
every_wire = pytest.mark.parametrize("wire", WIRES, ids=["websocket", "events", "poll"])


@pytest.fixture
async def proxy(gateway: Gateway) -> AsyncIterator[Proxy]:
    async with proxy_to(gateway.url) as proxy:
        yield proxy


def through(proxy: Proxy, endpoint: Endpoint) -> Endpoint:
    return Endpoint(proxy.url, endpoint.token)


def client_of(endpoint: Endpoint, hello: Hello | None = None, *, wire: MakeWire | None = None) -> Client:
    """A client in a hurry."""
    return Client(endpoint, hello, chance=lambda: 1.0, wires=DEFAULT_WIRES if wire is None else [wire])


def noting(opened: list[type]) -> list[MakeWire]:
    """The default transports; each notes its class when it has opened."""

    def noted(make: MakeWire) -> MakeWire:
        def made(endpoint: Endpoint) -> ClientTransport:
            wire = make(endpoint)
            plain_open = wire.open

            async def open_and_note(hello: Hello) -> Welcome:
                welcome = await plain_open(hello)
                opened.append(type(wire))
                return welcome

            wire.open = open_and_note  # type: ignore[method-assign]
            return wire

        return made

    return [noted(make) for make in DEFAULT_WIRES]


async def messages(client: Client, last: str) -> list[str]:
    """The contents of what is heard until `last`."""
    heard: list[str] = []
    async with asyncio.timeout(60):
        async for event in client.events():
            if isinstance(event, Message):
                heard.append(event.content)
                if event.content == last:
                    break
    return heard


async def said(gateway: Gateway) -> list[str]:
    async with Client(gateway.operator) as client:
        found = (await client.request(History(limit=1000), MessageList)).messages
        return [one.content for one in reversed(found)]


@pytest.mark.parametrize(
    ("chance", "wanted"),
    [
        (0.0, [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0, 10.0]),
        (1.0, [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]),
        (0.5, [0.15, 0.3, 0.6, 1.2, 2.4, 4.8, 7.5, 7.5, 7.5]),
    ],
)
def test_the_pauses_between_tries(chance: float, wanted: list[float]) -> None:
    assert list(islice(retry_delays(lambda: chance), 9)) == pytest.approx(wanted)
    assert all(0.1 <= pause <= 10 for pause in islice(retry_delays(lambda: chance), 1000)), "for ever, never spinning"


# resuming


@every_wire
async def test_what_is_heard_goes_on_where_it_broke_off(gateway: Gateway, proxy: Proxy, wire: MakeWire) -> None:
    bob = through(proxy, await gateway.member("bob"))
    async with client_of(bob, wire=wire) as listener, Client(gateway.operator) as alice:
        wanted = []
        for number in range(6):
            wanted += [f"{number} before", f"{number} while away", f"{number} after"]
            await alice.send(wanted[-3])
            made = proxy.made
            assert proxy.cut() > 0
            await alice.send(wanted[-2])
            await retry_until(lambda made=made: proxy.made > made)  # type: ignore[misc]
            await alice.send(wanted[-1])
        assert await messages(listener, wanted[-1]) == wanted


class StutteringWire(WebSocketTransport):
    async def events(self) -> AsyncIterator[Event]:
        async for event in super().events():
            yield event
            yield event


async def test_a_wire_that_repeats_itself_is_heard_once(gateway: Gateway) -> None:
    bob = await gateway.member("bob")
    async with client_of(bob, wire=StutteringWire) as listener, Client(gateway.operator) as alice:
        for content in ("one", "two", "last"):
            await alice.send(content)
        assert await messages(listener, "last") == ["one", "two", "last"]


async def test_a_reconnect_is_told(gateway: Gateway, proxy: Proxy) -> None:
    async with client_of(through(proxy, gateway.operator)) as client:
        proxy.cut()
        kinds: list[type] = []
        async for event in client.events():
            if isinstance(event, ConnectionLost | Welcome):
                kinds.append(type(event))
            if kinds[-1:] == [Welcome]:
                break
        assert kinds == [ConnectionLost, Welcome]
        assert client.welcome.you.name == "alice"


async def test_a_role_that_was_given_outlives_a_reconnect(gateway: Gateway, proxy: Proxy) -> None:
    bob = through(proxy, await gateway.member("bob"))
    async with client_of(bob, Hello(role="coder")) as client, Client(gateway.operator) as alice:
        assert client.welcome.you.role == "coder"
        await alice.request(SetRole(member="bob", role="critic"), Done)
        proxy.cut()
        async for event in client.events():
            if isinstance(event, Welcome):
                break
        assert client.welcome.you.role == "critic"


@pytest.mark.slow
async def test_a_member_that_joins_late_can_have_everything(gateway: Gateway) -> None:
    async with Client(gateway.operator) as alice:
        for number in range(1200):
            await alice.send(str(number))
    for wire in WIRES:
        async with client_of(gateway.operator, Hello(since=0, echo=True), wire=wire) as client:
            assert await messages(client, "1199") == [str(number) for number in range(1200)]


async def test_a_log_put_back_from_a_backup_is_followed_from_its_end(gateway: Gateway, tmp_path: Path) -> None:
    """The same tokens, fewer messages: what the client has seen is beyond the end of the log."""
    async with proxy_to(gateway.url) as proxy, gateway_in_process(tmp_path / "other") as other:
        async with Client(gateway.operator) as alice:
            for number in range(50):
                await alice.send(str(number))
        token = (await gateway.member("bob")).token
        other.hub.state.tokens.update(gateway.hub.state.tokens)
        await other.member("bob")
        async with client_of(Endpoint(proxy.url, token)) as bob:
            proxy.upstream = other.url
            proxy.cut()
            async for event in bob.events():
                if isinstance(event, Welcome):
                    break
            async with Client(other.operator) as alice:
                await alice.send("in the other log")
            assert await messages(bob, "in the other log") == ["in the other log"]


# asking


@every_wire
async def test_a_send_whose_answer_is_lost_is_said_once(gateway: Gateway, proxy: Proxy, wire: MakeWire) -> None:
    async with client_of(through(proxy, gateway.operator), wire=wire) as client:
        proxy.deaf = True
        sending = asyncio.gather(client.send("once"), client.send("and once"))
        await retry_until(lambda: gateway.hub.metrics.accepted._value.get() == 2)
        proxy.deaf = False
        proxy.cut()
        accepted = await sending
        assert [one.duplicate for one in accepted] == [True, True]
        assert sorted(await said(gateway)) == ["and once", "once"]


async def test_what_must_not_happen_twice_is_not_asked_twice(gateway: Gateway, proxy: Proxy) -> None:
    async with client_of(through(proxy, gateway.operator)) as client:
        proxy.deaf = True
        asking = asyncio.ensure_future(client.request(CreateToken(name="bob"), TokenMade))  # noqa: TID251
        await retry_until(lambda: "bob" in gateway.hub.state.members)
        proxy.deaf = False
        proxy.cut()
        with pytest.raises(Unavailable, match="look whether it happened"):
            await asking
        assert len([one for one in gateway.hub.state.tokens.values() if one.member == "bob"]) == 1


@every_wire
async def test_one_lost_request_does_not_silence_the_client(gateway: Gateway, proxy: Proxy, wire: MakeWire) -> None:
    """On the HTTP wires requests and events have connections of their own, and only one of them is cut."""
    async with client_of(through(proxy, gateway.operator), wire=wire) as client:
        await client.send("first")
        assert proxy.cut(lambda line: "/v1/op" in line.asked or "/v1/ws" in line.asked) > 0
        async with asyncio.timeout(60):
            await asyncio.gather(*(client.send(f"number {number}") for number in range(5)))
        assert len(await said(gateway)) == 6


@every_wire
async def test_a_slow_network_is_only_slow(gateway: Gateway, proxy: Proxy, wire: MakeWire) -> None:
    proxy.delay = 0.02
    async with client_of(through(proxy, gateway.operator), Hello(echo=True), wire=wire) as client:
        await asyncio.gather(*(client.send(str(number)) for number in range(20)))
        await client.send("last")
        assert len(await messages(client, "last")) == 21


@every_wire
async def test_an_error_is_the_same_on_every_wire(gateway: Gateway, wire: MakeWire) -> None:
    await gateway.member("claude")
    async with client_of(gateway.operator, wire=wire) as client:
        with pytest.raises(UnknownRecipient, match="claud") as caught:
            await client.send("hello", to="@claud")
        assert caught.value.nearest == ("@claude",)


@every_wire
@pytest.mark.parametrize("echo", [True, False])
async def test_one_hears_oneself_only_on_request(gateway: Gateway, wire: MakeWire, echo: bool) -> None:
    bob = await gateway.member("bob")
    async with client_of(gateway.operator, Hello(echo=echo), wire=wire) as alice, Client(bob) as other:
        await alice.send("mine")
        await other.send("not mine")
        assert await messages(alice, "not mine") == (["mine", "not mine"] if echo else ["not mine"])


@every_wire
async def test_the_largest_message_gets_through_every_wire(gateway: Gateway, wire: MakeWire) -> None:
    bob = await gateway.member("bob")
    context = {"file": "x" * 1_000_000}
    async with client_of(bob, wire=wire) as listener, client_of(gateway.operator, wire=wire) as alice:
        await alice.send("\x01" * 65_536, context=context)
        await alice.send("last")
        assert await messages(listener, "last") == ["\x01" * 65_536, "last"]


@pytest.mark.slow
async def test_a_reader_that_is_behind_still_gets_answers_and_later_the_rest(gateway: Gateway) -> None:
    """More events than are kept unread, and the reader asks for something before it reads on."""
    total = MAX_UNREAD_EVENTS + 2000
    async with Client(gateway.operator) as alice:
        for begin in range(0, total, 500):
            await asyncio.gather(*(alice.send(str(number)) for number in range(begin, begin + 500)))
    async with client_of(gateway.operator, Hello(since=0, echo=True)) as client:
        heard: list[int] = []
        async for event in client.events():
            if isinstance(event, Message):
                heard.append(event.seq)
                if len(heard) in (1, 5000):
                    await client.request(Ping(), Pong, timeout=20)
                if len(heard) == total:
                    break
        assert len(set(heard)) == total
        assert heard == sorted(heard)


async def test_who_never_reads_can_still_ask(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.client.client.MAX_UNREAD_EVENTS", 100)
    async with Client(gateway.operator, Hello(echo=True)) as client:
        for _ in range(3):
            await asyncio.gather(*(client.send("x") for _ in range(500)))
        await client.request(Ping(), Pong, timeout=60)


# falling back


@pytest.mark.parametrize(
    ("forbidden", "wire"),
    [([], WebSocketTransport), (["/v1/ws"], EventStreamTransport), (["/v1/ws", "/v1/events"], PollTransport)],
)
async def test_where_websockets_are_blocked_there_is_another_way(
    gateway: Gateway, proxy: Proxy, forbidden: list[str], wire: type
) -> None:
    proxy.forbidden.update(forbidden)
    bob, opened = await gateway.member("bob"), list[type]()
    async with (
        Client(through(proxy, bob), chance=lambda: 1.0, wires=noting(opened)) as listener,
        Client(gateway.operator) as alice,
    ):
        async with asyncio.timeout(60):
            while opened[-1] is not wire:
                await listener.request(Ping(), Pong)
        await alice.send("hello")
        assert await messages(listener, "hello") == ["hello"]
        await listener.send("hello yourself")
    assert await said(gateway) == ["hello", "hello yourself"]


async def test_when_the_network_gets_better_the_websocket_comes_back(gateway: Gateway, proxy: Proxy) -> None:
    proxy.forbidden.add("/v1/ws")
    opened: list[type] = []
    async with Client(through(proxy, gateway.operator), chance=lambda: 1.0, wires=noting(opened)):
        assert opened == [EventStreamTransport]
        await retry_until(lambda: any("/v1/events" in line.asked for line in proxy.lines))
        proxy.forbidden.clear()
        proxy.cut()
        await retry_until(lambda: opened[-1] is WebSocketTransport)


# beginning and ending


async def test_the_impatient_are_told_at_once_that_nothing_is_there() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    async with asyncio.timeout(60):
        with pytest.raises(Unavailable, match=f"No gateway answers at {url}.*groupchat serve"):
            await Client(Endpoint(url, "token")).__aenter__()


async def test_the_patient_wait_for_the_gateway(tmp_path: Path) -> None:
    port = free_port()
    async with gateway_in_process(tmp_path / "state", port=port) as first:
        endpoint = first.operator
    async with asyncio.TaskGroup() as group:
        entering = group.create_task(Client(endpoint, patient=True, chance=lambda: 1.0).__aenter__())
        await retry_until(lambda: not entering.done())
        async with gateway_in_process(tmp_path / "state", port=port):
            client = await entering
            assert (await client.send("here at last")).seq > 0
            await client.__aexit__(None, None, None)


@every_wire
async def test_a_wrong_token_ends_even_the_patient(gateway: Gateway, wire: MakeWire) -> None:
    async with asyncio.timeout(60):
        with pytest.raises(Unauthorized):
            await Client(Endpoint(gateway.url, "wrong"), patient=True, wires=[wire]).__aenter__()


@every_wire
async def test_a_revoked_token_ends_the_client(gateway: Gateway, wire: MakeWire) -> None:
    bob = await gateway.member("bob")
    async with client_of(bob, wire=wire) as client, Client(gateway.operator) as alice:
        await alice.request(RevokeToken(name="bob"), Done)
        seen = []
        async with asyncio.timeout(60):
            with pytest.raises(Unauthorized):
                async for event in client.events():
                    seen.append(event)
        assert isinstance(seen[-1], ConnectionLost)
        with pytest.raises(Unauthorized):
            await client.send("am I still here?")
    assert await said(gateway) == []
