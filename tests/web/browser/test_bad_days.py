"""Bad days of an open page: its gateway is gone, its device is revoked, its browser keeps nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from gateway.client import Client
from tests.support.chromium import ARGUMENTS, CHROMIUM, WITHOUT, watch_over
from tests.support.commands import Groupchat
from tests.support.gateways import GatewayProcess
from tests.support.web_visits import Visit, pairing_address
from tests.web.browser.conftest import Visits

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

LOST_SOCKET = r"WebSocket connection to .* failed"


@pytest.fixture
def own_gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    """For a test that kills it."""
    with GatewayProcess(tmp_path / "state").running() as running:
        yield running


async def test_a_gateway_that_comes_back_is_found_again(own_gateway: GatewayProcess, visit: Visits) -> None:
    alice = await visit(at=own_gateway)
    alice.watch.expect(LOST_SOCKET)
    await alice.says("before")
    await alice.composer.fill("half a sent")
    own_gateway.kill()
    await expect(alice.page.get_by_text("The gateway is gone.")).to_be_visible()
    await alice.composer.press("End")
    await alice.page.keyboard.type("ence")
    await alice.composer.press("Enter")
    await expect(alice.told).to_contain_text("Not sent.")
    own_gateway.start()
    async with Client(own_gateway.operator) as other:
        await other.send("said while the page was away")
    await alice.sees("said while the page was away")
    await alice.sees("before")
    await expect(alice.page.get_by_text("The gateway is gone.")).to_have_count(0)
    await expect(alice.composer).to_have_value("half a sentence")
    await alice.composer.press("Enter")
    await alice.sees("half a sentence")
    assert await alice.rows.filter(has_text="half a sentence").count() == 1


async def test_a_revoked_device_is_cut_off_and_keeps_nothing(gateway: GatewayProcess, visit: Visits) -> None:
    alice, other = await visit(name="lost-phone"), await visit(name="desk")
    await alice.composer.fill("a secret draft")
    tokens = Groupchat(gateway.state, quick=True)("token", "list", "--json").json["tokens"]
    device = next(one["id"] for one in tokens if one.get("device") == "lost-phone")
    assert Groupchat(gateway.state, quick=True)("token", "revoke", device).code == 0
    await expect(alice.page.get_by_role("main")).to_contain_text("not paired")
    assert await alice.page.evaluate("JSON.stringify(localStorage)") == "{}"
    await expect(alice.stream).to_have_count(0)
    await alice.page.reload()
    await expect(alice.page.get_by_role("main")).to_contain_text("not paired")
    await alice.page.goto(pairing_address(gateway).replace("#pair=", "#open="))  # as `groupchat web` opens it
    await alice.is_ready()
    await alice.says("the phone is found")
    await other.says("the desk goes on")
    await other.sees("the desk goes on")


async def test_both_tabs_of_a_revoked_device_are_cut_off(gateway: GatewayProcess, visit: Visits) -> None:
    first = await visit(name="two-tabs")
    second = await first.another_tab()
    tokens = Groupchat(gateway.state, quick=True)("token", "list", "--json").json["tokens"]
    device = next(one["id"] for one in tokens if one.get("device") == "two-tabs")
    Groupchat(gateway.state, quick=True)("token", "revoke", device)
    for one in (first, second):
        await expect(one.page.get_by_role("main")).to_contain_text("not paired")


async def test_a_tab_goes_on_as_the_device_that_another_tab_has_become(gateway: GatewayProcess, visit: Visits) -> None:
    first = await visit(name="old-name")
    second = await first.another_tab()
    await first.composer.fill("half a thought")
    await second.page.goto("about:blank")
    await second.page.goto(pairing_address(gateway, name="new-name"))
    await second.page.get_by_role("button", name="Pair it anew").click()
    await second.is_ready()
    await expect(first.composer).to_have_value("half a thought")
    await first.says("half a thought, and the other half")
    await second.sees("half a thought, and the other half")


async def test_a_browser_that_refuses_storage_is_a_device_until_its_page_is_closed(
    gateway: GatewayProcess, tmp_path: Path
) -> None:
    """The setting of Chromium that blocks all cookies and site data: `localStorage` and IndexedDB both refuse."""
    if CHROMIUM is None:
        pytest.skip(WITHOUT)
    profile = tmp_path / "profile"
    (profile / "Default").mkdir(parents=True)
    blocked = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    (profile / "Default" / "Preferences").write_text(json.dumps(blocked))
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            profile, executable_path=CHROMIUM, args=list(ARGUMENTS)
        )
        async with watch_over(context, gateway.url) as watch:
            page = context.pages[0]
            await page.goto(pairing_address(gateway))
            alice = Visit(context, page, watch)
            await alice.is_ready()
            await expect(page.get_by_text("paired only until this page is closed")).to_be_visible()
            refused = await page.evaluate("() => { try { localStorage; return false; } catch { return true; } }")
            assert refused, "this browser keeps things after all"
            await alice.says("nothing is kept here")
            await alice.sees("nothing is kept here")
            await page.reload()
            await expect(page.get_by_role("main")).to_contain_text("not paired")


async def test_back_leads_to_where_the_page_began(visit: Visits) -> None:
    alice = await visit()
    pages = alice.page.get_by_role("navigation", name="Pages")
    for name in ("Fleet", "Settings"):
        await pages.get_by_role("link", name=name).click()
        await expect(alice.page.get_by_role("main", name=name)).to_be_visible()
    for name in ("Fleet", "Room general"):
        await alice.page.go_back()
        await expect(alice.page.get_by_role("main", name=name)).to_be_visible()
