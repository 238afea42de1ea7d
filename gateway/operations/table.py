"""Every request in one table: what answers it, and where it is found over REST.

A *rule* is pure and decided at once; its answer comes when its facts are committed. A *query* reads the store first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from gateway.access.operation_effects import Effect
from gateway.access.permissions import Actor
from gateway.agent_control import agent_orders, approvals
from gateway.conversation import contexts, loop_checks, sessions
from gateway.decisions import proposals
from gateway.mode_rules import rules
from gateway.model.log_events import Clerk, Ruling
from gateway.model.state import House
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

Rule = Callable[[House, Actor, Any, Clerk], Ruling]
Query = Callable[[Hub, Actor, Any], Awaitable[Any]]


@dataclass(frozen=True)
class Operation:
    request: type[Request]
    effect: Effect
    result: Any
    method: str
    path: str
    rule: Rule | None = None
    query: Query | None = None


OPERATIONS: tuple[Operation, ...] = (
    Operation(Hello, Effect.GREETS, Welcome, "POST", "/v1/hello", query=hello_operation.hello),
    Operation(Send, Effect.SENDS, Accepted, "POST", "/v1/messages", query=send_operation.send),
    Operation(History, Effect.READS, MessageList, "GET", "/v1/messages", query=message_queries.history),
    Operation(Search, Effect.READS, MessageList, "GET", "/v1/search", query=message_queries.search),
    Operation(Show, Effect.READS, MessageDetail, "GET", "/v1/messages/{message}", query=message_queries.show),
    Operation(Receipts, Effect.READS, Story, "GET", "/v1/messages/{message}/receipts", query=message_queries.story),
    Operation(
        Report, Effect.REPORTS, Done, "POST", "/v1/messages/{message}/receipts", query=delivery_operations.report
    ),
    Operation(Cancel, Effect.CHANGES, Done, "POST", "/v1/messages/{message}/cancel", query=delivery_operations.cancel),
    Operation(Retry, Effect.CHANGES, Done, "POST", "/v1/messages/{message}/retry", query=delivery_operations.retry),
    Operation(Poll, Effect.TAKES, Inbox, "POST", "/v1/inbox", query=long_poll.poll),
    Operation(Deliveries, Effect.READS, DeliveryList, "GET", "/v1/me/deliveries", query=delivery_operations.deliveries),
    Operation(Waiting, Effect.READS, WaitingList, "GET", "/v1/me/waiting", query=inbox_operations.waiting),
    Operation(Events, Effect.READS, EventPage, "GET", "/v1/log", query=message_queries.events),
    Operation(Rooms, Effect.READS, RoomList, "GET", "/v1/rooms", query=member_operations.rooms),
    Operation(CreateRoom, Effect.CHANGES, Done, "POST", "/v1/rooms", rule=room_changes.create),
    Operation(SetTopic, Effect.CHANGES, Done, "PUT", "/v1/rooms/{room}/topic", rule=room_changes.set_topic),
    Operation(Invite, Effect.CHANGES, Done, "POST", "/v1/rooms/{room}/invite", rule=room_changes.invite),
    Operation(Kick, Effect.CHANGES, Done, "POST", "/v1/rooms/{room}/kick", rule=room_changes.kick),
    Operation(RemoveRoom, Effect.CHANGES, Done, "DELETE", "/v1/rooms/{room}", rule=removal.remove_room),
    Operation(Join, Effect.CHANGES, Done, "POST", "/v1/rooms/{room}/join", rule=room_changes.join),
    Operation(Leave, Effect.CHANGES, Done, "POST", "/v1/rooms/{room}/leave", rule=room_changes.leave),
    Operation(Modes, Effect.READS, ModeList, "GET", "/v1/modes", rule=rules.modes),
    Operation(GetMode, Effect.READS, ModeStanding, "GET", "/v1/rooms/{room}/mode", rule=rules.get_mode),
    Operation(SetMode, Effect.CHANGES, ModeStanding, "PUT", "/v1/rooms/{room}/mode", rule=rules.set_mode),
    Operation(NextTurn, Effect.CHANGES, ModeStanding, "POST", "/v1/rooms/{room}/mode/next", rule=rules.next_turn),
    Operation(ExtendTurn, Effect.CHANGES, ModeStanding, "POST", "/v1/rooms/{room}/mode/extend", rule=rules.extend_turn),
    Operation(Working, Effect.CHANGES, ModeStanding, "POST", "/v1/rooms/{room}/mode/working", rule=rules.working),
    Operation(EndMode, Effect.CHANGES, ModeStanding, "DELETE", "/v1/rooms/{room}/mode", rule=rules.end_mode),
    Operation(Members, Effect.READS, MemberList, "GET", "/v1/members", query=member_operations.members_of),
    Operation(SetRole, Effect.CHANGES, Done, "PUT", "/v1/members/{member}/role", rule=members.set_role),
    Operation(Register, Effect.CHANGES, Registered, "POST", "/v1/members", query=member_operations.register),
    Operation(
        RemoveMember, Effect.CHANGES, Done, "DELETE", "/v1/members/{member}", query=member_operations.remove_member
    ),
    Operation(WhoAmI, Effect.READS, Identity, "GET", "/v1/me", query=member_operations.whoami),
    Operation(SetActivity, Effect.REPORTS, Done, "PUT", "/v1/me/activity", query=member_operations.set_activity),
    Operation(Bye, Effect.CHANGES, Done, "DELETE", "/v1/me", query=member_operations.bye),
    Operation(Pause, Effect.CHANGES, Done, "POST", "/v1/pause", rule=agent_orders.pause),
    Operation(Resume, Effect.CHANGES, Done, "POST", "/v1/resume", rule=agent_orders.resume),
    Operation(Continue, Effect.CHANGES, Continued, "POST", "/v1/continue", rule=loop_checks.go_on),
    Operation(Keys, Effect.CHANGES, Done, "POST", "/v1/keys", rule=agent_orders.keys),
    Operation(Stop, Effect.CHANGES, Stopping, "POST", "/v1/stop", rule=agent_orders.stop),
    Operation(Share, Effect.CHANGES, Done, "POST", "/v1/share", rule=agent_orders.share),
    Operation(Restart, Effect.CHANGES, Done, "POST", "/v1/restart", rule=agent_orders.restart),
    Operation(Asks, Effect.READS, AskList, "GET", "/v1/asks", rule=approvals.asks),
    Operation(EndedAsks, Effect.READS, AskList, "GET", "/v1/asks/ended", query=message_queries.ended_asks),
    Operation(OpenAsk, Effect.REPORTS, Done, "POST", "/v1/asks", rule=approvals.open_ask),
    Operation(CloseAsk, Effect.REPORTS, Done, "POST", "/v1/asks/{ask}/close", rule=approvals.close_ask),
    Operation(AnswerAsk, Effect.CHANGES, Done, "POST", "/v1/asks/{member}/answer", rule=approvals.answer_ask),
    Operation(Contexts, Effect.READS, ContextList, "GET", "/v1/contexts", rule=contexts.contexts),
    Operation(
        GetContext, Effect.READS, ContextDocument, "GET", "/v1/contexts/{scope}/{name}", query=context_queries.get
    ),
    Operation(PutContext, Effect.SENDS, ContextSaved, "PUT", "/v1/contexts/{scope}/{name}", query=context_queries.put),
    Operation(DeleteContext, Effect.SENDS, Done, "DELETE", "/v1/contexts/{scope}/{name}", rule=contexts.delete),
    Operation(
        MergeContext,
        Effect.SENDS,
        ContextSaved,
        "POST",
        "/v1/contexts/{scope}/{name}/merge",
        query=context_queries.merge,
    ),
    Operation(
        ContextChanges,
        Effect.READS,
        ContextHistory,
        "GET",
        "/v1/contexts/{scope}/{name}/history",
        query=context_queries.history,
    ),
    Operation(Propose, Effect.SENDS, DecisionView, "POST", "/v1/decisions", rule=proposals.propose),
    Operation(Decisions, Effect.READS, DecisionList, "GET", "/v1/decisions", rule=proposals.all_of),
    Operation(
        ShowDecision, Effect.READS, DecisionView, "GET", "/v1/decisions/{decision}", query=session_queries.show_decision
    ),
    Operation(
        AnswerDecision, Effect.SENDS, DecisionView, "POST", "/v1/decisions/{decision}/answer", rule=proposals.answer
    ),
    Operation(
        CloseDecision, Effect.CHANGES, DecisionView, "POST", "/v1/decisions/{decision}/close", rule=proposals.close
    ),
    Operation(OpenSession, Effect.SENDS, SessionView, "POST", "/v1/sessions", rule=sessions.open_),
    Operation(Sessions, Effect.READS, SessionList, "GET", "/v1/sessions", rule=sessions.listed),
    Operation(ShowSession, Effect.READS, SessionDetail, "GET", "/v1/sessions/{session}", query=session_queries.show),
    Operation(UpdateSession, Effect.SENDS, SessionView, "PUT", "/v1/sessions/{session}", rule=sessions.update),
    Operation(PauseSession, Effect.SENDS, SessionView, "POST", "/v1/sessions/{session}/pause", rule=sessions.pause),
    Operation(ResumeSession, Effect.SENDS, SessionView, "POST", "/v1/sessions/{session}/resume", rule=sessions.resume),
    Operation(CloseSession, Effect.SENDS, SessionView, "POST", "/v1/sessions/{session}/close", rule=sessions.close),
    Operation(
        SessionMessages,
        Effect.READS,
        MessageList,
        "GET",
        "/v1/sessions/{session}/messages",
        query=session_queries.messages,
    ),
    Operation(CreateToken, Effect.CHANGES, TokenMade, "POST", "/v1/tokens", query=token_operations.create_token),
    Operation(CreateHands, Effect.CHANGES, TokenMade, "POST", "/v1/me/hands", query=token_operations.create_hands),
    Operation(Tokens, Effect.READS, TokenList, "GET", "/v1/tokens", query=token_operations.tokens),
    Operation(RevokeToken, Effect.CHANGES, Done, "DELETE", "/v1/tokens/{name}", query=token_operations.revoke_token),
    Operation(
        RotateToken, Effect.CHANGES, TokenMade, "POST", "/v1/tokens/{name}/rotate", query=token_operations.rotate_token
    ),
    Operation(Status, Effect.READS, Health, "GET", "/v1/status", query=status.status),
    Operation(Ping, Effect.READS, Pong, "GET", "/v1/ping", query=status.ping),
)

# What the tools of an agent may ask for. The rest is the sidecar's, who alone sees the terminal, or a person's.
FOR_HANDS = (
    *(Send, History, Search, Show, Receipts, Poll, Rooms, CreateRoom, Join, Leave, Members),
    *(SetRole, Asks, Status, Ping, WhoAmI),
    *(Modes, GetMode, Working),
    *(Contexts, GetContext, PutContext, MergeContext, DeleteContext, ContextChanges),
    *(Propose, Decisions, ShowDecision, AnswerDecision, CloseDecision),
    *(OpenSession, Sessions, ShowSession, UpdateSession, PauseSession, ResumeSession, CloseSession),
    SessionMessages,
)

BY_REQUEST: dict[type[Request], Operation] = {one.request: one for one in OPERATIONS}
