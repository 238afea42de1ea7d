"""What a page of another site, or of another port of this host, can reach: nothing, whatever way it tries.

The requests are what a browser would send, so what a browser decides by itself (whether to show a frame, to give a
script the answer) is read from the headers of the answers.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest
import pytest_asyncio

from gateway.protocol.browser_frames import PAIR_PATH
from gateway.web.page_headers import PAGE_HEADERS
from tests.support.browser import Browser, begin_pairing
from tests.support.gateways import Gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")

WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
}
SITES = {"another site": ("https://evil.example", "cross-site"), "another port": ("http://127.0.0.1:3000", "same-site")}


@dataclass(frozen=True)
class Attempt:
    """One way of a page to reach ours. `named`: the browser names the page's origin in it."""

    method: str
    path: str
    mode: str
    dest: str
    named: bool
    body: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


DEVICE = "/v1/ws?device=0011223344556677"
ATTEMPTS = {
    "frame": Attempt("GET", "/", "navigate", "iframe", False),
    "object": Attempt("GET", "/", "navigate", "object", False),
    "script": Attempt("GET", "/web/000000000000/app/main.js", "no-cors", "script", False),
    "picture": Attempt("GET", "/", "no-cors", "image", False),
    "fetch": Attempt("GET", "/", "cors", "empty", True),
    "fetch without an answer": Attempt("GET", "/v1/status", "no-cors", "empty", False),
    "preflight": Attempt(
        "OPTIONS", PAIR_PATH, "cors", "empty", True, headers={"Access-Control-Request-Method": "POST"}
    ),
    "fetch that writes": Attempt(
        "POST", PAIR_PATH, "cors", "empty", True, body="{}", headers={"Content-Type": "application/json"}
    ),
    "form": Attempt(
        "POST", PAIR_PATH, "navigate", "document", True, body="code=x", headers={"Content-Type": "text/plain"}
    ),
    "beacon": Attempt("POST", PAIR_PATH, "no-cors", "empty", True, body="{}", headers={"Content-Type": "text/plain"}),
    "socket of a device": Attempt("GET", DEVICE, "websocket", "empty", True, headers=WEBSOCKET),
    "socket": Attempt("GET", "/v1/ws?token=x", "websocket", "empty", True, headers=WEBSOCKET),
    "event stream": Attempt("GET", "/v1/events?token=x", "cors", "empty", True),
}


@pytest.fixture(scope="module")
def gateway(shared_gateway: Gateway) -> Gateway:
    return shared_gateway


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("attempt", ATTEMPTS)
async def test_another_page_gets_nothing(
    gateway: Gateway, session: aiohttp.ClientSession, attempt: str, site: str
) -> None:
    tried, (origin, relation) = ATTEMPTS[attempt], SITES[site]
    sent = {"Sec-Fetch-Site": relation, "Sec-Fetch-Mode": tried.mode, "Sec-Fetch-Dest": tried.dest, **tried.headers}
    if tried.named:
        sent["Origin"] = origin
    async with session.request(tried.method, gateway.url + tried.path, data=tried.body, headers=sent) as response:
        assert response.status in (403, 405)
        assert not [name for name in response.headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize("site", SITES)
async def test_an_older_browser_tells_only_the_origin_and_that_is_enough(
    gateway: Gateway, session: aiohttp.ClientSession, site: str
) -> None:
    for attempt in (one for one in ATTEMPTS.values() if one.named and one.method != "OPTIONS"):
        sent = {"Origin": SITES[site][0], **attempt.headers}
        async with session.request(
            attempt.method, gateway.url + attempt.path, data=attempt.body, headers=sent
        ) as response:
            assert response.status == 403, attempt


async def test_without_an_origin_there_is_neither_a_device_nor_a_code(
    gateway: Gateway, session: aiohttp.ClientSession
) -> None:
    async with session.get(gateway.url + DEVICE, headers=WEBSOCKET) as response:
        assert response.status == 403
    async with session.post(gateway.url + PAIR_PATH, json={"code": "x", "public_key": "x"}) as response:
        assert response.status == 403


async def test_a_link_to_the_page_may_be_followed_but_its_window_is_cut_off(
    gateway: Gateway, session: aiohttp.ClientSession
) -> None:
    sent = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    async with session.get(gateway.url + "/", headers=sent) as response:
        assert response.status == 200
        assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        policy = response.headers["Content-Security-Policy"].split("; ")
    assert policy[:11] == [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    ]


# The features of Chromium, which prints a warning on the console for each name that it does not know.
KNOWN_FEATURES = """
accelerometer autoplay camera display-capture encrypted-media fullscreen geolocation gyroscope hid magnetometer
microphone midi payment picture-in-picture publickey-credentials-create publickey-credentials-get screen-wake-lock
serial usb xr-spatial-tracking
"""


async def test_the_policy_names_only_features_that_browsers_know() -> None:
    named = {one.split("=")[0] for one in PAGE_HEADERS["Permissions-Policy"].split(", ")}
    assert named == set(KNOWN_FEATURES.split())


async def test_nothing_sets_a_cookie(gateway: Gateway, session: aiohttp.ClientSession) -> None:
    browser = Browser(gateway.url)
    body = {"code": (await begin_pairing(gateway.operator)).code, "public_key": browser.public_key}
    async with session.post(gateway.url + PAIR_PATH, json=body, headers={"Origin": gateway.url}) as response:
        assert response.status == 200
        assert "Set-Cookie" not in response.headers
        assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("headers", "data", "status"),
    [
        ({"Content-Type": "text/plain"}, b"{}", 400),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"code=x", 400),
        ({"Content-Type": "application/json"}, b"x" * 3000, 413),
        ({"Content-Type": "application/json"}, b"{", 400),
        ({"Content-Type": "application/json"}, b'{"code":"x","public_key":"x","more":1}', 400),
        ({"Content-Type": "application/json"}, json.dumps({"code": "x" * 65, "public_key": "x"}).encode(), 400),
    ],
)
async def test_our_own_page_sends_small_json(
    gateway: Gateway, session: aiohttp.ClientSession, headers: dict[str, str], data: bytes, status: int
) -> None:
    async with session.post(gateway.url + PAIR_PATH, data=data, headers={"Origin": gateway.url, **headers}) as response:
        assert response.status == status
