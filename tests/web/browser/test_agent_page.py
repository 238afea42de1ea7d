"""The page of one agent: its terminal as text that can be read, and keys for it. Sidecar and program are real."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, WebSocket, expect

from gateway.client import Client
from tests.end_to_end.test_watch_terminal import Pane, is_known, keep_typing, pane, sidecar
from tests.fakes.retry import retry_until
from tests.support.chromium import PHONE
from tests.support.gateways import GatewayProcess
from tests.support.web_visits import Visit
from tests.web.browser.conftest import Visits
from tests.web.browser.test_shapes import serious_findings

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

# Shows what a page could show wrongly, and the keys that it gets; `q` ends it.
PAINTER = r"""
import os, sys, tty
folder = sys.argv[1]
ROWS = [
    "0123456789|",
    "\u65e5\u672c\u8a9e\u7684\u5b57|",
    "\u23fa\u273b\u2713\u276f\u2022\u25cf\u2026\u2192\u2610\u25b6|",
    "\u256d" + "\u2500" * 8 + "\u256e|",
    "\U0001f389\U0001f680\U0001f44d\u65e5\u672c|",
    "<b>bold</b><img src=x onerror=alert(1)>",
    "\x1b[38;2;215;119;87morange\x1b[0m \x1b[31mred\x1b[0m \x1b[48;2;10;20;30mpaper\x1b[0m \x1b[1;4mloud\x1b[0m",
]
log = open(folder + "/written", "ab", buffering=0)
def write(text):
    log.write(text.encode())
    os.write(1, text.encode())
tty.setraw(0)
write("\x1b[2J" + "".join(f"\x1b[{y + 1};1H{row}" for y, row in enumerate(ROWS)) + "\x1b[10;1Hkeys:")
keys = b""
while (key := os.read(0, 16)) != b"q":
    keys = (keys + key)[-20:]  # they fit into the row, whatever the tests before have pressed
    write(f"\x1b[10;1Hkeys: {keys.hex(' ')}\x1b[K")
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def painter(gateway: GatewayProcess, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pane]:
    with pane(tmp_path_factory.mktemp("painter") / "pane") as screen, sidecar(gateway, screen, PAINTER):
        await is_known(gateway.operator, "painter")
        yield screen


def row_of(page: Page, number: int) -> Locator:
    return page.locator(".grid-row").nth(number)


@pytest_asyncio.fixture(loop_scope="session")
async def leaver(gateway: GatewayProcess, tmp_path: Path) -> AsyncIterator[Pane]:
    """Another one, for the test that ends it."""
    with pane(tmp_path / "pane") as screen, sidecar(gateway, screen, PAINTER, name="leaver"):
        await is_known(gateway.operator, "leaver")
        yield screen


async def looks_at(visit: Visit, agent: str = "painter") -> Page:
    """By the tile, as a person would."""
    page = visit.page
    await page.evaluate("location.hash = '#/fleet'")
    await page.get_by_role("main", name="Fleet").get_by_role("link", name=agent).click()
    await expect(page.get_by_role("main", name=f"Agent {agent}")).to_be_visible()
    return page


async def right_edge(row: Locator) -> float:
    """Where the last character of the row ends."""
    return float(
        await row.evaluate("""row => {
            const walker = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
            let last = null;
            while (walker.nextNode()) last = walker.currentNode;
            const range = document.createRange();
            range.setStart(last, last.length - 1);
            range.setEnd(last, last.length);
            return range.getBoundingClientRect().right - row.getBoundingClientRect().left;
        }""")
    )


async def test_a_terminal_is_text_in_a_grid_of_cells(painter: Pane, visit: Visits) -> None:
    page = await looks_at(await visit("approver"))
    await expect(row_of(page, 0)).to_have_text("0123456789|")
    await expect(row_of(page, 5)).to_have_text("<b>bold</b><img src=x onerror=alert(1)>")
    plain = await right_edge(row_of(page, 0))
    for number in range(1, 5):
        assert await right_edge(row_of(page, number)) == pytest.approx(plain, abs=0.5), number
    assert await row_of(page, 6).evaluate("row => row.innerText") == "orange red paper loud"
    style = "part => ((is) => [is.color, is.backgroundColor, is.fontWeight])(getComputedStyle(part))"
    parts = {
        word: await row_of(page, 6).get_by_text(word, exact=True).evaluate(style)
        for word in ("orange", "red", "paper", "loud")
    }
    assert parts["paper"][1] == "rgb(10, 20, 30)"
    assert parts["loud"][2] == "700"
    assert len({color for color, _, _ in parts.values()}) == 4
    await page.emulate_media(color_scheme="dark")
    assert (await row_of(page, 6).get_by_text("orange").evaluate(style))[0] == "rgb(215, 119, 87)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_terminal_has_no_serious_finding(painter: Pane, visit: Visits, scheme: str) -> None:
    page = await looks_at(await visit("approver", color_scheme=scheme))
    await expect(row_of(page, 6)).to_contain_text("orange")
    await page.get_by_role("switch", name="Send keys").check()
    assert await serious_findings(page) == []


async def test_only_rows_that_changed_are_touched(painter: Pane, visit: Visits) -> None:
    page = await looks_at(await visit("approver", **PHONE))
    await expect(row_of(page, 9)).to_have_text(re.compile("^keys:"))
    await page.evaluate("""() => {
        window.changed = [];
        const rows = [...document.querySelectorAll(".grid-row")];
        const number = (node) => rows.findIndex((row) => row.contains(node));
        new MutationObserver((all) => changed.push(...all.map((one) => number(one.target))))
            .observe(document.querySelector(".grid"), {subtree: true, childList: true, characterData: true});
    }""")
    painter.press("x")
    await expect(row_of(page, 9)).to_have_text(re.compile("78$"))
    assert set(await page.evaluate("changed")) == {9}
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "only the terminal scrolls"


