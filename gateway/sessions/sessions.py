"""The rules of sessions: a named piece of work in a room, with a goal, participants and a deadline. Pure.

A session is a tag on messages, not a second log. A message without a tag belongs to the active session of the room in
which its author takes part, because agents answer without tags and a session of tagged messages alone would miss most
answers. If there are several such sessions, the message gets no tag.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from gateway.access.permissions import Actor, Permission
from gateway.model.paging import cut_page, identity
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, RuleOutcome, StateChange
from gateway.model.state import GatewayState
from gateway.model.system_messages import MessageDraft, message
from gateway.protocol.errors import BadRequest, Conflict, Forbidden, NotFound
from gateway.protocol.events import SessionEvent
from gateway.protocol.requests.session_requests import (
    CloseSession,
    OpenSession,
    PauseSession,
    ResumeSession,
    Sessions,
    UpdateSession,
)
from gateway.protocol.results import SessionList, SessionView
from gateway.protocol.text.addressing import outside_room_text
from gateway.protocol.text.printable_text import shorten_line
from gateway.protocol.types.core_types import (
    DEFAULT_ROOM,
    SYSTEM_NAME,
    MemberKind,
    bare_name,
    canonical_name,
    canonical_room_name,
    check_message_text,
)
from gateway.protocol.types.decision_types import Decision
from gateway.protocol.types.session_types import Session, SessionAction, SessionStatus
from gateway.protocol.types.timestamps import iso_from_seconds, seconds_from_iso
from gateway.sealed_rooms.keyless_members import refuse_in_sealed_room

MAX_OPEN_SESSIONS = 100  # of one member
MAX_GOAL_CHARS = 300  # of a goal that a notice shows

S = SessionStatus


def current_session(state: GatewayState, room: str, name: str) -> str | None:
    """The session of an untagged message in a room, if exactly one fits."""
    found = [one.name for one in state.sessions.values() if one.room == room and one.status is S.ACTIVE]
    mine = [one for one in found if is_participant(state.sessions[one], name)]
    return mine[0] if len(mine) == 1 else None


def is_participant(session: Session, name: str) -> bool:
    return not session.participants or name in (session.by, *session.participants) or name == SYSTEM_NAME


def session_tag_of(state: GatewayState, room: str, name: str, wanted: str | None) -> str | None:
    """The tag of a message. An unknown tag passes, because other systems have their own tags. The tag of a session in
    another room passes as well, so that the member does not learn whether that session exists."""
    if wanted is None:
        return current_session(state, room, name)
    session = state.sessions.get(wanted.lower())
    if session is None or name not in state.in_room[session.room]:
        return wanted
    if session.room != room:
        raise Conflict(f"The session {session.name!r} belongs to the room {session.room!r}, not to {room!r}.")
    return session.name


def add_decision(state: GatewayState, asked: Decision) -> tuple[StateChange, ...]:
    """Add a decision to its session."""
    session = state.sessions.get(asked.session or "")
    if session is None or session.room != asked.room or asked.id in session.decisions:
        return ()
    later = msgspec.structs.replace(session, decisions=(*session.decisions, asked.id))
    return (StateChange("session", session.name, later),)


# changes


def open_session(state: GatewayState, actor: Actor, request: OpenSession, rule_context: RuleContext) -> RuleOutcome:
    actor.require(Permission.SEND)
    room = state.own_room(canonical_room_name(request.room or DEFAULT_ROOM), actor).name
    refuse_in_sealed_room(state, room, "the goal and the summary of a session would be readable")
    name = canonical_name(request.session)
    if name in state.sessions:
        raise Conflict(f"The session {name!r} already exists. Choose another name.")
    if (
        sum(one.by == actor.name and one.status is not S.COMPLETED for one in state.sessions.values())
        >= MAX_OPEN_SESSIONS
    ):
        raise Conflict(f"{actor.name} has {MAX_OPEN_SESSIONS} sessions that are not completed. Close one of them.")
    check_message_text(request.goal, what="goal")
    seq = rule_context.seq()
    session = Session(
        name=name,
        number=seq,
        seq=seq,
        room=room,
        by=actor.name,
        at=rule_context.stamp,
        goal=request.goal.strip(),
        participants=_participants(state, room, request.participants),
        deadline=_deadline_stamp(request.deadline_in, rule_context),
    )
    return _session_outcome(session, SessionAction.OPENED, actor.name, rule_context)


def _participants(state: GatewayState, room: str, names: tuple[str, ...]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(state.member(bare_name(one)).name for one in names))
    outside = [one for one in found if one not in state.in_room[room]]
    if outside:
        raise Forbidden(outside_room_text(outside, room))
    return found


def _deadline_stamp(seconds: float | None, rule_context: RuleContext) -> str:
    return iso_from_seconds(rule_context.now + seconds) if seconds else ""


def update_session(state: GatewayState, actor: Actor, request: UpdateSession, rule_context: RuleContext) -> RuleOutcome:
    session = _require_own_open(state, actor, request.session)
    changes: dict[str, object] = {}
    if request.goal is not None:
        changes["goal"] = check_message_text(request.goal, what="goal").strip()
    if request.participants is not None:
        changes["participants"] = _participants(state, session.room, request.participants)
    if request.deadline_in is not None:
        changes |= {"deadline": _deadline_stamp(request.deadline_in, rule_context), "overdue": False}
    if not changes:
        raise BadRequest("This changes nothing. Give a goal, participants or a deadline.")
    return _change_session(session, changes, SessionAction.UPDATED, actor.name, rule_context)


def pause_session(state: GatewayState, actor: Actor, request: PauseSession, rule_context: RuleContext) -> RuleOutcome:
    return _set_status(state, actor, request, S.PAUSED, rule_context)


def resume_session(state: GatewayState, actor: Actor, request: ResumeSession, rule_context: RuleContext) -> RuleOutcome:
    return _set_status(state, actor, request, S.ACTIVE, rule_context)


def _set_status(
    state: GatewayState,
    actor: Actor,
    request: PauseSession | ResumeSession,
    status: SessionStatus,
    rule_context: RuleContext,
) -> RuleOutcome:
    session = _require_own_open(state, actor, request.session)
    if session.status is status:
        return RuleOutcome(SessionView(session))
    action = SessionAction.PAUSED if status is S.PAUSED else SessionAction.RESUMED
    return _change_session(session, {"status": status}, action, actor.name, rule_context)


def close_session(state: GatewayState, actor: Actor, request: CloseSession, rule_context: RuleContext) -> RuleOutcome:
    session = _require_own_open(state, actor, request.session)
    check_message_text(request.closing, what="closing")
    changes = {"status": S.COMPLETED, "closed": rule_context.stamp, "closing": request.closing.strip()}
    return _change_session(session, changes, SessionAction.CLOSED, actor.name, rule_context)


def complete_session(session: Session, closing: str, by: str, rule_context: RuleContext) -> EventToCommit:
    changes = {"status": S.COMPLETED, "closed": rule_context.stamp, "closing": closing}
    later = msgspec.structs.replace(session, seq=rule_context.seq(), **changes)
    return _session_event(later, SessionAction.CLOSED, by, rule_context)


def _require_own_open(state: GatewayState, actor: Actor, name: str) -> Session:
    """The session, if it is not completed and this member may change it."""
    actor.require(Permission.SEND)
    session = require_session(state, actor, name)
    inside = actor.name in state.in_room[session.room]
    mine = inside and (actor.kind is MemberKind.HUMAN or is_participant(session, actor.name))
    if not (mine or actor.may(Permission.ADMINISTER)):
        raise Forbidden(
            f"{actor.name} does not take part in the session {session.name!r}. "
            f"Its participants: {', '.join(session.participants)}."
        )
    if session.status is S.COMPLETED:
        raise Conflict(
            f"The session {session.name!r} was completed at {session.closed} and cannot change. Open another one."
        )
    return session


def _change_session(
    session: Session, changes: Mapping[str, object], action: SessionAction, by: str, rule_context: RuleContext
) -> RuleOutcome:
    later = msgspec.structs.replace(session, seq=rule_context.seq(), **changes)
    return _session_outcome(later, action, by, rule_context)


def _session_outcome(session: Session, action: SessionAction, by: str, rule_context: RuleContext) -> RuleOutcome:
    return RuleOutcome(SessionView(session), (_session_event(session, action, by, rule_context),))


def _session_event(session: Session, action: SessionAction, by: str, rule_context: RuleContext) -> EventToCommit:
    event = SessionEvent(session.seq, action, by, session, rule_context.stamp)
    return EventToCommit(event, changes=(StateChange("session", session.name, session),), about=session.number)


def process_due_session(
    state: GatewayState, key: str, rule_context: RuleContext, started: float = 0.0
) -> tuple[tuple[EventToCommit, ...], float | None]:
    """Announce a passed deadline once. It does not end the session."""
    session = state.sessions.get(key)
    if session is None or session.overdue or not session.deadline or session.status is not S.ACTIVE:
        return (), None
    at = seconds_from_iso(session.deadline)
    if at > rule_context.now:
        return (), at
    late = msgspec.structs.replace(session, seq=rule_context.seq(), overdue=True)
    return (
        _session_event(late, SessionAction.OVERDUE, SYSTEM_NAME, rule_context),
        _session_notice(late, rule_context),
    ), None


def _session_notice(session: Session, rule_context: RuleContext) -> EventToCommit:
    goal = f" Its goal: {shorten_line(session.goal, MAX_GOAL_CHARS)}" if session.goal else ""
    text = f"The deadline of the session {session.name} has passed.{goal}"
    return message(MessageDraft(session.room, text, session=session.name), rule_context)


# queries


def require_session(state: GatewayState, actor: Actor, name: str) -> Session:
    wanted = name.strip().lower()
    session = state.sessions.get(wanted)
    if session is None or not may_see_session(state, actor, session):
        near = [one.name for one in state.sessions.values() if may_see_session(state, actor, one)][-3:]
        hint = f" Known sessions: {', '.join(near)}." if near else ""
        raise NotFound(f"There is no session {wanted[:40]!r} that {actor.name} can see.{hint}", nearest=near)
    return session


def may_see_session(state: GatewayState, actor: Actor, session: Session) -> bool:
    return state.reads_in(session.room, actor.name) or actor.may(Permission.READ_DIRECT)


def list_sessions(state: GatewayState, actor: Actor, request: Sessions, rule_context: RuleContext) -> RuleOutcome:
    room = None if request.room is None else state.readable_room(canonical_room_name(request.room), actor).name
    found = (one for one in visible_sessions(state, actor, completed=request.all) if room in (None, one.room))
    return RuleOutcome(SessionList(*cut_page(found, lambda one: one.number, request.after, request.limit, identity)))


def visible_sessions(state: GatewayState, actor: Actor, *, completed: bool = False) -> Iterator[Session]:
    for one in state.sessions.values():
        if may_see_session(state, actor, one) and (completed or one.status is not S.COMPLETED):
            yield one
