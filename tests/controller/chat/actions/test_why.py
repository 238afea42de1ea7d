"""Why an agent is silent, as a person asks it in the chat."""

from __future__ import annotations

import pytest

from gateway.client import Client
from gateway.protocol.errors import NotFound
from gateway.protocol.requests.agent_requests import SetActivity, WhySilent
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.message_requests import Report
from gateway.protocol.results import Done, WhyList
from gateway.protocol.types.core_types import Activity, Composer, Rung, Step
from tests.controller.chat_driver import drive_chat
from tests.support.gateways import Gateway

F9 = "\x1b[20~"


async def test_a_busy_agent_that_holds_a_message(gateway: Gateway) -> None:
    endpoint = await gateway.member("claude", role="coder")
    async with Client(endpoint, Hello(inbox=True, role="coder")) as claude, drive_chat(gateway.operator) as one:
        working = SetActivity(activity=Activity.BUSY, composer=Composer.EMPTY, note="the title spins")
        await claude.request(working, Done)
        one.enter("@claude hello")
        await one.shows("claude queued")
        number = one.chat.state.own_numbers()[-1]
        await claude.request(Report(message=number, steps=(Step(Rung.HELD, reason="busy"),)), Done)
        one.enter("/why claude")
        await one.shows("Why claude is silent", "it works,", "the title spins", "since", "1 message waits for it")
        await one.shows(f"#{number} held because busy", "`/stop claude` ends its turn")
        one.type("\x1b")
        await one.hides("Why claude is silent")
        one.type(F9)
        await one.shows("Why each is silent", "It works, and reads")
        one.type("@claude")
        one.type(F9)
        await one.shows("Why claude is silent")


async def test_nobody_of_that_name(gateway: Gateway) -> None:
    await gateway.member("claude")
    async with Client(gateway.operator) as client:
        with pytest.raises(NotFound, match="No agent is called 'zoe'; there are claude"):
            await client.request(WhySilent(member="zoe"), WhyList)
