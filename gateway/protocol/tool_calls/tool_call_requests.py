"""Requests about custom tools: a tool offers operations and answers calls; members list tools, call them, and wait."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gateway.protocol.requests.request import Address, Id, Limit, Request, Seq
from gateway.protocol.tool_calls.tool_call_types import MAX_OPERATIONS, MAX_TIME_LIMIT_S, TimeLimit, ToolOperation
from gateway.protocol.types.core_types import Prose

ToolError = Annotated[Prose, Meta(max_length=4000)]


class OfferTools(Request, frozen=True, tag="tool.offer"):
    """Offer operations, in place of those offered before; an empty list withdraws them."""

    operations: Annotated[tuple[ToolOperation, ...], Meta(max_length=MAX_OPERATIONS)]


class ToolOffers(Request, frozen=True, tag="tool.list"):
    """List the tools that share a room with you, and their operations. `after` is the name of the last one of the
    previous page."""

    after: Address = ""
    limit: Limit = 100


class CallTool(Request, frozen=True, tag="tool.call"):
    """Call an operation of a tool. Without a `room` it is `general`, or else the first room of both by name. A request
    with an `id` that you used before returns the first call, unless 200 others have ended since."""

    tool: Address
    operation: Annotated[str, Meta(max_length=64)]
    arguments: dict[str, Any] = msgspec.field(default_factory=dict)
    room: str | None = None
    time_limit: TimeLimit | None = None
    id: Id | None = None


class AnswerCall(Request, frozen=True, tag="tool.answer"):
    """Answer a call, with a `result` (any JSON) or with an `error`. Only the first answer counts."""

    call: Seq
    result: Any = None
    error: ToolError = ""


class ShowCall(Request, frozen=True, tag="tool.result"):
    """Get a call of yours. While it is open, wait up to `wait` seconds for its end."""

    call: Seq
    wait: Annotated[float, Meta(ge=0, le=MAX_TIME_LIMIT_S)] = 0
