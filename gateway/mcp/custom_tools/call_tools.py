"""The agents' tools for custom tools: list them, call one, ask again for the answer of a call."""

from __future__ import annotations

from asyncio import to_thread
from typing import Annotated, Any

from gateway.client import new_id
from gateway.mcp.arguments import Arguments, NoArguments, describe
from gateway.mcp.custom_tools.call_text import call_text, offers_text
from gateway.mcp.tool_caller import Caller
from gateway.protocol.results import CallView, ToolList
from gateway.protocol.tool_calls.tool_call_requests import CallTool, ShowCall, ToolOffers
from gateway.protocol.tool_calls.tool_call_types import MAX_TIME_LIMIT_S, CallOfTool


class ToolCallArguments(Arguments, frozen=True):
    tool: Annotated[str, describe("As tool_list names it.")] = ""
    operation: str = ""
    arguments: Annotated[dict[str, Any], describe("As its schema says.")] = {}  # noqa: RUF012 - frozen
    call: Annotated[int, describe("Instead: wait on for the answer of this call.")] | None = None


async def tool_list(caller: Caller, given: NoArguments) -> str:
    found, after = list[Any](), ""
    while True:
        page = await caller.ask(ToolOffers(after=after), ToolList)
        found += page.tools
        if not page.more:
            return await to_thread(offers_text, found)
        after = found[-1].tool


async def call_tool(caller: Caller, given: ToolCallArguments) -> str:
    """Call, and wait for the answer as long as the client allows. A call that is still open then can be asked for."""
    number = given.call
    if number is None:
        request = CallTool(tool=given.tool, operation=given.operation, arguments=given.arguments, id=new_id())
        number = (await caller.ask(request, CallView)).call.number
    call = await _wait_for_call(caller, number)
    more = f" Call call_tool with call={number} to wait on." if call.is_open else ""
    return await to_thread(call_text, call) + more


async def _wait_for_call(caller: Caller, number: int) -> CallOfTool:
    wait = caller.limit_wait(MAX_TIME_LIMIT_S)
    return (await caller.ask_with_wait(wait, lambda left: ShowCall(call=number, wait=left), CallView)).call
