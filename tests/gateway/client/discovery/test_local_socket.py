"""The gateway's own socket: all wires go through it, and no token goes to a process that is not ours."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest

from gateway.client import Client, Endpoint, HttpClient, TlsTrust, find_endpoint
from gateway.client.discovery.endpoint import is_same_gateway
from gateway.client.discovery.local_socket import (
    GATEWAY_SOCKET,
    MAX_PATH_BYTES,
    connect_to_own,
    listen_at_path,
    listen_in_folder,
)
from gateway.client.discovery.running_gateway import (
    GATEWAY_FILE,
    RunningGateway,
    has_live_gateway,
    read_live_gateway,
    read_running,
)
from gateway.client.http_transports import EventStreamTransport, PollTransport
from gateway.client.transports import ClientTransport, WebSocketTransport
from gateway.protocol.errors import BadRequest, Forbidden, GroupChatError, Unauthorized, Unavailable
from gateway.protocol.events import Message, Welcome
from gateway.protocol.requests.connection_requests import Hello, Ping
from gateway.protocol.requests.member_requests import CreateToken
from gateway.protocol.results import Pong, TokenMade
from tests.fakes.retry import retry_until
from tests.support.certificates import Certificate, self_signed
from tests.support.commands import Groupchat
from tests.support.gateways import TEAM_TOKEN, Gateway, GatewayProcess, gateway_in_process
from tests.support.other_user import NOBODY, as_nobody, needs_root
from tests.support.port_thief import PortThief

WIRES: list[Callable[[Endpoint], ClientTransport]] = [WebSocketTransport, EventStreamTransport, PollTransport]


@pytest.mark.parametrize("wire", WIRES)
async def test_each_wire_goes_through_the_socket(gateway: Gateway, wire: Callable[[Endpoint], ClientTransport]) -> None:
    endpoint = find_endpoint({}, state=gateway.config.state)
    assert endpoint.socket == gateway.config.state / GATEWAY_SOCKET
    nowhere = Endpoint("http://127.0.0.1:1", endpoint.token, socket=endpoint.socket)
    async with Client(nowhere, Hello(echo=True), wires=[wire]) as client:
        said = await client.send("hello")
        async for event in client.events():
            if isinstance(event, Message) and event.seq == said.seq:
                break
    async with HttpClient(nowhere) as direct:
        assert await direct.ask(Ping(), Pong)


async def test_a_gateway_with_tls_is_reached_by_its_socket_too(tmp_path: Path, certificate: Certificate) -> None:
    async with gateway_in_process(tmp_path / "state", cert=certificate.cert, key=certificate.key) as gateway:
        own = find_endpoint({"GROUPCHAT_FINGERPRINT": certificate.fingerprint}, state=gateway.config.state)
        async with Client(own) as client:
            assert await client.request(Ping(), Pong)
        with pytest.raises(Unauthorized, match="another certificate"):
            find_endpoint({}, state=gateway.config.state, fingerprint="0" * 64)


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return self_signed(tmp_path)


async def test_a_path_that_is_too_long_for_a_socket(tmp_path: Path) -> None:
    state = tmp_path / ("long-" * 30)
    async with gateway_in_process(state) as gateway:
        endpoint = find_endpoint({}, state=state)
        assert endpoint.socket is not None
        assert len(os.fsencode(endpoint.socket)) <= MAX_PATH_BYTES and not endpoint.socket.is_relative_to(state)
        assert endpoint.socket.parent.stat().st_mode & 0o777 == 0o700
        async with Client(endpoint) as client:
            assert await client.request(Ping(), Pong)
    assert not endpoint.socket.exists()
    assert gateway.config.state == state


# which way a token goes


def announce(state: Path, url: str, **more: object) -> None:
    state.mkdir(mode=0o700, exist_ok=True)
    running = RunningGateway(url, os.getpid(), "alice", **more)  # type: ignore[arg-type]
    (state / GATEWAY_FILE).write_bytes(msgspec.json.encode(running))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://127.0.0.1:8765", "http://localhost:8765", True),
        ("http://[::1]:8765", "http://127.0.0.1:8765", True),
        ("http://127.0.0.1:8765", "http://0.0.0.0:8765", True),
        ("https://chat.example:8765", "https://chat.example:8765", True),
        ("http://127.0.0.1:8765", "http://127.0.0.1:8766", False),
        ("http://chat.example", "http://chat.example:80", True),
        ("http://chat.example:8765", "http://127.0.0.1:8765", False),
        ("http://127.0.0.1:8765", "http://chat.example:8765", False),
    ],
)
def test_which_addresses_mean_the_local_gateway(one: str, other: str, same: bool) -> None:
    assert is_same_gateway(one, other) is same


async def test_by_its_own_address_it_is_reached_by_its_socket(gateway: Gateway) -> None:
    state = gateway.config.state
    for env in ({}, {"CSP_AUTH_TOKEN": TEAM_TOKEN}):
        found = find_endpoint(env, gateway=gateway.url.replace("127.0.0.1", "localhost"), state=state)
        assert found.socket == state / GATEWAY_SOCKET
        assert found.token == (TEAM_TOKEN if env else gateway.operator.token)


@pytest.mark.parametrize("by", ["option", "variable"])
async def test_the_operators_token_goes_to_no_other_address(gateway: Gateway, by: str) -> None:
    other = "http://127.0.0.1:9"
    env, option = ({}, other) if by == "option" else ({"CSP_GATEWAY_URL": other}, None)
    with pytest.raises(Unauthorized, match=r"is not the gateway of .*CSP_AUTH_TOKEN"):
        find_endpoint(env, gateway=option, state=gateway.config.state)
    given = find_endpoint({**env, "CSP_AUTH_TOKEN": "given"}, gateway=option, state=gateway.config.state)
    assert (given.url, given.token, given.socket) == (other, "given", None)


@pytest.mark.parametrize("env", [{}, {"GROUPCHAT_FINGERPRINT": "0" * 64}])
async def test_a_pin_without_a_certificate_is_an_error(gateway: Gateway, env: dict[str, str]) -> None:
    pin = None if env else "0" * 64
    for address in (None, "http://127.0.0.1:9", "127.0.0.1:9", "ws://127.0.0.1:9"):
        with pytest.raises(BadRequest, match="has none"):
            find_endpoint({**env, "CSP_AUTH_TOKEN": "t"}, gateway=address, fingerprint=pin, state=gateway.config.state)


def test_what_a_dead_gateway_has_left_is_not_believed(tmp_path: Path) -> None:
    announce(tmp_path, "http://127.0.0.1:9")
    (tmp_path / "gateway.lock").write_text("1")
    assert read_running(tmp_path) is not None and read_live_gateway(tmp_path) is None and not has_live_gateway(tmp_path)
    with pytest.raises(Unavailable, match="groupchat serve"):
        find_endpoint({}, state=tmp_path)
    for env in ({}, {"CSP_AUTH_TOKEN": "given"}):
        with pytest.raises(Unavailable, match="groupchat serve"):
            find_endpoint({**env, "CSP_GATEWAY_URL": "http://localhost:9"}, state=tmp_path)


@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_a_given_token_does_not_go_to_the_port_of_a_gateway_that_is_down(tmp_path: Path, how: str) -> None:
    env = {"CSP_AUTH_TOKEN": "given", "CSP_GATEWAY_URL": "http://localhost:8765"}
    assert find_endpoint(env, state=tmp_path).socket is None  # no gateway has ever lived in this folder
    (tmp_path / "gateway.lock").write_text("1")
    if how == "killed":
        announce(tmp_path, "http://127.0.0.1:8765", socket=str(tmp_path / GATEWAY_SOCKET))
        assert find_endpoint(env, state=tmp_path).socket == tmp_path / GATEWAY_SOCKET
    else:
        with pytest.raises(Unavailable, match="no token is sent"):
            find_endpoint(env, state=tmp_path)
    assert find_endpoint({**env, "CSP_GATEWAY_URL": "http://chat.example:8765"}, state=tmp_path).socket is None


def test_the_command_that_helps_this_user(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="`groupchat serve`"):
        find_endpoint({"GROUPCHAT_STATE": str(tmp_path)})
    (tmp_path / "workspace.json").write_text("{}")
    with pytest.raises(Unavailable, match="`groupchat up`"):
        find_endpoint({"GROUPCHAT_STATE": str(tmp_path)})
    with pytest.raises(Unavailable, match=f"`groupchat up --state {tmp_path}`"):
        find_endpoint({}, state=tmp_path)


# who is at the other end


async def refused(path: Path) -> str:
    with pytest.raises(GroupChatError) as caught:
        (await connect_to_own(path)).close()
    assert isinstance(caught.value, Forbidden)
    return caught.value.message


async def test_what_is_no_socket_of_ours(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    (folder / "file").write_text("")
    assert "is not a socket" in await refused(folder / "file")
    listener = listen_at_path(folder / "real")
    listener.listen()
    (folder / "link").symlink_to(folder / "real")
    assert "is a link" in await refused(folder / "link")
    (await connect_to_own(folder / "real")).close()
    folder.chmod(0o755)
    (await connect_to_own(folder / "real")).close()
    assert folder.stat().st_mode & 0o777 == 0o700
    listener.close()
    with pytest.raises(ConnectionRefusedError):
        await connect_to_own(folder / "real")
    with pytest.raises(FileNotFoundError):
        await connect_to_own(folder / "missing")


@needs_root
async def test_a_socket_of_another_user(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    listener = listen_at_path(folder / "theirs")
    listener.listen()
    os.chown(folder / "theirs", NOBODY, NOBODY)
    assert "belongs to" in await refused(folder / "theirs")
    os.chown(folder / "theirs", 0, 0)
    os.chown(folder, NOBODY, NOBODY)
    assert "belongs to" in await refused(folder / "theirs")
    listener.close()


@needs_root
async def test_a_process_of_another_user_behind_a_socket_that_looks_like_ours(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    listener = listen_at_path(folder / "taken")
    listens = "s = socket.socket(fileno=int(sys.argv[1])); s.listen(); print('ready', flush=True); input()"
    with as_nobody(listens, str(listener.fileno()), fds=(listener.fileno(),)) as process:
        listener.close()
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        assert "nothing was sent to it" in await refused(folder / "taken")


@needs_root
async def test_the_gateway_lets_no_other_user_in_by_its_socket(gateway: Gateway) -> None:
    asks = (
        "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
        "s.sendall(b'GET /health HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n'); print(s.recv(99).split()[1], flush=True)"
    )
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / GATEWAY_SOCKET
        os.link(gateway.config.state / GATEWAY_SOCKET, place)
        place.chmod(0o777)
        place.parent.chmod(0o711)
        with as_nobody(asks, str(place)) as process:
            assert process.stdout is not None
            assert await asyncio.to_thread(process.stdout.readline) == "b'403'\n"


def test_what_was_left_of_a_killed_gateway_is_replaced(tmp_path: Path) -> None:
    with listen_in_folder(tmp_path, GATEWAY_SOCKET, {})[0]:
        pass
    listener, path = listen_in_folder(tmp_path, GATEWAY_SOCKET, {})
    assert path == tmp_path / GATEWAY_SOCKET and path.stat().st_mode & 0o777 == 0o600
    listener.close()


# a gateway is killed, and another process takes its port


class Counted(WebSocketTransport):
    tries: ClassVar[list[str]] = []

    async def open(self, hello: Hello) -> Welcome:
        self.tries.append(self._endpoint.token)
        return await super().open(hello)


async def test_who_takes_the_port_of_a_killed_gateway_gets_no_token(tmp_path: Path) -> None:
    process = GatewayProcess(tmp_path / "state")
    commands = Groupchat(process.state, quick=True)
    with process.running():
        person = find_endpoint({}, state=process.state)
        async with Client(person) as alice:
            made = await alice.request(CreateToken(name="ada"), TokenMade)
        agent = replace(person, token=made.token)
        async with (
            Client(person, wires=[Counted], chance=lambda: 1.0),
            Client(agent, wires=[Counted], chance=lambda: 1.0),
        ):
            process.kill()
            async with PortThief(process.url) as thief:
                await retry_until(lambda: min(map(Counted.tries.count, (person.token, agent.token))) >= 6)
                for options in ((), ("--gateway", process.url)):
                    done = await asyncio.to_thread(commands, "status", "--json", *options)
                    assert done.code == 1, done
                given = commands.with_env(CSP_AUTH_TOKEN=TEAM_TOKEN, CSP_GATEWAY_URL=process.url)
                done = await asyncio.to_thread(given, "agents", "--json")
                assert done.code == 1, done
                assert not [one for one in (person.token, agent.token, TEAM_TOKEN) if one.encode() in thief.heard]


def test_a_socket_needs_no_certificate() -> None:
    assert not Endpoint("https://x", "t", TlsTrust(fingerprint="0" * 64), Path("/s")).secure
    assert Endpoint("https://x", "t", socket=Path("/s")).at("/v1/ws", websocket=True) == "ws://localhost/v1/ws"
