"""Desktop and phone, light and dark, for eyes, for screen readers, and by keyboard alone. The phone is emulated: its
size, touch and pixels in a desktop's Chromium.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from gateway.client import Client
from gateway.protocol.requests.approval_requests import OpenAsk
from gateway.protocol.requests.room_requests import CreateRoom
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import AskAbout, MemberKind, Option
from tests.support.chromium import DESKTOP, PHONE, watched
from tests.support.gateways import GatewayProcess
from tests.support.web_visits import PAUSE_MS, PLACES, member_of
from tests.web.browser.conftest import Visits

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

AXE = Path(__file__).parents[1] / "node_modules" / "axe-core" / "axe.min.js"
WITHOUT_AXE = "The rules of accessibility are not installed: bin/run-tests does it where npm is."
SERIOUS = {"serious", "critical"}
MIN_TARGET_PX = 24  # WCAG 2.2, 2.5.8
YES_NO = (Option("1", "Yes, run it"), Option("2", "No, and tell claude what to do differently"))

MARKDOWN = """# Release plan

A **bold** word, some *emphasis*, `code`, ~~nothing~~, and [a link](https://example.org/x).

- first
- second
  1. deeper

> quoted

```python
def release(version: str) -> None:
    print(f"releasing {version} with a line that is much longer than any telephone is wide, so that it must scroll")
```

| a | b |
|---|---|
| 1 | 2 |

![a picture](https://example.org/i.png)
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def furnished(gateway: GatewayProcess) -> AsyncIterator[GatewayProcess]:
    """A room with each kind of message, several rooms, agents that ask, and one whose question has ended."""
    claude, codex = await member_of(gateway, "claude", role="coder"), await member_of(gateway, "codex")
    bob = await member_of(gateway, "bob", MemberKind.HUMAN)
    async with (
        Client(gateway.operator) as alice,
        Client(bob) as other,
        Client(claude) as agent,
        Client(codex) as second,
    ):
        await alice.request(CreateRoom("lab", topic="what we try out"), object)
        first = await other.send(MARKDOWN)
        await alice.send("I have read it.", reply_to=first.seq)
        await alice.send("For you alone", to="@bob")
        await other.send("This cannot wait", to="@alice", urgent=True)
        await other.send("a_very_long_word_without_any_place_to_break_it_" * 20)
        await alice.send("Please look at the tests.", to="@claude")
        asks = OpenAsk(
            "a" * 16, "Run this?", YES_NO, *("1", "2"), detail="rm -rf build && make", about=AskAbout.COMMAND
        )
        await agent.request(asks, Done)
        await second.request(OpenAsk("b" * 16, "May I?", YES_NO, allow="1", deny="2", words=True), Done)
        yield gateway


async def serious_findings(page: Page, least_passes: int = 10) -> list[str]:
    if not AXE.exists():
        pytest.skip(WITHOUT_AXE)
    await page.evaluate(AXE.read_text())
    found: dict[str, Any] = await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    assert len(found["passes"]) >= least_passes, "the rules have looked at the page"
    return [
        f"{one['impact']} {one['id']}: {node['html'][:200]}"
        for one in found["violations"]
        for node in one["nodes"]
        if one["impact"] in SERIOUS
    ]


@pytest.mark.parametrize(("size", "scheme"), [*product(("desktop", "phone"), ("light", "dark"))])
async def test_no_serious_finding(furnished: GatewayProcess, visit: Visits, size: str, scheme: str) -> None:
    alice = await visit("approver", color_scheme=scheme, **{"desktop": DESKTOP, "phone": PHONE}[size])
    await expect(alice.questions).to_be_visible()
    await alice.composer.fill("@b")
    await alice.composer.press("o")
    await alice.question_of("codex").get_by_role("button", name="Yes").click()
    found = {}
    for place in PLACES:
        await alice.goes_to(place)
        found[place] = await serious_findings(alice.page)
    assert {place: told for place, told in found.items() if told} == {}
    paper = await alice.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, paper.strip("rgb()").split(","))) < 200) is (scheme == "dark")


async def test_the_page_of_a_stranger_has_no_serious_finding(browser: Browser, gateway: GatewayProcess) -> None:
    async with watched(browser, gateway.url) as (context, _):
        page = await context.new_page()
        await page.goto(gateway.url)
        await expect(page.get_by_role("alert")).to_contain_text("not paired")
        assert await serious_findings(page, 5) == []


@pytest.mark.parametrize("width", [320, 390, 1280, 2560])
async def test_nothing_is_wider_than_the_screen(furnished: GatewayProcess, visit: Visits, width: int) -> None:
    alice = await visit("approver", viewport={"width": width, "height": 844})
    await expect(alice.questions).to_be_visible()
    assert await alice.page.evaluate("document.documentElement.scrollWidth") == width
    wider = (
        "list => [...list.querySelectorAll('.bubble')].filter((row) => row.scrollWidth > row.clientWidth + 1).length"
    )
    assert await alice.stream.evaluate(wider) == 0
    box = await alice.composer.bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width and box["y"] + box["height"] <= 844


