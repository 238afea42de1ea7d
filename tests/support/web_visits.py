"""Persons at the page of a real gateway, in a real browser: each has a browser context of their own, paired by the real
`groupchat web --pair`.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from playwright.async_api import Browser, BrowserContext, Locator, Page, WebSocketRoute, expect

from gateway.client import Client, Endpoint
from gateway.protocol.requests.member_requests import CreateToken
from gateway.protocol.results import TokenMade
from gateway.protocol.types.core_types import MemberKind
from tests.support.chromium import PATIENCE_MS, Watch, watched
from tests.support.commands import Groupchat
from tests.support.gateways import GatewayProcess

expect.set_options(timeout=PATIENCE_MS)

PAUSE_MS = 600  # between two presses that are meant; the page asks for at least 350


# Every page and panel that has an address of its own, as it stands behind the #/.
PLACES = (
    "room/general",
    "room/general/members",
    "room/general/search",
    "questions",
    "fleet",
    "agent/codex",
    "modes",
    "settings",
)

SCROLL_ON = """
async (list, { up, patience }) => {
  const end = () => [...list.querySelectorAll("li.message")].at(up ? 0 : -1).dataset.seq;
  const before = end();
  const until = performance.now() + patience;
  while (end() === before) {
    if (performance.now() > until) throw new Error(`nothing came ${up ? "before" : "after"} message ${before}`);
    list.scrollTop = up ? 0 : list.scrollHeight;
    await new Promise(requestAnimationFrame);
  }
}
"""
# Where a list stands that should show something, and with what at its end.
STANDS_AT = """
(list) => ({
  top: list.scrollTop, height: list.scrollHeight, shown: list.clientHeight,
  buttons: document.querySelector(".jumps")?.innerText,
  last: [...list.querySelectorAll("li.message")].slice(-3).map((one) => [one.dataset.seq, one.innerText.slice(0, 60)]),
})
"""


class Served(Protocol):
    """What a visit needs to know of a gateway."""

    @property
    def url(self) -> str: ...

    @property
    def state(self) -> Path: ...


@dataclass
class Visit:
    """One person at one tab."""

    context: BrowserContext
    page: Page
    watch: Watch

    @property
    def composer(self) -> Locator:
        return self.page.get_by_role("textbox", name=re.compile(r"^Message to #"))

    @property
    def told(self) -> Locator:
        """The line below the composer."""
        return self.page.locator(".told")

    @property
    def stream(self) -> Locator:
        return self.page.get_by_role("log", name="Messages")

    @property
    def rows(self) -> Locator:
        return self.stream.locator("li.message")

    @property
    def questions(self) -> Locator:
        return self.page.get_by_role("region", name="Questions of agents")

    async def sees(self, text: str) -> None:
        try:
            await expect(self.stream.get_by_text(text, exact=True).first).to_be_in_viewport()
        except AssertionError as error:
            raise AssertionError(f"{error}\nThe list: {await self.stream.evaluate(STANDS_AT)}") from None

    async def says(self, text: str) -> None:
        await self.composer.fill(text)
        await self.composer.press("Enter")
        await expect(self.composer).to_have_value("")

    @property
    def rooms(self) -> Locator:
        return self.page.get_by_role("navigation", name="Rooms")

    async def goes_to(self, place: str) -> None:
        """As by a bookmark: `place` is what stands behind the #/ of an address."""
        await self.page.evaluate("place => { location.hash = `#/${place}`; }", place)
        await expect(
            self.page.get_by_role("main").or_(self.page.locator(".page[class*=panel-]")).first
        ).to_be_attached()

    async def enters(self, room: str) -> None:
        await self.goes_to(f"room/{room}")
        await expect(self.page.get_by_role("main", name=f"Room {room}")).to_be_visible()
        await self.is_ready()

    async def is_ready(self) -> None:
        """What was said before is on the screen, and the connection is open."""
        await expect(self.stream).to_be_visible()
        await expect(self.page.get_by_text("The beginning of #").or_(self.rows.first).first).to_be_attached()
        await expect(self.page.locator(".connection p")).to_have_count(0)

    async def scroll_on(self, *, up: bool) -> None:
        """To the end of the messages that are held, until more have come."""
        await self.stream.evaluate(SCROLL_ON, {"up": up, "patience": PATIENCE_MS})

    def question_of(self, member: str) -> Locator:
        """The card of a question that this member asks."""
        return self.page.get_by_role("article", name=f"Question of {member}")

    async def presses_twice(self, button: Locator) -> None:
        """As a person confirms: a press, and after a moment another one."""
        again = button.filter(has_text="press again to confirm")
        await button.click()
        await expect(again).to_be_visible()
        await self.page.wait_for_timeout(PAUSE_MS)
        await again.click()

    async def holds(self, button: Locator) -> None:
        """With a finger that stays until the page has taken it as meant."""
        box = await button.bounding_box()
        assert box is not None
        finger = await self.context.new_cdp_session(self.page)
        place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        await finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [place]})
        await expect(button).to_have_count(0)
        await finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        await finger.detach()

    @asynccontextmanager
    async def deaf(self) -> AsyncIterator[None]:
        """The page hears answers to its own requests, but no events: what it shows is as old as on a slow line. Its
        connection is made anew for that, and again at the end."""
        silent = True

        def route(socket: WebSocketRoute) -> None:
            server = socket.connect_to_server()

            def pass_on(frame: str | bytes) -> None:
                event = json.loads(frame)
                if not silent or "re" in event or event.get("ev") == "challenge":
                    socket.send(frame)

            server.on_message(pass_on)

        await self.context.route_web_socket(re.compile("/v1/ws"), route)
        await self.page.reload()
        await self.is_ready()
        yield
        silent = False

    async def another_tab(self) -> Visit:
        """The same browser, and so the same device."""
        page = await self.context.new_page()
        await page.goto(self.watch.origin)
        visit = Visit(self.context, page, self.watch)
        await visit.is_ready()
        return visit


def pairing_address(gateway: Served, scope: str = "member", name: str = "") -> str:
    """As a person gets it from the command."""
    done = Groupchat(gateway.state, quick=True)("web", "--pair", "--json", "--scope", scope, "--name", name)
    assert done.code == 0, done.err
    return str(done.json["url"])


@asynccontextmanager
async def visiting(
    browser: Browser, gateway: Served, scope: str = "member", *, name: str = "", **options: Any
) -> AsyncIterator[Visit]:
    async with watched(browser, gateway.url, **options) as (context, watch):
        page = await context.new_page()
        await page.goto(pairing_address(gateway, scope, name))
        visit = Visit(context, page, watch)
        await visit.is_ready()
        yield visit


async def member_of(gateway: GatewayProcess, name: str, kind: MemberKind = MemberKind.AGENT, **more: Any) -> Endpoint:
    """A new member's endpoint."""
    async with Client(gateway.operator) as client:
        made = await client.request(CreateToken(name=name, kind=kind, **more), TokenMade)
    return Endpoint(gateway.url, made.token)
