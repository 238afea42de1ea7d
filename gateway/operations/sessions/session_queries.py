"""Queries about a session: its decisions, shared contexts and messages."""

from __future__ import annotations

from gateway.access.permissions import Actor
from gateway.decisions import decision_handlers
from gateway.model.paging import MAX_LIST_BYTES, fit_into_page
from gateway.operations.messages.message_queries import messages_of, viewer_of
from gateway.protocol import codec
from gateway.protocol.events import Message
from gateway.protocol.requests.decision_requests import ShowDecision
from gateway.protocol.requests.session_requests import SessionMessages, ShowSession
from gateway.protocol.results import DecisionView, MessageList, SessionDetail
from gateway.protocol.types.core_types import ContextInfo
from gateway.protocol.types.decision_types import Decision
from gateway.protocol.types.session_types import Session
from gateway.runtime.hub import Hub
from gateway.sessions import sessions, shared_documents
from gateway.store import MessageQuery

PAGE_EVENTS = 500
MAX_LISTED_DECISIONS = 1000


async def show_decision(hub: Hub, actor: Actor, request: ShowDecision) -> DecisionView:
    """Show a decision from memory, else from the store."""
    found = await _find_decision(hub, actor, request.decision.strip())
    return DecisionView(found or decision_handlers.require_decision(hub.state, actor, request.decision))


async def show_session(hub: Hub, actor: Actor, request: ShowSession) -> SessionDetail:
    session = sessions.require_session(hub.state, actor, request.session)
    found = [await _find_decision(hub, actor, one) for one in session.decisions]
    decided, more = fit_into_page((one for one in found if one is not None), MAX_LISTED_DECISIONS, MAX_LIST_BYTES)
    documents, further = fit_into_page(_session_contexts(hub, actor, session), MAX_LISTED_DECISIONS, MAX_LIST_BYTES)
    return SessionDetail(session, decided, documents, more=more or further)


async def _find_decision(hub: Hub, actor: Actor, key: str) -> Decision | None:
    decision = hub.state.decisions.get(key)
    if decision is None and (raw := await hub.store.aside("decision", key)) is not None:
        decision = codec.decode(Decision, raw)
    return decision if decision is not None and decision_handlers.may_see_decision(hub.state, actor, decision) else None


def _session_contexts(hub: Hub, actor: Actor, session: Session) -> tuple[ContextInfo, ...]:
    scope = f"#{session.room}"
    there = (one.info for one in hub.state.contexts.values() if one.info.scope == scope and not one.gone)
    found = (one for one in there if _belongs_to_session(session, one))
    return (
        tuple(sorted(found, key=lambda one: one.name))
        if shared_documents.may_read_scope(hub.state, actor, scope)
        else ()
    )


def _belongs_to_session(session: Session, document: ContextInfo) -> bool:
    named = document.name == session.name or document.name.startswith(f"{session.name}.")
    return named or (session.at <= document.at and (not session.closed or document.at <= session.closed))


async def session_messages(hub: Hub, actor: Actor, request: SessionMessages) -> MessageList:
    """The messages of a session; of a completed one, those until its end."""
    session = sessions.require_session(hub.state, actor, request.session)
    last = session.seq if session.closed else hub.committed_seq
    after, found = max(request.after or 0, session.number), list[Message]()
    while after < last and len(found) <= request.limit:
        query = MessageQuery(viewer_of(hub, actor), session.room, after=after, limit=PAGE_EVENTS)
        page = await messages_of(hub, actor, await hub.store.messages(query))
        found += [one for one in page if one.session == session.name and one.seq <= last]
        after = page[-1].seq if len(page) == PAGE_EVENTS else last
    return MessageList(tuple(found[: request.limit]), more=len(found) > request.limit)
