"""A page of the gateway in a real Chromium, for measuring."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, CDPSession, Page

from benchmarks.processes import Server
from gateway.client import Endpoint
from tests.support.browser import begin_pairing
from tests.support.chromium import DESKTOP, PATIENCE_MS

READER, SPEAKER = "reader", "speaker"
# The room can be read and written in; the answer is how long that took since the navigation began, in ms.
USABLE = """
() => document.querySelector("textarea:not([readonly])") && document.querySelector("li.message") && performance.now()
"""


async def address_for(server: Server, person: Endpoint) -> str:
    """An address that makes a browser a device of this person."""
    return f"{server.url}/#pair={(await begin_pairing(Endpoint(server.url, person.token))).code}"


async def until_usable(page: Page) -> float:
    return float(await (await page.wait_for_function(USABLE)).json_value())


@asynccontextmanager
async def own_context(browser: Browser) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context(**DESKTOP)
    context.set_default_timeout(4 * PATIENCE_MS)
    try:
        yield context
    finally:
        await context.close()


async def pair_page(context: BrowserContext, server: Server, person: Endpoint) -> Page:
    page = await context.new_page()
    await page.goto(await address_for(server, person))
    await until_usable(page)
    return page


async def main_thread_s(session: CDPSession) -> float:
    """How long the main thread of this page has been busy so far."""
    found = await session.send("Performance.getMetrics")
    return float(next(one["value"] for one in found["metrics"] if one["name"] == "TaskDuration"))


async def page_memory_mb(browser: Browser) -> float:
    """Of the process of the only page that is open; the browser may keep an empty one beside it."""
    session = await browser.new_browser_cdp_session()
    found = await session.send("SystemInfo.getProcessInfo")
    await session.detach()
    return max(private_mb(int(one["id"])) for one in found["processInfo"] if one["type"] == "renderer")


def private_mb(pid: int) -> float:
    """The memory of a process that it shares with no other, in MB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024
