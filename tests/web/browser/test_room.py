"""The room in a real browser: pair, read, write, and hear what others say."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.async_api import Browser, WebSocketRoute, expect

from gateway.client import Client
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.requests.room_requests import CreateRoom, SetRoomKey
from gateway.protocol.results import Accepted, Done
from gateway.protocol.text.printable_text import SEALED_TEXT
from gateway.protocol.types.core_types import MemberKind, SealedContent
from tests.fakes.retry import retry_until
from tests.support.chromium import PHONE, watched
from tests.support.commands import Groupchat
from tests.support.gateways import GatewayProcess
from tests.support.web_visits import Visit, member_of, pairing_address
from tests.web.browser.conftest import Visits

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]


async def test_a_browser_pairs_once_and_reads(browser: Browser, gateway: GatewayProcess, visit: Visits) -> None:
    async with Client(gateway.operator) as alice:
        await alice.send("Shall we release **on Friday**?")
    alice_there = await visit(name="kitchen")
    await alice_there.sees("on Friday")
    assert "pair" not in alice_there.page.url, "the code is gone from the address"
    assert "kitchen" in Groupchat(gateway.state, quick=True)("token", "list").out
    await alice_there.page.reload()
    await alice_there.is_ready()
    await alice_there.sees("on Friday")


async def test_a_code_pairs_one_browser_alone(browser: Browser, gateway: GatewayProcess) -> None:
    address = pairing_address(gateway)
    for sentence in ("Messages", "This code is not valid"):
        async with watched(browser, gateway.url) as (context, watch):
            watch.expect(r"401 \(Unauthorized\)")
            page = await context.new_page()
            await page.goto(address)
            seen = page.get_by_role("log", name=sentence).or_(page.get_by_role("alert").filter(has_text=sentence))
            await expect(seen).to_be_visible()


async def test_what_is_written_is_sent_and_seen(gateway: GatewayProcess, visit: Visits) -> None:
    alice = await visit()
    await alice.says("The tests are green.")
    await alice.sees("The tests are green.")
    await alice.composer.fill("one")
    await alice.composer.press("Shift+Enter")
    await alice.page.keyboard.type("two")
    await alice.page.get_by_role("button", name="Send").click()
    await expect(alice.rows.last.locator(".markdown p")).to_have_text("one\ntwo", use_inner_text=True)
    said = Groupchat(gateway.state, quick=True)("history", "--json").out
    assert "The tests are green." in said and r"one\ntwo" in said


async def test_a_phone_sends_by_a_tap_and_keeps_its_keyboard(visit: Visits) -> None:
    """The bar below, which gives way while somebody writes, does not come back under the finger."""
    alice = await visit(**PHONE)
    for text in ("Sent by a finger.", "And one more."):
        await alice.composer.tap()
        await alice.page.keyboard.type(text)
        await alice.page.get_by_role("button", name="Send", exact=True).tap()
        await alice.sees(text)
        await expect(alice.composer).to_have_value("")
        await expect(alice.composer).to_be_focused()


async def test_what_another_says_arrives(gateway: GatewayProcess, visit: Visits) -> None:
    bob = await member_of(gateway, "bob", MemberKind.HUMAN)
    desk, phone = await visit(), await visit("reader", **PHONE)
    async with Client(bob) as client:
        await client.send("Good morning from bob")
        for one in (desk, phone):
            await one.sees("Good morning from bob")
        await client.send("For alice alone", to="@alice")
        await desk.sees("For alice alone")
    direct = desk.rows.filter(has_text="For alice alone")
    await expect(direct.get_by_role("img", name="Direct message")).to_be_visible()
    await expect(phone.page.get_by_text("this browser may not write")).to_be_visible()


async def test_a_name_is_completed_and_the_audience_is_told(gateway: GatewayProcess, visit: Visits) -> None:
    async with Client(await member_of(gateway, "benedict", MemberKind.HUMAN)) as client:
        await client.send("I am here")
    alice = await visit()
    await alice.composer.click()
    await alice.page.keyboard.type("@bened")
    await expect(alice.page.get_by_role("option", name="@benedict")).to_be_visible()
    await alice.page.keyboard.press("Tab")
    await alice.page.keyboard.type("look")
    await expect(alice.composer).to_have_value("@benedict look")
    await expect(alice.told).to_have_text("Direct: only @benedict and observers will read it.")


async def test_a_refused_text_stays(visit: Visits) -> None:
    alice = await visit()
    await alice.composer.fill("@nobody-here hello")
    await alice.composer.press("Enter")
    await expect(alice.told).to_contain_text(re.compile("Not sent"))
    await expect(alice.composer).to_have_value("@nobody-here hello")


async def held_answers_to_sends(visit: Visit) -> list[Callable[[], None]]:
    """What lets the page hear each of them; its connection is made anew for that."""
    sent: set[int] = set()
    held: list[Callable[[], None]] = []

    def route(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def note(frame: str | bytes) -> None:
            request = json.loads(frame)
            if request["op"] == "send":
                sent.add(request["n"])
            server.send(frame)

        def pass_on(frame: str | bytes) -> None:
            if json.loads(frame).get("re") in sent:
                held.append(lambda: socket.send(frame))
            else:
                socket.send(frame)

        socket.on_message(note)
        server.on_message(pass_on)

    await visit.context.route_web_socket(re.compile("/v1/ws"), route)
    await visit.page.reload()
    await visit.is_ready()
    return held


async def test_a_reply_that_is_chosen_while_the_one_before_is_on_its_way_is_not_lost(
    gateway: GatewayProcess, visit: Visits
) -> None:
    """Else what answers a direct message could go to everyone."""
    alice = await visit()
    held = await held_answers_to_sends(alice)
    first, second = "What do you think?", "And between us?"
    async with Client(await member_of(gateway, "cleo", MemberKind.HUMAN)) as cleo:
        await cleo.send(first)
        await cleo.send(second, to="@alice")

    async def replies_to(text: str) -> None:
        await alice.rows.filter(has_text=text).get_by_role("button", name="Reply").click()
        await expect(alice.page.locator(".replying")).to_contain_text(text)

    await replies_to(first)
    await alice.composer.fill("It is good.")
    await alice.composer.press("Enter")
    await retry_until(lambda: held)
    await replies_to(second)
    held[0]()
    await expect(alice.composer).to_have_value("")
    await alice.composer.fill("It is bad.")
    await expect(alice.told).to_contain_text("only @cleo")
    await expect(alice.page.locator(".replying")).to_contain_text(second)


async def test_a_draft_survives_a_reload_and_belongs_to_its_room(gateway: GatewayProcess, visit: Visits) -> None:
    assert Groupchat(gateway.state, quick=True)("rooms", "--create", "drafts").code == 0
    alice = await visit()
    await alice.composer.fill("not yet ready")
    await alice.enters("drafts")
    await expect(alice.composer).to_have_value("")
    await alice.enters("general")
    await expect(alice.composer).to_have_value("not yet ready")
    await alice.page.reload()
    await alice.is_ready()
    await expect(alice.composer).to_have_value("not yet ready")


async def test_two_tabs_of_one_browser_are_two_views_of_one_device(gateway: GatewayProcess, visit: Visits) -> None:
    first = await visit(name="two-tabs")
    second = await first.another_tab()
    await first.says("from the first tab")
    await second.sees("from the first tab")
    await second.says("from the second tab")
    await first.page.bring_to_front()
    await first.sees("from the second tab")
    listed = Groupchat(gateway.state, quick=True)("token", "list", "--json").out
    assert listed.count("two-tabs") == 1


async def test_what_is_sealed_is_told_in_a_sentence(gateway: GatewayProcess, visit: Visits) -> None:
    """The page holds no key. Plain text into a sealed room is refused, and stays in the composer."""
    bob = await member_of(gateway, "bob", MemberKind.HUMAN)
    async with Client(gateway.operator) as alice, Client(bob) as client:
        await alice.request(CreateRoom(room="vault", sealed=True), Done)
        await alice.request(SetRoomKey(room="vault", version=1, notice="bm90aWNl"), Done)
        there = await visit()
        await there.enters("vault")
        await alice.request(Send(content="", room="vault", sealed=SealedContent(1, "Ym94")), Accepted)
        await there.sees(SEALED_TEXT)
        await there.page.reload()
        await there.is_ready()
        await there.sees(SEALED_TEXT)
        await there.composer.fill("in plain words")
        await there.composer.press("Enter")
        await expect(there.told).to_contain_text("#vault is sealed")
        await expect(there.composer).to_have_value("in plain words")
        await there.composer.fill("")
        await there.enters("general")
        await client.request(Send(content="", to="@alice", sealed=SealedContent(0, "Ym94")), Accepted)
        await expect(there.rows.last).to_contain_text(SEALED_TEXT)
