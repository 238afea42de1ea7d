"""What a floor does, written down: its effects as messages and events, the floor itself as a document. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.agent_control import agent_orders, delivery_updates
from gateway.mode_rules import votes
from gateway.model.delivery_states import WAITING
from gateway.model.log_events import Change, Clerk, Fact
from gateway.model.recent_messages import Head
from gateway.model.state import House
from gateway.model.system_messages import Draft, brought, message, notice
from gateway.protocol.events import ControlAction, RoomAction, RoomEvent
from gateway.protocol.types import SYSTEM, MessageKind, Rung, Step
from gateway.turns import prompts
from gateway.turns.engine import Count, Floor, Poll, Prompt, Say, handle, prompted, replace
from gateway.turns.engine import Fact as Told
from gateway.turns.engine import Step as Moved
from gateway.turns.view import label, view_of


def moved(  # noqa: PLR0913 - what happened, where, and by whom
    house: House, room: str, told: Told, clerk: Clerk, by: str, *, note: str = "", news: Sequence[Fact] = ()
) -> tuple[Fact, ...]:
    """`news` is what is written down just before this: votes that stand in the message."""
    was = house.floor(room)
    before = votes.with_ballot(house, was, news)
    step = handle(before, told, clerk.now)
    if step.floor in (was, before) and not step.effects:
        return ()
    passed = step.floor.speaker != before.speaker or step.floor.prompts[:1] != before.prompts[:1]
    late = withdrawn(house, room, before, clerk) if passed else ()
    return (*late, *written(house, room, before, step, clerk, by, note=note, news=news))


def written(  # noqa: PLR0913, PLR0917 - what happened, where, and by whom
    house: House,
    room: str,
    before: Floor,
    step: Moved,
    clerk: Clerk,
    by: str,
    *,
    note: str = "",
    news: Sequence[Fact] = (),
) -> tuple[Fact, ...]:
    """What is said and decided first, in its order; the event carries the floor as it is after all of it."""
    floor, facts = step.floor, list[Fact]()
    decision = votes.decision_of(house, before, news)
    if decision is not None and Count() not in step.effects and floor.decision != decision.id:
        facts += votes.dropped(decision, house, clerk)
    for effect in step.effects:
        match effect:
            case Say(text):
                facts.append(line(house, room, text, clerk))
            case Count():
                facts += votes.counted(decision, house, clerk)
            case Poll():
                id_, opened = votes.opened(house, room, floor, effect, clerk)
                floor = replace(floor, decision=id_)
                facts += opened
            case Prompt():
                fact = brought(_prompt(room, floor, clerk), readers(house, room))
                floor = prompted(floor, fact.event.seq)
                facts.append(fact)
    facts.append(_event(room, before, floor, clerk, by, note=note))
    return tuple(facts)


def line(house: House, room: str, text: str, clerk: Clerk) -> Fact:
    """What the gateway says of a mode. It wakes nobody, and is read in their inboxes by those who only poll."""
    return brought(notice(room, text, clerk), readers(house, room))


def readers(house: House, room: str) -> tuple[str, ...]:
    """The members that the team token made: simple clients know of a mode only what they read."""
    return tuple(name for name in house.inboxes(room) if house.members[name].by_team)


def _event(room: str, before: Floor, floor: Floor, clerk: Clerk, by: str, *, note: str) -> Fact:  # noqa: PLR0913
    action = RoomAction.MODE if before.name != floor.name or before.topic != floor.topic else RoomAction.TURN
    event = RoomEvent(
        clerk.seq(), room, action, by, clerk.stamp, floor.speaker or None, note or label(floor), view_of(floor)
    )
    return Fact(event, changes=(Change("floor", room, floor),))


def _prompt(room: str, floor: Floor, clerk: Clerk) -> Fact:
    draft = Draft(room, prompts.prompt(floor), kind=MessageKind.TASK, wakes=(floor.speaker,))
    return message(draft, clerk)


def withdrawn(house: House, room: str, floor: Floor, clerk: Clerk) -> tuple[Fact, ...]:
    """A turn that has passed on must not be typed later."""
    facts: list[Fact] = []
    for seq in floor.prompts:
        ladder = house.ladders.get((seq, floor.speaker))
        if ladder is not None and ladder.rung in WAITING:
            step = Step(Rung.CANCELLED, clerk.stamp, "the turn has passed on")
            facts.append(delivery_updates.moved(Head(room, SYSTEM), ladder, (step,), clerk))
            facts.append(agent_orders.told(ControlAction.CANCEL, floor.speaker, seq, clerk))
    return tuple(facts)


def after(facts: Sequence[Fact]) -> Floor | None:
    found = [one.value for fact in facts for one in fact.changes if isinstance(one.value, Floor)]
    return found[-1] if found else None
