"""How deliveries move: reports, cancelling, retrying, handing over, expiring; and who may read about it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from gateway.access.permissions import Actor
from gateway.agent_control import delivery_rules
from gateway.agent_control.delivery_rules import MessageDelivery
from gateway.model.rule_outcome import RuleOutcome
from gateway.protocol.errors import BadRequest, Conflict, Forbidden, GroupChatError, UnknownMessage, WrongRung
from gateway.protocol.events import Message, Receipt
from gateway.protocol.requests.message_requests import Cancel, Report, Retry
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import TAKEN_BY_ITSELF, Delivery, MemberKind, MessageKind, Rung, Scope, Step
from tests.support.world import STAMP, World, delivery, message

ALICE = Actor("alice", MemberKind.HUMAN)
BOB = Actor("bob", MemberKind.HUMAN)
CLAUDE = Actor("claude", MemberKind.AGENT)
GEMINI = Actor("gemini", MemberKind.AGENT)
OBSERVER = Actor("eve", MemberKind.TOOL, frozenset({Scope.OBSERVER}))
TEAM = Actor("human", MemberKind.HUMAN, team=True)


@pytest.fixture
def world() -> World:
    world = World()
    for name in ("alice", "bob"):
        world.person(name)
    for name in ("claude", "gemini"):
        world.member(name)
    world.room("lab", "alice", "claude", invite_only=True)
    return world


def report(world: World, current: Delivery | None, *steps: Step, expected: str | None = None) -> RuleOutcome:
    request = Report(message=7, steps=steps, expected=expected)
    return delivery_rules.report_steps(
        world.state, CLAUDE, request, MessageDelivery(message(), current), world.rule_context
    )


def test_a_report_moves_the_delivery_and_is_seen_by_both_ends(world: World) -> None:
    outcome = report(
        world, delivery(Rung.QUEUED), Step(Rung.TYPED, "2026-11-21T10:00:01Z"), Step(Rung.VERIFIED, reason="exact")
    )
    (fact,) = outcome.events
    assert isinstance(fact.event, Receipt)
    assert (fact.event.message, fact.event.member, fact.event.room) == (7, "claude", "general")
    assert fact.event.steps == (Step(Rung.TYPED, "2026-11-21T10:00:01Z"), Step(Rung.VERIFIED, STAMP, "exact")), (
        "stamped where it was not"
    )
    assert fact.ends == ("alice", "claude")
    assert fact.deliveries == (Delivery(7, "claude", Rung.VERIFIED, "exact", STAMP),)
    assert outcome.result == Done(fact.event.seq)


def test_a_report_made_twice_counts_once(world: World) -> None:
    assert report(world, delivery(Rung.TYPED), Step(Rung.TYPED)) == RuleOutcome(Done())


REFUSED_REPORTS: list[tuple[Delivery | None, tuple[Step, ...], str | None, type[GroupChatError]]] = [
    (None, (Step(Rung.TYPED),), None, UnknownMessage),
    (delivery(Rung.QUEUED), (Step(Rung.TYPED),), "held", WrongRung),
    (delivery(Rung.QUEUED), (Step(Rung.TYPED),), "nonsense", WrongRung),
    (delivery(Rung.SEEN), (Step(Rung.TYPED),), None, WrongRung),
    (delivery(Rung.CANCELLED), (Step(Rung.TYPED),), None, WrongRung),
    # retrying is a person's decision
    (delivery(Rung.FAILED), (Step(Rung.QUEUED),), None, BadRequest),
    (delivery(Rung.FAILED), (Step(Rung.QUEUED), Step(Rung.TYPED)), None, BadRequest),
]


@pytest.mark.parametrize(("current", "steps", "expected", "error"), REFUSED_REPORTS)
def test_a_report_that_cannot_be(
    world: World, current: Delivery | None, steps: tuple[Step, ...], expected: str | None, error: type[GroupChatError]
) -> None:
    with pytest.raises(error) as caught:
        report(world, current, *steps, expected=expected)
    assert type(caught.value) is error
    assert world.rule_context.last_seq == 0


# taking back


def test_the_sender_takes_a_message_back_from_those_who_have_not_begun(world: World) -> None:
    ladders = [delivery(Rung.QUEUED), delivery(Rung.HELD, member="codex"), delivery(Rung.TYPED, member="gemini")]
    outcome = delivery_rules.cancel_message(ALICE, Cancel(message=7), message(), ladders, world.rule_context)
    assert [one.member for fact in outcome.events for one in fact.deliveries] == ["claude", "codex"]
    assert {one.rung for fact in outcome.events for one in fact.deliveries} == {Rung.CANCELLED}
    assert [fact.ends for fact in outcome.events] == [("alice", "claude"), ("alice", "codex")]
    assert outcome.events[0].deliveries[0].reason == "cancelled by alice"


def test_from_one_of_them(world: World) -> None:
    ladders = [delivery(Rung.QUEUED), delivery(Rung.QUEUED, member="gemini")]
    outcome = delivery_rules.cancel_message(
        ALICE, Cancel(message=7, member="gemini"), message(), ladders, world.rule_context
    )
    assert [one.member for fact in outcome.events for one in fact.deliveries] == ["gemini"]


@pytest.mark.parametrize("rung", [rung for rung in Rung if rung not in (Rung.QUEUED, Rung.HELD)])
def test_what_has_begun_cannot_be_taken_back(world: World, rung: Rung) -> None:
    with pytest.raises(Conflict, match=f"claude: {rung}"):
        delivery_rules.cancel_message(ALICE, Cancel(message=7), message(), [delivery(rung)], world.rule_context)


@pytest.mark.parametrize(("who", "may"), [(ALICE, True), (BOB, True), (CLAUDE, False), (TEAM, False)])
def test_who_may_take_back_what_alice_said(world: World, who: Actor, may: bool) -> None:
    ladders = [delivery(Rung.QUEUED)]
    if may:
        assert delivery_rules.cancel_message(who, Cancel(message=7), message(), ladders, world.rule_context).events
    else:
        with pytest.raises(Forbidden):
            delivery_rules.cancel_message(who, Cancel(message=7), message(), ladders, world.rule_context)


# trying again


@pytest.mark.parametrize("rung", Rung)
def test_only_what_ended_badly_is_tried_again(world: World, rung: Rung) -> None:
    request, standing = Retry(message=7, member="claude"), MessageDelivery(message(), delivery(rung))
    if rung in (Rung.FAILED, Rung.EXPIRED, Rung.CANCELLED):
        (fact,) = delivery_rules.retry_delivery(ALICE, request, standing, world.rule_context).events
        assert fact.deliveries == (delivery(Rung.QUEUED, reason="retried by alice"),)
    else:
        with pytest.raises(Conflict, match=rung):
            delivery_rules.retry_delivery(ALICE, request, standing, world.rule_context)


def test_a_retry_takes_a_person_and_a_delivery(world: World) -> None:
    request = Retry(message=7, member="claude")
    with pytest.raises(Forbidden):
        delivery_rules.retry_delivery(
            CLAUDE, request, MessageDelivery(message(), delivery(Rung.FAILED)), world.rule_context
        )
    with pytest.raises(UnknownMessage):
        delivery_rules.retry_delivery(ALICE, request, MessageDelivery(message(), None), world.rule_context)


# handing over, expiring


@pytest.mark.parametrize("rung", Rung)
def test_what_nobody_types_can_be_handed_over(world: World, rung: Rung) -> None:
    fact = delivery_rules.hand_over_delivery(message(), delivery(rung), world.rule_context, TAKEN_BY_ITSELF)
    assert (fact is not None) is (rung in (Rung.QUEUED, Rung.HELD))
    if fact is not None:
        assert fact.deliveries == (delivery(Rung.ACCEPTED, reason=TAKEN_BY_ITSELF),)


@pytest.mark.parametrize("rung", [Rung.HELD, Rung.TYPED, Rung.SEEN, Rung.ANSWERED, Rung.FAILED])
def test_no_sidecar_brings_back_what_was_taken(world: World, rung: Rung) -> None:
    taken = delivery(Rung.ACCEPTED, reason=TAKEN_BY_ITSELF)
    request = Report(message=7, steps=(Step(rung, reason="busy"),))
    if rung in (Rung.HELD, Rung.TYPED):
        with pytest.raises(WrongRung, match="taken message"):
            delivery_rules.report_steps(
                world.state, CLAUDE, request, MessageDelivery(message(), taken), world.rule_context
            )
    else:
        assert delivery_rules.report_steps(
            world.state, CLAUDE, request, MessageDelivery(message(), taken), world.rule_context
        ).events


@pytest.mark.parametrize("rung", Rung)
def test_only_what_waits_expires(world: World, rung: Rung) -> None:
    fact = delivery_rules.expire_delivery(message(), delivery(rung), world.rule_context)
    assert (fact is not None) is (rung in (Rung.QUEUED, Rung.HELD))
    if fact is not None:
        assert fact.deliveries[0].rung is Rung.EXPIRED
        assert STAMP in fact.deliveries[0].reason


# reading

PUBLIC, DIRECT = message(to=(), deliveries=("claude",)), message(to=("claude",))
IN_LAB = message(to=(), deliveries=("claude",), room="lab")
DIRECT_IN_LAB = message(to=("claude",), room="lab")

READERS: list[tuple[Actor, Message, bool, bool]] = [
    # who, what, may read it, may read its story
    (ALICE, PUBLIC, True, True),
    (CLAUDE, PUBLIC, True, True),
    (BOB, PUBLIC, True, False),
    (OBSERVER, PUBLIC, True, True),
    (ALICE, DIRECT, True, True),
    (CLAUDE, DIRECT, True, True),
    (BOB, DIRECT, False, False),
    (GEMINI, DIRECT, False, False),
    (OBSERVER, DIRECT, True, True),
    (TEAM, DIRECT, True, True),
    (ALICE, IN_LAB, True, True),
    (CLAUDE, IN_LAB, True, True),
    (BOB, IN_LAB, False, False),
    (OBSERVER, IN_LAB, True, True),
    (CLAUDE, DIRECT_IN_LAB, True, True),
    (BOB, DIRECT_IN_LAB, False, False),
]


FOLLOWERS: list[tuple[Actor, str, bool]] = [
    (ALICE, "claude", True),
    (ALICE, "gemini", True),
    (CLAUDE, "claude", True),
    (CLAUDE, "gemini", False),
    (BOB, "claude", False),
    (OBSERVER, "gemini", True),
]


@pytest.mark.parametrize(("who", "member", "may"), FOLLOWERS)
def test_a_recipient_follows_its_own_delivery_and_no_other(who: Actor, member: str, may: bool) -> None:
    assert delivery_rules.may_follow(who, message(to=("claude", "gemini")), member) is may


@pytest.mark.parametrize(("who", "what", "reads", "story"), READERS)
def test_who_may_read_a_message_and_its_story(
    world: World, who: Actor, what: Message, reads: bool, story: bool
) -> None:
    assert delivery_rules.may_read_message(world.state, who, what) is reads
    if not reads:
        with pytest.raises(UnknownMessage, match="There is no message 7"):
            delivery_rules.check_may_read(world.state, who, what)
    if story:
        delivery_rules.check_sender_or_observer(who, what)
    else:
        with pytest.raises(Forbidden):
            delivery_rules.check_sender_or_observer(who, what)


ACKS = {
    "taken": (Rung.SUBMITTED, Rung.ACCEPTED, True),
    "answered at once": (Rung.TYPED, Rung.ANSWERED, True),
    "typed": (Rung.QUEUED, Rung.TYPED, False),
    "held": (Rung.QUEUED, Rung.HELD, False),
    "failed": (Rung.SUBMITTED, Rung.FAILED, False),
    "taken before": (Rung.ACCEPTED, Rung.ANSWERED, False),
}


@pytest.mark.parametrize(("before", "after", "acknowledged"), ACKS.values(), ids=ACKS)
def test_who_takes_a_message_over_acknowledges_it_where_that_is_wanted(
    world: World, before: Rung, after: Rung, acknowledged: bool
) -> None:
    for wanted in (True, False):
        said = replace(message(), ack_wanted=wanted)
        request = Report(message=7, steps=(Step(after),))
        outcome = delivery_rules.report_steps(
            world.state, CLAUDE, request, MessageDelivery(said, delivery(before)), world.rule_context
        )
        acks = [fact for fact in outcome.events if isinstance(fact.event, Message)]
        assert len(acks) == (acknowledged and wanted)
        for fact in acks:
            assert isinstance(fact.event, Message)
            assert (fact.event.from_, fact.event.to, fact.event.recipients) == ("claude", ("@alice",), ("alice",))
            assert (fact.event.kind, fact.event.reply_to, fact.event.content) == ("ack", 7, "Acknowledged message 7.")
            assert (fact.ends, fact.event.deliveries, fact.deliveries) == (("claude", "alice"), (), ())
            assert outcome.result == Done(outcome.events[0].event.seq)


@pytest.mark.parametrize(("sender", "kind"), [("system", "chat"), ("claude", "chat"), ("alice", "ack")])
def test_what_the_gateway_says_and_an_ack_are_never_acknowledged(world: World, sender: str, kind: str) -> None:
    said = replace(message(), ack_wanted=True, from_=sender, kind=MessageKind(kind))
    request = Report(message=7, steps=(Step(Rung.ACCEPTED),))
    outcome = delivery_rules.report_steps(
        world.state, CLAUDE, request, MessageDelivery(said, delivery(Rung.TYPED)), world.rule_context
    )
    assert len(outcome.events) == 1
