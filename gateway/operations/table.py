"""The table of all operations: each request, its function, and its REST path.

A *rule* is pure and decides at once; its answer follows after the commit of its events. A *query* reads the store
first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from gateway.access.operation_effects import OperationEffect
from gateway.access.permissions import Actor
from gateway.agent_control import agent_orders, approvals
from gateway.conversation import contexts, loop_checks, sessions
from gateway.decisions import proposals
from gateway.mode_rules import rules
from gateway.model.log_events import Outcome, Sequencer
from gateway.model.state import GatewayState
from gateway.operations import (
    context_queries,
    delivery_operations,
    hello_operation,
    inbox_operations,
    long_poll,
    member_operations,
    message_queries,
    send_operation,
    session_queries,
    status,
    token_operations,
)
from gateway.protocol.contexts import ContextChanges, Contexts, DeleteContext, GetContext, MergeContext, PutContext
from gateway.protocol.decision_requests import AnswerDecision, CloseDecision, Decisions, Propose, ShowDecision
from gateway.protocol.events import Welcome
from gateway.protocol.modes import EndMode, ExtendTurn, GetMode, Modes, NextTurn, SetMode, Working
from gateway.protocol.requests import (
    AnswerAsk,
    Asks,
    Bye,
    Cancel,
    CloseAsk,
    Continue,
    CreateHands,
    CreateRoom,
    CreateToken,
    Deliveries,
    EndedAsks,
    Events,
    Hello,
    History,
    Invite,
    Join,
    Keys,
    Kick,
    Leave,
    Members,
    OpenAsk,
    Pause,
    Ping,
    Poll,
    Receipts,
    Register,
    RemoveMember,
    RemoveRoom,
    Report,
    Request,
    Restart,
    Resume,
    Retry,
    RevokeToken,
    Rooms,
    RotateToken,
    Search,
    Send,
    SetActivity,
    SetRole,
    SetTopic,
    Share,
    Show,
    Status,
    Stop,
    Tokens,
    Waiting,
    WhoAmI,
)
from gateway.protocol.results import (
    Accepted,
    AskList,
    ContextDocument,
    ContextHistory,
    ContextList,
    ContextSaved,
    Continued,
    DecisionList,
    DecisionView,
    DeliveryList,
    Done,
    EventPage,
    Health,
    Identity,
    Inbox,
    MemberList,
    MessageDetail,
    MessageList,
    ModeList,
    ModeStanding,
    Pong,
    Registered,
    RoomList,
    SessionDetail,
    SessionList,
    SessionView,
    Stopping,
    Story,
    TokenList,
    TokenMade,
    WaitingList,
)
from gateway.protocol.session_requests import (
    CloseSession,
    OpenSession,
    PauseSession,
    ResumeSession,
    SessionMessages,
    Sessions,
    ShowSession,
    UpdateSession,
)
from gateway.rooms import members, removal, room_changes
from gateway.runtime.hub import Hub

RuleFunction = Callable[[GatewayState, Actor, Any, Sequencer], Outcome]
QueryFunction = Callable[[Hub, Actor, Any], Awaitable[Any]]


@dataclass(frozen=True)
class Operation:
    request: type[Request]
    effect: OperationEffect
    result: Any
    method: str
    path: str
    rule: RuleFunction | None = None
    query: QueryFunction | None = None


OPERATIONS: tuple[Operation, ...] = (
    Operation(Hello, OperationEffect.GREETS, Welcome, "POST", "/v1/hello", query=hello_operation.answer_hello),
    Operation(Send, OperationEffect.SENDS, Accepted, "POST", "/v1/messages", query=send_operation.send_message),
    Operation(History, OperationEffect.READS, MessageList, "GET", "/v1/messages", query=message_queries.answer_history),
    Operation(Search, OperationEffect.READS, MessageList, "GET", "/v1/search", query=message_queries.search_messages),
    Operation(
        Show, OperationEffect.READS, MessageDetail, "GET", "/v1/messages/{message}", query=message_queries.show_message
    ),
    Operation(
        Receipts,
        OperationEffect.READS,
        Story,
        "GET",
        "/v1/messages/{message}/receipts",
        query=message_queries.show_delivery_story,
    ),
    Operation(
        Report,
        OperationEffect.REPORTS,
        Done,
        "POST",
        "/v1/messages/{message}/receipts",
        query=delivery_operations.answer_report,
    ),
    Operation(
        Cancel,
        OperationEffect.CHANGES,
        Done,
        "POST",
        "/v1/messages/{message}/cancel",
        query=delivery_operations.answer_cancel,
    ),
    Operation(
        Retry,
        OperationEffect.CHANGES,
        Done,
        "POST",
        "/v1/messages/{message}/retry",
        query=delivery_operations.answer_retry,
    ),
    Operation(Poll, OperationEffect.TAKES, Inbox, "POST", "/v1/inbox", query=long_poll.poll_inbox),
    Operation(
        Deliveries,
        OperationEffect.READS,
        DeliveryList,
        "GET",
        "/v1/me/deliveries",
        query=delivery_operations.answer_deliveries,
    ),
    Operation(
        Waiting, OperationEffect.READS, WaitingList, "GET", "/v1/me/waiting", query=inbox_operations.answer_waiting
    ),
    Operation(Events, OperationEffect.READS, EventPage, "GET", "/v1/log", query=message_queries.answer_events),
    Operation(Rooms, OperationEffect.READS, RoomList, "GET", "/v1/rooms", query=member_operations.answer_rooms),
    Operation(CreateRoom, OperationEffect.CHANGES, Done, "POST", "/v1/rooms", rule=room_changes.create_room),
    Operation(
        SetTopic, OperationEffect.CHANGES, Done, "PUT", "/v1/rooms/{room}/topic", rule=room_changes.set_room_topic
    ),
    Operation(
        Invite, OperationEffect.CHANGES, Done, "POST", "/v1/rooms/{room}/invite", rule=room_changes.invite_member
    ),
    Operation(Kick, OperationEffect.CHANGES, Done, "POST", "/v1/rooms/{room}/kick", rule=room_changes.kick_member),
    Operation(RemoveRoom, OperationEffect.CHANGES, Done, "DELETE", "/v1/rooms/{room}", rule=removal.remove_room),
    Operation(Join, OperationEffect.CHANGES, Done, "POST", "/v1/rooms/{room}/join", rule=room_changes.join_room),
    Operation(Leave, OperationEffect.CHANGES, Done, "POST", "/v1/rooms/{room}/leave", rule=room_changes.leave_room),
    Operation(Modes, OperationEffect.READS, ModeList, "GET", "/v1/modes", rule=rules.list_modes),
    Operation(GetMode, OperationEffect.READS, ModeStanding, "GET", "/v1/rooms/{room}/mode", rule=rules.show_mode),
    Operation(
        SetMode, OperationEffect.CHANGES, ModeStanding, "PUT", "/v1/rooms/{room}/mode", rule=rules.begin_mode_request
    ),
    Operation(
        NextTurn, OperationEffect.CHANGES, ModeStanding, "POST", "/v1/rooms/{room}/mode/next", rule=rules.pass_turn_on
    ),
    Operation(
        ExtendTurn,
        OperationEffect.CHANGES,
        ModeStanding,
        "POST",
        "/v1/rooms/{room}/mode/extend",
        rule=rules.extend_turn,
    ),
    Operation(
        Working,
        OperationEffect.CHANGES,
        ModeStanding,
        "POST",
        "/v1/rooms/{room}/mode/working",
        rule=rules.report_working,
    ),
    Operation(EndMode, OperationEffect.CHANGES, ModeStanding, "DELETE", "/v1/rooms/{room}/mode", rule=rules.end_mode),
    Operation(Members, OperationEffect.READS, MemberList, "GET", "/v1/members", query=member_operations.answer_members),
    Operation(SetRole, OperationEffect.CHANGES, Done, "PUT", "/v1/members/{member}/role", rule=members.set_role),
    Operation(
        Register, OperationEffect.CHANGES, Registered, "POST", "/v1/members", query=member_operations.answer_register
    ),
    Operation(
        RemoveMember,
        OperationEffect.CHANGES,
        Done,
        "DELETE",
        "/v1/members/{member}",
        query=member_operations.answer_remove_member,
    ),
    Operation(WhoAmI, OperationEffect.READS, Identity, "GET", "/v1/me", query=member_operations.answer_whoami),
    Operation(
        SetActivity,
        OperationEffect.REPORTS,
        Done,
        "PUT",
        "/v1/me/activity",
        query=member_operations.answer_set_activity,
    ),
    Operation(Bye, OperationEffect.CHANGES, Done, "DELETE", "/v1/me", query=member_operations.answer_bye),
    Operation(Pause, OperationEffect.CHANGES, Done, "POST", "/v1/pause", rule=agent_orders.pause_member),
    Operation(Resume, OperationEffect.CHANGES, Done, "POST", "/v1/resume", rule=agent_orders.resume_member),
    Operation(Continue, OperationEffect.CHANGES, Continued, "POST", "/v1/continue", rule=loop_checks.lift_holds),
    Operation(Keys, OperationEffect.CHANGES, Done, "POST", "/v1/keys", rule=agent_orders.press_keys),
    Operation(Stop, OperationEffect.CHANGES, Stopping, "POST", "/v1/stop", rule=agent_orders.stop_member),
    Operation(Share, OperationEffect.CHANGES, Done, "POST", "/v1/share", rule=agent_orders.set_share_policy),
    Operation(Restart, OperationEffect.CHANGES, Done, "POST", "/v1/restart", rule=agent_orders.restart_member),
    Operation(Asks, OperationEffect.READS, AskList, "GET", "/v1/asks", rule=approvals.list_asks),
    Operation(
        EndedAsks, OperationEffect.READS, AskList, "GET", "/v1/asks/ended", query=message_queries.answer_ended_asks
    ),
    Operation(OpenAsk, OperationEffect.REPORTS, Done, "POST", "/v1/asks", rule=approvals.open_ask),
    Operation(CloseAsk, OperationEffect.REPORTS, Done, "POST", "/v1/asks/{ask}/close", rule=approvals.close_ask),
    Operation(AnswerAsk, OperationEffect.CHANGES, Done, "POST", "/v1/asks/{member}/answer", rule=approvals.answer_ask),
    Operation(Contexts, OperationEffect.READS, ContextList, "GET", "/v1/contexts", rule=contexts.list_contexts),
    Operation(
        GetContext,
        OperationEffect.READS,
        ContextDocument,
        "GET",
        "/v1/contexts/{scope}/{name}",
        query=context_queries.get_document,
    ),
    Operation(
        PutContext,
        OperationEffect.SENDS,
        ContextSaved,
        "PUT",
        "/v1/contexts/{scope}/{name}",
        query=context_queries.put_document,
    ),
    Operation(
        DeleteContext,
        OperationEffect.SENDS,
        Done,
        "DELETE",
        "/v1/contexts/{scope}/{name}",
        rule=contexts.delete_context,
    ),
    Operation(
        MergeContext,
        OperationEffect.SENDS,
        ContextSaved,
        "POST",
        "/v1/contexts/{scope}/{name}/merge",
        query=context_queries.merge_into_document,
    ),
    Operation(
        ContextChanges,
        OperationEffect.READS,
        ContextHistory,
        "GET",
        "/v1/contexts/{scope}/{name}/history",
        query=context_queries.document_history,
    ),
    Operation(Propose, OperationEffect.SENDS, DecisionView, "POST", "/v1/decisions", rule=proposals.open_proposal),
    Operation(Decisions, OperationEffect.READS, DecisionList, "GET", "/v1/decisions", rule=proposals.list_decisions),
    Operation(
        ShowDecision,
        OperationEffect.READS,
        DecisionView,
        "GET",
        "/v1/decisions/{decision}",
        query=session_queries.show_decision,
    ),
    Operation(
        AnswerDecision,
        OperationEffect.SENDS,
        DecisionView,
        "POST",
        "/v1/decisions/{decision}/answer",
        rule=proposals.answer_decision,
    ),
    Operation(
        CloseDecision,
        OperationEffect.CHANGES,
        DecisionView,
        "POST",
        "/v1/decisions/{decision}/close",
        rule=proposals.close_decision,
    ),
    Operation(OpenSession, OperationEffect.SENDS, SessionView, "POST", "/v1/sessions", rule=sessions.open_session),
    Operation(Sessions, OperationEffect.READS, SessionList, "GET", "/v1/sessions", rule=sessions.list_sessions),
    Operation(
        ShowSession,
        OperationEffect.READS,
        SessionDetail,
        "GET",
        "/v1/sessions/{session}",
        query=session_queries.show_session,
    ),
    Operation(
        UpdateSession, OperationEffect.SENDS, SessionView, "PUT", "/v1/sessions/{session}", rule=sessions.update_session
    ),
    Operation(
        PauseSession,
        OperationEffect.SENDS,
        SessionView,
        "POST",
        "/v1/sessions/{session}/pause",
        rule=sessions.pause_session,
    ),
    Operation(
        ResumeSession,
        OperationEffect.SENDS,
        SessionView,
        "POST",
        "/v1/sessions/{session}/resume",
        rule=sessions.resume_session,
    ),
    Operation(
        CloseSession,
        OperationEffect.SENDS,
        SessionView,
        "POST",
        "/v1/sessions/{session}/close",
        rule=sessions.close_session,
    ),
    Operation(
        SessionMessages,
        OperationEffect.READS,
        MessageList,
        "GET",
        "/v1/sessions/{session}/messages",
        query=session_queries.session_messages,
    ),
    Operation(
        CreateToken,
        OperationEffect.CHANGES,
        TokenMade,
        "POST",
        "/v1/tokens",
        query=token_operations.answer_create_token,
    ),
    Operation(
        CreateHands,
        OperationEffect.CHANGES,
        TokenMade,
        "POST",
        "/v1/me/hands",
        query=token_operations.answer_create_tools_token,
    ),
    Operation(Tokens, OperationEffect.READS, TokenList, "GET", "/v1/tokens", query=token_operations.answer_tokens),
    Operation(
        RevokeToken,
        OperationEffect.CHANGES,
        Done,
        "DELETE",
        "/v1/tokens/{name}",
        query=token_operations.answer_revoke_token,
    ),
    Operation(
        RotateToken,
        OperationEffect.CHANGES,
        TokenMade,
        "POST",
        "/v1/tokens/{name}/rotate",
        query=token_operations.answer_rotate_token,
    ),
    Operation(Status, OperationEffect.READS, Health, "GET", "/v1/status", query=status.answer_status),
    Operation(Ping, OperationEffect.READS, Pong, "GET", "/v1/ping", query=status.answer_ping),
)

# The requests allowed to an agent's tools. All others are for its sidecar, which sees the terminal, or for people.
TOOLS_TOKEN_REQUESTS = (
    *(Send, History, Search, Show, Receipts, Poll, Rooms, CreateRoom, Join, Leave, Members),
    *(SetRole, Asks, Status, Ping, WhoAmI),
    *(Modes, GetMode, Working),
    *(Contexts, GetContext, PutContext, MergeContext, DeleteContext, ContextChanges),
    *(Propose, Decisions, ShowDecision, AnswerDecision, CloseDecision),
    *(OpenSession, Sessions, ShowSession, UpdateSession, PauseSession, ResumeSession, CloseSession),
    SessionMessages,
)

OPERATION_BY_REQUEST: dict[type[Request], Operation] = {one.request: one for one in OPERATIONS}
