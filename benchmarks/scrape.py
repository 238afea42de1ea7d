"""Claim: a scrape of /metrics every 15 s costs less than 1 % of a core, also when 10 000 members have been seen, and
the page does not grow with them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from benchmarks.figures import Cell, Outcome, Spread, Table, Verdict
from benchmarks.members import enroll
from benchmarks.processes import Server, gateway
from gateway.protocol.types.core_types import MemberKind

MEMBERS = 10_000
SCRAPES = 40
AT_ONCE = 50
SCRAPE_EVERY_S = 15.0
CORE_PERCENT_CLAIM = 1.0
MEMBER_LABELS = b"\ngroupchat_member_labels "


@dataclass(frozen=True)
class Scrapes:
    """What the gateway did for a number of scrapes, one after the other."""

    cpu_ms: float
    took: Spread
    page: bytes
    rss: float

    @property
    def core_percent(self) -> float:
        return self.cpu_ms / 1000 / SCRAPE_EVERY_S * 100

    def cells(self, what: str) -> dict[str, Cell]:
        return {
            "gateway": what,
            "CPU ms a scrape": round(self.cpu_ms, 1),
            "% of a core, every 15 s": round(self.core_percent, 3),
            **self.took.cells(),
            "members by name": int(self.page.partition(MEMBER_LABELS)[2].split()[0].partition(b".")[0]),
            "page kB": round(len(self.page) / 1000),
            "RSS MB": self.rss,
        }


def measure(folder: Path, *, quick: bool) -> Outcome:
    count = MEMBERS // 10 if quick else MEMBERS
    (first,) = asyncio.run(enroll(folder / "empty", ["scraper"], MemberKind.HUMAN))
    with gateway(folder / "empty") as server:
        empty = asyncio.run(_scrape(server, first))
    names = [f"member-{number}" for number in range(count)]
    tokens = asyncio.run(enroll(folder / "crowded", names, MemberKind.HUMAN))
    with gateway(folder / "crowded") as server:
        asyncio.run(_show_all(server, tokens))
        crowded = asyncio.run(_scrape(server, tokens[0]))
    rows = (empty.cells("nobody seen but the scraper"), crowded.cells(f"{count} members seen"))
    verdicts = (
        Verdict(f"% of a core, {count} members seen", crowded.core_percent, CORE_PERCENT_CLAIM, at_least=False),
    )
    note = f"{SCRAPES} scrapes, one after the other. Each member has made one request before."
    return Outcome("scrape", (Table("GET /metrics", rows, note),), verdicts)


async def _show_all(server: Server, tokens: Sequence[str]) -> None:
    """One request of each member."""
    places = asyncio.Semaphore(AT_ONCE)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as session:

        async def ask(token: str) -> None:
            async with places, session.get(f"{server.url}/v1/ping", headers={"X-Auth-Token": token}) as response:
                response.raise_for_status()

        await asyncio.gather(*map(ask, tokens))


async def _scrape(server: Server, token: str) -> Scrapes:
    took, page = [], b""
    async with aiohttp.ClientSession(headers={"X-Auth-Token": token}) as session:
        before = server.cpu_seconds()
        for _ in range(SCRAPES):
            begun = time.perf_counter()
            async with session.get(f"{server.url}/metrics") as response:
                response.raise_for_status()
                page = await response.read()
            took.append(time.perf_counter() - begun)
        spent = server.cpu_seconds() - before
    return Scrapes(spent / SCRAPES * 1000, Spread.of(took), page, server.rss())
