"""Questions of agents, answered in a real browser: of the demo agent in its terminal, and of an agent by protocol."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Locator, expect

from gateway.client import Client
from gateway.protocol.requests.approval_requests import AnswerAsk, OpenAsk
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import AskAbout, AskState, MemberKind, Option, Scope
from tests.support.asking import Scene, asking
from tests.support.chromium import PHONE
from tests.support.gateways import GatewayProcess
from tests.support.web_visits import PAUSE_MS, Visit, member_of
from tests.web.browser.conftest import Visits

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

DEMO = (sys.executable, "-P", "-m", "sidecar.demo_agent")
YES_NO = (Option("1", "Yes, run it"), Option("2", "No"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """The demo agent behind its sidecar, in a room with the gateway that serves the page."""
    async with asking(tmp_path_factory.mktemp("desk"), "demo", DEMO, {"PATH": os.environ["PATH"]}) as scene:
        yield scene


@pytest.fixture(scope="module")
def gateway(desk: Scene) -> GatewayProcess:
    return desk.gateway


async def asked(desk: Scene, mark: str) -> None:
    desk.forget()
    await desk.idle()
    await desk.say(f"ask say {mark}")
    await desk.ask()


def choice(visit: Visit, text: str, member: str = "demo") -> Locator:
    return visit.question_of(member).get_by_role("button", name=text)


async def test_a_permission_takes_two_presses_and_no_slip(desk: Scene, visit: Visits) -> None:
    alice = await visit("approver")
    await asked(desk, "DONE-1")
    yes = choice(alice, "Yes")
    await yes.dblclick()
    await expect(yes).to_contain_text("press again to confirm")
    await alice.page.wait_for_timeout(PAUSE_MS)
    assert [one.state for one in desk.open] == [AskState.OPEN], "neither one press nor a double click has answered"
    await yes.click()
    await desk.ask(1, AskState.ANSWERED)
    await desk.pane.shows("DONE-1")
    await expect(alice.question_of("demo").last).to_contain_text("You answered “Yes” in the room.")


async def test_a_long_press_of_a_finger_permits_and_a_short_one_does_not(desk: Scene, visit: Visits) -> None:
    """An emulated phone: its size, its touch and its pixels, in the same Chromium."""
    alice = await visit("approver", **PHONE)
    await asked(desk, "DONE-2")
    yes = choice(alice, "Yes")
    await yes.tap()
    await expect(yes).to_contain_text("press again to confirm")
    assert [one.state for one in desk.open] == [AskState.OPEN]
    await alice.holds(yes)
    await desk.ask(1, AskState.ANSWERED)
    await desk.pane.shows("DONE-2")


async def test_one_tap_refuses(desk: Scene, visit: Visits) -> None:
    alice = await visit("approver", **PHONE)
    await asked(desk, "DONE-3")
    await choice(alice, "No").tap()
    ended = await desk.ask(1, AskState.ANSWERED)
    assert ended.answer == "deny"
    await desk.pane.shows("Asked: No")
    assert "● DONE-3" not in desk.pane.screen


async def test_a_tap_counts_for_one_who_is_writing(gateway: GatewayProcess, visit: Visits) -> None:
    """The card stays under the finger, though the writing ends with the tap and the bar below comes back."""
    async with Client(await member_of(gateway, "greta")) as agent:
        await agent.request(OpenAsk("f" * 16, "Show the log?", YES_NO, allow="1", deny="2"), Done)
        alice = await visit("approver", **PHONE)
        await expect(choice(alice, "No", "greta")).to_be_visible()
        await alice.composer.tap()
        bar = alice.page.get_by_role("navigation", name="Pages")
        await expect(bar).not_to_be_in_viewport()
        await choice(alice, "No", "greta").tap()
        await expect(alice.question_of("greta")).to_contain_text("You answered “No”")
        await expect(bar.get_by_role("link", name="Fleet")).to_be_in_viewport(ratio=1)


async def test_two_browsers_see_the_first_answer_win(desk: Scene, visit: Visits) -> None:
    first, second = await visit("approver"), await visit("approver")
    await asked(desk, "DONE-4")
    await expect(choice(second, "Yes")).to_be_visible()
    await choice(first, "No").click()
    await desk.ask(1, AskState.ANSWERED)
    for one in (first, second):
        await expect(one.question_of("demo").last).to_contain_text("You answered “No” in the room.")
        await expect(choice(one, "Yes")).to_have_count(0)


async def test_an_answer_at_the_terminal_ends_the_card(desk: Scene, visit: Visits) -> None:
    alice = await visit("approver")
    await asked(desk, "DONE-5")
    await expect(choice(alice, "Yes")).to_be_visible()
    desk.pane.write("2")
    await expect(alice.question_of("demo").last).to_contain_text("It was answered in the terminal of demo")


async def test_who_comes_too_late_is_told(gateway: GatewayProcess, visit: Visits) -> None:
    """The page does not hear that bob was first, and answers nevertheless."""
    bob = await member_of(gateway, "bob", MemberKind.HUMAN, scopes=(Scope.APPROVER,))
    cleo = await member_of(gateway, "cleo")
    async with Client(cleo) as agent, Client(bob) as other:
        await agent.request(OpenAsk("a" * 16, "Run the tests?", YES_NO, allow="1", deny="2"), Done)
        alice = await visit("approver")
        async with alice.deaf():
            await expect(choice(alice, "No", "cleo")).to_be_visible()
            await other.request(AnswerAsk(member="cleo", answer="allow", digest="a" * 16), Done)
            await choice(alice, "No", "cleo").click()
            await expect(alice.question_of("cleo").get_by_role("alert")).to_contain_text("bob")
        await alice.page.reload()
        await expect(alice.question_of("cleo")).to_contain_text("bob answered “Yes, run it”")


async def test_an_answer_to_a_dialog_that_has_changed_is_refused(gateway: GatewayProcess, visit: Visits) -> None:
    """The page shows the old dialog; what it answers belongs to that one alone."""
    async with Client(await member_of(gateway, "dora")) as agent:
        await agent.request(OpenAsk("b" * 16, "Show the log?", YES_NO, allow="1", deny="2"), Done)
        alice = await visit("approver")
        async with alice.deaf():
            await expect(choice(alice, "Yes", "dora")).to_be_visible()
            await agent.request(OpenAsk("c" * 16, "Delete the log?", YES_NO, allow="1", deny="2"), Done)
            await alice.presses_twice(choice(alice, "Yes", "dora"))
            await expect(alice.question_of("dora").get_by_role("alert")).to_contain_text("now asks another question")
        await alice.page.reload()
        await expect(alice.question_of("dora")).to_contain_text("Delete the log?")
        await expect(choice(alice, "Yes", "dora")).to_be_visible()


async def test_words_go_with_a_refusal(gateway: GatewayProcess, visit: Visits) -> None:
    async with Client(await member_of(gateway, "emil")) as agent:
        diff = "--- a/app.py\n+++ b/app.py\n@@ -1 +1 @@\n-old\n+new\n"
        asks = OpenAsk(
            *("d" * 16, "Edit app.py?", YES_NO), allow="1", deny="2", words=True, detail=diff, about=AskAbout.DIFF
        )
        await agent.request(asks, Done)
        alice = await visit("approver")
        await expect(alice.question_of("emil")).to_contain_text("+new")
        await alice.question_of("emil").get_by_role("textbox").fill("Keep the old name.")
        await choice(alice, "No", "emil").click()
        await expect(alice.question_of("emil")).to_contain_text("The words with it: Keep the old name.")


@pytest.mark.parametrize("scope", ["reader", "member"])
async def test_a_browser_without_the_right_sees_the_question_and_no_button(
    gateway: GatewayProcess, visit: Visits, scope: str
) -> None:
    async with Client(await member_of(gateway, f"fred-{scope}")) as agent:
        await agent.request(OpenAsk("e" * 16, "Install it?", YES_NO, allow="1", deny="2"), Done)
        alice = await visit(scope)
        card = alice.question_of(f"fred-{scope}")
        await expect(card).to_contain_text("Yes, run it")
        await expect(card).to_contain_text("This browser may not answer questions.")
        await expect(card.get_by_role("button")).to_have_count(0)
