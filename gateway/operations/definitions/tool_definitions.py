"""The operations of custom tools."""

from __future__ import annotations

from gateway.access.operation_kinds import OperationKind
from gateway.operations.members import tool_call_queries
from gateway.operations.operation import Operation
from gateway.protocol.results import CallView, Done, ToolList
from gateway.protocol.tool_calls.tool_call_requests import AnswerCall, CallTool, OfferTools, ShowCall, ToolOffers
from gateway.tool_calls import tool_call_rules

TOOL_OPERATIONS = (
    Operation(OfferTools, OperationKind.CHANGES, Done, "PUT", "/v1/me/tools", rule=tool_call_rules.offer_operations),
    Operation(ToolOffers, OperationKind.READS, ToolList, "GET", "/v1/tools", rule=tool_call_rules.list_offers),
    Operation(
        CallTool,
        OperationKind.SENDS,
        CallView,
        "POST",
        "/v1/tools/{tool}/operations/{operation}",
        rule=tool_call_rules.open_call,
    ),
    Operation(
        AnswerCall, OperationKind.SENDS, Done, "POST", "/v1/calls/{call}/answer", rule=tool_call_rules.answer_call
    ),
    Operation(ShowCall, OperationKind.READS, CallView, "GET", "/v1/calls/{call}", query=tool_call_queries.show_call),
)
