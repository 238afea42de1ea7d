"""The rules of sessions: a named piece of work in a room, with a goal, participants and a deadline. Pure.

A session is a tag, not a second log. What somebody says without a tag belongs to the one active session of the room
that he takes part in: agents answer without knowing of tags, and a session of which only tagged messages are part would
miss most of what was said in it. Where there are several, nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from gateway.access.permissions import Action, Actor
from gateway.model.log_events import Change, Clerk, Fact, Ruling
from gateway.model.paging import page, same
from gateway.model.state import House
from gateway.model.system_messages import Draft, message
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
from gateway.protocol.text.printable_text import short
from gateway.protocol.timestamps import iso, moment
from gateway.protocol.types import DEFAULT_ROOM, SYSTEM, MemberKind, bare_name, check_text, name_of, room_name_of

MOST_OPEN = 100  # of one member
MOST_TOLD = 300  # characters of a goal, in a line that the gateway says

S = SessionStatus


def current(house: House, room: str, name: str) -> str | None:
    """The session that something said in a room belongs to, where there is no doubt."""
    found = [one.name for one in house.sessions.values() if one.room == room and one.status is S.ACTIVE]
    mine = [one for one in found if takes_part(house.sessions[one], name)]
    return mine[0] if len(mine) == 1 else None


def takes_part(session: Session, name: str) -> bool:
    return not session.participants or name in (session.by, *session.participants) or name == SYSTEM


def tag_of(house: House, room: str, name: str, wanted: str | None) -> str | None:
    """The tag of a message. A tag that is no session's is let pass: other systems have tags of their own. So is that of
    a session in a room that the member is not in: it must not learn of either."""
    if wanted is None:
        return current(house, room, name)
    session = house.sessions.get(wanted.lower())
    if session is None or name not in house.in_room[session.room]:
        return wanted
    if session.room != room:
        raise Conflict(f"The session {session.name!r} belongs to the room {session.room!r}, not to {room!r}.")
    return session.name


def with_decision(house: House, asked: Decision) -> tuple[Change, ...]:
    """A session remembers what was asked in it."""
    session = house.sessions.get(asked.session or "")
    if session is None or session.room != asked.room or asked.id in session.decisions:
        return ()
    later = msgspec.structs.replace(session, decisions=(*session.decisions, asked.id))
    return (Change("session", session.name, later),)


# changing


def open_(house: House, actor: Actor, request: OpenSession, clerk: Clerk) -> Ruling:
    actor.need(Action.SEND)
    room = house.own_room(room_name_of(request.room or DEFAULT_ROOM), actor).name
    name = name_of(request.session)
    if name in house.sessions:
        raise Conflict(f"There is a session {name!r} already. Choose another name.")
    if sum(one.by == actor.name and one.status is not S.COMPLETED for one in house.sessions.values()) >= MOST_OPEN:
        raise Conflict(f"{actor.name} has {MOST_OPEN} sessions that are not completed. Close one of them.")
    check_text(request.goal, what="goal")
    seq = clerk.seq()
    session = Session(
        name=name,
        number=seq,
        seq=seq,
        room=room,
        by=actor.name,
        at=clerk.stamp,
        goal=request.goal.strip(),
        participants=_participants(house, room, request.participants),
        deadline=_deadline(request.deadline_in, clerk),
    )
    return _ruling(session, SessionAction.OPENED, actor.name, clerk)


def _participants(house: House, room: str, names: tuple[str, ...]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(house.member(bare_name(one)).name for one in names))
    outside = [one for one in found if one not in house.in_room[room]]
    if outside:
        raise Forbidden(f"{', '.join(outside)} is not in the room {room!r}. Invite them first.")
    return found


def _deadline(seconds: float | None, clerk: Clerk) -> str:
    return iso(clerk.now + seconds) if seconds else ""


def update(house: House, actor: Actor, request: UpdateSession, clerk: Clerk) -> Ruling:
    session = _mine(house, actor, request.session)
    changes: dict[str, object] = {}
    if request.goal is not None:
        changes["goal"] = check_text(request.goal, what="goal").strip()
    if request.participants is not None:
        changes["participants"] = _participants(house, session.room, request.participants)
    if request.deadline_in is not None:
        changes |= {"deadline": _deadline(request.deadline_in, clerk), "overdue": False}
    if not changes:
        raise BadRequest("Nothing is to be changed: say a goal, participants or a deadline.")
    return _changed(session, changes, SessionAction.UPDATED, actor.name, clerk)


def pause(house: House, actor: Actor, request: PauseSession, clerk: Clerk) -> Ruling:
    return _moved(house, actor, request, S.PAUSED, clerk)


def resume(house: House, actor: Actor, request: ResumeSession, clerk: Clerk) -> Ruling:
    return _moved(house, actor, request, S.ACTIVE, clerk)


def _moved(
    house: House, actor: Actor, request: PauseSession | ResumeSession, status: SessionStatus, clerk: Clerk
) -> Ruling:
    session = _mine(house, actor, request.session)
    if session.status is status:
        return Ruling(SessionView(session))
    action = SessionAction.PAUSED if status is S.PAUSED else SessionAction.RESUMED
    return _changed(session, {"status": status}, action, actor.name, clerk)


def close(house: House, actor: Actor, request: CloseSession, clerk: Clerk) -> Ruling:
    session = _mine(house, actor, request.session)
    check_text(request.closing, what="closing")
    changes = {"status": S.COMPLETED, "closed": clerk.stamp, "closing": request.closing.strip()}
    return _changed(session, changes, SessionAction.CLOSED, actor.name, clerk)


def completed(session: Session, closing: str, by: str, clerk: Clerk) -> Fact:
    changes = {"status": S.COMPLETED, "closed": clerk.stamp, "closing": closing}
    later = msgspec.structs.replace(session, seq=clerk.seq(), **changes)
    return _fact(later, SessionAction.CLOSED, by, clerk)


def _mine(house: House, actor: Actor, name: str) -> Session:
    """One that is not completed, and that this member may change."""
    actor.need(Action.SEND)
    session = known(house, actor, name)
    inside = actor.name in house.in_room[session.room]
    mine = inside and (actor.kind is MemberKind.HUMAN or takes_part(session, actor.name))
    if not (mine or actor.may(Action.ADMINISTER)):
        raise Forbidden(f"{actor.name} takes no part in {session.name!r}: {', '.join(session.participants)} do.")
    if session.status is S.COMPLETED:
        raise Conflict(f"The session {session.name!r} was completed {session.closed}. Open another one.")
    return session


def _changed(session: Session, changes: Mapping[str, object], action: SessionAction, by: str, clerk: Clerk) -> Ruling:
    later = msgspec.structs.replace(session, seq=clerk.seq(), **changes)
    return _ruling(later, action, by, clerk)


def _ruling(session: Session, action: SessionAction, by: str, clerk: Clerk) -> Ruling:
    return Ruling(SessionView(session), (_fact(session, action, by, clerk),))


def _fact(session: Session, action: SessionAction, by: str, clerk: Clerk) -> Fact:
    event = SessionEvent(session.seq, action, by, session, clerk.stamp)
    return Fact(event, changes=(Change("session", session.name, session),), about=session.number)


def due(house: House, key: str, clerk: Clerk, started: float = 0.0) -> tuple[tuple[Fact, ...], float | None]:
    """A deadline that passes is said once, and ends nothing."""
    session = house.sessions.get(key)
    if session is None or session.overdue or not session.deadline or session.status is not S.ACTIVE:
        return (), None
    at = moment(session.deadline)
    if at > clerk.now:
        return (), at
    late = msgspec.structs.replace(session, seq=clerk.seq(), overdue=True)
    return (_fact(late, SessionAction.OVERDUE, SYSTEM, clerk), _said(late, clerk)), None


def _said(session: Session, clerk: Clerk) -> Fact:
    goal = f" Its goal: {short(session.goal, MOST_TOLD)}" if session.goal else ""
    text = f"The deadline of the session {session.name} has passed.{goal}"
    return message(Draft(session.room, text, session=session.name), clerk)


# reading


def known(house: House, actor: Actor, name: str) -> Session:
    wanted = name.strip().lower()
    session = house.sessions.get(wanted)
    if session is None or not may_see(house, actor, session):
        near = [one.name for one in house.sessions.values() if may_see(house, actor, one)][-3:]
        hint = f" There is {', '.join(near)}." if near else ""
        raise NotFound(f"There is no session {wanted[:40]!r} that {actor.name} may see.{hint}", nearest=near)
    return session


def may_see(house: House, actor: Actor, session: Session) -> bool:
    return house.reads_in(session.room, actor.name) or actor.may(Action.READ_DIRECT)


def listed(house: House, actor: Actor, request: Sessions, clerk: Clerk) -> Ruling:
    room = None if request.room is None else house.readable_room(room_name_of(request.room), actor).name
    found = (one for one in seen(house, actor, completed=request.all) if room in (None, one.room))
    return Ruling(SessionList(*page(found, lambda one: one.number, request.after, request.limit, same)))


def seen(house: House, actor: Actor, *, completed: bool = False) -> Iterator[Session]:
    for one in house.sessions.values():
        if may_see(house, actor, one) and (completed or one.status is not S.COMPLETED):
            yield one
