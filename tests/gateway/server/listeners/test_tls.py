"""TLS with a self-signed certificate: whom clients believe, and that a token is shown to nobody else."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.client import Client, Endpoint, TlsTrust
from gateway.client.discovery.running_gateway import read_running
from gateway.client.http_transports import EventStreamTransport, PollTransport
from gateway.client.transports import ClientTransport, WebSocketTransport
from gateway.protocol.errors import BadRequest, GroupChatError, Unauthorized, Unavailable
from gateway.runtime.config import Config
from tests.support.certificates import Certificate, self_signed
from tests.support.gateways import DidNotStart, Gateway, GatewayProcess, gateway_in_process

MakeWire = Callable[[Endpoint], ClientTransport]
every_wire = pytest.mark.parametrize(
    "wire", [WebSocketTransport, EventStreamTransport, PollTransport], ids=["websocket", "events", "poll"]
)


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return self_signed(tmp_path)


@pytest.fixture
async def secure(tmp_path: Path, certificate: Certificate) -> AsyncIterator[Gateway]:
    async with gateway_in_process(tmp_path / "state", cert=certificate.cert, key=certificate.key) as gateway:
        yield gateway


async def said_over(wire: MakeWire, endpoint: Endpoint) -> int:
    async with asyncio.timeout(60), Client(endpoint, wires=[wire]) as client:
        return (await client.send("hello")).seq


@every_wire
async def test_a_named_authority_is_believed(secure: Gateway, certificate: Certificate, wire: MakeWire) -> None:
    endpoint = Endpoint(secure.url, secure.operator.token, TlsTrust(cafile=certificate.cert))
    assert secure.url.startswith("https://")
    assert await said_over(wire, endpoint) > 0


@every_wire
@pytest.mark.parametrize("written", [str, str.lower, lambda text: text.replace(":", "")])
async def test_a_pinned_certificate_is_believed(
    secure: Gateway, certificate: Certificate, wire: MakeWire, written: Callable[[str], str]
) -> None:
    trust = TlsTrust(fingerprint=written(certificate.fingerprint))
    assert await said_over(wire, Endpoint(secure.url, secure.operator.token, trust)) > 0


@every_wire
async def test_without_a_reason_to_believe_it_nothing_is_said(secure: Gateway, wire: MakeWire) -> None:
    with pytest.raises(GroupChatError, match="certificate"):
        await said_over(wire, Endpoint(secure.url, secure.operator.token))


@asynccontextmanager
async def eavesdropper(certificate: Certificate) -> AsyncIterator[tuple[str, bytearray]]:
    """Somebody else's TLS server, and all that clients tell it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.cert, certificate.key)
    heard = bytearray()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.read(65536))
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", heard
    finally:
        server.close()
        await server.wait_closed()


@every_wire
async def test_another_certificate_than_the_pinned_one_never_sees_the_token(
    tmp_path: Path, certificate: Certificate, wire: MakeWire
) -> None:
    other = self_signed(tmp_path, "impostor")
    async with eavesdropper(other) as (url, heard):
        with pytest.raises(Unauthorized, match=other.fingerprint.replace(":", "").lower()):
            await said_over(wire, Endpoint(url, "the-secret-token", TlsTrust(fingerprint=certificate.fingerprint)))
        assert heard == b""


async def test_a_running_gateway_tells_its_fingerprint_to_who_may_read_its_folder(
    secure: Gateway, certificate: Certificate
) -> None:
    running = read_running(secure.config.state)
    assert running is not None
    assert running.fingerprint == certificate.fingerprint.replace(":", "").lower()


@pytest.mark.parametrize("text", ["", "zz", "ab:cd", "a" * 63, "é" * 64])
def test_a_fingerprint_that_cannot_be_one(text: str) -> None:
    with pytest.raises(BadRequest, match="fingerprint"):
        TlsTrust(fingerprint=text)


def test_an_authority_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="nowhere"):
        TlsTrust(cafile=str(tmp_path / "nowhere.pem")).context()


# where it may listen


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "example.org"])
def test_off_the_loopback_tls_or_a_word_is_needed(tmp_path: Path, host: str) -> None:
    with pytest.raises(BadRequest, match="--insecure"):
        Config(state=tmp_path, host=host)
    assert Config(state=tmp_path, host=host, insecure=True).host == host
    assert Config(state=tmp_path, host=host, cert="cert.pem", key="key.pem").host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_on_the_loopback_nothing_is_needed(tmp_path: Path, host: str) -> None:
    assert Config(state=tmp_path, host=host).host == host


def test_the_command_refuses_an_open_address(tmp_path: Path) -> None:
    process = GatewayProcess(tmp_path / "state", "--host", "0.0.0.0")
    with pytest.raises(DidNotStart) as refused, process.running():
        pass
    assert refused.value.code == 1
    assert '"code":"bad_request"' in refused.value.log
    assert "--cert FILE --key FILE" in refused.value.log


async def test_a_key_that_does_not_fit(tmp_path: Path, certificate: Certificate) -> None:
    other = self_signed(tmp_path, "other")
    with pytest.raises(BadRequest, match="cannot be used"):
        async with gateway_in_process(tmp_path / "state", cert=certificate.cert, key=other.key):
            pass


async def test_tls_spoken_to_a_plain_gateway(gateway: Gateway) -> None:
    with pytest.raises(Unavailable):
        await said_over(WebSocketTransport, Endpoint(gateway.url.replace("http", "https"), gateway.operator.token))
