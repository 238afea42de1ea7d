"""The table of all operations, and those that an agent's tools may request."""

from __future__ import annotations

from gateway.operations.definitions.member_definitions import MEMBER_OPERATIONS
from gateway.operations.definitions.message_definitions import MESSAGE_OPERATIONS
from gateway.operations.definitions.room_definitions import ROOM_OPERATIONS
from gateway.operations.definitions.session_and_decision_definitions import CONVERSATION_OPERATIONS
from gateway.operations.definitions.token_and_gateway_definitions import TOKEN_OPERATIONS
from gateway.operations.definitions.tool_definitions import TOOL_OPERATIONS
from gateway.operations.operation import Operation
from gateway.protocol.requests.approval_requests import Asks
from gateway.protocol.requests.connection_requests import Ping, Status
from gateway.protocol.requests.decision_requests import AnswerDecision, CloseDecision, Decisions, Propose, ShowDecision
from gateway.protocol.requests.mark_requests import Pins, React, Reactions, Thread
from gateway.protocol.requests.member_requests import Members, SetRole, WhoAmI
from gateway.protocol.requests.message_requests import History, Poll, Recall, Receipts, Search, Send, Show
from gateway.protocol.requests.mode_requests import GetMode, Modes, Working
from gateway.protocol.requests.request import Request
from gateway.protocol.requests.room_requests import CreateRoom, Join, Leave, Rooms
from gateway.protocol.requests.session_requests import (
    CloseSession,
    OpenSession,
    PauseSession,
    ResumeSession,
    SessionMessages,
    Sessions,
    ShowSession,
    UpdateSession,
)
from gateway.protocol.requests.shared_document_requests import (
    ContextChanges,
    Contexts,
    DeleteContext,
    GetContext,
    MergeContext,
    PutContext,
)
from gateway.protocol.tool_calls.tool_call_requests import CallTool, ShowCall, ToolOffers

OPERATIONS: tuple[Operation, ...] = (
    *MESSAGE_OPERATIONS,
    *ROOM_OPERATIONS,
    *MEMBER_OPERATIONS,
    *CONVERSATION_OPERATIONS,
    *TOOL_OPERATIONS,
    *TOKEN_OPERATIONS,
)

# The requests allowed to an agent's tools. All others are for its sidecar, which sees the terminal, or for people.
TOOLS_TOKEN_REQUESTS = (
    *(Send, History, Search, Recall, Show, Receipts, Poll, Rooms, CreateRoom, Join, Leave, Members),
    *(SetRole, Asks, Status, Ping, WhoAmI),
    *(React, Reactions, Thread, Pins),
    *(Modes, GetMode, Working),
    *(Contexts, GetContext, PutContext, MergeContext, DeleteContext, ContextChanges),
    *(Propose, Decisions, ShowDecision, AnswerDecision, CloseDecision),
    *(OpenSession, Sessions, ShowSession, UpdateSession, PauseSession, ResumeSession, CloseSession),
    SessionMessages,
    *(ToolOffers, CallTool, ShowCall),
)

OPERATION_BY_REQUEST: dict[type[Request], Operation] = {one.request: one for one in OPERATIONS}
