"""Claim: in a room of 100 000 messages at most 400 rows are in the document, the main thread is busy for less than 8 ms
a frame while a person scrolls, and the page has less than 150 MB.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, Page

from benchmarks.corpus import texts
from benchmarks.figures import Cell, Outcome, Table, Verdict
from benchmarks.members import enroll
from benchmarks.processes import gateway
from benchmarks.web_page import (
    READER,
    SPEAKER,
    main_thread_s,
    own_context,
    page_memory_mb,
    pair_page,
)
from gateway.client import Endpoint
from gateway.protocol import codec
from gateway.protocol.events import Message
from gateway.protocol.types.core_types import MemberKind, MessageKind
from gateway.server.state_folder.open_store import DATABASE_FILE
from gateway.store import LogEntry
from gateway.store.sqlite import SqliteStore
from tests.support.chromium import chromium

MAX_ROWS = 400
MAX_FRAME_MS = 8.0
MAX_MB = 150.0
SIZE = 200
BATCH = 2_000
STAMP = "2026-01-01T12:00:00.000Z"
STEP_PX = 60  # a frame: 3600 px a second, as fast as a person flings
# Scrolls up for so many frames; tells the most rows, the longest task, and how many messages went by.
SCROLL = """
async ({ frames, step }) => {
  const list = document.querySelector("[data-scrolls], .stream");
  const tasks = [];
  const observer = new PerformanceObserver((found) => tasks.push(...found.getEntries().map((one) => one.duration)));
  observer.observe({ type: "longtask" });
  const seen = new Set();
  let rows = 0;
  for (let frame = 0; frame < frames; frame += 1) {
    list.scrollTop -= step;
    await new Promise(requestAnimationFrame);
    if (frame % 10 === 0) {
      const held = list.querySelectorAll("li");
      rows = Math.max(rows, held.length);
      for (const row of held) if (row.dataset.seq) seen.add(row.dataset.seq);
    }
  }
  observer.disconnect();
  return { rows, seen: seen.size, longest: Math.max(0, ...tasks) };
}
"""
PLAIN = """
<style>html, body { margin: 0; height: 100% } .list { height: 100%; overflow-y: auto; margin: 0 }</style>
<ol class="list" data-scrolls>ROWS</ol>
"""


@dataclass(frozen=True)
class Scrolled:
    rows: int
    seen: int
    longest_ms: float
    frame_ms: float
    memory_mb: float

    def cells(self, what: str) -> dict[str, Cell]:
        return {
            "page": what,
            "messages seen": self.seen,
            "most rows": self.rows,
            "main thread, ms a frame": round(self.frame_ms, 2),
            "longest task over 50 ms": round(self.longest_ms),
            "memory of its process, MB": round(self.memory_mb),
        }


def measure(folder: Path, *, quick: bool) -> Outcome:
    return asyncio.run(_measured(folder / "state", 10_000 if quick else 100_000, 600 if quick else 3_600))


async def _measured(state: Path, count: int, frames: int) -> Outcome:
    reader, _ = await enroll(state, (READER, SPEAKER), MemberKind.HUMAN)
    await _fill(state / DATABASE_FILE, count)
    with gateway(state) as server:
        async with chromium() as browser:
            bare = await _bare(browser, frames)
            async with own_context(browser) as context:
                page = await pair_page(context, server, Endpoint(server.url, reader))
                found = await _scrolled(page, browser, frames)
            title = f"{frames} frames upwards in a room of {count:,} messages, Chromium {browser.version}"
    rows = (found.cells("the room"), bare.cells("baseline: a plain list of 400 rows"))
    verdicts = (
        Verdict("rows in the document", found.rows, MAX_ROWS, at_least=False),
        Verdict("main thread in ms a frame while scrolling", found.frame_ms, MAX_FRAME_MS, at_least=False),
        Verdict("memory of the page's process in MB", found.memory_mb, MAX_MB, at_least=False),
    )
    note = (
        "The mean over all frames, with the loading and drawing of older messages. Memory that no other process shares."
    )
    return Outcome("web-history", (Table(title, rows, note),), verdicts)


async def _scrolled(page: Page, browser: Browser, frames: int) -> Scrolled:
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable")
    begun = await main_thread_s(session)
    found = await page.evaluate(SCROLL, {"frames": frames, "step": STEP_PX})
    busy = await main_thread_s(session) - begun
    memory = await page_memory_mb(browser)
    return Scrolled(found["rows"], found["seen"], found["longest"], busy * 1000 / frames, memory)


async def _bare(browser: Browser, frames: int) -> Scrolled:
    async with own_context(browser) as context:
        page = await context.new_page()
        lines = texts(SIZE)
        rows = "".join(f'<li data-seq="{number}"><p>{next(lines)}</p></li>' for number in range(MAX_ROWS))
        await page.set_content(PLAIN.replace("ROWS", rows))
        await page.evaluate(
            "() => { const list = document.querySelector('.list'); list.scrollTop = list.scrollHeight; }"
        )
        return await _scrolled(page, browser, frames)


async def _fill(path: Path, count: int) -> None:
    store = SqliteStore(path, synchronous="OFF")
    source = _entries((await store.load()).last_seq + 1, count)
    while batch := [entry for entry, _ in zip(source, range(BATCH), strict=False)]:
        await store.append(batch)
    await store.close()


def _entries(first: int, count: int) -> Iterator[LogEntry]:
    lines = texts(SIZE)
    for seq in range(first, first + count):
        said = Message(seq, f"c-{seq}", "general", SPEAKER, ("@all",), MessageKind.CHAT, next(lines), STAMP)
        event = codec.encode(said)
        yield LogEntry(seq, "message", event, room="general", sender=SPEAKER, client_id=said.id, text=said.content)
