"""A room of thousands of messages: read up to its beginning and down again, with few rows in the document."""

from __future__ import annotations

import asyncio

import pytest
import pytest_asyncio
from playwright.async_api import expect

from gateway.client import Client
from tests.support.gateways import GatewayProcess
from tests.support.web_visits import Visit, member_of
from tests.web.browser.conftest import Visits

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

MESSAGES = 3000
MAX_ROWS = 300  # of the room; a thread or a search beside it has at most 100
AT_ONCE = 200

# Told by the list itself after each change: so that no state in between stays unseen.
WATCH_ROWS = """
list => {
  window.mostRows = 0;
  const count = () => { window.mostRows = Math.max(window.mostRows, list.querySelectorAll("li").length); };
  new MutationObserver(count).observe(list, { childList: true, subtree: true });
  count();
}
"""
HELD = "list => [...list.querySelectorAll('li.message .markdown')].map((row) => Number(row.innerText.split(' ')[1]))"
# The first row that is wholly on the screen, and where it stands.
FIRST_ROW = """
list => {
  const top = list.getBoundingClientRect().top;
  const row = [...list.querySelectorAll("li.message")].find((one) => one.getBoundingClientRect().top >= top);
  return [row.dataset.seq, row.getBoundingClientRect().top - top];
}
"""
MOVED_ENDS = (
    "list.querySelector('li.message:last-child').style.paddingBottom = '300px'",
    "list.style.bottom = '200px'",
)
PLACE_OF = """
(list, seq) => list.querySelector(`[data-seq="${seq}"]`).getBoundingClientRect().top - list.getBoundingClientRect().top
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def long_room(gateway: GatewayProcess) -> GatewayProcess:
    async with Client(gateway.operator) as alice:
        for begun in range(0, MESSAGES, AT_ONCE):
            await asyncio.gather(*(alice.send(f"message {number}") for number in range(begun, begun + AT_ONCE)))
    return gateway


async def held(visit: Visit) -> list[int]:
    """The numbers of the messages in the document, in order."""
    found: list[int] = await visit.stream.evaluate(HELD)
    return found


async def end_of_list(visit: Visit, *, up: bool) -> int:
    """The message at this end, which changes when the next page has come."""
    return (await held(visit))[0 if up else -1]


async def test_history_goes_up_to_the_beginning_and_down_again(long_room: GatewayProcess, visit: Visits) -> None:
    alice = await visit()
    await alice.stream.evaluate(WATCH_ROWS)
    seen = set(await held(alice))
    for up in (True, False):
        last = 0 if up else MESSAGES - 1
        while await end_of_list(alice, up=up) != last:
            await alice.scroll_on(up=up)
            numbers = await held(alice)
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "a gap, or out of order"
            seen.update(numbers)
        if up:
            await expect(alice.page.get_by_text("The beginning of #general")).to_be_visible()
    assert seen == set(range(MESSAGES))
    assert 200 < await alice.page.evaluate("window.mostRows") <= MAX_ROWS


async def test_what_is_read_does_not_move_when_more_comes(long_room: GatewayProcess, visit: Visits) -> None:
    alice = await visit()
    for _ in range(5):  # now rows go at the other end, too
        await alice.scroll_on(up=True)
    before = await alice.rows.first.get_attribute("data-seq")
    await alice.stream.evaluate("list => { list.scrollTop = 250; }")  # near enough that the next page comes
    seq, place = await alice.stream.evaluate(FIRST_ROW)
    await expect(alice.rows.first).not_to_have_attribute("data-seq", str(before))
    assert abs(await alice.stream.evaluate(PLACE_OF, seq) - place) <= 1
    async with Client(await member_of(long_room, "bob")) as bob:
        await bob.send(f"message {MESSAGES}")
    await expect(alice.page.get_by_role("button", name="new below")).to_be_visible()
    assert abs(await alice.stream.evaluate(PLACE_OF, seq) - place) <= 1
    await alice.page.get_by_role("button", name="new below").click()
    await alice.sees(f"message {MESSAGES}")


async def test_who_is_at_the_end_stays_there_when_the_end_moves(long_room: GatewayProcess, visit: Visits) -> None:
    """A browser tells of scrolling a moment later, when a row may have grown or a question may have taken room away."""
    alice = await visit()
    await expect(alice.rows.last).to_be_in_viewport()
    async with Client(await member_of(long_room, "cleo")) as cleo:
        for number, change in enumerate(MOVED_ENDS):
            await alice.stream.evaluate(f"list => {{ {change}; list.dispatchEvent(new Event('scroll')); }}")
            await cleo.send(f"said after change {number}")
            await alice.sees(f"said after change {number}")


async def test_a_command_leaves_who_reads_where_they_read(long_room: GatewayProcess, visit: Visits) -> None:
    alice = await visit()
    for _ in range(4):
        await alice.scroll_on(up=True)
    await alice.stream.evaluate("list => { list.scrollTop = list.scrollHeight / 2; }")
    seq, place = await alice.stream.evaluate(FIRST_ROW)
    await alice.says("/mute")
    await expect(alice.told).to_contain_text("muted")
    assert abs(await alice.stream.evaluate(PLACE_OF, seq) - place) <= 1
    await alice.says("a message")
    await alice.sees("a message")
