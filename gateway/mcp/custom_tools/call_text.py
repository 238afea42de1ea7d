"""Renders custom tools and the answers of calls for a model. Pure.

All of it is the word of a tool's author or of the tool: it is quoted line by line.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.mcp.result_text import quote_text
from gateway.protocol import codec
from gateway.protocol.tool_calls.tool_call_types import CallOfTool, CallState, ToolOffer, ToolOperation

NO_TOOLS_TEXT = "No custom tool is in your rooms."


def offers_text(found: Sequence[ToolOffer]) -> str:
    return "\n".join(_offer_text(one) for one in found) or NO_TOOLS_TEXT


def _offer_text(offer: ToolOffer) -> str:
    head = offer.tool if offer.connected else f"{offer.tool} (not connected)"
    return "\n".join([f"{head}:", *(_operation_text(one) for one in offer.operations)])


def _operation_text(operation: ToolOperation) -> str:
    schema = codec.encode(operation.parameters).decode() if operation.parameters else "any object"
    return quote_text("\n".join([f"{operation.name} {schema}", *([operation.about] if operation.about else [])]))


def call_text(call: CallOfTool) -> str:
    head = f"{call.tool} {call.operation}, call #{call.number}"
    match call.state:
        case CallState.OPEN:
            return f"{head}: no answer yet."
        case CallState.ANSWERED:
            return f"{head}, answered:\n{quote_text(_result_text(call))}"
        case CallState.FAILED:
            return f"{head}, failed:\n{quote_text(call.error)}"
    return f"{head}: {call.error}"


def _result_text(call: CallOfTool) -> str:
    """A text as it is, anything else as JSON."""
    return call.result if isinstance(call.result, str) else codec.encode(call.result).decode()
