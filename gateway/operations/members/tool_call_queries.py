"""Shows a call of a tool, and waits for its end."""

from __future__ import annotations

import asyncio

from gateway.access.permissions import Actor
from gateway.protocol import codec
from gateway.protocol.results import CallView
from gateway.protocol.tool_calls.tool_call_requests import ShowCall
from gateway.protocol.tool_calls.tool_call_types import CallOfTool
from gateway.rooms import member_tokens
from gateway.runtime.hub import Hub
from gateway.tool_calls import tool_call_rules


async def show_call(hub: Hub, actor: Actor, request: ShowCall) -> CallView:
    """An ended call comes from the store, with its result. Memory knows of the end before it is stored."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + request.wait
    while True:
        member_tokens.check_token_holds(hub.state, actor, hub.now)
        seen = hub.committed_seq
        call = await _find_call(hub, actor, request.call)
        remaining = deadline - loop.time()
        if not call.is_open or remaining <= 0:
            return CallView(call)
        await hub.wait_for_event_after(seen, remaining)


async def _find_call(hub: Hub, actor: Actor, number: int) -> CallOfTool:
    if (call := hub.state.calls.get(str(number))) is None or not call.is_open:
        if call is not None:
            await hub.answers.wait_until_settled()
        raw = await hub.store.aside(tool_call_rules.STORE_KIND, str(number))
        call = codec.decode(CallOfTool, raw) if raw is not None else hub.state.calls.get(str(number))
    if call is None or not tool_call_rules.may_see_call(actor, call):
        raise tool_call_rules.unknown_call_error(actor, number)
    return call
