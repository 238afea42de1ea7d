"""The rules of sessions: who may change one, what belongs to it, when its deadline passes."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.access.permissions import Actor
from gateway.decisions import decision_handlers, decision_rules
from gateway.protocol.errors import BadRequest, Conflict, Forbidden, GroupChatError, NotFound
from gateway.protocol.events import Message, SessionEvent
from gateway.protocol.requests.decision_requests import Propose
from gateway.protocol.requests.request import Request
from gateway.protocol.requests.session_requests import (
    CloseSession,
    OpenSession,
    PauseSession,
    ResumeSession,
    Sessions,
    UpdateSession,
)
from gateway.protocol.results import SessionList, SessionView
from gateway.protocol.types.session_types import Session, SessionAction, SessionStatus
from gateway.rooms import messages
from gateway.sessions import sessions
from tests.support.world import ADMIN, NOON, Rule, World

S = SessionStatus


class Scene:
    def __init__(self) -> None:
        self.world = World()
        self.ann = self.world.person("ann")
        self.ada, self.ben = self.world.member("ada"), self.world.member("ben")
        self.hermit = self.world.member("hermit", rooms=())

    def open(self, name: str = "storage", by: Actor | None = None, **fields: Any) -> Session:
        return self.do(sessions.open_session, by or self.ann, OpenSession(session=name, **fields))

    def do(self, rule: Rule[Any], by: Actor, request: Request) -> Session:
        result = self.world.do(rule, by, request).result
        assert isinstance(result, SessionView)
        return result.session

    def tag(self, by: Actor, **fields: Any) -> str | None:
        return self.world.say(messages.post_message, by, "hello", **fields)[0].session

    def told(self) -> list[SessionAction]:
        return [fact.event.action for fact in self.world.facts if isinstance(fact.event, SessionEvent)]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_session_begins_rests_and_ends(scene: Scene) -> None:
    opened = scene.open(goal=" choose one ", participants=("@Ada",), deadline_in=60)
    assert (opened.name, opened.goal, opened.participants) == ("storage", "choose one", ("ada",))
    assert opened.deadline == "2027-01-15T08:01:00.000Z"
    assert scene.do(sessions.pause_session, scene.ada, PauseSession(session="storage")).status is S.PAUSED
    assert scene.do(sessions.resume_session, scene.ann, ResumeSession(session="storage")).status is S.ACTIVE
    changed = scene.do(
        sessions.update_session, scene.ann, UpdateSession(session="storage", participants=(), deadline_in=0)
    )
    assert (changed.participants, changed.deadline, changed.goal) == ((), "", "choose one")
    closed = scene.do(sessions.close_session, scene.ben, CloseSession(session="Storage", closing="SQLite."))
    assert (closed.status, closed.closing, closed.closed) == (S.COMPLETED, "SQLite.", "2027-01-15T08:00:00.000Z")
    A = SessionAction
    assert scene.told() == [A.OPENED, A.PAUSED, A.RESUMED, A.UPDATED, A.CLOSED]


def test_pausing_what_rests_says_nothing(scene: Scene) -> None:
    scene.open()
    scene.do(sessions.resume_session, scene.ann, ResumeSession(session="storage"))
    assert scene.told() == [SessionAction.OPENED]


TAGS: list[tuple[dict[str, Any], str, str | None]] = [
    ({}, "ada", "storage"),
    ({"participants": ("ada",)}, "ada", "storage"),
    ({"participants": ("ada",)}, "ann", "storage"),  # who opened it takes part
    ({"participants": ("ada",)}, "ben", None),
]


@pytest.mark.parametrize(("fields", "by", "tag"), TAGS)
def test_what_is_said_without_a_tag(scene: Scene, fields: dict[str, Any], by: str, tag: str | None) -> None:
    scene.open(**fields)
    assert scene.tag(getattr(scene, by)) == tag


def test_where_there_are_two_nothing_is_guessed(scene: Scene) -> None:
    scene.open()
    scene.open("other", participants=("ben",))
    assert (scene.tag(scene.ada), scene.tag(scene.ben)) == ("storage", None)
    assert scene.tag(scene.ben, session="other") == "other"
    scene.do(sessions.pause_session, scene.ann, PauseSession(session="storage"))
    assert scene.tag(scene.ben) == "other"


def test_another_rooms_session_is_no_tag_here(scene: Scene) -> None:
    scene.world.room("den", "ann")
    scene.open(room="den")
    assert scene.tag(scene.ann) is None
    with pytest.raises(Conflict, match="belongs to the room 'den'"):
        scene.tag(scene.ann, session="storage")
    assert scene.tag(scene.ann, session="my-own-tag") == "my-own-tag"


REFUSED: list[tuple[str, str, Rule[Any], Request, type[GroupChatError]]] = [
    ("hermit", "open", sessions.open_session, OpenSession(session="x"), Forbidden),
    ("ann", "twice", sessions.open_session, OpenSession(session="Storage"), Conflict),
    ("ann", "name", sessions.open_session, OpenSession(session="a b"), GroupChatError),
    ("ann", "outside", sessions.open_session, OpenSession(session="x", participants=("hermit",)), Forbidden),
    ("ben", "not his", sessions.close_session, CloseSession(session="storage"), Forbidden),
    ("ann", "unknown", sessions.pause_session, PauseSession(session="nothing"), NotFound),
    ("hermit", "unseen", sessions.pause_session, PauseSession(session="storage"), NotFound),
    ("ann", "nothing", sessions.update_session, UpdateSession(session="storage"), BadRequest),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case[1])
def test_what_is_refused(scene: Scene, case: tuple[str, str, Rule[Any], Request, type[GroupChatError]]) -> None:
    by, _, rule, request, error = case
    scene.open(participants=("ada",))
    before = dict(scene.world.state.sessions)
    with pytest.raises(error):
        scene.world.do(rule, getattr(scene, by), request)
    assert scene.world.state.sessions == before


def test_nobody_has_more_than_so_many_open(scene: Scene) -> None:
    for number in range(sessions.MAX_OPEN_SESSIONS):
        scene.open(f"s{number}")
    with pytest.raises(Conflict, match="100 sessions"):
        scene.open("more")
    scene.do(sessions.close_session, scene.ann, CloseSession(session="s1"))
    scene.open("more")


def test_what_is_completed_stays_so(scene: Scene) -> None:
    scene.open()
    scene.do(sessions.close_session, scene.ann, CloseSession(session="storage"))
    with pytest.raises(Conflict, match="was completed"):
        scene.do(sessions.resume_session, scene.ann, ResumeSession(session="storage"))
    assert scene.tag(scene.ada) is None


def test_an_administrator_may_end_any(scene: Scene) -> None:
    scene.open(participants=("ada",))
    scene.world.enter("root", "general")
    assert scene.do(sessions.close_session, ADMIN, CloseSession(session="storage")).status is S.COMPLETED


def test_a_deadline_that_passes_is_said_once(scene: Scene) -> None:
    scene.open(goal="choose", deadline_in=10)
    state, rule_context = scene.world.state, scene.world.rule_context
    assert sessions.process_due_session(state, "storage", rule_context) == ((), NOON + 10)
    facts, ahead = sessions.process_due_session(state, "storage", rule_context.at(NOON + 11))
    scene.world.commit(*facts)
    event, line = (fact.event for fact in facts)
    assert isinstance(event, SessionEvent) and event.action is SessionAction.OVERDUE
    assert isinstance(line, Message) and line.deliveries == () and line.session == "storage"
    assert line.content == "The deadline of the session storage has passed. Its goal: choose"
    assert ahead is None and sessions.process_due_session(state, "storage", rule_context) == ((), None)
    later = scene.do(sessions.update_session, scene.ann, UpdateSession(session="storage", deadline_in=5))
    assert not later.overdue and sessions.process_due_session(state, "storage", rule_context)[1] == NOON + 16


def test_one_that_rests_or_is_done_is_never_late(scene: Scene) -> None:
    scene.open(deadline_in=10)
    scene.do(sessions.pause_session, scene.ann, PauseSession(session="storage"))
    assert sessions.process_due_session(scene.world.state, "storage", scene.world.rule_context.at(NOON + 20)) == (
        (),
        None,
    )


def test_it_remembers_what_was_asked_in_it(scene: Scene) -> None:
    scene.open()
    scene.world.do(decision_handlers.open_proposal, scene.ann, Propose(question="A or B?"))
    motion = decision_rules.NewDecision("general", "Done?", voters=("ada",), silent=True)
    made, facts = decision_rules.open_decision(scene.world.state, "system", motion, scene.world.rule_context)
    scene.world.commit(*facts)
    assert made.session == "storage"
    assert scene.world.state.sessions["storage"].decisions == tuple(scene.world.state.decisions)


def test_who_sees_it(scene: Scene) -> None:
    scene.open()
    found = [scene.world.do(sessions.list_sessions, one, Sessions()).result for one in (scene.ben, scene.hermit)]
    assert [one.sessions for one in found if isinstance(one, SessionList)] == [
        (scene.world.state.sessions["storage"],),
        (),
    ]
