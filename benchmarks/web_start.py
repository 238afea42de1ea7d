"""Claim: on loopback, with a processor four times slower, the page is usable in less than 1.5 s."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from playwright.async_api import Browser, BrowserContext

from benchmarks.figures import Cell, Outcome, Spread, Table, Verdict
from benchmarks.members import enroll
from benchmarks.processes import Server, gateway
from benchmarks.web_page import READER, SPEAKER, address_for, own_context, until_usable
from gateway.client import Client, Endpoint
from gateway.protocol.types.core_types import MemberKind
from tests.support.chromium import chromium

SLOWER = 4
USABLE_MS = 1500.0
MESSAGES = 300
PAGES = ("first visit, with pairing", "nothing cached", "again")
TEXT = "**Measured** it: `limit` is missing in\n\n```python\nrows = query(words)\n```\n\n- first\n- second"


def measure(folder: Path, *, quick: bool) -> Outcome:
    return asyncio.run(_measured(folder / "state", 5 if quick else 20))


async def _measured(state: Path, rounds: int) -> Outcome:
    reader, speaker = await enroll(state, (READER, SPEAKER), MemberKind.HUMAN)
    with gateway(state) as server:
        async with Client(Endpoint(server.url, speaker)) as client, chromium() as browser:
            await asyncio.gather(*(client.send(f"{TEXT} {number}") for number in range(MESSAGES)))
            person = Endpoint(server.url, reader)
            rows: list[dict[str, Cell]] = []
            spreads = {}
            for slower in (1, SLOWER):
                for what, times in (await _rounds(browser, server, person, slower, rounds)).items():
                    spreads[what, slower] = Spread.of(times)
                    rows.append(
                        {"page": what, "processor": f"1/{slower}", "n": rounds, **spreads[what, slower].cells()}
                    )
            what = f"until a room of {MESSAGES} messages can be read and written in"
            title = f"From the navigation on {what}, Chromium {browser.version}"
    worst = max(spreads[what, SLOWER].p95 for what in PAGES)
    note = "The baseline is /health: the least that this browser needs to show anything of this gateway."
    claim = Verdict(f"usable with a processor 1/{SLOWER} as fast, slowest p95 in ms", worst, USABLE_MS, at_least=False)
    return Outcome("web-start", (Table(title, tuple(rows), note),), (claim,))


async def _rounds(
    browser: Browser, server: Server, person: Endpoint, slower: int, rounds: int
) -> dict[str, Sequence[float]]:
    """In seconds; each round measures all of them."""
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        async with own_context(browser) as context:
            first = await _timed(context, await address_for(server, person), slower)
            found.setdefault("first visit, with pairing", []).append(first)
            found.setdefault("again", []).append(await _timed(context, server.url, slower))
            found.setdefault("nothing cached", []).append(await _timed(context, server.url, slower, cached=False))
            found.setdefault("baseline: /health", []).append(await _bare(context, f"{server.url}/health", slower))
    return {what: times for what, times in sorted(found.items())}


async def _timed(context: BrowserContext, address: str, slower: int, *, cached: bool = True) -> float:
    page = await context.new_page()
    session = await context.new_cdp_session(page)
    await session.send("Network.setCacheDisabled", {"cacheDisabled": not cached})
    await session.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    await page.goto(address, wait_until="commit")
    usable = await until_usable(page)
    await page.close()
    return usable / 1000


async def _bare(context: BrowserContext, address: str, slower: int) -> float:
    page = await context.new_page()
    session = await context.new_cdp_session(page)
    await session.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    await page.goto(address)
    loaded = float(await page.evaluate("performance.timing.loadEventEnd - performance.timing.navigationStart"))
    await page.close()
    return loaded / 1000
