"""What members may do about decisions, and which of their words count as votes."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.access.permissions import Actor
from gateway.decisions import decision_handlers, decision_rules
from gateway.protocol.errors import BadRequest, Conflict, Forbidden, GroupChatError, NotFound
from gateway.protocol.events import DecisionEvent, Message
from gateway.protocol.requests.decision_requests import AnswerDecision, CloseDecision, Decisions, Propose
from gateway.protocol.results import DecisionList, DecisionView
from gateway.protocol.types.decision_types import AnswerKind, Decision, DecisionAction, DecisionState
from gateway.rooms import messages
from tests.support.examples import examples
from tests.support.world import ADMIN, World

A, S = AnswerKind, DecisionState


class Scene:
    """ann and bob are people, ada, ben and cleo agents in the common room; dora is elsewhere."""

    def __init__(self) -> None:
        self.world = World()
        self.ann, self.bob = self.world.person("ann"), self.world.person("bob")
        self.ada, self.ben, self.cleo = (self.world.member(name) for name in ("ada", "ben", "cleo"))
        self.dora = self.world.member("dora", rooms=())

    def propose(self, by: Actor | None = None, **fields: Any) -> Decision:
        asked = Propose(**{"question": "Which database?", "options": ("Postgres", "SQLite"), **fields})
        result = self.world.do(decision_handlers.open_proposal, by or self.ann, asked).result
        assert isinstance(result, DecisionView)
        return result.decision

    def answer(self, by: Actor, decision: Decision, choice: str = "", **fields: Any) -> Decision:
        request = AnswerDecision(decision=decision.id, choice=choice, **fields)
        result = self.world.do(decision_handlers.answer_decision, by, request).result
        assert isinstance(result, DecisionView)
        return result.decision

    def say(self, by: Actor, text: str, **fields: Any) -> list[DecisionEvent]:
        before = len(self.world.facts)
        self.world.say(messages.post_message, by, text, **fields)
        return [fact.event for fact in self.world.facts[before:] if isinstance(fact.event, DecisionEvent)]

    def now(self, decision: Decision) -> Decision:
        return self.world.state.decisions[decision.id]

    def listed(self, by: Actor, **fields: Any) -> list[str]:
        result = self.world.do(decision_handlers.list_decisions, by, Decisions(**fields)).result
        assert isinstance(result, DecisionList)
        return [one.id for one in result.decisions]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_repeated_proposal_is_the_first(scene: Scene) -> None:
    first = scene.propose(id="db-1")
    assert scene.propose(id="db-1") == first and first.id == "db-1"
    with pytest.raises(Conflict, match="Choose another id"):
        scene.propose(scene.bob, id="db-1")


NONSENSE: list[tuple[dict[str, Any], str]] = [
    ({"to": "@ann"}, "to itself"),
    ({"to": "@bne"}, "Did you mean @ben"),
    ({"to": "dora"}, "dora is not in the room"),
    ({"to": "@ben", "people": True}, "Use only one of"),
    ({"voters": ("dora",)}, "dora is not in the room"),
    ({"room": "nowhere"}, "no room"),
    ({"rule": "quorum 3/2"}, "not a valid quorum"),
    ({"options": ("a", "")}, "empty"),
    ({"options": ("a",)}, "at least two"),
    ({"weights": {"dora": 2}}, "is not a voter"),
    ({"id": "d-7"}, "cannot be the id"),
    ({"question": " \n"}, "question is empty"),
]


@pytest.mark.parametrize(("fields", "words"), NONSENSE)
def test_nonsense_is_refused_and_changes_nothing(scene: Scene, fields: dict[str, Any], words: str) -> None:
    before = scene.world.snapshot()
    with pytest.raises(GroupChatError, match=words):
        scene.propose(**fields)
    assert scene.world.snapshot() == before and not scene.world.state.decisions


def test_who_is_elsewhere_proposes_nothing(scene: Scene) -> None:
    with pytest.raises(Forbidden, match="not in the room"):
        scene.propose(scene.dora)


ANSWERS: list[tuple[dict[str, Any], dict[str, Any], DecisionState, str]] = [
    ({"to": "ben", "options": ()}, {"kind": A.ACCEPT}, S.ACCEPTED, ""),
    ({"to": "ben", "options": ()}, {"kind": A.REJECT}, S.REJECTED, ""),
    ({"to": "ben", "options": ()}, {"choice": "yes"}, S.ACCEPTED, ""),
    ({"to": "ben", "options": ()}, {"choice": "No"}, S.REJECTED, ""),
    ({"to": "ben"}, {"choice": "SQLite"}, S.ACCEPTED, "SQLite"),
    ({"to": "ben"}, {"kind": A.REJECT}, S.REJECTED, ""),
    ({"voters": ("ben",), "options": ()}, {"kind": A.ACCEPT}, S.DECIDED, "yes"),
    ({"voters": ("ben",), "options": ()}, {"kind": A.REJECT}, S.DECIDED, "no"),
    ({"voters": ("ben",)}, {"choice": "sqlite"}, S.DECIDED, "SQLite"),
    ({"voters": ("ben",), "rule": "first", "options": ()}, {"choice": "call it ledger"}, S.DECIDED, "call it ledger"),
]


@pytest.mark.parametrize(("asked", "given", "state", "outcome"), ANSWERS)
def test_what_an_answer_comes_to(
    scene: Scene, asked: dict[str, Any], given: dict[str, Any], state: DecisionState, outcome: str
) -> None:
    ended = scene.answer(scene.ben, scene.propose(**asked), **given)
    assert (ended.state, ended.outcome) == (state, outcome)


REFUSED: list[tuple[dict[str, Any], str, dict[str, Any], tuple[type[GroupChatError], str]]] = [
    ({}, "ben", {"choice": "MySQL"}, (BadRequest, "Its options are: Postgres, SQLite")),
    ({}, "ben", {"kind": A.ACCEPT}, (BadRequest, "'accept' is not an option")),
    ({}, "bob", {"choice": "SQLite"}, (Forbidden, "bob cannot vote on")),
    ({"to": "ben"}, "cleo", {"choice": "SQLite"}, (NotFound, "There is no open decision")),
    ({"to": "ben"}, "ben", {"kind": A.ACCEPT}, (BadRequest, "Accept it with one of Postgres, SQLite, or reject it")),
    ({"to": "ben", "options": ()}, "ben", {"choice": "perhaps"}, (BadRequest, "Accept it, or reject it")),
    ({"to": "ben", "options": ()}, "ben", {"kind": A.COMPLETE}, (Conflict, "Only an accepted proposal")),
    ({"rule": "first", "options": ()}, "ben", {"choice": " "}, (BadRequest, "Answer it with free text")),
    ({}, "ben", {"choice": "SQLite", "details": {"x": "y" * 20_000}}, (GroupChatError, "details")),
]


@pytest.mark.parametrize(("asked", "by", "given", "why"), REFUSED)
def test_an_answer_that_is_none(
    scene: Scene, asked: dict[str, Any], by: str, given: dict[str, Any], why: tuple[type[GroupChatError], str]
) -> None:
    decision = scene.propose(**asked)
    with pytest.raises(why[0], match=why[1]):
        scene.answer(getattr(scene, by), decision, **given)
    assert scene.now(decision) == decision


def test_an_answer_given_twice_counts_once(scene: Scene) -> None:
    decision = scene.propose()
    once = scene.answer(scene.ben, decision, "SQLite", id="v1")
    assert scene.answer(scene.ben, decision, "SQLite") == once
    scene.answer(scene.ben, decision, "Postgres")
    again = scene.answer(scene.ben, decision, "SQLite", id="v1")
    assert [one.choice for one in again.answers] == ["SQLite", "Postgres"], "a late repetition turns nothing back"


def test_whoever_cannot_make_up_his_mind_is_stopped(scene: Scene) -> None:
    decision = scene.propose()
    for at in range(decision_rules.MAX_ANSWERS_PER_VOTER):
        scene.say(scene.ben, f"VOTE: {('SQLite', 'Postgres')[at % 2]}")
    assert scene.say(scene.ben, "VOTE: SQLite") == []
    with pytest.raises(Conflict, match="20 times"):
        scene.answer(scene.ben, decision, "SQLite")
    assert scene.answer(scene.ada, decision, "SQLite").pending, "the others go on"


def test_nobody_has_more_than_so_many_open(scene: Scene) -> None:
    for _ in range(decision_handlers.MAX_OPEN_DECISIONS):
        scene.propose()
    with pytest.raises(Conflict, match="100 open decisions"):
        scene.propose()
    scene.propose(scene.bob)


def test_a_vote_after_its_time_is_none(scene: Scene) -> None:
    decision = scene.propose(expires_in=10)
    scene.world.rule_context.at(scene.world.rule_context.now + 10)
    assert scene.say(scene.ben, f"VOTE {decision.id}: SQLite") == []
    assert scene.now(decision).answers == ()


def test_either_of_two_completes_or_disputes(scene: Scene) -> None:
    proposal = scene.propose(to="ben", options=())
    scene.answer(scene.ben, proposal, kind=A.ACCEPT, details={"payment_code": "PM1"})
    done = scene.answer(scene.ben, proposal, kind=A.DISPUTE, reason="it was never paid")
    assert (done.state, done.answers[-1].reason) == (S.DISPUTED, "it was never paid")
    assert done.answers[0].details == {"payment_code": "PM1"}
    with pytest.raises(Conflict):
        scene.answer(scene.ann, proposal, kind=A.COMPLETE)


# in words


def test_votes_in_messages_decide(scene: Scene) -> None:
    decision = scene.propose(voters=("ada", "ben", "cleo"))
    (first,) = scene.say(scene.ada, "I thought about it.\nVOTE: SQLite because it is one file", reply_to=decision.asked)
    assert first.answer is not None and first.answer.reason == "it is one file"
    scene.say(scene.ben, "VOTE: postgres")
    (last,) = scene.say(scene.cleo, f"VOTE {decision.id}: SQLite")
    assert (last.decision.state, last.decision.outcome) == (S.DECIDED, "SQLite")


def test_the_last_vote_of_a_message_counts(scene: Scene) -> None:
    decision = scene.propose()
    (event,) = scene.say(scene.ada, "VOTE: Postgres\nNo, wait.\nVOTE: SQLite")
    assert event.answer is not None and event.answer.choice == "SQLite"
    assert len(scene.now(decision).answers) == 1


def test_a_repeated_message_votes_once(scene: Scene) -> None:
    decision = scene.propose()
    scene.say(scene.ada, "VOTE: SQLite", id="m1")
    scene.say(scene.ada, "VOTE: Postgres", id="m2")
    assert scene.say(scene.ada, "VOTE: SQLite", id="m1") == []
    assert [one.choice for one in scene.now(decision).answers] == ["SQLite", "Postgres"]


def test_the_newest_that_fits_unless_the_message_answers_another(scene: Scene) -> None:
    old, new = scene.propose(), scene.propose(options=("red", "blue"))
    newest = scene.propose()
    assert [one.decision.id for one in scene.say(scene.ada, "VOTE: blue")] == [new.id]
    assert [one.decision.id for one in scene.say(scene.ada, "VOTE: SQLite")] == [newest.id]
    assert [one.decision.id for one in scene.say(scene.ada, "VOTE: SQLite", reply_to=old.asked)] == [old.id]


@pytest.mark.parametrize(
    ("by", "text", "fields"),
    [
        ("bob", "VOTE: SQLite", {}),
        ("ada", "say VOTE: SQLite", {}),
        ("ada", "VOTE: MySQL", {}),
        ("ada", "```\nVOTE: SQLite\n```", {}),
        ("ada", "VOTE d-99: SQLite", {}),
        ("ada", "VOTE: SQLite because ben is a fool", {"to": ("@cleo",)}),
    ],
)
def test_what_is_no_vote(scene: Scene, by: str, text: str, fields: dict[str, Any]) -> None:
    decision = scene.propose()
    assert scene.say(getattr(scene, by), text, **fields) == []
    assert scene.now(decision) == decision


def test_a_vote_for_what_is_not_offered_is_told_so(scene: Scene) -> None:
    decision = scene.propose()
    scene.say(scene.ada, "VOTE: MySQL because it is known", reply_to=decision.asked)
    line = scene.world.facts[-1].event
    numbers = [fact.event.seq for fact in scene.world.facts]
    assert numbers == sorted(numbers)
    assert isinstance(line, Message) and line.deliveries == ()
    assert (
        line.content
        == "ada's vote in d-1 was not understood: MySQL because it is known. Its options are: Postgres, SQLite."
    )
    scene.say(scene.ben, f"VOTE {decision.id}: MySQL")
    assert scene.world.facts[-1].event.content.startswith("ben's vote")  # type: ignore[union-attr]


def test_tags_are_a_verdict(scene: Scene) -> None:
    verdict = scene.propose(question="Is it done?", options=(), voters=("ada", "ben", "cleo"), rule="quorum 2/3")
    scene.say(scene.ada, "[LGTM] it holds")
    scene.say(scene.ben, "[CONTINUE] the test is missing")
    scene.say(scene.cleo, "[LGTM]")
    assert (scene.now(verdict).outcome, scene.now(verdict).result) == ("yes", "Decided: yes by 2 of 3 (quorum 2/3).")


def test_a_proposal_is_accepted_in_a_private_answer(scene: Scene) -> None:
    proposal = scene.propose(to="ben", options=())
    assert scene.say(scene.ben, "VOTE: yes") == [], "said to the room it is for no private proposal"
    (event,) = scene.say(scene.ben, "VOTE: yes because I can", to=("@ann",), reply_to=proposal.asked)
    assert event.decision.state is S.ACCEPTED


# ending and reading


def test_its_author_ends_it(scene: Scene) -> None:
    counted, back, other = scene.propose(), scene.propose(), scene.propose()
    scene.answer(scene.ben, counted, "SQLite")
    scene.world.do(decision_handlers.close_decision, scene.ann, CloseDecision(decision=counted.id))
    scene.world.do(decision_handlers.close_decision, scene.ann, CloseDecision(decision=back.id, cancel=True))
    assert (scene.now(counted).state, scene.now(back).state) == (S.DECIDED, S.CANCELLED)
    with pytest.raises(Conflict, match="already decided"):
        scene.world.do(decision_handlers.close_decision, scene.ann, CloseDecision(decision=counted.id))
    with pytest.raises(Forbidden):
        scene.world.do(decision_handlers.close_decision, scene.bob, CloseDecision(decision=other.id))
    scene.world.enter("root", "general")
    scene.world.do(decision_handlers.close_decision, ADMIN, CloseDecision(decision=other.id))
    assert scene.now(other).result == "Not decided: nobody answered."


def test_who_sees_what(scene: Scene) -> None:
    public, private = scene.propose(), scene.propose(to="ben")
    scene.answer(scene.ada, scene.propose(scene.bob, rule="first"), "SQLite")
    assert scene.listed(scene.ben) == [public.id, private.id]
    assert scene.listed(scene.cleo) == [public.id]
    assert scene.listed(scene.dora) == []
    assert len(scene.listed(scene.cleo, all=True)) == 2
    with pytest.raises(NotFound, match=f"Open decisions: {public.id}"):
        decision_handlers.require_decision(scene.world.state, scene.cleo, private.id)


RULES = ("majority", "unanimous", "first", "quorum 2/3", "quorum 1/3")
steps = st.lists(
    st.one_of(
        st.tuples(st.just("answer"), st.sampled_from(["ada", "ben", "cleo", "bob"]), st.sampled_from(["red", "blue"])),
        st.tuples(st.just("say"), st.sampled_from(["ada", "ben", "cleo", "bob"]), st.sampled_from(["red", "blue"])),
        st.tuples(st.just("close"), st.just("ann"), st.sampled_from(["count", "cancel"])),
        st.tuples(st.just("wait"), st.just("ann"), st.sampled_from(["1", "40", "200"])),
    ),
    max_size=14,
)


@given(st.sampled_from(RULES), steps)
@settings(max_examples=examples(150), deadline=None)
def test_nothing_that_was_said_is_lost_and_what_has_ended_stays_so(
    rule: str, doing: list[tuple[str, str, str]]
) -> None:
    scene = Scene()
    decision = scene.propose(options=("red", "blue"), rule=rule, expires_in=100)
    before = scene.now(decision)
    for what, by, word in doing:
        with contextlib.suppress(GroupChatError):
            act(scene, decision, (what, getattr(scene, by), word))
        now = scene.now(decision)
        assert now.answers[: len(before.answers)] == before.answers
        assert not before.over or now == before
        assert now.over == bool(now.result) == bool(now.closed)
        before = now
    closed = [
        fact.event
        for fact in scene.world.facts
        if isinstance(fact.event, DecisionEvent) and fact.event.action is DecisionAction.CLOSED
    ]
    assert len(closed) == before.over


def act(scene: Scene, decision: Decision, step: tuple[str, Actor, str]) -> None:
    what, by, word = step
    match what:
        case "answer":
            scene.answer(by, decision, word)
        case "say":
            scene.say(by, f"VOTE: {word}")
        case "close":
            scene.world.do(
                decision_handlers.close_decision, by, CloseDecision(decision=decision.id, cancel=word == "cancel")
            )
        case "wait":
            rule_context = scene.world.rule_context
            facts, _ = decision_rules.process_due_decision(
                scene.world.state, decision.id, rule_context.at(rule_context.now + int(word))
            )
            scene.world.commit(*facts)
