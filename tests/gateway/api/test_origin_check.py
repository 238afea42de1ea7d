"""Which pages may use the gateway: a table of origins, and what is at the other end of a real connection."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from gateway.api.origin_check import AllowedHosts, is_own_page, page_origin, requested_host
from gateway.runtime.listen_option import Listen
from tests.support.gateways import TEAM_TOKEN, gateway_in_process

HERE = "192.0.2.7"  # the address of this machine at which the request came in
LOCAL = AllowedHosts.of("127.0.0.1", (), "box")
EVERYWHERE = AllowedHosts.of("0.0.0.0", ("chat.example", "2001:DB8::1"), "Box")


def lets(origin: str, host: str, hosts: AllowedHosts, *, secure: bool = False, here: str = HERE) -> bool:
    asked = requested_host(host, secure=secure)
    return asked is not None and asked.host in hosts and is_own_page(page_origin(origin), asked, hosts, here)


@pytest.mark.parametrize(
    ("origin", "host", "secure"),
    [
        ("http://127.0.0.1:8765", "127.0.0.1:8765", False),
        ("http://localhost:8765", "127.0.0.1:8765", False),
        ("http://127.0.0.1:8765", "localhost:8765", False),
        ("HTTP://LOCALHOST:8765", "LocalHost:8765", False),
        ("http://[::1]:8765", "[::1]:8765", False),
        ("http://[0:0:0:0:0:0:0:1]:8765", "localhost:8765", False),
        ("http://[::ffff:127.0.0.1]:8765", "127.0.0.1:8765", False),
        ("http://localhost", "localhost", False),
        ("http://localhost", "localhost:80", False),
        ("https://localhost", "localhost", True),
        ("https://localhost:443", "localhost", True),
    ],
)
def test_its_own_pages_on_this_machine(origin: str, host: str, secure: bool) -> None:
    assert lets(origin, host, LOCAL, secure=secure, here="127.0.0.1")
    assert lets(origin, host, EVERYWHERE, secure=secure)


@pytest.mark.parametrize(
    "origin",
    [
        "http://192.0.2.7:8765",
        "http://192.0.2.7:08765",
        "http://[::ffff:192.0.2.7]:8765",
        "http://box:8765",
        "http://BOX:8765",
        "https://chat.example",
        "https://chat.example:8443",
        "https://[2001:db8:0::1]",
    ],
)
@pytest.mark.parametrize("host", ["127.0.0.1:8765", "192.0.2.7:8765", "box:8765"])
def test_its_own_pages_at_its_other_addresses(origin: str, host: str) -> None:
    assert lets(origin, host, EVERYWHERE)
    assert not lets(origin, host, LOCAL, here="127.0.0.1")


@pytest.mark.parametrize(
    "origin",
    [
        *("", "null", "Null", "*", "http://", "https:///", "//127.0.0.1:8765", "127.0.0.1:8765", "garbage"),
        *("http://6.6.6.6:8765", "http://6.6.6.6", "https://6.6.6.6:8765", "http://[2001:db8::6]:8765"),
        *("http://127.0.0.1", "http://127.0.0.1:80", "http://127.0.0.1:9999", "https://127.0.0.1", "http://192.0.2.7"),
        *("file://", "file://localhost:8765", "ftp://127.0.0.1:8765", "chrome-extension://abc", "ws://127.0.0.1:8765"),
        *("http://user@127.0.0.1:8765", "http://127.0.0.1:8765@evil.example", "http://a:b@127.0.0.1:8765"),
        *("http://127.0.0.1:8765/", "http://127.0.0.1:8765/x", "http://127.0.0.1:8765?x", "http://127.0.0.1:8765#x"),
        *("http://localhost.:8765", "http://127.0.0.1.:8765", "http://127.0.0.1.evil.example:8765"),
        *("http://localhost.evil.example:8765", "http://evil-localhost:8765", "http://box.evil.example:8765"),
        *(
            "http://[::1].evil.example:8765",
            "http://[::1",
            "http://::1:8765",
            "http://[evil]:8765",
            "http://[::2]:8765",
        ),
        *("http://127.0.0.1:8765 ", " http://127.0.0.1:8765", "http://127.0.0.1:8765, http://evil.example"),
        *("http://127.0.0.1:99999", "http://127.0.0.1:-1", "http://127.0.0.1:8765:8765", "http://127.0.0.1:٨٧٦٥"),
        *("http://127.1:8765", "http://2130706433:8765", "http://0x7f.0.0.1:8765", "http://127.0.0.01:8765"),
        *(
            "http://127.0.0.2:8765",
            "http://lоcalhost:8765",
            "http://localhost%00:8765",
            "http://chat.example.evil:8765",
        ),
        *("http:/127.0.0.1:8765", "http:127.0.0.1:8765", "http://\t127.0.0.1:8765", "http://127.0.0.1\\@evil:8765"),
    ],
)
@pytest.mark.parametrize("hosts", [LOCAL, EVERYWHERE], ids=["loopback", "everywhere"])
def test_pages_of_others(origin: str, hosts: AllowedHosts) -> None:
    assert not lets(origin, "127.0.0.1:8765", hosts, here="127.0.0.1" if hosts is LOCAL else HERE)


@pytest.mark.parametrize("host", ["6.6.6.6:8765", "evil.example:8765", "localhost.:8765", "", "a b", "user@localhost"])
def test_a_page_is_not_ours_by_the_host_that_it_names(host: str) -> None:
    assert not lets(f"http://{host}", host, EVERYWHERE)


@pytest.mark.parametrize(("host", "known"), [("6.6.6.6", True), ("[2001:db8::6]", True), ("evil.example", False)])
def test_an_address_in_host_cannot_be_rebound_and_a_name_can(host: str, known: bool) -> None:
    """Behind a translated address a gateway does not know the one that its clients use."""
    asked = requested_host(f"{host}:8765", secure=False)
    assert asked is not None
    assert (asked.host in EVERYWHERE) is known
    assert asked.host not in LOCAL


# at real listeners

PAGE = "http://6.6.6.6:{port}"
SOCKET = {
    **{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"},
    "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
}
EVERY_WAY = [
    ("main", "/v1/ping", False),
    ("main", "/v1/ws", True),
    ("main", "/v1/events", False),
    ("main", "/ws", True),
    ("main", "/events", False),
    ("main", "/sse", False),
    ("main", "/docs", False),
    ("ai-connect", "/", True),
    ("agentchat", "/", True),
    ("mcp", "/sse", False),
    ("mcp", "/mcp", False),
]


@pytest.mark.parametrize(
    "page",
    [
        {"Origin": PAGE},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:{port}", "origin": PAGE},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
    ],
)
async def test_no_listener_answers_a_page_of_another_origin(tmp_path: Path, page: dict[str, str]) -> None:
    listen = tuple(Listen(dialect, "0.0.0.0", 0) for dialect in ("ai-connect", "agentchat", "mcp"))
    async with (
        gateway_in_process(tmp_path / "state", host="0.0.0.0", insecure=True, listen=listen) as gateway,
        aiohttp.ClientSession() as session,
    ):
        urls = {"main": gateway.url, **gateway.listeners}
        for listener, path, upgrade in EVERY_WAY:
            port = urls[listener].rpartition(":")[2]
            sent = [(name, value.format(port=port)) for name, value in page.items()]
            token = [("X-Auth-Token", TEAM_TOKEN)] if listener == "main" else []
            headers = [*token, *sent, *(SOCKET.items() if upgrade else ())]
            async with session.get(f"http://127.0.0.1:{port}{path}", headers=headers) as answer:
                assert answer.status == 403, (listener, path)
        assert not (gateway.config.state / "mcp" / "mcp.sock").exists(), "the process for the tools did not start"


async def test_a_link_that_a_person_follows_opens_the_documentation(tmp_path: Path) -> None:
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    listen = (Listen("mcp", "127.0.0.1", 0),)
    async with gateway_in_process(tmp_path / "state", listen=listen) as gateway, aiohttp.ClientSession() as session:
        async with session.get(gateway.url + "/docs", headers=followed) as answer:
            assert answer.status == 200
        async with session.get(gateway.listeners["mcp"] + "/sse", headers=followed) as answer:
            assert answer.status == 403, "where there is no token, a link must begin nothing"
