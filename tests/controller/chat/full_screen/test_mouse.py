"""Clicks in the chat, where the person has asked for the mouse: as the terminal reports them."""

from __future__ import annotations

import asyncio

import pytest

from controller.team.team import ChatSpec
from gateway.client import Client
from gateway.protocol.events import Control
from gateway.protocol.requests.approval_requests import OpenAsk
from gateway.protocol.requests.message_requests import History
from gateway.protocol.requests.room_requests import CreateRoom
from gateway.protocol.results import Done, MessageList
from gateway.protocol.types.core_types import Option
from tests.controller.chat_driver import ChatDriver, drive_chat
from tests.controller.room_members import agent
from tests.support.gateways import Gateway

MOUSE = ChatSpec(mouse=True)
QUESTION = OpenAsk(
    digest="0123456789abcdef",
    question="Do you want to proceed?",
    options=(Option("1", "Yes, certainly"), Option("3", "No")),
    allow="1",
    deny="3",
    tool="Bash",
    detail="make deploy",
)


def place_of(one: ChatDriver, words: str) -> tuple[int, int]:
    row = next(number for number, row in enumerate(one.emulated.rows) if words in row)
    return one.emulated.rows[row].index(words), row


def click(one: ChatDriver, words: str) -> None:
    """Press and release the left button on these words."""
    column, row = place_of(one, words)
    one.type(f"\x1b[<0;{column + 1};{row + 1}M\x1b[<0;{column + 1};{row + 1}m")


async def answers_to(claude: Client) -> list[str]:
    """The answers that reached the agent's sidecar so far, known once a message behind them came."""
    found: list[str] = []
    async for event in claude.events():
        if isinstance(event, Control) and event.ask is not None:
            found.append(event.ask.answer)
        if getattr(event, "content", "") == "the end":
            return found
    raise AssertionError("the end never came")


async def answered_option(claude: Client) -> str:
    async for event in claude.events():
        if isinstance(event, Control) and event.ask is not None:
            return event.ask.answer
    raise AssertionError("no answer came")


@pytest.mark.parametrize(("columns", "lines"), [(60, 20), (80, 24), (120, 40), (200, 60)])
async def test_a_card_takes_a_click_to_choose_it_and_two_to_answer(gateway: Gateway, columns: int, lines: int) -> None:
    async with agent(gateway) as claude, drive_chat(gateway.operator, columns=columns, lines=lines, spec=MOUSE) as one:
        await claude.request(QUESTION, Done)
        await one.shows("make deploy", "claude asks: F2")
        click(one, "Yes, certainly")
        await one.shows("press its key")
        click(one, "Yes, certainly")
        await one.shows("Click '1' once more")
        await asyncio.sleep(0.6)  # slower than a double click
        click(one, "Yes, certainly")
        assert await answered_option(claude) == "1"


async def test_no_storm_of_clicks_allows_anything(gateway: Gateway) -> None:
    """Double clicks, a click on the other option, a drag: none of them answers."""
    async with agent(gateway) as claude, drive_chat(gateway.operator, spec=MOUSE) as one:
        await claude.request(QUESTION, Done)
        await one.shows("make deploy", "claude asks: F2")
        for _ in range(5):
            click(one, "Yes, certainly")
        await one.shows("Click '1' once more")
        click(one, " 3 ")
        await one.shows("Click '3' once more")
        click(one, "Yes, certainly")
        await one.shows("Click '1' once more")
        (column, row), (to, at) = place_of(one, "Yes, certainly"), place_of(one, "make deploy")
        one.type(f"\x1b[<0;{column + 1};{row + 1}M\x1b[<0;{to + 1};{at + 1}m")
        one.type("\x1b")
        await one.shows("claude asks: F2")
        async with Client(gateway.operator) as alice:
            await alice.send("the end", to="@claude")
        assert await answers_to(claude) == []
        assert len(one.chat.state.open_asks()) == 1


async def test_a_name_addresses_the_line_and_then_asks_why(gateway: Gateway) -> None:
    async with agent(gateway), drive_chat(gateway.operator, spec=MOUSE) as one:
        await one.shows("● claude")
        one.type("hello")
        await one.until(lambda: one.screen.buffer.text == "hello")
        click(one, "claude coder")
        await one.until(lambda: one.screen.buffer.text == "@claude hello")
        click(one, "claude coder")
        await one.shows("addressed already")
        one.type("\x03")
        await one.until(lambda: not one.screen.buffer.text)
        click(one, "claude coder")
        await one.until(lambda: one.screen.buffer.text == "@claude ")
        click(one, "claude coder")
        await one.shows("Why")
        assert one.screen.buffer.text == ""


async def test_a_name_in_a_narrow_pane_is_in_the_header(gateway: Gateway) -> None:
    async with agent(gateway), drive_chat(gateway.operator, columns=60, lines=20, spec=MOUSE) as one:
        await one.shows("● claude")
        click(one, "claude")
        await one.until(lambda: one.screen.buffer.text == "@claude ")


async def test_a_click_enters_a_room_unless_something_is_written(gateway: Gateway) -> None:
    async with Client(gateway.operator) as client, drive_chat(gateway.operator, spec=MOUSE) as one:
        await client.request(CreateRoom(room="design"), Done)
        await one.shows("design")
        one.type("for general")
        await one.until(lambda: one.screen.buffer.text == "for general")
        click(one, "design")
        await one.shows("Send or clear your text first")
        one.type("\x03")
        await one.until(lambda: not one.screen.buffer.text)
        click(one, "design")
        await one.until(lambda: one.chat.state.room == "design")
        click(one, "general")
        await one.until(lambda: one.chat.state.room == "general")
        assert (await client.request(History(), MessageList)).messages == ()


async def test_a_fold_opens_and_a_found_message_is_gone_to(gateway: Gateway) -> None:
    async with Client(gateway.operator) as client, drive_chat(gateway.operator, spec=MOUSE) as one:
        await client.send("\n".join(f"line {number}" for number in range(30)))
        for number in range(40):
            await client.send(f"needle {number}")
        await one.shows("needle 39")
        one.type("\x1b[<64;5;10M\x1b[<64;5;10M")
        await one.shows("older messages")
        one.type("\x1b[<65;5;10M\x1b[<65;5;10M")
        await one.hides("older messages")
        one.enter("/search line")
        await one.shows("1 of 1")
        click(one, "line 0")
        await one.shows("more rows, F3 unfolds")
        click(one, "more rows")
        await one.shows("line 12")


async def test_nobody_who_has_not_asked_for_it_gets_the_mouse(gateway: Gateway) -> None:
    async with agent(gateway), drive_chat(gateway.operator) as one:
        await one.shows("● claude")
        assert not any(one.emulated.mode(number) for number in (1000, 1002, 1003))
        one.type("\x1bOS")
        await one.shows("The mouse is the chat's")
        assert one.emulated.mode(1000)
        one.type("\x1bOS")
        await one.shows("The mouse is the terminal's again")
        assert not one.emulated.mode(1000)
