"""The page over the certificate of a local network: refused by a browser, until its person accepts the certificate."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Error, expect

from gateway.client import Client
from tests.support.chromium import CHROMIUM, WITHOUT, chromium, watched
from tests.support.commands import Groupchat
from tests.support.gateways import GatewayProcess
from tests.support.web_visits import Visit

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

LAN = "127.0.0.2"
REACHES_LAN = f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {LAN}"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def phone() -> AsyncIterator[Browser]:
    """A browser that reaches the address in the network, and nothing of this machine else."""
    if CHROMIUM is None:
        pytest.skip(WITHOUT)
    async with chromium(REACHES_LAN) as running:
        yield running


def opened(gateway: GatewayProcess) -> str:
    """The address with a code, as the command prints it."""
    done = Groupchat(gateway.state, quick=True)("web", "--pair", "--lan", LAN, "--yes", "--json")
    assert done.code == 0, done.err
    return str(done.json["url"])


async def test_a_browser_refuses_what_nobody_vouches_for(phone: Browser, gateway: GatewayProcess) -> None:
    page = await phone.new_page()
    with pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
        await page.goto(opened(gateway))
    await page.close()


async def test_a_link_is_read_there_without_a_device(phone: Browser, gateway: GatewayProcess) -> None:
    origin = opened(gateway).partition("/#")[0]
    made = Groupchat(gateway.state, quick=True)("share-link", "general", "--address", origin, "--json")
    assert made.code == 0, made.err
    async with watched(phone, origin, ignore_https_errors=True) as (context, watch), Client(gateway.operator) as alice:
        page = await context.new_page()
        await page.goto(made.json["url"])
        reader = Visit(context, page, watch)
        await reader.is_ready()
        await alice.send("read on the sofa")
        await reader.sees("read on the sofa")
        await expect(reader.composer).to_have_count(0)
        assert Groupchat(gateway.state, quick=True)("token", "revoke", made.json["id"]).code == 0
        await expect(page.get_by_role("main").get_by_role("alert")).to_be_visible()


async def test_behind_an_accepted_warning_the_page_is_whole(phone: Browser, gateway: GatewayProcess) -> None:
    address = opened(gateway)
    origin = address.partition("/#")[0]
    async with watched(phone, origin, ignore_https_errors=True) as (context, watch), Client(gateway.operator) as alice:
        page = await context.new_page()
        await page.goto(address)
        visit = Visit(context, page, watch)
        await visit.is_ready()
        assert await page.evaluate("window.isSecureContext")
        await visit.says("from the sofa")
        await alice.send("heard at the desk")
        await visit.sees("heard at the desk")
        await page.reload()
        await visit.is_ready()
        await visit.sees("from the sofa")
        watch.expect(r"WebSocket connection to .* failed", r"ERR_CONNECTION")
        assert Groupchat(gateway.state, quick=True)("web", "--lan-stop").code == 0
        await page.locator(".connection p").wait_for()
