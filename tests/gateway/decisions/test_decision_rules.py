"""The rules of decisions: who may open and answer them, how they end, what is told to whom."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gateway.access.permissions import Actor
from gateway.decisions import decision_rules
from gateway.decisions.decision_rules import NewDecision
from gateway.decisions.vote_count import VoteCheck
from gateway.model.rule_outcome import EventToCommit, StateChange
from gateway.protocol.errors import BadRequest, Forbidden, GroupChatError
from gateway.protocol.events import DecisionEvent, Message
from gateway.protocol.requests.member_requests import RemoveMember
from gateway.protocol.requests.room_requests import Kick, Leave
from gateway.protocol.types.core_types import MemberKind, MessageKind, Option
from gateway.protocol.types.decision_types import AnswerKind, Decision, DecisionAction, DecisionState, Given
from gateway.rooms import removal, room_rules
from tests.support.world import ADMIN, NOON, STAMP, World

A, S = AnswerKind, DecisionState
AB = (Option("A", "Postgres"), Option("B", "SQLite"))


class Scene:
    """ann is a person, ada, ben and cleo are agents, all in the common room."""

    def __init__(self) -> None:
        self.world = World()
        self.ann = self.world.person("ann")
        self.bob = self.world.person("bob")
        self.ada, self.ben, self.cleo = (self.world.member(name) for name in ("ada", "ben", "cleo"))

    def open(self, by: str = "ann", **fields: Any) -> Decision:
        motion = NewDecision(**{"room": "general", "question": "Which database?", "options": AB, **fields})
        decision, facts = decision_rules.open_decision(self.world.state, by, motion, self.world.rule_context)
        self.world.commit(*facts)
        return decision

    def give(self, decision: Decision, by: Actor, choice: str = "", kind: AnswerKind = A.VOTE) -> Decision:
        now = self.world.state.decisions[decision.id]
        given = Given(by.name, kind, STAMP, choice, reason="it is small")
        later, facts = decision_rules.add_answer(self.world.state, now, given, self.world.rule_context)
        self.world.commit(*facts)
        return later

    def events(self) -> list[DecisionEvent]:
        return [fact.event for fact in self.world.facts if isinstance(fact.event, DecisionEvent)]

    def said(self) -> list[Message]:
        return [fact.event for fact in self.world.facts if isinstance(fact.event, Message)]


@pytest.fixture
def scene() -> Scene:
    return Scene()


# opening


def test_a_room_is_asked(scene: Scene) -> None:
    decision = scene.open(expires_in=60)
    assert decision.voters == ("ada", "ben", "cleo"), "those with an inbox; not its author, nor other people"
    assert (decision.id, decision.state, decision.expires) == ("d-1", S.PENDING, "2027-01-15T08:01:00.000Z")
    (asked,) = scene.said()
    assert asked.seq == decision.asked
    assert (asked.from_, asked.kind, asked.deliveries) == ("ann", MessageKind.TASK, ("ada", "ben", "cleo"))
    assert asked.recipients == (), "the room hears it"
    assert asked.content.splitlines() == [
        "Which database?",
        "A) Postgres",
        "B) SQLite",
        "[d-1: the majority of ada, ben, cleo until 2027-01-15T08:01:00Z; "
        "answer with a line `VOTE d-1: A|B because ...`]",
    ]


def test_who_has_left_is_not_asked(scene: Scene) -> None:
    scene.world.member("gone", hidden=True)
    assert scene.open().voters == ("ada", "ben", "cleo")


def test_an_author_with_an_inbox_asks_the_others(scene: Scene) -> None:
    assert scene.open("ada").voters == ("ben", "cleo")
    assert scene.open("ada", voters=("ada", "ben")).voters == ("ada", "ben")


def test_a_silent_one_is_asked_for_by_somebody_else(scene: Scene) -> None:
    decision = scene.open("system", silent=True, voters=("ada", "ben"))
    assert scene.said() == [] and decision.asked is None
    assert scene.world.state.decisions[decision.id] == decision


def test_the_people_are_asked(scene: Scene) -> None:
    decision = scene.open("ada", people=True, rule="first")
    assert decision.people
    (asked,) = scene.said()
    assert asked.deliveries == (), "no agent is woken by it"
    assert scene.give(decision, scene.bob, "B").outcome == "B"


def test_a_question_stays_where_nobody_is_yet(scene: Scene) -> None:
    scene.world.room("den", "ada")
    decision = scene.open("ada", room="den", people=True, rule="first")
    assert not decision_rules.may_answer(scene.world.state, decision, "ann")
    scene.world.enter("ann", "den")
    assert decision_rules.may_answer(scene.world.state, decision, "ann")


@pytest.mark.parametrize(
    "fields",
    [
        {"question": "  "},
        {"rule": "most"},
        {"options": AB[:1]},
        {"options": (*AB, Option("a", "again"))},
        {"rule": "recipient"},
        {"weights": {"dora": 2}},
        {"details": {"x": "y" * 20_000}},
    ],
)
def test_nonsense_is_refused(scene: Scene, fields: dict[str, Any]) -> None:
    with pytest.raises(GroupChatError):
        scene.open(**fields)
    assert scene.world.facts == []


def test_whoever_is_not_there_has_no_vote(scene: Scene) -> None:
    scene.world.room("den", "ann")
    with pytest.raises(Forbidden, match="ada is not in the room"):
        scene.open(room="den", voters=("ada",))
    with pytest.raises(BadRequest, match="Name the voters"):
        scene.open(room="den")


# answering


def test_a_majority_ends_it_and_everybody_hears_who_said_what(scene: Scene) -> None:
    decision = scene.open()
    scene.give(decision, scene.ben, "B")
    scene.give(decision, scene.ada, "A")
    scene.give(decision, scene.ada, "B")
    ended = scene.world.state.decisions[decision.id]
    assert (ended.state, ended.outcome, ended.over) == (S.DECIDED, "B", True)
    assert [one.choice for one in ended.answers] == ["B", "A", "B"], "nothing that was said is lost"
    opened, *answers, last = scene.events()
    assert [one.action for one in (opened, *answers, last)] == [
        DecisionAction.OPENED,
        DecisionAction.ANSWERED,
        DecisionAction.ANSWERED,
        DecisionAction.CLOSED,
    ]
    result = scene.said()[-1]
    assert (result.from_, result.reply_to) == ("system", decision.asked)
    assert result.content.splitlines() == [
        "Decided: B (SQLite) by 2 of 3 (majority); cleo did not vote. d-1: Which database?",
        "- ben: B (SQLite), because it is small",
        "- ada: B (SQLite), because it is small",
    ]


REFUSED: list[tuple[str, AnswerKind, dict[str, Any], str]] = [
    ("bob", A.VOTE, {}, "bob cannot vote on d-1: its voters are ada, ben, cleo."),
    ("ada", A.COMPLETE, {}, "not a party"),
    ("ada", A.VOTE, {"people": True, "rule": "first"}, "only the people in its room answer it"),
    ("ann", A.ACCEPT, {"rule": "recipient", "voters": ("ada",), "private": True}, "between ann and ada"),
    ("ben", A.COMPLETE, {"rule": "recipient", "voters": ("ada",), "private": True}, "between ann and ada"),
    ("ada", A.COMPLETE, {"rule": "recipient", "voters": ("ada",), "private": True}, "Only an accepted proposal"),
    ("ada", A.VOTE, {"expires_in": 0}, "d-1 expired at"),
]


@pytest.mark.parametrize(("by", "kind", "fields", "words"), REFUSED)
def test_who_may_not(scene: Scene, by: str, kind: AnswerKind, fields: dict[str, Any], words: str) -> None:
    decision = scene.open(**fields)
    error = decision_rules.answer_refusal(scene.world.state, decision, by, kind, NOON)
    assert error is not None and words in error.message


def test_what_is_over_takes_no_answer(scene: Scene) -> None:
    decision = scene.give(scene.open(rule="first"), scene.ada, "A")
    error = decision_rules.answer_refusal(scene.world.state, decision, "ben", A.VOTE, NOON)
    assert error is not None and "is already decided. Decided: A (Postgres) by ada." in error.message


def test_a_proposal_between_two(scene: Scene) -> None:
    proposal = scene.open(rule="recipient", voters=("ben",), private=True, options=())
    accepted = scene.give(proposal, scene.ben, kind=A.ACCEPT)
    assert (accepted.state, accepted.over) == (S.ACCEPTED, False)
    done = scene.give(accepted, scene.ann, kind=A.COMPLETE)
    assert (done.state, done.over) == (S.COMPLETED, True)
    assert all(fact.ends == ("ann", "ben") for fact in scene.world.facts), "nobody else sees any of it"
    asked, yes, finished = scene.said()
    assert (asked.from_, asked.deliveries) == ("ann", ("ben",))
    assert (yes.from_, yes.recipients) == ("ben", ("ann",))
    assert (finished.from_, finished.recipients, finished.deliveries) == ("ann", ("ben",), ("ben",))


# ending


def test_time_ends_it_with_what_is_there(scene: Scene) -> None:
    early, late = scene.open(expires_in=10), scene.open(expires_in=30)
    scene.give(early, scene.ada, "A")
    assert decision_rules.process_due_decision(scene.world.state, early.id, scene.world.rule_context) == ((), NOON + 10)
    facts, ahead = decision_rules.process_due_decision(
        scene.world.state, early.id, scene.world.rule_context.at(NOON + 10)
    )
    scene.world.commit(*facts)
    assert ahead is None
    assert decision_rules.process_due_decision(scene.world.state, late.id, scene.world.rule_context) == ((), NOON + 30)
    assert scene.said()[-1].content.startswith("Decided: A (Postgres) by 1 of 3 (majority); ben, cleo did not vote.")
    facts, ahead = decision_rules.process_due_decision(
        scene.world.state, late.id, scene.world.rule_context.at(NOON + 40)
    )
    scene.world.commit(*facts)
    assert ahead is None
    assert scene.world.state.decisions[late.id].state is S.EXPIRED
    assert scene.said()[-1].content == "Time is over: nobody answered. d-3: Which database?"


def test_a_tie_is_called_one(scene: Scene) -> None:
    decision = scene.open(voters=("ada", "ben"))
    scene.give(decision, scene.ada, "A")
    ended = scene.give(decision, scene.ben, "B")
    assert ended.result == "Not decided: it is a tie (A (Postgres) 1, B (SQLite) 1 of 2)."


def test_its_author_counts_or_takes_it_back(scene: Scene) -> None:
    counted, back = scene.open(), scene.open()
    scene.give(counted, scene.ada, "A")
    now = scene.world.state.decisions[counted.id]
    assert (
        decision_rules.finish_decision(scene.world.state, now, scene.world.rule_context, VoteCheck.COUNT)[0].outcome
        == "A"
    )
    later, facts = decision_rules.cancel_decision(scene.world.state, back, scene.world.rule_context)
    assert later.result == "Cancelled by ann." and len(facts) == 2


def test_an_author_with_an_inbox_is_told(scene: Scene) -> None:
    decision = scene.open("ada", people=True, rule="first")
    scene.give(decision, scene.ann, "A")
    result = scene.said()[-1]
    assert (result.deliveries, result.reply_to, result.hops) == (("ada",), decision.asked, 0)


def test_agents_that_decide_among_themselves_for_ever_wake_nobody(scene: Scene) -> None:
    for _ in range(scene.world.state.chains.limits.max_hops + 1):
        decision = scene.open("ada", voters=("ben",), rule="first")
        scene.give(decision, scene.ben, "A")
    assert scene.said()[0].deliveries == ("ben",)
    assert scene.said()[-1].deliveries == ()


def test_what_is_over_for_long_is_forgotten(scene: Scene) -> None:
    old = scene.give(scene.open(rule="first"), scene.ada, "A")
    scene.world.rule_context.at(NOON + decision_rules.LISTED_CLOSED_S + 1)
    young = scene.open(rule="first")
    assert set(scene.world.state.decisions) == {young.id}
    kept = [aside for fact in scene.world.facts for aside in fact.store_only_documents]
    assert [(one.kind, one.key) for one in kept] == [("decision", old.id)], "the store has it"


def test_at_most_so_many_are_kept(scene: Scene) -> None:
    for _ in range(decision_rules.MAX_LISTED_CLOSED + 5):
        scene.give(scene.open(rule="first", silent=True), scene.ada, "A")
    assert len(scene.world.state.decisions) == decision_rules.MAX_LISTED_CLOSED + 1
    assert all(isinstance(fact, EventToCommit) for fact in scene.world.facts)


# voters who go


def go(scene: Scene, how: str, name: str) -> None:
    match how:
        case "removed":
            scene.world.do(removal.remove_member, ADMIN, RemoveMember(member=name))
        case "put out":
            scene.world.do(room_rules.kick_member, ADMIN, Kick(room="general", member=name))
        case "left":
            scene.world.do(room_rules.leave_room, Actor(name, MemberKind.AGENT), Leave(room="general"))


@pytest.mark.parametrize("how", ["removed", "put out", "left"])
@pytest.mark.parametrize(
    ("rule", "voted", "gone", "state", "result"),
    [
        ("unanimous", ["ada"], ["ben", "cleo"], S.DECIDED, "Decided: A (Postgres) by 1 of 1 (unanimous)."),
        ("unanimous", ["ada"], ["ben"], S.PENDING, ""),
        ("majority", ["ada"], ["ben"], S.PENDING, ""),
        ("majority", ["ada", "cleo"], ["ben"], S.DECIDED, "Decided: A (Postgres) by 2 of 2 (majority)."),
        ("quorum 2/3", ["ada"], ["ben", "cleo"], S.DECIDED, "Decided: A (Postgres) by 1 of 1 (quorum 2/3)."),
        ("unanimous", [], ["ada", "ben", "cleo"], S.UNDECIDED, "Not decided: nobody answered."),
        ("unanimous", ["ada"], ["ada", "ben", "cleo"], S.DECIDED, "Decided: A (Postgres) by 1 of 1 (unanimous)."),
    ],
)
def test_nobody_waits_for_the_vote_of_who_is_gone(  # noqa: PLR0917 - a row of the table
    scene: Scene, how: str, rule: str, voted: list[str], gone: list[str], state: DecisionState, result: str
) -> None:
    decision = scene.open(rule=rule, weights={"ben": 3})
    for name in voted:
        assert scene.give(decision, Actor(name, MemberKind.AGENT), "A").pending
    for name in gone:
        go(scene, how, name)
    now = scene.world.state.decisions[decision.id]
    assert (now.state, now.result) == (state, result)
    assert set(now.voters) == {"ada", "ben", "cleo"} - (set(gone) - set(voted)), "what was voted stays"
    told = [one.content for one in scene.said() if "no longer a voter" in one.content]
    assert told == [
        f"No longer in the room and no longer a voter in d-1: {name}." for name in gone if name not in voted
    ]


def test_what_two_have_between_them_outlives_the_room_and_ends_with_the_member(scene: Scene) -> None:
    decision = scene.open("ann", voters=("ben",), rule="recipient", private=True)
    go(scene, "put out", "ben")
    assert scene.world.state.decisions[decision.id].pending
    go(scene, "removed", "ben")
    now = scene.world.state.decisions[decision.id]
    assert (now.state, now.voters) == (S.UNDECIDED, ("ben",))


def test_a_vote_in_another_room_stays(scene: Scene) -> None:
    scene.world.room("den", "ann", "ben", "cleo")
    decision = scene.open(room="den", voters=("ben", "cleo"))
    go(scene, "put out", "ben")
    assert scene.world.state.decisions[decision.id] == decision


@pytest.mark.parametrize("how", ["removed", "put out", "forgotten"])
def test_votes_that_an_earlier_version_left_to_who_is_gone(scene: Scene, how: str) -> None:
    kept = [scene.open(rule="unanimous"), scene.open("ben", rule="unanimous", voters=("ada", "cleo"))]
    scene.give(kept[0], scene.ada, "A")
    state = scene.world.state
    scene.give(kept[0], scene.cleo, "A")
    match how:
        case "removed":
            state.put(StateChange("member", "ben", msgspec.structs.replace(state.members["ben"], removed=True)))
        case "put out":
            state.put(StateChange("room", "general", msgspec.structs.replace(state.rooms["general"], out=("ben",))))
        case "forgotten":
            state.put(StateChange("member", "ben", None))
    scene.world.commit(*decision_rules.remove_departed_voters(state, scene.world.rule_context))
    assert [state.decisions[one.id].state for one in kept] == [S.DECIDED, S.PENDING]