async def test_all_that_can_be_pressed_is_large_enough(furnished: GatewayProcess, visit: Visits) -> None:
    alice = await visit("approver", **PHONE)
    await expect(alice.questions).to_be_visible()
    for button in await alice.page.get_by_role("button").all():
        box = await button.bounding_box()
        assert box is None or min(box["width"], box["height"]) >= MIN_TARGET_PX, await button.inner_text()


async def tab_to(page: Page, wanted: Locator) -> None:
    """With the keyboard alone; each element on the way shows that it has the focus."""
    for _ in range(100):
        await page.keyboard.press("Tab")
        if await wanted.evaluate("element => element === document.activeElement"):
            shown = await wanted.evaluate("element => getComputedStyle(element).outlineStyle")
            assert shown != "none", "the focus is not visible"
            return
    raise AssertionError(f"no Tab leads to {wanted}")


async def test_rooms_are_entered_and_read_by_keyboard(furnished: GatewayProcess, visit: Visits) -> None:
    alice = await visit()
    for room in ("lab", "general"):
        await tab_to(alice.page, alice.rooms.get_by_role("link", name=room))
        await alice.page.keyboard.press("Enter")
        await expect(alice.page.get_by_role("main", name=f"Room {room}")).to_be_visible()
        await alice.is_ready()
    await tab_to(alice.page, alice.stream)
    await expect(alice.rows.first).not_to_be_in_viewport()
    await alice.page.keyboard.press("Home")
    await expect(alice.rows.first).to_be_in_viewport()


async def test_messages_are_answered_by_keyboard(furnished: GatewayProcess, visit: Visits) -> None:
    alice = await visit()
    keyboard = alice.page.keyboard
    await tab_to(alice.page, alice.rows.first.get_by_role("button", name="Reply to bob"))
    await keyboard.press("Enter")
    await expect(alice.composer).to_be_focused()
    await expect(alice.page.get_by_text("Reply to bob")).to_be_visible()
    await keyboard.press("Escape")
    await expect(alice.page.locator(".replying")).to_have_count(0)
    await keyboard.type("@bo")
    await keyboard.press("Enter")
    await keyboard.type("by keyboard")
    await keyboard.press("Enter")
    await alice.sees("by keyboard")


async def test_questions_are_answered_by_keyboard(furnished: GatewayProcess, visit: Visits) -> None:
    alice = await visit("approver")
    yes = alice.question_of("claude").get_by_role("button", name="Yes")
    await tab_to(alice.page, yes)
    await alice.page.keyboard.press("Enter")
    await expect(yes).to_contain_text("press again to confirm")
    await alice.page.wait_for_timeout(PAUSE_MS)
    await alice.page.keyboard.press("Enter")
    await expect(alice.question_of("claude")).to_contain_text("You answered “Yes, run it”")


async def test_the_panels_of_a_phone_open_and_close_by_keyboard(furnished: GatewayProcess, visit: Visits) -> None:
    alice = await visit(**PHONE)
    for panel in ("rooms", "members", "search"):
        there = alice.page.locator(f"#{panel}")
        await expect(there).to_be_hidden()
        await tab_to(alice.page, alice.page.locator(f".header a.to-{panel}"))
        await alice.page.keyboard.press("Enter")
        await expect(there.locator(":focus")).to_have_count(1)
        await alice.page.keyboard.press("Escape")
        await expect(there).to_be_hidden()
        await expect(alice.page.locator(f".header a.to-{panel}")).to_be_focused()


async def test_all_pages_are_reached_by_keyboard(furnished: GatewayProcess, visit: Visits) -> None:
    alice = await visit("approver")
    pages = alice.page.get_by_role("navigation", name="Pages")
    for name in ("Questions", "Fleet", "Modes", "Settings", "Rooms"):
        await tab_to(alice.page, pages.get_by_role("link", name=name))
        await alice.page.keyboard.press("Enter")
        await expect(pages.get_by_role("link", name=name)).to_have_attribute("aria-current", "page")
        await expect(alice.page.get_by_role("main")).to_be_visible()


async def test_the_focus_is_inside_a_page_as_soon_as_the_page_is_there(
    furnished: GatewayProcess, visit: Visits
) -> None:
    """A focus that moves later would take back a Tab that was pressed meanwhile."""
    alice = await visit("approver")
    link = alice.page.get_by_role("navigation", name="Pages").get_by_role("link", name="Fleet")
    await link.evaluate("""link => {
        const note = () => { window.focused = document.activeElement.id; };
        new MutationObserver(note).observe(link, {attributes: true, attributeFilter: ["aria-current"]});
    }""")
    await tab_to(alice.page, link)
    await alice.page.keyboard.press("Enter")
    await expect(link).to_have_attribute("aria-current", "page")
    assert await alice.page.evaluate("window.focused") == "content"


async def test_a_screen_reader_hears_a_message_of_another_as_it_comes(furnished: GatewayProcess, visit: Visits) -> None:
    alice = await visit()
    heard = alice.page.get_by_role("status", name="Newest message")
    await expect(heard).to_be_empty()
    await alice.says("my own words")
    await alice.sees("my own words")
    await expect(heard).to_be_empty()
    erin = await member_of(furnished, "erin", MemberKind.HUMAN)
    async with Client(erin) as other:
        await other.send("**Done**, with `two` tests")
    await expect(heard).to_have_text("erin: Done, with two tests")
    await alice.enters("lab")
    await expect(heard).to_be_empty()
