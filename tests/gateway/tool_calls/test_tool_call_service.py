"""Custom tools around a real gateway: the tool of the guide, agents and people who call it, and what goes wrong."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.client import Client, Endpoint
from gateway.protocol.errors import BadRequest, Conflict, NotFound
from gateway.protocol.events import CallEvent, Message
from gateway.protocol.requests.member_requests import CreateToken
from gateway.protocol.requests.message_requests import History
from gateway.protocol.results import CallView, Done, MessageList, TokenMade, ToolList
from gateway.protocol.tool_calls.tool_call_requests import AnswerCall, CallTool, OfferTools, ShowCall, ToolOffers
from gateway.protocol.tool_calls.tool_call_types import CallOfTool, CallState, ToolOperation
from gateway.protocol.types.core_types import MemberKind
from gateway.tool_calls.tool_call_rules import RETURN_GRACE_S
from tests.fakes.retry import retry_until, retry_until_awaited
from tests.support.gateways import Gateway, GatewayProcess
from tests.support.mcp_clients import peer

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "tools.md"
WAIT_S = 60.0
ADD = ToolOperation("add", "Adds.", {"properties": {"a": {"type": "number"}}, "required": ["a"]})
QUICK = ToolOperation("quick", time_limit=0.2)


@contextlib.asynccontextmanager
async def tool_of_the_guide(endpoint: Endpoint, folder: Path) -> AsyncIterator[None]:
    """The program that the guide shows, as a process."""
    (program,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    (folder / "calc.py").write_text(program)
    env = {**os.environ, "CSP_AUTH_TOKEN": endpoint.token, "CSP_GATEWAY_URL": endpoint.url}
    process = await asyncio.create_subprocess_exec(sys.executable, "-P", str(folder / "calc.py"), env=env)
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


async def call(client: Client, **fields: Any) -> CallOfTool:
    request = CallTool(**{"tool": "calc", "operation": "add", "arguments": {"a": 1}, **fields})
    return (await client.request(request, CallView)).call


async def end_of(client: Client, number: int) -> CallOfTool:
    return (await client.request(ShowCall(call=number, wait=WAIT_S), CallView, timeout=2 * WAIT_S)).call


@contextlib.asynccontextmanager
async def tool(gateway: Gateway, *operations: ToolOperation) -> AsyncIterator[Client]:
    async with Client(await gateway.member("calc", MemberKind.TOOL)) as calc:
        await calc.request(OfferTools(operations=operations), Done)
        yield calc


async def calls_of(client: Client) -> AsyncIterator[CallOfTool]:
    async for event in client.events():
        if isinstance(event, CallEvent) and event.call.is_open:
            yield event.call


@pytest.mark.processes
async def test_the_tool_of_the_guide_is_called_by_a_person_and_an_agent(gateway: Gateway, tmp_path: Path) -> None:
    calc, ada = await gateway.member("calc", MemberKind.TOOL), await gateway.member("ada")
    async with tool_of_the_guide(calc, tmp_path), Client(gateway.operator) as alice, peer(ada) as agent:

        async def is_offered() -> bool:
            found = (await alice.request(ToolOffers(), ToolList)).tools
            return [(one.tool, one.connected) for one in found] == [("calc", True)]

        await retry_until_awaited(is_offered)
        opened = await call(alice, arguments={"a": 2, "b": 3})
        ended = await end_of(alice, opened.number)
        assert (ended.state, ended.result, ended.arguments) == (CallState.ANSWERED, 5, {"a": 2, "b": 3})

        listed = await agent("tool_list")
        assert listed.startswith('calc:\n| add {"type":"object"') and listed.endswith("\n| Adds two numbers.")
        said = await agent("call_tool", tool_="calc", operation="add", arguments={"a": 20, "b": 22})
        assert said.startswith("calc add, call #") and said.endswith(", answered:\n| 42")
        wrong = await agent("call_tool", tool_="calc", operation="add", arguments={"a": "two", "b": 3})
        assert wrong == "!add does not take these arguments: a: 'two' is not of type 'number'."
        assert (await agent("call_tool", tool_="clac", operation="add")).startswith("!There is no tool 'clac'")

        page = await alice.request(History(room="general"), MessageList)
        lines = [one.content for one in page.messages if " called calc add " in one.content]
        assert sorted(line.split(" called")[0] for line in lines) == ["ada", "alice"]


async def test_an_answer_too_late_too_large_twice_and_to_nobody(gateway: Gateway) -> None:
    async with tool(gateway, ADD, QUICK) as calc, Client(gateway.operator) as alice:
        late = await call(alice, operation="quick", arguments={})
        assert (await end_of(alice, late.number)).state is CallState.EXPIRED
        with pytest.raises(Conflict, match="already ended"):
            await calc.request(AnswerCall(call=late.number, result=1), Done)
        large = await call(alice)
        with pytest.raises(Exception, match="the maximum is 65536"):
            await calc.request(AnswerCall(call=large.number, result="x" * 100_000), Done)
        await calc.request(AnswerCall(call=large.number, result="small"), Done)
        assert (await end_of(alice, large.number)).result == "small"
        with pytest.raises(Conflict):
            await calc.request(AnswerCall(call=large.number, result="again"), Done)
        with pytest.raises(NotFound):
            await calc.request(AnswerCall(call=999_999, result=1), Done)
        with pytest.raises(BadRequest):
            await call(alice, arguments={})


async def test_a_tool_that_is_away_is_not_called_and_finds_its_calls_when_it_is_back(gateway: Gateway) -> None:
    endpoint = await gateway.member("calc", MemberKind.TOOL)
    async with Client(gateway.operator) as alice:
        async with Client(endpoint) as calc:
            await calc.request(OfferTools(operations=(ADD,)), Done)
            opened = await call(alice)
        await retry_until(lambda: not gateway.hub.state.live["calc"].is_connected)
        with pytest.raises(Conflict, match="not connected"):
            await call(alice)
        async with Client(endpoint) as calc:
            assert [one.number for one in calc.welcome.calls] == [opened.number]
            await calc.request(AnswerCall(call=opened.number, result=2), Done)
            assert (await end_of(alice, opened.number)).result == 2


async def test_a_tool_that_stays_away_loses_its_calls(gateway: Gateway) -> None:
    live = gateway.hub.state.live["calc"]
    async with Client(gateway.operator) as alice:
        async with tool(gateway, ADD):
            opened = await call(alice)
        await retry_until(lambda: not live.is_connected)
        live.lost -= RETURN_GRACE_S
        gateway.hub.scheduler.schedule("call", str(opened.number))
        ended = await end_of(alice, opened.number)
        assert (ended.state, ended.error) == (CallState.LOST, "calc went away before it answered.")


async def test_a_person_watches_calls_as_events(gateway: Gateway) -> None:
    async with tool(gateway, ADD) as calc, Client(gateway.operator) as alice:
        opened = await call(alice)
        (heard,) = [one async for one in take(calls_of(calc), 1)]
        assert heard == opened
        await calc.request(AnswerCall(call=opened.number, result={"sum": 1}), Done)
        async with asyncio.timeout(WAIT_S):
            async for event in alice.events():
                if isinstance(event, Message) and event.from_ == "system":
                    assert event.content.startswith("alice called calc add ")
                    break


async def take(found: AsyncIterator[CallOfTool], count: int) -> AsyncIterator[CallOfTool]:
    async with asyncio.timeout(WAIT_S):
        async for one in found:
            yield one
            count -= 1
            if not count:
                return


@pytest.mark.processes
async def test_a_call_survives_the_gateway(tmp_path: Path) -> None:
    """It is in the log: after a kill, the tool finds it in its welcome, and the caller its answer."""
    with GatewayProcess(tmp_path / "state").running() as gateway:
        async with Client(gateway.operator, patient=True) as alice:
            made = await alice.request(CreateToken(name="calc", kind=MemberKind.TOOL), TokenMade)
            endpoint = Endpoint(gateway.url, made.token)
            async with Client(endpoint, patient=True) as calc:
                await calc.request(OfferTools(operations=(ADD,)), Done)
                opened = await call(alice)
                gateway.kill()
                gateway.start()
                await calc.request(AnswerCall(call=opened.number, result=7), Done)
                assert (await end_of(alice, opened.number)).result == 7
