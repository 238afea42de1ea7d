"""Claim: another member's message is on the screen of an open page within 100 ms, p95."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from benchmarks.figures import Outcome, Spread, Table, Verdict
from benchmarks.members import enroll
from benchmarks.processes import gateway
from benchmarks.web_page import READER, SPEAKER, own_context, pair_page
from gateway.client import Client, Endpoint
from gateway.protocol.events import Message
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.types.core_types import MemberKind
from tests.fakes.retry import retry_until
from tests.support.chromium import chromium

ON_SCREEN_MS = 100.0
EVERY_S = 0.1
# When each message has been painted: two frames after it came into the document. Wall time, as the sender's.
WATCH = """
() => {
  window.painted = {};
  const now = () => performance.timeOrigin + performance.now();
  const look = () => {
    for (const row of [...document.querySelectorAll("li.message .markdown")].slice(-20)) {
      const text = row.textContent.trim();
      if (!/^arrival \\d+$/.test(text) || text in window.painted) continue;
      window.painted[text] = null;
      requestAnimationFrame(() => requestAnimationFrame(() => { window.painted[text] = now(); }));
    }
  };
  new MutationObserver(look).observe(document.getElementById("app"), { childList: true, subtree: true });
}
"""


def measure(folder: Path, *, quick: bool) -> Outcome:
    return asyncio.run(_measured(folder / "state", 30 if quick else 300))


async def _measured(state: Path, count: int) -> Outcome:
    reader, speaker, plain = await enroll(state, (READER, SPEAKER, "plain"), MemberKind.HUMAN)
    with gateway(state) as server:
        sender, socket = (Client(Endpoint(server.url, token), Hello()) for token in (speaker, plain))
        async with sender, socket, chromium() as browser, own_context(browser) as context:
            await sender.send("before")
            page = await pair_page(context, server, Endpoint(server.url, reader))
            await page.evaluate(WATCH)
            heard: dict[str, float] = {}
            listening = asyncio.get_running_loop().create_task(_listen(socket, heard), name="listen")
            sent = {}
            for number in range(count):
                text = f"arrival {number}"
                sent[text] = time.time()
                await sender.send(text)
                await asyncio.sleep(EVERY_S)
            await retry_until(lambda: heard.keys() >= sent.keys(), 60)
            await page.wait_for_function("all => all.every((one) => window.painted[one])", arg=list(sent))
            painted: dict[str, float] = await page.evaluate("window.painted")
            listening.cancel()
            version = browser.version
    on_screen = Spread.of([painted[text] / 1000 - at for text, at in sent.items()])
    at_socket = Spread.of([heard[text] - at for text, at in sent.items()])
    rows = (
        {"at": "the screen of the page", "n": count, **on_screen.cells()},
        {"at": "baseline: a plain socket", "n": count, **at_socket.cells()},
    )
    title = f"From before a member sends until its message is there, ten a second, Chromium {version}"
    note = "On the screen: two frames after the message came into the document, of which there are 60 a second."
    claim = Verdict("another member's message on the screen, p95 in ms", on_screen.p95, ON_SCREEN_MS, at_least=False)
    return Outcome("web-arrival", (Table(title, rows, note),), (claim,))


async def _listen(client: Client, heard: dict[str, float]) -> None:
    async for event in client.events():
        if isinstance(event, Message):
            heard.setdefault(event.content, time.time())
