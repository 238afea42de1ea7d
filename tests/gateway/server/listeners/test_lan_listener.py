"""The page for browsers of the local network: real TLS at one address, the page and its browsers alone, until it is
closed or the gateway ends."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.client import Client
from gateway.client.discovery.endpoint import port_of
from gateway.protocol.errors import BadRequest, Conflict, Forbidden, GroupChatError, Unavailable
from gateway.protocol.requests.connection_requests import CloseLanPage, OpenLanPage
from gateway.protocol.requests.member_requests import RevokeToken
from gateway.protocol.results import Done, LanPage
from gateway.protocol.types.core_types import DeviceScope, MemberKind, Scope
from tests.support.browser import Browser, begin_pairing
from tests.support.gateways import Gateway, gateway_in_process

LAN = "127.0.0.2"


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway_in_process(tmp_path / "state") as running:
        yield running


async def opened(gateway: Gateway, address: str = LAN) -> LanPage:
    async with Client(gateway.operator) as person:
        return await person.request(OpenLanPage(address=address), LanPage)


async def closed(gateway: Gateway) -> LanPage:
    async with Client(gateway.operator) as person:
        return await person.request(CloseLanPage(), LanPage)


def pinned(page: LanPage) -> aiohttp.Fingerprint:
    return aiohttp.Fingerprint(bytes.fromhex(page.fingerprint.replace(":", "")))


async def status_of(page: LanPage, path: str, method: str = "GET", **headers: str) -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, page.url + path, headers=headers, ssl=pinned(page)) as response,
    ):
        return response.status


def visitor(page: LanPage) -> Browser:
    return Browser(page.url, trusted=pinned(page).fingerprint)


async def test_a_browser_of_the_network_is_paired_and_acts_as_its_member(gateway: Gateway) -> None:
    page = await opened(gateway)
    assert page.url == f"https://{LAN}:{port_of(gateway.url)}"
    browser = visitor(page)
    status, answer = await browser.pair((await begin_pairing(gateway.operator, DeviceScope.APPROVER, "phone")).code)
    assert (status, answer["name"]) == (200, "phone")
    async with browser.connected() as socket:
        assert "ok" in await socket.ask({"op": "send", "content": "from the sofa"})
        assert await socket.refusal_of({"op": "lan.close"}) == "forbidden", "no browser opens or closes it"
        assert await socket.refusal_of({"op": "lan.open", "address": LAN}) == "forbidden"


async def test_the_page_and_its_headers_are_served(gateway: Gateway) -> None:
    page = await opened(gateway)
    async with aiohttp.ClientSession() as session, session.get(page.url + "/", ssl=pinned(page)) as response:
        assert response.status == 200
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
        text = await response.text()
    script = text.partition('src="')[2].partition('"')[0]
    assert await status_of(page, script) == 200


NOT_SERVED = [
    *("/v1/op", "/v1/rooms", "/v1/events", "/v1/status", "/v1/tokens", "/v1/lan", "/v1/me", "/mcp", "/metrics"),
    *("/stats", "/health", "/agents", "/history", "/ws", "/events", "/agent-output", "/register", "/docs"),
    "/openapi.json",
]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_nothing_else_is_served_there_not_even_with_a_token(gateway: Gateway, method: str) -> None:
    page = await opened(gateway)
    token = f"Bearer {gateway.operator.token}"
    for path in NOT_SERVED:
        assert await status_of(page, path, method, Authorization=token) == 404, path


async def test_no_token_opens_the_socket(gateway: Gateway) -> None:
    page = await opened(gateway)
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
    }
    bearer = f"Bearer {gateway.operator.token}"
    assert await status_of(page, "/v1/ws", Origin=page.url, Authorization=bearer, **upgrade) == 403
    assert await status_of(page, f"/v1/ws?token={gateway.operator.token}", Origin=page.url, **upgrade) == 403


FOREIGN: list[dict[str, str]] = [
    {"Host": "127.0.0.1"},
    {"Host": "localhost"},
    {"Host": "evil.example"},
    {"Host": "192.168.1.5"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": f"https://{LAN}:1"},
    {"Origin": "http://127.0.0.1:3000"},
    {"Sec-Fetch-Site": "cross-site"},
]


async def test_only_its_own_address_is_a_host_and_only_its_own_page_an_origin(gateway: Gateway) -> None:
    page = await opened(gateway)
    for headers in FOREIGN:
        assert await status_of(page, "/", **headers) == 403, headers
        assert await status_of(page, "/v1/ws?device=0011223344556677", **headers) == 403, headers
    stranger = visitor(page)
    code = (await begin_pairing(gateway.operator)).code
    assert (await stranger.pair(code, Origin=gateway.url))[0] == 403
    assert (await stranger.pair(code))[0] == 200


async def test_it_listens_on_one_address_and_speaks_only_tls(gateway: Gateway) -> None:
    page = await opened(gateway)
    port = port_of(page.url)
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.3", port)
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            await session.get(f"http://{LAN}:{port}/")
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(page.url)


async def test_the_certificate_is_for_the_address_and_browsers_may_check_that(gateway: Gateway, tmp_path: Path) -> None:
    page = await opened(gateway)
    authority = ssl.create_default_context(cafile=tmp_path / "state" / "lan" / f"{LAN}.pem")
    async with aiohttp.ClientSession() as session, session.get(page.url, ssl=authority) as response:
        assert response.status == 200


async def test_it_is_open_at_one_address_only(gateway: Gateway) -> None:
    page = await opened(gateway)
    assert await opened(gateway) == page
    with pytest.raises(Conflict, match="--lan-stop"):
        await opened(gateway, "127.0.0.3")
    assert await closed(gateway) == page
    assert (await opened(gateway, "127.0.0.3")).url.startswith("https://127.0.0.3:")
    assert await closed(gateway) != page
    assert await opened(gateway) == page, "the certificate of the first address is kept"


async def test_closing_ends_its_browsers_and_no_others(gateway: Gateway) -> None:
    page = await opened(gateway)
    near, far = Browser(gateway.url), visitor(page)
    for browser in (near, far):
        assert (await browser.pair((await begin_pairing(gateway.operator)).code))[0] == 200
    async with near.connected() as here, far.connected() as there:
        await closed(gateway)
        await there.ends()
        assert "ok" in await here.ask({"op": "ping"})
    with pytest.raises(OSError):
        await asyncio.open_connection(LAN, port_of(page.url))
    with pytest.raises(Conflict, match="not open"):
        await closed(gateway)


async def test_a_revoked_browser_is_cut_off_there_too(gateway: Gateway) -> None:
    browser = visitor(await opened(gateway))
    await browser.pair((await begin_pairing(gateway.operator)).code)
    async with browser.connected() as socket, Client(gateway.operator) as person:
        await person.request(RevokeToken(name=browser.paired["device"]), Done)
        await socket.ends()


async def test_it_survives_nothing(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path / "state") as first:
        page = await opened(first)
    with pytest.raises(OSError):
        await asyncio.open_connection(LAN, port_of(page.url))
    async with gateway_in_process(tmp_path / "state") as second:
        with pytest.raises(Conflict, match="not open"):
            await closed(second)
        assert (await opened(second)).fingerprint == page.fingerprint, "a browser that accepted it knows it again"


REFUSED: list[tuple[str, type[GroupChatError], str]] = [
    ("0.0.0.0", BadRequest, "no address of a private network"),
    ("8.8.8.8", BadRequest, "no address of a private network"),
    ("desk.local", BadRequest, "is no address"),
    ("10.255.255.254", Unavailable, "Name an address that this machine has"),
    ("127.0.0.1", Unavailable, "Name an address that this machine has"),
]


@pytest.mark.parametrize(("address", "error", "sentence"), REFUSED)
async def test_what_cannot_be_opened_is_refused_with_a_reason(
    gateway: Gateway, address: str, error: type[GroupChatError], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        await opened(gateway, address)
    assert (await opened(gateway)).url, "another address still can be"


@pytest.mark.parametrize(("name", "kind", "scopes"), [("bob", MemberKind.HUMAN, ()), ("claude", MemberKind.AGENT, ())])
async def test_only_an_administrator_opens_and_closes_it(
    gateway: Gateway, name: str, kind: MemberKind, scopes: tuple[Scope, ...]
) -> None:
    page = await opened(gateway)
    token = await gateway.member(name, kind, *scopes)
    requests: tuple[Any, ...] = (OpenLanPage(address=LAN), CloseLanPage())
    async with Client(token) as member:
        for request in requests:
            with pytest.raises(Forbidden):
                await member.request(request, LanPage)
    async with Client(gateway.team) as team:
        for request in requests:
            with pytest.raises(Forbidden):
                await team.request(request, LanPage)
    assert await opened(gateway) == page