def terminal_requests(page: Page) -> list[str]:
    """What the page asks about terminals from now on, on connections that it opens from now on."""
    asked: list[str] = []

    def connected(socket: WebSocket) -> None:
        socket.on("framesent", lambda frame: asked.extend(named(frame)))

    def named(frame: Any) -> list[str]:
        op = str(json.loads(frame).get("op", ""))
        return [op] if op.startswith("terminal.") else []

    page.on("websocket", connected)
    return asked


HIDE = """hidden => {
    Object.defineProperty(document, "visibilityState", {value: hidden ? "hidden" : "visible", configurable: true});
    document.dispatchEvent(new Event("visibilitychange"));
}"""


async def test_the_page_looks_only_while_somebody_sees_it(painter: Pane, visit: Visits) -> None:
    one = await visit("approver")
    asked = terminal_requests(one.page)
    await one.page.reload()
    await one.is_ready()
    page = await looks_at(one)
    await expect(row_of(page, 0)).to_have_text("0123456789|")
    await page.evaluate(HIDE, True)
    await retry_until(lambda: asked == ["terminal.watch", "terminal.unwatch"], describe=lambda: asked)
    await page.evaluate(HIDE, False)
    await retry_until(lambda: asked == ["terminal.watch", "terminal.unwatch", "terminal.watch"], describe=lambda: asked)
    await expect(row_of(page, 0)).to_have_text("0123456789|")
    await one.enters("general")
    await retry_until(lambda: asked == ["terminal.watch", "terminal.unwatch"] * 2, describe=lambda: asked)


async def test_a_key_is_pressed_only_after_the_switch(painter: Pane, visit: Visits) -> None:
    one = await visit("approver")
    page = await looks_at(one)
    keys = page.get_by_role("group", name="Keys for the terminal of painter")
    switch = keys.get_by_role("switch", name="Send keys")
    await expect(switch).not_to_be_checked()
    await expect(keys.get_by_role("button")).to_have_count(0)
    await page.get_by_role("group", name="What the terminal of painter shows").focus()
    await page.keyboard.press("Escape")
    await switch.check()
    await keys.get_by_role("button", name="Ctrl-C").click()
    await expect(row_of(page, 9)).to_have_text(re.compile("03$"))
    await keys.get_by_role("button", name="Up").click()
    await expect(row_of(page, 9)).to_have_text(re.compile("03 1b 5b 41$"))
    assert "1b 1b" not in (await row_of(page, 9).inner_text()), "a key of the browser goes nowhere"
    await one.enters("general")
    await looks_at(one)
    await expect(switch).not_to_be_checked()


async def test_a_key_that_is_refused_is_a_sentence(painter: Pane, visit: Visits) -> None:
    page = await looks_at(await visit("approver"))
    await page.get_by_role("switch", name="Send keys").check()
    typing = asyncio.get_running_loop().create_task(keep_typing(painter), name="a person types")
    try:
        await expect(row_of(page, 9)).to_have_text(re.compile("20 20$"))
        await page.get_by_role("button", name="Esc").click()
        sentence = page.get_by_role("alert").filter(has_text="a person is typing in its terminal")
        await expect(sentence).to_be_visible()
    finally:
        typing.cancel()


async def test_the_page_says_why_an_agent_is_silent_and_what_has_happened(
    gateway: GatewayProcess, painter: Pane, visit: Visits
) -> None:
    one = await visit("member")
    await one.says("@painter draw **me** <i>a sheep</i>")
    page = await looks_at(one)
    why = page.get_by_role("region", name="What it does")
    await expect(why).to_contain_text(str(painter.folder))
    await expect(why).to_contain_text(re.compile(r"Last message#\d+ \w+"))
    timeline = page.get_by_role("region", name="Timeline")
    told = timeline.get_by_role("listitem").filter(has_text="wrote: draw me <i>a sheep</i>")
    await expect(told).to_have_count(1)
    async with Client(gateway.operator) as client:
        await client.send("and a rose", to="@painter")
    await expect(timeline.get_by_role("listitem").filter(has_text="and a rose")).to_have_count(1)
    await told.get_by_role("link", name="#general").click()
    await expect(one.rows.filter(has_text="a sheep")).to_be_in_viewport()


async def test_whoever_lacks_the_right_reads_how_to_get_it(painter: Pane, visit: Visits) -> None:
    one = await visit("member")
    asked = terminal_requests(one.page)
    await one.page.reload()
    await one.is_ready()
    page = await looks_at(one)
    await expect(page.get_by_text("groupchat web --pair --scope approver")).to_be_visible()
    await expect(page.locator(".screen")).to_have_count(0)
    assert asked == []


async def test_an_agent_that_ends_leaves_a_sentence(leaver: Pane, visit: Visits) -> None:
    page = await looks_at(await visit("approver"), "leaver")
    await expect(row_of(page, 0)).to_have_text("0123456789|")
    leaver.press("q")
    await expect(page.get_by_role("status").filter(has_text=re.compile("leaver"))).to_be_visible()
    await expect(page.locator(".screen:not(.old)")).to_have_count(0)
