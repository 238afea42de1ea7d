"""Custom tools from a shell: list what they offer, call one, see what became of a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from controller.cli.room.run_request import merge_options, run_with_client
from gateway.console.console_output import print_json, print_lines
from gateway.protocol.errors import BadJson
from gateway.protocol.results import CallView, ToolList
from gateway.protocol.tool_calls.tool_call_requests import CallTool, ShowCall, ToolOffers
from gateway.protocol.tool_calls.tool_call_types import MAX_TIME_LIMIT_S, CallOfTool, CallState, ToolOffer

if TYPE_CHECKING:
    from gateway.client import Client

EXTRA_WAIT_S = 10.0  # how much longer than the requested wait an answer may take


def show_tools(ctx: typer.Context) -> None:
    """List the custom tools of your rooms, their operations and the schemas of their arguments.

    Examples:
      groupchat tools
      groupchat tools --json
    """
    context = merge_options(ctx)

    async def work(client: Client) -> list[ToolOffer]:
        found = list[ToolOffer]()
        while True:
            page = await client.request(ToolOffers(after=found[-1].tool if found else ""), ToolList)
            found += page.tools
            if not page.more:
                return found

    found = run_with_client(context, work)
    if context.as_json:
        print_json({"tools": msgspec.to_builtins(found)})
    else:
        lines = [line for one in found for line in _offer_lines(one)]
        print_lines(*lines or ["No custom tool is in your rooms."])


def call_operation(
    ctx: typer.Context,
    tool: Annotated[str, typer.Argument(metavar="TOOL", help="The tool's name.")],
    operation: Annotated[str, typer.Argument(metavar="OPERATION", help="One of its operations.")],
    arguments: Annotated[str, typer.Argument(metavar="JSON", help="The arguments: a JSON object.")] = "{}",
    room: Annotated[str | None, typer.Option(metavar="ROOM", help="The room that reads of it.")] = None,
) -> None:
    """Call an operation of a custom tool, and print its answer. Ends with 1 if the call failed.

    Examples:
      groupchat call calc add '{"a": 2, "b": 3}'
      groupchat call calc add '{"a": 2, "b": 3}' --json
    """
    context = merge_options(ctx)

    async def work(client: Client) -> CallOfTool:
        given = _parse_arguments(arguments)
        request = CallTool(tool=tool, operation=operation, arguments=given, room=room)
        opened = await client.request(request, CallView)
        wish = ShowCall(call=opened.call.number, wait=MAX_TIME_LIMIT_S)
        return (await client.request(wish, CallView, timeout=MAX_TIME_LIMIT_S + EXTRA_WAIT_S)).call

    call = run_with_client(context, work)
    if context.as_json:
        print_json(msgspec.to_builtins(call))
    elif call.state is CallState.ANSWERED:
        print_lines(call.result if isinstance(call.result, str) else msgspec.json.encode(call.result).decode())
    else:
        print_lines(f"{tool} {operation} {call.state}: {call.error}", err=True)
    if call.state is not CallState.ANSWERED:
        raise typer.Exit(1)


def _parse_arguments(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise BadJson("The arguments must be one JSON object, such as '{\"a\": 2}'.") from None


def _offer_lines(offer: ToolOffer) -> list[str]:
    lines = [offer.tool if offer.connected else f"{offer.tool} (not connected)"]
    for one in offer.operations:
        schema = msgspec.json.encode(one.parameters).decode() if one.parameters else ""
        lines += [f"  {one.name}  {one.about}", *([f"    {schema}"] if schema else [])]
    return lines
