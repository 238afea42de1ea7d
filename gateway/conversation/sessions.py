"""The rules of sessions: a named piece of work in a room, with a goal, participants and a deadline. Pure.

A session is a tag on messages, not a second log. A message without a tag belongs to the active session of the room in
which its author takes part, because agents answer without tags and a session of tagged messages alone would miss most
answers. If there are several such sessions, the message gets no tag.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from gateway.access.permissions import Action, Actor
from gateway.model.log_events import LogEvent, Outcome, Sequencer, StateChange
from gateway.model.paging import cut_page, identity
from gateway.model.state import GatewayState
from gateway.model.system_messages import MessageDraft, message
from gateway.protocol.decision_nouns import Decision
from gateway.protocol.errors import BadRequest, Conflict, Forbidden, NotFound
from gateway.protocol.events import SessionEvent
from gateway.protocol.results import SessionList, SessionView
from gateway.protocol.session_nouns import Session, SessionAction, SessionStatus
from gateway.protocol.session_requests import (
    CloseSession,
    OpenSession,
    PauseSession,
    ResumeSession,
    Sessions,
    UpdateSession,
)
from gateway.protocol.text.printable_text import shorten_line
from gateway.protocol.timestamps import iso_from_seconds, seconds_from_iso
from gateway.protocol.types import (
    DEFAULT_ROOM,
    SYSTEM_NAME,
    MemberKind,
    bare_name,
    canonical_name,
    canonical_room_name,
    check_message_text,
)

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


def open_session(state: GatewayState, actor: Actor, request: OpenSession, sequencer: Sequencer) -> Outcome:
    actor.require(Action.SEND)
    room = state.own_room(canonical_room_name(request.room or DEFAULT_ROOM), actor).name
    name = canonical_name(request.session)
    if name in state.sessions:
        raise Conflict(f"There is a session {name!r} already. Choose another name.")
    if (
        sum(one.by == actor.name and one.status is not S.COMPLETED for one in state.sessions.values())
        >= MAX_OPEN_SESSIONS
    ):
        raise Conflict(f"{actor.name} has {MAX_OPEN_SESSIONS} sessions that are not completed. Close one of them.")
    check_message_text(request.goal, what="goal")
    seq = sequencer.seq()
    session = Session(
        name=name,
        number=seq,
        seq=seq,
        room=room,
        by=actor.name,
        at=sequencer.stamp,
        goal=request.goal.strip(),
        participants=_participants(state, room, request.participants),
        deadline=_deadline_stamp(request.deadline_in, sequencer),
    )
    return _session_outcome(session, SessionAction.OPENED, actor.name, sequencer)


def _participants(state: GatewayState, room: str, names: tuple[str, ...]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(state.member(bare_name(one)).name for one in names))
    outside = [one for one in found if one not in state.in_room[room]]
    if outside:
        raise Forbidden(f"{', '.join(outside)} is not in the room {room!r}. Invite them first.")
    return found


def _deadline_stamp(seconds: float | None, sequencer: Sequencer) -> str:
    return iso_from_seconds(sequencer.now + seconds) if seconds else ""


def update_session(state: GatewayState, actor: Actor, request: UpdateSession, sequencer: Sequencer) -> Outcome:
    session = _require_own_open(state, actor, request.session)
    changes: dict[str, object] = {}
    if request.goal is not None:
        changes["goal"] = check_message_text(request.goal, what="goal").strip()
    if request.participants is not None:
        changes["participants"] = _participants(state, session.room, request.participants)
    if request.deadline_in is not None:
        changes |= {"deadline": _deadline_stamp(request.deadline_in, sequencer), "overdue": False}
    if not changes:
        raise BadRequest("Nothing is to be changed: say a goal, participants or a deadline.")
    return _change_session(session, changes, SessionAction.UPDATED, actor.name, sequencer)


def pause_session(state: GatewayState, actor: Actor, request: PauseSession, sequencer: Sequencer) -> Outcome:
    return _set_status(state, actor, request, S.PAUSED, sequencer)


def resume_session(state: GatewayState, actor: Actor, request: ResumeSession, sequencer: Sequencer) -> Outcome:
    return _set_status(state, actor, request, S.ACTIVE, sequencer)


def _set_status(
    state: GatewayState,
    actor: Actor,
    request: PauseSession | ResumeSession,
    status: SessionStatus,
    sequencer: Sequencer,
) -> Outcome:
    session = _require_own_open(state, actor, request.session)
    if session.status is status:
        return Outcome(SessionView(session))
    action = SessionAction.PAUSED if status is S.PAUSED else SessionAction.RESUMED
    return _change_session(session, {"status": status}, action, actor.name, sequencer)


def close_session(state: GatewayState, actor: Actor, request: CloseSession, sequencer: Sequencer) -> Outcome:
    session = _require_own_open(state, actor, request.session)
    check_message_text(request.closing, what="closing")
    changes = {"status": S.COMPLETED, "closed": sequencer.stamp, "closing": request.closing.strip()}
    return _change_session(session, changes, SessionAction.CLOSED, actor.name, sequencer)


def complete_session(session: Session, closing: str, by: str, sequencer: Sequencer) -> LogEvent:
    changes = {"status": S.COMPLETED, "closed": sequencer.stamp, "closing": closing}
    later = msgspec.structs.replace(session, seq=sequencer.seq(), **changes)
    return _session_event(later, SessionAction.CLOSED, by, sequencer)


def _require_own_open(state: GatewayState, actor: Actor, name: str) -> Session:
    """The session, if it is not completed and this member may change it."""
    actor.require(Action.SEND)
    session = require_session(state, actor, name)
    inside = actor.name in state.in_room[session.room]
    mine = inside and (actor.kind is MemberKind.HUMAN or is_participant(session, actor.name))
    if not (mine or actor.may(Action.ADMINISTER)):
        raise Forbidden(f"{actor.name} takes no part in {session.name!r}: {', '.join(session.participants)} do.")
    if session.status is S.COMPLETED:
        raise Conflict(f"The session {session.name!r} was completed {session.closed}. Open another one.")
    return session


def _change_session(
    session: Session, changes: Mapping[str, object], action: SessionAction, by: str, sequencer: Sequencer
) -> Outcome:
    later = msgspec.structs.replace(session, seq=sequencer.seq(), **changes)
    return _session_outcome(later, action, by, sequencer)


def _session_outcome(session: Session, action: SessionAction, by: str, sequencer: Sequencer) -> Outcome:
    return Outcome(SessionView(session), (_session_event(session, action, by, sequencer),))


def _session_event(session: Session, action: SessionAction, by: str, sequencer: Sequencer) -> LogEvent:
    event = SessionEvent(session.seq, action, by, session, sequencer.stamp)
    return LogEvent(event, changes=(StateChange("session", session.name, session),), about=session.number)


def process_due_session(
    state: GatewayState, key: str, sequencer: Sequencer, started: float = 0.0
) -> tuple[tuple[LogEvent, ...], float | None]:
    """Announce a passed deadline once. It does not end the session."""
    session = state.sessions.get(key)
    if session is None or session.overdue or not session.deadline or session.status is not S.ACTIVE:
        return (), None
    at = seconds_from_iso(session.deadline)
    if at > sequencer.now:
        return (), at
    late = msgspec.structs.replace(session, seq=sequencer.seq(), overdue=True)
    return (_session_event(late, SessionAction.OVERDUE, SYSTEM_NAME, sequencer), _session_notice(late, sequencer)), None


def _session_notice(session: Session, sequencer: Sequencer) -> LogEvent:
    goal = f" Its goal: {shorten_line(session.goal, MAX_GOAL_CHARS)}" if session.goal else ""
    text = f"The deadline of the session {session.name} has passed.{goal}"
    return message(MessageDraft(session.room, text, session=session.name), sequencer)


# queries


def require_session(state: GatewayState, actor: Actor, name: str) -> Session:
    wanted = name.strip().lower()
    session = state.sessions.get(wanted)
    if session is None or not may_see_session(state, actor, session):
        near = [one.name for one in state.sessions.values() if may_see_session(state, actor, one)][-3:]
        hint = f" There is {', '.join(near)}." if near else ""
        raise NotFound(f"There is no session {wanted[:40]!r} that {actor.name} may see.{hint}", nearest=near)
    return session


def may_see_session(state: GatewayState, actor: Actor, session: Session) -> bool:
    return state.reads_in(session.room, actor.name) or actor.may(Action.READ_DIRECT)


def list_sessions(state: GatewayState, actor: Actor, request: Sessions, sequencer: Sequencer) -> Outcome:
    room = None if request.room is None else state.readable_room(canonical_room_name(request.room), actor).name
    found = (one for one in visible_sessions(state, actor, completed=request.all) if room in (None, one.room))
    return Outcome(SessionList(*cut_page(found, lambda one: one.number, request.after, request.limit, identity)))


def visible_sessions(state: GatewayState, actor: Actor, *, completed: bool = False) -> Iterator[Session]:
    for one in state.sessions.values():
        if may_see_session(state, actor, one) and (completed or one.status is not S.COMPLETED):
            yield one
