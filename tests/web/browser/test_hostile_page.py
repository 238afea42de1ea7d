"""Hostile text of members in every field, on every page: it stays text, and the page stays whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from gateway.client import Client
from gateway.operations.dispatch import run_operation
from gateway.protocol.requests.message_requests import Send
from tests.hostile.strings import ESCAPES, STRINGS, UNSEEN
from tests.hostile.world import MALLORY, World, world_in
from tests.support.chromium import PHONE, watched
from tests.support.commands import Groupchat
from tests.support.web_visits import PLACES, Visit, visiting

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

HTML = {
    "svg": "<svg onload=alert(1)><script>alert(2)</script></svg>",
    "image": '<img src="https://evil.example/i.png" onerror="alert(1)">',
    "frame": '<iframe src="https://evil.example"></iframe><object data="https://evil.example"></object>',
    "style": "<style>*{display:none}</style><link rel=stylesheet href=https://evil.example/x.css>",
    "form": '<form action="https://evil.example"><input name="token"><button>Press</button></form>',
    "base and refresh": '<base href="https://evil.example"><meta http-equiv="refresh" content="0;url=https://evil.example">',
    "picture": "![tracked](https://evil.example/i.png) ![x](data:image/svg+xml,<svg onload=alert(1)>)",
    "script links": "[a](javascript:alert(1)) [b](JaVaScRiPt:alert(1)) [c](data:text/html,<script>alert(1)</script>)",
    "odd links": "<javascript:alert(1)> [d](java\tscript:alert(1)) [e](vbscript:x) [f](file:///etc/passwd)",
    "no scheme": "[g](//evil.example) [h](\\\\evil.example) [i](/v1/ws)",
    "link title": '[x](https://ok.example "\\"onmouseover=alert(1) x=\\"")',
    "reference": "[a]\n\n[a]: javascript:alert(1) '<img src=x onerror=alert(1)>'",
    "code": "```html\n<script>alert(1)</script>\n```\n`<img src=x onerror=alert(1)>`",
    "table": "| <script>alert(1)</script> |\n|---|\n| <img src=x onerror=alert(1)> |",
    "template": "${alert(1)} {{alert(1)}} <${Page} /> </div></li></ol>",
    "prototype": "__proto__ constructor toString [x](__proto__)",
    "deep": ">" * 2000 + " deep " + "[" * 2000 + "*" * 2000,
    "deep list": "".join(f"{'  ' * depth}- x\n" for depth in range(200)),
    "emoji": "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 2000,
    "one line": "x" * 250_000,
    "many lines": "y\n" * 100_000,
    "wide table": "|" + "a|" * 2000 + "\n|" + "-|" * 2000 + "\n|" + "b|" * 2000,
}

# What no text of a member may become. The page's own icons are drawn by elements of one kind, without any address.
FOREIGN = """
() => {
  const app = document.getElementById("app");
  const tags = "script, style, link, meta, base, img, iframe, object, embed, audio, video, math, foreignObject";
  const found = [...app.querySelectorAll(tags)];
  for (const element of app.querySelectorAll("*")) {
    for (const { name, value } of element.attributes) {
      if (/^on|^style$|^srcdoc$|^formaction$|^action$|^src$/.test(name)) found.push(element);
      if (/href$/.test(name) && !/^(#\\/|#content$|https?:|mailto:)/.test(value)) found.push(element);
    }
    if (element.matches("a[href^=http]") && !element.relList.contains("noopener")) found.push(element);
  }
  return found.map((element) => element.outerHTML.slice(0, 200));
}
"""
# A line feed and a tab may stand in a text; nothing else that acts.
ACTING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
PAGE_TEXT = """
() => {
  const names = ["title", "aria-label", "placeholder"];
  const words = [...document.querySelectorAll("*")].flatMap((one) => names.map((name) => one.getAttribute(name) ?? ""));
  return [document.title, document.body.textContent, ...words].join("\\n");
}
"""


@dataclass(frozen=True)
class Place:
    """Of a gateway in this process, as of one of its own."""

    url: str
    state: Path


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Hostile text in each place that a member can fill, and each of the strings as a message."""
    with world_in(tmp_path_factory.mktemp("hostile") / "state") as running:
        for text in HTML.values():
            running.do(run_operation(running.hub, MALLORY, Send(content=text)))
        yield running


@pytest.fixture(scope="module")
def served(world: World) -> Place:
    return Place(world.gateway.url, world.state)


async def problems_of(page: Page, width: int) -> list[str]:
    foreign: list[str] = await page.evaluate(FOREIGN)
    text: str = await page.evaluate(PAGE_TEXT)
    acting = [f"U+{ord(one[0]):04X} in {text[one.start() - 40 : one.end() + 20]!r}" for one in ACTING.finditer(text)]
    wide = await page.evaluate("document.documentElement.scrollWidth")
    return foreign + acting[:5] + ([f"{wide} px wide"] if wide > width else [])


@pytest.mark.parametrize("width", [1280, 390])
async def test_no_page_becomes_anything_else(browser: Browser, world: World, served: Place, width: int) -> None:
    rooms = [room for room in world.hub.state.rooms if room != "general"][:3]
    number = world.message
    threads = [f"room/general/thread/{number}", f"room/general/at/{number}"]
    options = PHONE if width < 800 else {}
    async with visiting(browser, served, "approver", **options) as alice:
        found = {}
        for place in (*PLACES, *threads, *(f"room/{room}" for room in rooms)):
            await alice.goes_to(place)
            if "/thread/" in place:
                await expect(alice.page.locator("#thread .message").first).to_be_visible()
            found[place] = await problems_of(alice.page, width)
        assert {place: told for place, told in found.items() if told} == {}


async def test_every_message_is_text(browser: Browser, served: Place) -> None:
    """All of them, up to the first; each that is folded is unfolded, each story is opened."""
    async with visiting(browser, served, "approver") as alice:
        seen: set[str] = set()
        while True:
            folded = alice.stream.get_by_role("button", name=re.compile("^Show all"))
            await folded.evaluate_all("all => all.forEach((one) => one.click())")
            assert await problems_of(alice.page, 1280) == []
            seen.update(
                await alice.stream.evaluate(
                    "list => [...list.querySelectorAll('li.message')].map((row) => row.dataset.seq)"
                )
            )
            if await alice.page.get_by_text("The beginning of #general").count():
                break
            await alice.scroll_on(up=True)
        assert len(seen) >= len(STRINGS) + len(HTML)
        await alice.says("the page still works")
        await alice.sees("the page still works")


async def test_what_acts_on_a_reader_is_shown_as_a_sign(browser: Browser, world: World, served: Place) -> None:
    async with visiting(browser, served) as alice, Client(world.gateway.operator) as other:
        for text in (ESCAPES["title"], UNSEEN["override"]):
            await other.send(f"see {text} there")
        await expect(alice.rows.filter(has_text="see ␛]0;PWNED␇ there")).to_be_visible()
        await expect(alice.rows.filter(has_text="see [U+202E]esrever[U+202C] there")).to_be_visible()


async def test_a_link_leads_away_without_telling_from_where(browser: Browser, served: Place) -> None:
    async with visiting(browser, served) as alice:
        await alice.says(f"[away]({served.url}/nowhere#x) [elsewhere](https://evil.example/x)")
        link = alice.rows.last.get_by_role("link", name="away")
        alice.watch.expect("404")
        async with alice.context.expect_page() as opened:
            await link.click()
        there = await opened.value
        assert await there.evaluate("[window.opener, document.referrer]") == [None, ""]
        assert await alice.rows.last.locator("a[href^=http]").evaluate_all("all => all.map((one) => one.rel)") == [
            "noopener noreferrer",
            "noopener noreferrer",
        ]


async def test_whoever_reads_by_a_link_reads_text(browser: Browser, served: Place) -> None:
    made = Groupchat(served.state, quick=True)("share-link", "general", "--json")
    assert made.code == 0, made.err
    async with watched(browser, served.url) as (context, watch):
        page = await context.new_page()
        await page.goto(made.json["url"])
        reader = Visit(context, page, watch)
        await reader.is_ready()
        assert await problems_of(page, 1280) == []
        await page.reload()
        await expect(page.get_by_role("main")).to_contain_text("If you have a link to read along, open it again.")


FORGED_ADDRESSES = (
    "#pair=AAAAAAAAAAAAAAAAAAAAAA",
    "#pair=<img src=x onerror=alert(1)>",
    f"#open={'A' * 5000}",
    "#link=0011223344556677.wrong",
    "#link=<script>alert(1)</script>.x",
    "#link=../../v1/ws?token=x.y",
    "#/room/<script>alert(1)</script>",
    "#/room/../../x",
    "#/constructor",
    "#/__proto__",
    f"#/room/{'x' * 500}",
    "?token=x#pair=y",
)


async def test_a_forged_address_says_why_and_takes_nothing_away(browser: Browser, served: Place) -> None:
    """A browser that is a device stays one."""
    async with visiting(browser, served) as alice:
        alice.watch.expect("401", "400", "429", "WebSocket connection to .* failed")
        for address in FORGED_ADDRESSES:
            page = await alice.context.new_page()
            await page.goto(f"{served.url}/{address}")
            refused = page.get_by_role("main").get_by_role("alert")
            asked = page.get_by_role("button", name="Stay as it is")
            seen = refused.or_(asked).or_(page.get_by_role("log", name="Messages"))
            await expect(seen.first, address).to_be_visible()
            if await asked.is_visible():
                await page.get_by_role("button", name="Pair it anew").click()
                await expect(refused, address).to_be_visible()
            assert not re.search("(pair|open|link)=", page.url), page.url
            assert await problems_of(page, 1280) == [], address
            await page.close()
        tab = await alice.another_tab()
        await tab.says("still a device")
