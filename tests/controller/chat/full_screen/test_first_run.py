"""The hints of an empty chat, until something is said."""

from __future__ import annotations

import pytest

from tests.controller.chat_driver import drive_chat
from tests.support.gateways import Gateway


@pytest.mark.parametrize(("columns", "lines"), [(60, 12), (80, 24), (200, 60)])
async def test_the_hints_go_with_the_first_message(gateway: Gateway, columns: int, lines: int) -> None:
    await gateway.member("claude")
    async with drive_chat(gateway.operator, columns=columns, lines=lines) as one:
        await one.shows("@claude hello", "/help or F1", "Still starting: claude.")
        one.enter("good morning")
        await one.shows("good morning")
        await one.hides("/help or F1", "Still starting")


async def test_a_new_room_says_how_an_agent_comes_in(gateway: Gateway) -> None:
    await gateway.member("claude")
    async with drive_chat(gateway.operator) as one:
        one.enter("/create lab")
        await one.shows("#lab is empty", "/invite claude", "No agent is here yet.")
        one.enter("/invite claude")
        await one.shows("@claude hello", "Still starting: claude.")
