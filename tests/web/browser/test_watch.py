"""What a page must not do is seen: without that the other tests here would say little."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser

from tests.fakes.retry import retry_until
from tests.support.chromium import watched
from tests.support.gateways import GatewayProcess

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

MISDEEDS = {
    'fetch("https://evil.example/x").catch(() => 1)': "CSP violation: connect-src https://evil.example",
    'new WebSocket("wss://evil.example/x")': "CSP violation: connect-src wss://evil.example",
    'new Image().src = "https://evil.example/x.png"': "CSP violation: img-src https://evil.example",
    'document.body.append(Object.assign(document.createElement("style"), {textContent: "p{}"}))': "style-src-elem",
    'document.body.setAttribute("style", "color: red")': "CSP violation: style-src-attr",
    "document.body.innerHTML = '<p>'": "CSP violation: require-trusted-types-for",
    'console.error("something broke")': "something broke",
    'setTimeout(() => { throw new Error("thrown later"); })': "thrown later",
    'Promise.reject(new Error("never caught")) && 1': "never caught",
    "alert(1)": "dialog: 1",
}


@pytest.mark.parametrize(("script", "told"), MISDEEDS.items())
async def test_each_misdeed_fails_the_test(browser: Browser, gateway: GatewayProcess, script: str, told: str) -> None:
    async with watched(browser, gateway.url) as (context, watch):
        page = await context.new_page()
        await page.goto(gateway.url)
        await page.evaluate(f"() => {{ try {{ {script} }} catch {{ }} }}")
        await retry_until(lambda: any(told in one for one in watch.problems), 60, describe=lambda: watch.found)
        watch.expect(".")


async def test_a_page_of_another_host_fails_the_test(browser: Browser, gateway: GatewayProcess) -> None:
    with pytest.raises(AssertionError, match=re.escape("reached http://127.0.0.1:9/elsewhere")):
        async with watched(browser, gateway.url) as (context, watch):
            page = await context.new_page()
            await page.goto(gateway.url)
            watch.expect("Failed to load", "CSP violation")
            await page.evaluate('() => { location = "http://127.0.0.1:9/elsewhere"; }')
            await retry_until(lambda: watch.problems, 60, describe=lambda: watch.found)
