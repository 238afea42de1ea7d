"""Messages that the loop guard holds back are taken back like any others: `continue` then delivers none of them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gateway.access.permissions import Actor
from gateway.agent_control import delivery_rules
from gateway.message_effects import loop_hold_release
from gateway.model.rule_outcome import EventToCommit
from gateway.protocol.errors import Conflict
from gateway.protocol.events import Message
from gateway.protocol.requests.agent_requests import Continue
from gateway.protocol.requests.message_requests import Cancel, Send
from gateway.protocol.results import Continued
from gateway.protocol.types.core_types import Delivery, Rung
from gateway.protocol.types.loop_limits import Limits
from gateway.rooms import messages
from gateway.rooms.message_replacement import MessageDeliveries, replace_message
from tests.support.world import World

ONE_MESSAGE_FOR_A_PAIR = Limits(0, 1, 0, 0, 0)


class Held:
    """ada's second message to ben and cleo: held back from ben, because the pair has spoken, and on its way to cleo if
    `partly`."""

    def __init__(self, *, partly: bool) -> None:
        self.world = World()
        self.world.state.chains.limits = ONE_MESSAGE_FOR_A_PAIR
        self.alice = self.world.person("alice")
        self.ada, *_ = [self.world.member(name) for name in ("ada", "ben", "cleo")]
        self.world.say(messages.post_message, self.ada, "begin", to="@ben")
        to = "@ben @cleo" if partly else "@ben"
        self.message, accepted = self.world.say(messages.post_message, self.ada, "look at a", to=to)
        assert accepted.asleep == ("ben",)

    def deliveries(self, message: Message) -> Sequence[Delivery]:
        known = self.world.state.latest_deliveries.values()
        held = loop_hold_release.held_recipients(self.world.state, message)
        return [*(one for one in known if one.message == message.seq), *held]

    def replace(self, actor: Actor, request: Send) -> Message:
        earlier = MessageDeliveries(self.message, self.deliveries(self.message))
        outcome = replace_message(self.world.state, actor, request, earlier, self.world.rule_context)
        self.world.commit(*outcome.events)
        new = outcome.events[0].event
        assert isinstance(new, Message)
        return new

    def cancel(self, request: Cancel) -> None:
        deliveries = self.deliveries(self.message)
        outcome = delivery_rules.cancel_message(self.ada, request, self.message, deliveries, self.world.rule_context)
        events: tuple[EventToCommit, ...] = loop_hold_release.drop_taken_back(
            self.world.state, self.message, outcome.events
        )
        self.world.commit(*events)

    def woken(self) -> list[tuple[int, str]]:
        result = self.world.do(loop_hold_release.lift_holds, self.alice, Continue()).result
        assert isinstance(result, Continued)
        return [(one.message, one.member) for one in result.woken]


@pytest.mark.parametrize("partly", [False, True])
def test_only_the_new_message_is_delivered(partly: bool) -> None:
    held = Held(partly=partly)
    new = held.replace(held.ada, Send(content="look at b", to=held.message.to, replaces=held.message.seq))
    assert {one.rung for one in held.deliveries(held.message)} == {Rung.CANCELLED}
    names = ["ben", "cleo"] if partly else ["ben"]
    assert held.woken() == [(new.seq, one) for one in names], "it is held in turn, and the old one no longer"


def test_what_the_guard_held_can_be_replaced_for_somebody_else() -> None:
    held = Held(partly=False)
    new = held.replace(held.ada, Send(content="look at b", to="@cleo", replaces=held.message.seq))
    assert new.deliveries == ("cleo",)
    assert held.woken() == []


def test_what_was_delivered_meanwhile_is_not_held_any_more() -> None:
    held = Held(partly=False)
    assert held.woken() == [(held.message.seq, "ben")]
    held.replace(held.ada, Send(content="look at b", to="@ben", replaces=held.message.seq))
    with pytest.raises(Conflict, match="ben: cancelled"):
        held.replace(held.ada, Send(content="look at c", to="@ben", replaces=held.message.seq))


def test_a_message_that_waits_nowhere_cannot_be_replaced() -> None:
    held = Held(partly=False)
    held.world.state.loop_holds.clear()
    with pytest.raises(Conflict, match="No agent waits"):
        held.replace(held.ada, Send(content="look at b", to="@ben", replaces=held.message.seq))


@pytest.mark.parametrize(("member", "left"), [(None, []), ("ben", []), ("cleo", ["ben"])])
def test_what_was_cancelled_is_not_delivered_by_continue(member: str | None, left: list[str]) -> None:
    held = Held(partly=True)
    held.cancel(Cancel(message=held.message.seq, member=member))
    assert held.woken() == [(held.message.seq, name) for name in left]
