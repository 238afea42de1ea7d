"""Every request in one table: what answers it, and where it is found over REST.

A *rule* is pure and decided at once; its answer comes when its facts are committed. A *query* reads the store first.
What either refuses is told at its place among the events, like an answer: the reason may not be committed yet.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from gateway import (
    asks,
    contexts,
    control,
    loops,
    members,
    proposals,
    removal,
    room_changes,
    sessions,
    turns,
    waiting,
)
from gateway import context_queries as kept
from gateway import queries as ask
from gateway import session_queries as matters
from gateway.effects import Effect as E
from gateway.facts import Clerk, Ruling
from gateway.house import House
from gateway.hub import Hub
from gateway.protocol import context_requests as c
from gateway.protocol import decision_requests as d
from gateway.protocol import mode_requests as m
from gateway.protocol import requests as r
from gateway.protocol import results as out
from gateway.protocol import session_requests as s
from gateway.protocol.errors import Forbidden, GroupChatError
from gateway.protocol.events import Welcome
from gateway.protocol.request_texts import check_request
from gateway.rights import Actor

Rule = Callable[[House, Actor, Any, Clerk], Ruling]
Query = Callable[[Hub, Actor, Any], Awaitable[Any]]


@dataclass(frozen=True)
class Operation:
    request: type[r.Request]
    effect: E
    result: Any
    method: str
    path: str
    rule: Rule | None = None
    query: Query | None = None


OPERATIONS: tuple[Operation, ...] = (
    Operation(r.Hello, E.GREETS, Welcome, "POST", "/v1/hello", query=ask.hello),
    Operation(r.Send, E.SENDS, out.Accepted, "POST", "/v1/messages", query=ask.send),
    Operation(r.History, E.READS, out.MessageList, "GET", "/v1/messages", query=ask.history),
    Operation(r.Search, E.READS, out.MessageList, "GET", "/v1/search", query=ask.search),
    Operation(r.Show, E.READS, out.MessageDetail, "GET", "/v1/messages/{message}", query=ask.show),
    Operation(r.Receipts, E.READS, out.Story, "GET", "/v1/messages/{message}/receipts", query=ask.story),
    Operation(r.Report, E.REPORTS, out.Done, "POST", "/v1/messages/{message}/receipts", query=ask.report),
    Operation(r.Cancel, E.CHANGES, out.Done, "POST", "/v1/messages/{message}/cancel", query=ask.cancel),
    Operation(r.Retry, E.CHANGES, out.Done, "POST", "/v1/messages/{message}/retry", query=ask.retry),
    Operation(r.Poll, E.TAKES, out.Inbox, "POST", "/v1/inbox", query=waiting.poll),
    Operation(r.Deliveries, E.READS, out.DeliveryList, "GET", "/v1/me/deliveries", query=ask.deliveries),
    Operation(r.Waiting, E.READS, out.WaitingList, "GET", "/v1/me/waiting", query=ask.waiting),
    Operation(r.Events, E.READS, out.EventPage, "GET", "/v1/log", query=ask.events),
    Operation(r.Rooms, E.READS, out.RoomList, "GET", "/v1/rooms", query=ask.rooms),
    Operation(r.CreateRoom, E.CHANGES, out.Done, "POST", "/v1/rooms", rule=room_changes.create),
    Operation(r.SetTopic, E.CHANGES, out.Done, "PUT", "/v1/rooms/{room}/topic", rule=room_changes.set_topic),
    Operation(r.Invite, E.CHANGES, out.Done, "POST", "/v1/rooms/{room}/invite", rule=room_changes.invite),
    Operation(r.Kick, E.CHANGES, out.Done, "POST", "/v1/rooms/{room}/kick", rule=room_changes.kick),
    Operation(r.RemoveRoom, E.CHANGES, out.Done, "DELETE", "/v1/rooms/{room}", rule=removal.remove_room),
    Operation(r.Join, E.CHANGES, out.Done, "POST", "/v1/rooms/{room}/join", rule=room_changes.join),
    Operation(r.Leave, E.CHANGES, out.Done, "POST", "/v1/rooms/{room}/leave", rule=room_changes.leave),
    Operation(m.Modes, E.READS, out.ModeList, "GET", "/v1/modes", rule=turns.modes),
    Operation(m.GetMode, E.READS, out.ModeStanding, "GET", "/v1/rooms/{room}/mode", rule=turns.get_mode),
    Operation(m.SetMode, E.CHANGES, out.ModeStanding, "PUT", "/v1/rooms/{room}/mode", rule=turns.set_mode),
    Operation(m.NextTurn, E.CHANGES, out.ModeStanding, "POST", "/v1/rooms/{room}/mode/next", rule=turns.next_turn),
    Operation(
        m.ExtendTurn, E.CHANGES, out.ModeStanding, "POST", "/v1/rooms/{room}/mode/extend", rule=turns.extend_turn
    ),
    Operation(m.Working, E.CHANGES, out.ModeStanding, "POST", "/v1/rooms/{room}/mode/working", rule=turns.working),
    Operation(m.EndMode, E.CHANGES, out.ModeStanding, "DELETE", "/v1/rooms/{room}/mode", rule=turns.end_mode),
    Operation(r.Members, E.READS, out.MemberList, "GET", "/v1/members", query=ask.members_of),
    Operation(r.SetRole, E.CHANGES, out.Done, "PUT", "/v1/members/{member}/role", rule=members.set_role),
    Operation(r.Register, E.CHANGES, out.Registered, "POST", "/v1/members", query=ask.register),
    Operation(r.RemoveMember, E.CHANGES, out.Done, "DELETE", "/v1/members/{member}", query=ask.remove_member),
    Operation(r.WhoAmI, E.READS, out.Identity, "GET", "/v1/me", query=ask.whoami),
    Operation(r.SetActivity, E.REPORTS, out.Done, "PUT", "/v1/me/activity", query=ask.set_activity),
    Operation(r.Bye, E.CHANGES, out.Done, "DELETE", "/v1/me", query=ask.bye),
    Operation(r.Pause, E.CHANGES, out.Done, "POST", "/v1/pause", rule=control.pause),
    Operation(r.Resume, E.CHANGES, out.Done, "POST", "/v1/resume", rule=control.resume),
    Operation(r.Continue, E.CHANGES, out.Continued, "POST", "/v1/continue", rule=loops.go_on),
    Operation(r.Keys, E.CHANGES, out.Done, "POST", "/v1/keys", rule=control.keys),
    Operation(r.Stop, E.CHANGES, out.Stopping, "POST", "/v1/stop", rule=control.stop),
    Operation(r.Share, E.CHANGES, out.Done, "POST", "/v1/share", rule=control.share),
    Operation(r.Restart, E.CHANGES, out.Done, "POST", "/v1/restart", rule=control.restart),
    Operation(r.Asks, E.READS, out.AskList, "GET", "/v1/asks", rule=asks.asks),
    Operation(r.EndedAsks, E.READS, out.AskList, "GET", "/v1/asks/ended", query=ask.ended_asks),
    Operation(r.OpenAsk, E.REPORTS, out.Done, "POST", "/v1/asks", rule=asks.open_ask),
    Operation(r.CloseAsk, E.REPORTS, out.Done, "POST", "/v1/asks/{ask}/close", rule=asks.close_ask),
    Operation(r.AnswerAsk, E.CHANGES, out.Done, "POST", "/v1/asks/{member}/answer", rule=asks.answer_ask),
    Operation(c.Contexts, E.READS, out.ContextList, "GET", "/v1/contexts", rule=contexts.contexts),
    Operation(c.GetContext, E.READS, out.ContextDocument, "GET", "/v1/contexts/{scope}/{name}", query=kept.get),
    Operation(c.PutContext, E.SENDS, out.ContextSaved, "PUT", "/v1/contexts/{scope}/{name}", query=kept.put),
    Operation(c.DeleteContext, E.SENDS, out.Done, "DELETE", "/v1/contexts/{scope}/{name}", rule=contexts.delete),
    Operation(c.MergeContext, E.SENDS, out.ContextSaved, "POST", "/v1/contexts/{scope}/{name}/merge", query=kept.merge),
    Operation(
        c.ContextChanges, E.READS, out.ContextHistory, "GET", "/v1/contexts/{scope}/{name}/history", query=kept.history
    ),
    Operation(d.Propose, E.SENDS, out.DecisionView, "POST", "/v1/decisions", rule=proposals.propose),
    Operation(d.Decisions, E.READS, out.DecisionList, "GET", "/v1/decisions", rule=proposals.all_of),
    Operation(
        d.ShowDecision, E.READS, out.DecisionView, "GET", "/v1/decisions/{decision}", query=matters.show_decision
    ),
    Operation(
        d.AnswerDecision, E.SENDS, out.DecisionView, "POST", "/v1/decisions/{decision}/answer", rule=proposals.answer
    ),
    Operation(
        d.CloseDecision, E.CHANGES, out.DecisionView, "POST", "/v1/decisions/{decision}/close", rule=proposals.close
    ),
    Operation(s.OpenSession, E.SENDS, out.SessionView, "POST", "/v1/sessions", rule=sessions.open_),
    Operation(s.Sessions, E.READS, out.SessionList, "GET", "/v1/sessions", rule=sessions.listed),
    Operation(s.ShowSession, E.READS, out.SessionDetail, "GET", "/v1/sessions/{session}", query=matters.show),
    Operation(s.UpdateSession, E.SENDS, out.SessionView, "PUT", "/v1/sessions/{session}", rule=sessions.update),
    Operation(s.PauseSession, E.SENDS, out.SessionView, "POST", "/v1/sessions/{session}/pause", rule=sessions.pause),
    Operation(s.ResumeSession, E.SENDS, out.SessionView, "POST", "/v1/sessions/{session}/resume", rule=sessions.resume),
    Operation(s.CloseSession, E.SENDS, out.SessionView, "POST", "/v1/sessions/{session}/close", rule=sessions.close),
    Operation(
        s.SessionMessages, E.READS, out.MessageList, "GET", "/v1/sessions/{session}/messages", query=matters.messages
    ),
    Operation(r.CreateToken, E.CHANGES, out.TokenMade, "POST", "/v1/tokens", query=ask.create_token),
    Operation(r.CreateHands, E.CHANGES, out.TokenMade, "POST", "/v1/me/hands", query=ask.create_hands),
    Operation(r.Tokens, E.READS, out.TokenList, "GET", "/v1/tokens", query=ask.tokens),
    Operation(r.RevokeToken, E.CHANGES, out.Done, "DELETE", "/v1/tokens/{name}", query=ask.revoke_token),
    Operation(r.RotateToken, E.CHANGES, out.TokenMade, "POST", "/v1/tokens/{name}/rotate", query=ask.rotate_token),
    Operation(r.Status, E.READS, out.Health, "GET", "/v1/status", query=ask.status),
    Operation(r.Ping, E.READS, out.Pong, "GET", "/v1/ping", query=ask.ping),
)

# What the tools of an agent may ask for. The rest is the sidecar's, who alone sees the terminal, or a person's.
FOR_HANDS = (
    *(r.Send, r.History, r.Search, r.Show, r.Receipts, r.Poll, r.Rooms, r.CreateRoom, r.Join, r.Leave, r.Members),
    *(r.SetRole, r.Asks, r.Status, r.Ping, r.WhoAmI),
    *(m.Modes, m.GetMode, m.Working),
    *(c.Contexts, c.GetContext, c.PutContext, c.MergeContext, c.DeleteContext, c.ContextChanges),
    *(d.Propose, d.Decisions, d.ShowDecision, d.AnswerDecision, d.CloseDecision),
    *(s.OpenSession, s.Sessions, s.ShowSession, s.UpdateSession, s.PauseSession, s.ResumeSession, s.CloseSession),
    s.SessionMessages,
)

# What shows how members are doing, of which the streams are told a little later.
SHOW_MEMBERS = (r.Hello, r.Members)

BY_REQUEST: dict[type[r.Request], Operation] = {one.request: one for one in OPERATIONS}


def begin(hub: Hub, actor: Actor, request: r.Request) -> asyncio.Future[Any] | Awaitable[Any]:
    """Decide a request now, and return what its result can be awaited from. Requests begun one after the other are
    committed in that order. Raises only what has nothing to do with the state of the house."""
    operation = BY_REQUEST[type(request)]
    tag = request.__struct_config__.tag
    hub.request_log.debug("< request", op=tag, n=request.n, member=actor.name, trace=trace_of(request))
    if actor.hands and not isinstance(request, FOR_HANDS):
        raise Forbidden(f"{tag!r} is not for an agent's tools: it is for its sidecar, or for a person.")
    if actor.read_only and not operation.effect.allowed_read_only:
        actor.need_write(f"{tag!r} changes something")
    hub.throttle.take(operation.effect, actor.name, time.monotonic())
    check_request(request)  # looks at each character: it costs, so it counts
    try:
        return _decide(hub, actor, operation, request)
    except GroupChatError as error:
        return hub.refuse_in_turn(error)


def _decide(hub: Hub, actor: Actor, operation: Operation, request: r.Request) -> asyncio.Future[Any] | Awaitable[Any]:
    if operation.rule is not None:
        return hub.carry_out(operation.rule(hub.house, actor, request, hub.clerk()))
    assert operation.query is not None
    return operation.query(hub, actor, request)


def trace_of(request: r.Request) -> str | None:
    """What ties the log lines of one message together: the client's trace, else its id for the message."""
    return request.trace or request.id if isinstance(request, r.Send) else None


AT_ONCE = (r.Status, r.Ping)  # what tells that nothing reaches the disk must not wait for it


def answer_in_turn(hub: Hub, actor: Actor, request: r.Request, result: Any) -> asyncio.Future[Any]:
    """Give a query's answer at its place among the events: not before those whose effect it shows."""
    if isinstance(request, AT_ONCE):
        return hub.at_once(result)
    if isinstance(request, SHOW_MEMBERS):
        hub.presence.tell_first(actor.name)
    effect = BY_REQUEST[type(request)].effect
    return hub.answer_in_turn(result, sure=effect not in (E.READS, E.GREETS))


async def answered(hub: Hub, actor: Actor, request: r.Request, query: Awaitable[Any]) -> asyncio.Future[Any]:
    """Wait for a query, and promise its answer or its refusal in turn."""
    try:
        result = await query
    except GroupChatError as error:
        return hub.refuse_in_turn(error)
    return answer_in_turn(hub, actor, request, result)


async def perform(hub: Hub, actor: Actor, request: r.Request) -> Any:
    begun = begin(hub, actor, request)
    if isinstance(begun, asyncio.Future):
        return await begun
    return await (await answered(hub, actor, request, begun))
