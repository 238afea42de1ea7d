"""A real Chromium: started once, watched for all that a page of ours must never do.

The browser is the system's (`bin/run-tests` installs Debian's), driven by Playwright, which fetches none of its own.
Names of hosts do not resolve in it: a page that asks another host for something reaches nobody, and the test fails.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Error,
    Page,
    Request,
    WebError,
    WebSocket,
    async_playwright,
)

CHROMIUM = shutil.which("chromium")
WITHOUT = "Chromium is not installed: bin/run-tests does it where apt-get is."
# Generous, for a machine on which other tests run: nothing waits that long unless it fails.
PATIENCE_MS = 60_000.0
ARGUMENTS = (
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
# A browser tells its console of a violation, but not in all cases; the page itself hears of each.
TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP violation: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
"""
LOCAL_SCHEMES = ("data:", "blob:", "about:")

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}


@asynccontextmanager
async def chromium(*arguments: str) -> AsyncIterator[Browser]:
    assert CHROMIUM is not None, WITHOUT
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *arguments])
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Watch:
    """Collects what a page of this origin must never do. `expected` are patterns of what a test causes on purpose."""

    origin: str
    found: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def attach(self, context: BrowserContext) -> None:
        context.on("request", self._requested)
        context.on("console", self._told)
        context.on("weberror", self._failed)
        context.on("page", self._opened)
        for page in context.pages:
            self._opened(page)

    def expect(self, *patterns: str) -> None:
        self.expected.extend(patterns)

    @property
    def problems(self) -> list[str]:
        return [one for one in self.found if not any(re.search(pattern, one) for pattern in self.expected)]

    def _requested(self, request: Request) -> None:
        self._reached(request.url, f"{request.method} by {request.resource_type}")

    def _reached(self, address: str, how: str) -> None:
        ours = address == self.origin or address.startswith(f"{self.origin}/")
        if not ours and not address.startswith(LOCAL_SCHEMES):
            self.found.append(f"reached {address} ({how})")

    def _told(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            self.found.append(f"console {message.type}: {message.text} ({message.location.get('url', '')})")

    def _failed(self, error: WebError) -> None:
        self.found.append(f"error of the page: {error.error}")

    def _opened(self, page: Page) -> None:
        page.on("websocket", self._connected)
        page.on("crash", lambda _: self.found.append("the page crashed"))
        page.on("dialog", self._asked)

    async def _asked(self, dialog: Dialog) -> None:
        self.found.append(f"dialog: {dialog.message}")
        await dialog.dismiss()

    def _connected(self, socket: WebSocket) -> None:
        self._reached(re.sub(r"^ws", "http", socket.url), "WebSocket")


@asynccontextmanager
async def watched(browser: Browser, origin: str, **options: Any) -> AsyncIterator[tuple[BrowserContext, Watch]]:
    """A fresh context: its own storage, as another browser. Leaving it fails if a page did what it must not do."""
    context = await browser.new_context(**{**DESKTOP, "locale": "en-GB", "timezone_id": "UTC", **options})
    async with watch_over(context, origin) as watch:
        yield context, watch


@asynccontextmanager
async def watch_over(context: BrowserContext, origin: str) -> AsyncIterator[Watch]:
    context.set_default_timeout(PATIENCE_MS)
    watch = Watch(origin)
    watch.attach(context)
    await context.add_init_script(TELL_VIOLATIONS)
    try:
        yield watch
        for page in context.pages:
            with suppress(Error):  # it is closed, or just goes elsewhere
                await page.evaluate("1")  # what the page told before is heard before the answer
    finally:
        await context.close()
    if watch.problems:
        raise AssertionError("the page did what it must not do:\n" + "\n".join(watch.problems))
