"""Turns the effects of the turn engine into messages and events, and stores the floor as a document. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.agent_control import agent_orders, delivery_rules
from gateway.mode_rules import mode_votes
from gateway.model.deliveries.delivery_states import WAITING_RUNGS
from gateway.model.deliveries.recent_messages import MessageHeader
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, StateChange
from gateway.model.state import GatewayState
from gateway.model.system_messages import MessageDraft, deliver_notice_to, message, room_notice
from gateway.protocol.events import ControlAction, RoomAction, RoomEvent
from gateway.protocol.types.core_types import SYSTEM_NAME, MessageKind, Rung, Step
from gateway.turns import prompts
from gateway.turns.engine import (
    Announce,
    CloseVote,
    Floor,
    OpenVote,
    PromptSpeaker,
    TurnEvent,
    TurnStep,
    apply_event,
    record_prompt,
    replace,
)
from gateway.turns.floor_view import floor_label, floor_view_of


def turn_events(  # noqa: PLR0913 - what happened, where, and by whom
    state: GatewayState,
    room: str,
    told: TurnEvent,
    rule_context: RuleContext,
    by: str,
    *,
    note: str = "",
    news: Sequence[EventToCommit] = (),
) -> tuple[EventToCommit, ...]:
    """`news` are the events just before this, with the votes that the message contains."""
    was = state.floor(room)
    before = mode_votes.refresh_vote(state, was, news)
    step = apply_event(before, told, rule_context.now)
    if step.floor in (was, before) and not step.effects:
        return ()
    passed = step.floor.speaker != before.speaker or step.floor.prompts[:1] != before.prompts[:1]
    late = withdraw_prompts(state, room, before, rule_context) if passed else ()
    return (*late, *effect_events(state, room, before, step, rule_context, by, note=note, news=news))


def effect_events(  # noqa: PLR0913, PLR0917 - what happened, where, and by whom
    state: GatewayState,
    room: str,
    before: Floor,
    step: TurnStep,
    rule_context: RuleContext,
    by: str,
    *,
    note: str = "",
    news: Sequence[EventToCommit] = (),
) -> tuple[EventToCommit, ...]:
    """The messages and decisions in order, then the event with the floor as it is after all of them."""
    floor, facts = step.floor, list[EventToCommit]()
    decision = mode_votes.decision_of(state, before, news)
    if decision is not None and CloseVote() not in step.effects and floor.decision != decision.id:
        facts += mode_votes.cancel_vote(decision, state, rule_context)
    for effect in step.effects:
        match effect:
            case Announce(text):
                facts.append(mode_notice(state, room, text, rule_context))
            case CloseVote():
                facts += mode_votes.count_vote(decision, state, rule_context)
            case OpenVote():
                id_, opened = mode_votes.open_vote(state, room, floor, effect, rule_context)
                floor = replace(floor, decision=id_)
                facts += opened
            case PromptSpeaker():
                fact = deliver_notice_to(_prompt_event(room, floor, rule_context), polling_readers(state, room))
                floor = record_prompt(floor, fact.event.seq)
                facts.append(fact)
    facts.append(_floor_event(room, before, floor, rule_context, by, note=note))
    return tuple(facts)


def mode_notice(state: GatewayState, room: str, text: str, rule_context: RuleContext) -> EventToCommit:
    """A notice of the gateway about a mode. It wakes no agent; polling clients read it in their inboxes."""
    return deliver_notice_to(room_notice(room, text, rule_context), polling_readers(state, room))


def polling_readers(state: GatewayState, room: str) -> tuple[str, ...]:
    """The members created by the team token: such simple clients learn about a mode only from messages."""
    return tuple(name for name in state.inboxes(room) if state.members[name].by_team)


def _floor_event(  # noqa: PLR0913 - what happened, where, and by whom
    room: str, before: Floor, floor: Floor, rule_context: RuleContext, by: str, *, note: str
) -> EventToCommit:
    action = RoomAction.MODE if before.name != floor.name or before.topic != floor.topic else RoomAction.TURN
    event = RoomEvent(
        rule_context.seq(),
        room,
        action,
        by,
        rule_context.stamp,
        floor.speaker or None,
        note or floor_label(floor),
        floor_view_of(floor),
    )
    return EventToCommit(event, changes=(StateChange("floor", room, floor),))


def _prompt_event(room: str, floor: Floor, rule_context: RuleContext) -> EventToCommit:
    draft = MessageDraft(room, prompts.prompt_text(floor), kind=MessageKind.TASK, wakes=(floor.speaker,))
    return message(draft, rule_context)


def withdraw_prompts(
    state: GatewayState, room: str, floor: Floor, rule_context: RuleContext
) -> tuple[EventToCommit, ...]:
    """Cancel the prompts of a turn that has passed on, so that they are not typed later."""
    facts: list[EventToCommit] = []
    for seq in floor.prompts:
        delivery = state.latest_deliveries.get((seq, floor.speaker))
        if delivery is not None and delivery.rung in WAITING_RUNGS:
            step = Step(Rung.CANCELLED, rule_context.stamp, "the turn has passed on")
            facts.append(
                delivery_rules.move_delivery(MessageHeader(room, SYSTEM_NAME), delivery, (step,), rule_context)
            )
            facts.append(agent_orders.order_about_message(ControlAction.CANCEL, floor.speaker, seq, rule_context))
    return tuple(facts)


def floor_after(facts: Sequence[EventToCommit]) -> Floor | None:
    found = [one.value for fact in facts for one in fact.changes if isinstance(one.value, Floor)]
    return found[-1] if found else None
